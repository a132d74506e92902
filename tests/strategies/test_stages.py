"""Stages of the strategies, run in this process on real digits: what they write, from the weights to the decisions."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ddlab.aggregators import average, majority
from ddlab.data.cache import load
from ddlab.experiment import Experiment
from ddlab.models.build import build
from ddlab.problem import pose
from ddlab.ranks import Ranks
from ddlab.registry.strategies import COMPARED_BY_KLAWONN, STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies import checkpoints, phases
from ddlab.strategies.cnn_dnn import dnn
from ddlab.strategies.execute import execute
from ddlab.strategies.local import _cohorts, _feed, _mine, local_stage
from ddlab.strategies.stage import StageContext, Task, plan, shard, strategy_stages
from ddlab.training.loop import Stopped
from ddlab.training.trainee import PARTS
from tests.made_run import made_experiment

EMPTY: dict = dict.fromkeys(PARTS, {})  # a checkpoint of a network that has learned nothing
SETTINGS = {
    "strategies": list(COMPARED_BY_KLAWONN),
    "dataset.name": "digits",
    "dataset.size": 16,
    "dataset.train_images": 300,
    "dataset.validation_images": 100,
    "model.width": 0.5,
    "training.epochs": 2,
    "training.batch_size": 50,
    "placement.checkpoint_overhead": 1.0,  # after every epoch, however fast the machine is
    "aggregator.epochs": 3,
    "transfer.epochs": 2,
    "layerwise.micro_batches": 5,
    "gabra.micro_batches": 5,
    "decomposition.overlap": 2,
    "decomposition.grid": [2, 2],
}


def run_of(**changes) -> tuple[RunFolder, list[dict]]:
    """A run of an experiment, executed in this process, and its records."""
    records: list[dict] = []
    run = RunFolder.create(Experiment().with_settings({**SETTINGS, **changes}))
    execute(run, Ranks(), records.append, lambda: None)
    return run, records


@pytest.fixture(scope="module")
def finished(home):
    return run_of(**{"aggregator.folds": 3})


def test_all_stages_are_done_once_and_in_order(finished):
    run, records = finished
    stages = list(dict.fromkeys(record["stage"] for record in records))
    assert stages == ["global", "local", "local_folds", "cnn_dnn", "coherent", "transfer"]
    assert all(run.stage(stage.name, 0).done for stage in plan(pose(run.experiment)))
    again: list[dict] = []
    execute(run, Ranks(), again.append, lambda: None)
    assert again == []


def test_predictions_follow_from_the_weights_that_were_kept(finished):
    """Load each network from its file, show it the subimages, and find the probabilities that the run wrote."""
    run, _ = finished
    problem, dataset = pose(run.experiment), load(run.experiment.dataset)
    images = torch.tensor(np.asarray(dataset.validation.images)).float() / 255
    images = (images - torch.tensor(dataset.mean)[:, None, None]) / torch.tensor(dataset.std)[:, None, None]
    written = run.stage("local", 0).predictions()["validation"]
    for index, (network, box) in enumerate(zip(problem.local_networks, problem.decomposition, strict=True)):
        module = build(network).eval()
        module.load_state_dict(load_file(run.stage("local", 0).weights(f"subdomain{index}-best")))
        with torch.no_grad():
            probabilities = module(images[box.slices]).softmax(1).numpy()
        np.testing.assert_allclose(written[:, index], probabilities, atol=2e-6)


def test_decisions_follow_from_the_local_probabilities(finished):
    run, _ = finished
    labels = np.asarray(load(run.experiment.dataset).validation.labels)
    local = run.stage("local", 0).predictions()["validation"]
    expected = {"average": average(local).argmax(1), "majority": majority(local).decisions_M}
    for strategy, decisions in expected.items():
        stage = run.stage(strategy, 0)
        assert stage.predictions()["validation_decisions"].tolist() == decisions.tolist()
        assert stage.result()["validation_accuracy"] == pytest.approx((decisions == labels).mean())


def test_the_dnn_learned_from_folds_it_has_not_seen(finished):
    run, _ = finished
    folds, local = run.stage("local_folds", 0).predictions()["train"], run.stage("local", 0).predictions()["train"]
    assert folds.shape == local.shape
    assert not np.allclose(folds, local)
    np.testing.assert_allclose(folds.sum(2), 1, atol=1e-5)


def test_records_of_folds_are_told_apart(finished):
    run, records = finished
    of_folds = [record for record in records if record["stage"] == "local_folds"]
    told = {(record["fold"], record["subdomain"], record["epoch"]) for record in of_folds}
    assert len(told) == len(of_folds) == 3 * 4 * 2 and {record["folds"] for record in of_folds} == {3}


def test_attributions_add_up_to_what_they_explain(finished):
    """Completeness: they sum to the decided class's log-probability less that at the baseline 1/K."""
    run, _ = finished
    problem = pose(run.experiment)
    network = dnn(problem)
    module = build(network).eval()
    module.load_state_dict(load_file(run.stage("cnn_dnn", 0).weights("dnn-best")))
    written = run.stage("cnn_dnn", 0).predictions()
    local = torch.from_numpy(run.stage("local", 0).predictions()["validation"]).flatten(1)
    with torch.no_grad():
        scores = module(local).log_softmax(1)
        baseline = module(torch.full((1, network.input[0]), 1 / 10)).log_softmax(1)[0]
    decisions = written["validation_decisions"]
    explained = scores[torch.arange(len(scores)), decisions] - baseline[decisions]
    np.testing.assert_allclose(written["validation_attributions"].sum((1, 2)), explained, atol=0.05)


def test_results_hold_what_the_tables_need(finished):
    run, _ = finished
    problem = pose(run.experiment)
    local = sum(network.parameters() for network in problem.local_networks)
    results = {result["stage"]: result for result in run.results()}
    assert results["global"]["parameters"] == problem.global_network.parameters()
    assert results["average"]["parameters"] == results["majority"]["parameters"] == local
    for strategy in ("cnn_dnn", "coherent", "transfer"):
        assert results[strategy]["parameters"] == local + dnn(problem).parameters()
    assert [network["subdomain"] for network in results["local"]["networks"]] == [0, 1, 2, 3]
    for strategy in COMPARED_BY_KLAWONN:
        assert 0 <= results[strategy]["validation_accuracy"] <= 1
        assert results[strategy]["last_validation_accuracy"] is not None


def test_clipped_borders_make_several_banks(home):
    """A 4×1 grid with overlap has two shapes of subimages: those inside are larger."""
    settings = {"decomposition.grid": [4, 1], "decomposition.overlap": 2, "strategies": ["average"]}
    run, records = run_of(**settings)
    shapes = {network.input for network in pose(run.experiment).local_networks}
    assert len(shapes) == 2
    assert run.stage("local", 0).predictions()["train"].shape == (300, 4, 10)
    assert {record["subdomain"] for record in records} == {0, 1, 2, 3}


def stop_at(epoch: int, records: list[dict]):
    """A check that ends training in the epoch after this one."""

    def check() -> None:
        if any(record["epoch"] >= epoch for record in records):
            raise Stopped

    return check


def interrupted_at(epoch: int, experiment: Experiment) -> RunFolder:
    """A run that was stopped after this epoch of its first stage."""
    run, records = RunFolder.create(experiment), []
    with pytest.raises(Stopped):
        execute(run, Ranks(), records.append, stop_at(epoch, records))
    return run


def local_context(run: RunFolder) -> StageContext:
    problem, folder = pose(run.experiment), run.stage("local", 0)
    needed, nothing = (lambda name: run.stage(name, 0)), (lambda *_: None)
    dataset = load(run.experiment.dataset)
    return StageContext(problem, dataset, local_stage(problem), 0, folder, needed, Ranks(), nothing, nothing)


def test_bank_with_a_network_that_stopped_early_resumes_bit_for_bit(home):
    settings = {"training.early_stopping": 1, "training.epochs": 9, "training.learning_rate": 0.02}
    settings |= {"training.warm_up": 0}  # slow first steps would let all of them stop together
    whole, records = run_of(**settings, **{"model.dropout": 0.3, "strategies": ["average"]})
    epochs = [network["epochs"] for network in whole.stage("local", 0).result()["networks"]]
    assert min(epochs) + 1 < max(epochs), "some network must stop well before another one"
    run = interrupted_at(min(epochs) + 1, whole.experiment)
    execute(run, Ranks(), records.append, lambda: None)
    for path in whole.stage("local", 0).path.glob("weights-*"):
        assert path.read_bytes() == (run.stage("local", 0).path / path.name).read_bytes(), path.name


def test_finished_networks_stay_with_those_of_their_own_shape(home):
    """Two shapes in a 4×1 grid: the outer bank is half done, the inner one has not begun."""
    settings = {**SETTINGS, "decomposition.grid": [4, 1], "strategies": ["average"]}
    context = local_context(RunFolder.create(Experiment().with_settings(settings)))
    progress = [("subdomain0", {"epoch": 1, "finished": True}), ("subdomain3", {"epoch": 5, "finished": False})]
    checkpoints.save_checkpoint(context, "bank", {name: {**EMPTY, "progress": row} for name, row in progress})
    assert [cohort.subdomains for cohort in _cohorts(context, [0, 1, 2, 3], prefix="")] == [(0, 3), (1, 2)]


def test_resume_on_other_ranks_keeps_what_their_banks_do_not_train(home):
    """Rank 0 of two goes on with half of a bank, and is killed with the run before rank 1 has written anything."""
    run = interrupted_at(2, Experiment().with_settings({**SETTINGS, "training.epochs": 4, "strategies": ["average"]}))
    context = local_context(run)
    (half,) = _cohorts(context, [0, 2], prefix="")
    settings = context.problem.experiment.training
    phases.train_cohort(context, half, _feed(context, half), settings, Ranks())
    epochs = {name: state["progress"]["epoch"] for name, state in checkpoints.saved_states(context).items()}
    assert epochs == {"subdomain0": 4, "subdomain1": 2, "subdomain2": 4, "subdomain3": 2}
    assert [cohort.subdomains for cohort in _cohorts(context, [0, 1, 2, 3], prefix="")] == [(0, 1, 2, 3)]


@pytest.mark.parametrize(("damaged", "expected"), [(1, 2), (2, None)])
def test_checkpoints_cut_in_half_are_passed_over(home, damaged, expected):
    run = interrupted_at(3, Experiment().with_settings({**SETTINGS, "training.epochs": 5, "strategies": ["global"]}))
    stage = run.stage("global", 0)
    for path in (stage.checkpoint("global"), stage.checkpoint("global-previous"))[:damaged]:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    saved = checkpoints.saved_states(replace(local_context(run), folder=stage))
    assert [state["progress"]["epoch"] for state in saved.values()] == ([expected] if expected else [])
    execute(run, Ranks(), lambda record: None, lambda: None)
    assert stage.result()["networks"][0]["epochs"] == 5


def test_same_seed_same_run_and_another_seed_another(home):
    first, second = (run_of(**{"strategies": ["average"], "seeds": [3, 4]})[0] for _ in range(2))
    for seed in (3, 4):
        one, other = (run.stage("local", seed).predictions()["validation"] for run in (first, second))
        assert np.array_equal(one, other)
    assert not np.array_equal(
        first.stage("local", 3).predictions()["validation"], first.stage("local", 4).predictions()["validation"]
    )


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_ends_with_the_stage_of_its_name(name):
    *before, last = strategy_stages(pose(Experiment().with_settings({"model.reduction": "1/N"})), name)
    assert last.name == name
    assert set(last.needs) <= {stage.name for stage in before}


def test_strategies_share_their_local_networks():
    names = [stage.name for stage in plan(pose(Experiment()))]
    assert names == ["global", "local", "average", "majority", "cnn_dnn"]


def test_shards_are_balanced_by_cost():
    tasks = tuple(Task(str(cost), cost) for cost in (7, 5, 4, 3, 1))
    shards = shard(tasks, 2)
    assert sorted(index for share in shards for index in share) == list(range(5))
    assert [sum(tasks[index].flops for index in share) for share in shards] == [10, 10]
    assert shard(tasks, 8)[5:] == [[], [], []]


@pytest.mark.parametrize("size", [1, 2, 4, 5, 9, 11])
def test_every_rank_trains_its_networks_of_equal_shape_as_one_bank(size, own_home):
    """Also where networks differ, and where they cannot be divided evenly."""
    asked = made_experiment(decomposition={"grid": [4, 2], "overlap": 2, "border": "clip"})
    problem, run = pose(asked), RunFolder.create(asked)
    (stage,) = [stage for stage in plan(problem) if stage.name == "local"]
    assert len(set(problem.local_networks)) > 1
    found, folder = [], run.stage("local", 0)
    for rank in range(size):
        ranks = Ranks(rank, size)
        context = StageContext(problem, None, stage, 0, folder, run.stage, ranks, lambda record: None, lambda: None)
        own = _mine(context)
        cohorts = _cohorts(context, own, prefix="")
        assert len(cohorts) == len({problem.local_networks[index] for index in own}), "one bank a shape"
        assert all(problem.local_networks[index] == one.network for one in cohorts for index in one.subdomains)
        found += [index for one in cohorts for index in one.subdomains]
    assert sorted(found) == list(range(8))
