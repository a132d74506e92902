"""The coherent model and transfer, run in this process: what they write follows from their weights."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ddlab.data.cache import load
from ddlab.experiment import Experiment, ExperimentError
from ddlab.models.build import build
from ddlab.models.coherent import CoherentModel, Placed
from ddlab.problem import pose
from ddlab.ranks import Ranks
from ddlab.runs import RunFolder, StageFolder
from ddlab.strategies.checkpoints import common_states, save_checkpoint
from ddlab.strategies.cnn_dnn import dnn
from ddlab.strategies.execute import execute
from ddlab.strategies.results import balanced_accuracy
from ddlab.training.batches import GroupedFeed, Sharing
from ddlab.training.loop import Stopped
from ddlab.training.trainee import PARTS

pytestmark = pytest.mark.slow

EMPTY: dict = dict.fromkeys(PARTS, {})  # a checkpoint of a network that has learned nothing
SETTINGS = {
    "strategies": ["coherent", "transfer"],
    "dataset": {"name": "digits", "size": 16, "train_images": 300, "validation_images": 100},
    "model": {"width": 0.5},
    # By accuracy the best epoch is not always the last one: who takes one for the other is found out.
    "training": {"epochs": 3, "batch_size": 50, "monitor": "accuracy", "warm_up": 0},
    "placement": {"checkpoint_overhead": 1.0},  # after every epoch, however fast the machine is
    "aggregator": {"dropout": 0.2},  # which all ranks must draw alike, and a resumed run as if it had never stopped
    "transfer": {"epochs": 4, "start": 2},
    # Two shapes, so two banks, and an order of the subdomains in them that is not its own inverse.
    "decomposition": {"boxes": [[[0, 8], [0, 8]], [[8, 16], [0, 16]], [[0, 8], [0, 16]], [[0, 8], [8, 16]]]},
}


def run_of(check=lambda: None, **changes) -> RunFolder:
    run = RunFolder.create(Experiment.model_validate(SETTINGS).with_settings(changes))
    execute(run, Ranks(), lambda record: None, check)
    return run


@pytest.fixture(scope="module")
def finished(home):
    runs = {outputs: run_of(**{"coherent.outputs": outputs}) for outputs in ("probabilities", "logits")}
    assert all(run.stage("transfer", 0).result()["best_epoch"] < 4 for run in runs.values()), "see SETTINGS"
    assert {row["best_epoch"] for row in runs["logits"].stage("local", 0).result()["networks"]} != {3}, "see SETTINGS"
    return runs


@pytest.mark.parametrize("outputs", ["probabilities", "logits"])
@pytest.mark.parametrize("strategy", ["coherent", "transfer"])
def test_decisions_follow_from_the_weights_that_were_kept(finished, strategy, outputs):
    """Load every network from its file, show it its subimages, and put their outputs through the DNN."""
    run = finished[outputs]
    problem, dataset, stage = pose(run.experiment), load(run.experiment.dataset), run.stage(strategy, 0)
    images = torch.tensor(np.asarray(dataset.validation.images)).float() / 255
    images = (images - torch.tensor(dataset.mean)[:, None, None]) / torch.tensor(dataset.std)[:, None, None]
    said = []
    with torch.no_grad():
        for index, (network, box) in enumerate(zip(problem.local_networks, problem.decomposition, strict=True)):
            module = build(network).eval()
            module.load_state_dict(load_file(stage.weights(f"subdomain{index}-best")))
            said.append(module(images[box.slices]))
        logits = torch.stack(said, 1)
        probabilities = logits.softmax(2)
        decide = build(dnn(problem)).eval()
        decide.load_state_dict(load_file(stage.weights("dnn-best")))
        heard = (probabilities if outputs == "probabilities" else logits).flatten(1)
        scores = decide(heard).softmax(1)
        silence = decide(torch.full_like(heard[:1], 1 / 10 if outputs == "probabilities" else 0)).log_softmax(1)[0]
    written = stage.predictions()
    decided = torch.from_numpy(written["validation_decisions"])
    explained = scores.log()[torch.arange(len(scores)), decided] - silence[decided]
    np.testing.assert_allclose(written["validation_attributions"].sum((1, 2)), explained, atol=0.05)
    np.testing.assert_allclose(written["validation_local"], probabilities, atol=5e-6)
    np.testing.assert_allclose(written["validation"], scores, atol=5e-6)
    labels = np.asarray(dataset.validation.labels)
    assert stage.result()["validation_accuracy"] == pytest.approx((scores.argmax(1).numpy() == labels).mean())


def test_transfer_starts_from_the_epoch_that_was_asked_for(home):
    """With no rate to speak of it stays where it began: at the local networks' second epoch, not their last."""
    run = run_of(**{"transfer.learning_rate": 1e-12, "transfer.epochs": 1, "model.batch_norm": False})
    local, transfer = run.stage("local", 0), run.stage("transfer", 0)
    for index in range(4):
        began = load_file(local.weights(f"subdomain{index}-epoch2"))
        went_on = load_file(local.weights(f"subdomain{index}-last"))
        for name, value in load_file(transfer.weights(f"subdomain{index}-last")).items():
            torch.testing.assert_close(value, began[name], rtol=0, atol=1e-8)
            assert not torch.allclose(value, went_on[name], atol=1e-5)


def test_transfer_starts_from_weights_of_double_precision(home):
    """Rounded to single precision on the way, a start would cost what float64 is chosen for."""
    one_step = {"training.precision": "float64", "transfer.learning_rate": 1e-16, "transfer.epochs": 1}
    run = run_of(**one_step, **{"training.epochs": 2, "model.batch_norm": False})
    began = load_file(run.stage("local", 0).weights("subdomain1-epoch2"))
    for name, value in load_file(run.stage("transfer", 0).weights("subdomain1-last")).items():
        torch.testing.assert_close(value, began[name], rtol=0, atol=1e-14)


def test_epoch_of_a_longer_training_is_a_shorter_training(home):
    """So one local stage serves all strategies, and transfer has had as many epochs in all as the others."""
    long, short = run_of(), run_of(**{"training.epochs": 2})
    for index in range(4):
        snapshot = long.stage("local", 0).weights(f"subdomain{index}-epoch2")
        assert snapshot.read_bytes() == short.stage("local", 0).weights(f"subdomain{index}-last").read_bytes()


def test_trained_dnn_is_taken_over(home):
    run = run_of(**{"transfer.dnn": "trained", "transfer.learning_rate": 1e-12, "aggregator.epochs": 2})
    began = load_file(run.stage("cnn_dnn", 0).weights("dnn-best"))
    for name, value in load_file(run.stage("transfer", 0).weights("dnn-last")).items():
        torch.testing.assert_close(value, began[name], rtol=0, atol=1e-8)


def test_bytes_sent_before_an_interruption_are_not_forgotten(home, monkeypatch):
    """The model that a process holds counts them; its checkpoint carries the count to the next process."""
    exchange = CoherentModel._exchange

    def counting(model, mine):
        """Count although there is nobody to send to."""
        model.bytes_sent += mine.nbytes if model.training else 0
        return exchange(model, mine)

    monkeypatch.setattr(CoherentModel, "_exchange", counting)
    run = RunFolder.create(Experiment.model_validate(SETTINGS).with_settings({"strategies": ["coherent"]}))
    records: list[dict] = []

    def stop() -> None:
        if len(records) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        execute(run, Ranks(), records.append, stop)
    execute(run, Ranks(), records.append, lambda: None)
    epochs, images, num_subdomains, num_classes = 3, 300, 4, 10
    assert run.stage("coherent", 0).result()["bytes_sent"] == epochs * images * num_subdomains * num_classes * 4


@pytest.mark.parametrize("strategy", ["coherent", "transfer"])
def test_resumes_bit_for_bit_from_the_newest_epoch_that_all_parts_have(home, finished, strategy):
    """Stopped in the third epoch; the newest checkpoint is then lost, as if one rank had not come to write it."""
    whole = finished["probabilities"]
    run = RunFolder.create(whole.experiment)
    records: list[dict] = []

    def stop() -> None:
        if any(record["stage"] == strategy and record["epoch"] == 2 for record in records):
            raise Stopped

    with pytest.raises(Stopped):
        execute(run, Ranks(), records.append, stop)
    newest = [path for path in run.stage(strategy, 0).checkpoints() if "previous" not in path.name]
    assert len(newest) == 1
    newest[0].unlink()
    execute(run, Ranks(), records.append, lambda: None)
    assert [record["epoch"] for record in records if record["stage"] == strategy][:3] == [1, 2, 2]
    for path in whole.stage(strategy, 0).path.glob("weights-*"):
        assert path.read_bytes() == (run.stage(strategy, 0).path / path.name).read_bytes(), path.name


def test_parts_go_on_together_from_the_newest_epoch_that_all_have(tmp_path):
    """Rank 1 was killed before it had saved its third epoch; rank 0 keeps its second one, too."""
    context = SimpleNamespace(folder=StageFolder(tmp_path, "coherent", 0), ranks=Ranks())
    saved = [("here", 1, "ab"), ("there", 1, "c"), ("here", 2, "ab"), ("there", 2, "c"), ("here", 3, "ab")]
    common = []
    for checkpoint, epoch, names in saved:
        save_checkpoint(context, checkpoint, {name: {**EMPTY, "progress": {"epoch": epoch}} for name in names})
        states = common_states(context, ["a", "b", "c"])
        common.append({name: state["progress"]["epoch"] for name, state in states.items()})
    assert common == [{}, *(dict.fromkeys("abc", epoch) for epoch in (1, 1, 2, 2))]
    assert common_states(context, ["a", "b", "c", "d"]) == {}


def test_gradients_reach_every_local_network(home):
    """And are those of the one loss: a step along them lowers it."""
    problem = pose(Experiment.model_validate(SETTINGS))
    groups = [[0, 3], [1, 2]]
    model = CoherentModel(
        problem.local_networks, dnn(problem), Placed(Ranks(), [[0, 1, 2, 3]], groups), "probabilities"
    ).prepare("cpu", torch.float64)
    settings = problem.experiment.training.model_copy(update={"precision": "float64"})
    boxes = [[problem.decomposition.subdomains[index] for index in group] for group in groups]
    feed = GroupedFeed(load(problem.experiment.dataset), boxes, settings, Sharing(Ranks()))
    batch = next(feed.train(0))
    model.eval()
    loss = partial(torch.nn.functional.cross_entropy, target=batch.labels)
    before = loss(model(batch.inputs)[:, 0])
    before.backward()
    norms = {name: sum(p.grad.square().sum() for p in bank.parameters_of(at)) for name, bank, at in model.networks()}
    assert list(norms) == [*(f"subdomain{index}" for index in (0, 3, 1, 2)), "dnn"] and min(norms.values()) > 0
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 1e-4 * parameter.grad
        step = 1e-4 * sum(norms.values())
        assert before - loss(model(batch.inputs)[:, 0]) == pytest.approx(float(step), rel=0.05)


def test_more_ranks_than_subdomains(home):
    """A rank without networks takes part in the DNN alone; its model is empty but whole."""
    problem = pose(Experiment.model_validate(SETTINGS))
    placed = Placed(Ranks(rank=3, size=4), [[0], [1, 3], [2], []], [])
    model = CoherentModel(problem.local_networks, dnn(problem), placed, "probabilities").prepare("cpu", torch.float32)
    assert [name for name, _, _ in model.networks()] == ["dnn"]
    feed = GroupedFeed(load(problem.experiment.dataset), [], problem.experiment.training, Sharing(Ranks()))
    (inputs,) = next(feed.train(0)).inputs
    assert inputs.shape == (50, 0)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"transfer.start": 4}, r"transfer.start: must be at most training.epochs = 3, got 4"),
        ({"transfer.dnn": "trained", "coherent.outputs": "logits"}, "transfer.dnn: 'trained' needs coherent.outputs"),
        ({"transfer.epochs": 0}, "transfer.epochs: .*1, got 0"),
        ({"coherent.outputs": "votes"}, "coherent.outputs: .*'probabilities' or 'logits'"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes, fault):
    with pytest.raises(ExperimentError, match=fault):
        Experiment.model_validate(SETTINGS).with_settings(changes)


def test_missing_weights_are_named(home, finished):
    run = RunFolder.create(finished["probabilities"].experiment)
    with pytest.raises(Stopped):
        records: list[dict] = []

        def stop() -> None:
            if any(record["stage"] == "transfer" for record in records):
                raise Stopped

        execute(run, Ranks(), records.append, stop)
    for path in run.stage("transfer", 0).checkpoints():
        path.unlink()
    run.stage("local", 0).weights("subdomain1-epoch2").write_bytes(b"no weights")
    with pytest.raises(
        ValueError, match=r"weights-subdomain1-epoch2.safetensors of stage local, seed 0, cannot be read"
    ):
        execute(run, Ranks(), lambda record: None, lambda: None)


def test_balanced_accuracy_counts_rare_classes_as_much():
    labels, decisions = np.array([0] * 9 + [1]), np.zeros(10, dtype=int)
    assert (decisions == labels).mean() == 0.9
    assert balanced_accuracy(decisions, labels) == 0.5
