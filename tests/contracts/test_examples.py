"""What every recorded run that comes with ddlab promises: it is what its command says, and what its weights say."""

import re

import numpy as np
import pytest
import torch

from benchmarks.recorded import FOLDER, MOST_BYTES, RECORDINGS
from ddlab.analyses.composition.premises import premises
from ddlab.cli.train import parse_setting
from ddlab.data.cache import describe
from ddlab.files import size
from ddlab.problem import problem_of
from ddlab.recipes import RECIPES
from ddlab.runs import EXAMPLE, damaged_files, delete, list_example_sweeps, list_examples, open_run
from ddlab.strategies.stage import LOCAL
from ddlab.strategies.trained import load_images, trained_dnns, trained_networks

EXAMPLES = {run.id: run for run in list_examples()}
ALL = EXAMPLES | {run.id: run for run in list_example_sweeps()}
NUM_IMAGES = 48  # whose decisions are computed again
ROUNDING = 1e-4  # of probabilities: other processors add in another order
every_example = pytest.mark.parametrize("id", EXAMPLES)


def test_they_are_those_that_one_command_makes_and_no_larger_than_allowed():
    made = {re.sub(r"-\d+$", "", id) for id in ALL}
    assert made == set(RECORDINGS) and EXAMPLE in EXAMPLES
    assert sum(size(path) for path in FOLDER.rglob("*")) <= MOST_BYTES


@pytest.mark.parametrize("id", ALL)
def test_it_is_whole_finished_and_stays_as_it_is(id):
    run = open_run(id)
    assert run.id == id and run.read_only and run.state().state == "finished" and not damaged_files(run)
    assert run.metrics() and run.summary()["accuracies"]
    with pytest.raises(ValueError, match="comes with ddlab"):
        delete(run)


@pytest.mark.parametrize("id", ALL)
def test_it_tells_nothing_of_the_machine_and_holds_what_is_needed_only(id):
    for path in open_run(id).path.rglob("*.json*"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r'"(host|pid|ranks|launcher)"|/(home|root|tmp|work|Users)/', text), path
    names = {path.name for path in open_run(id).path.rglob("*") if path.is_file()}
    assert not {name for name in names if re.match(r"checkpoint|log|\.|.*-last\.", name)}


@every_example
def test_it_is_of_the_recipe_as_it_is(id):
    """If this fails, run: python -m benchmarks.recorded ID; the recipe has changed since it was recorded."""
    _, recipe, *sets = RECORDINGS[id].command
    changes = dict(parse_setting(text) for text in sets if text != "--set")
    assert open_run(id).experiment == RECIPES[recipe]().with_settings(changes)


@every_example
def test_its_weights_say_what_it_decided(id):
    """Of the first validation images, every network that decides alone, and every DNN with its local networks."""
    run = open_run(id)
    networks, dnns = trained_networks(run, 0), trained_dnns(run, 0)
    images = load_images(run, "validation", range(NUM_IMAGES))
    alone = {network.stage: network for network in networks.values() if network.stage in run.experiment.strategies}
    for strategy in {*alone, *dnns}:
        stored = run.stage(strategy, 0).predictions()["validation"][:NUM_IMAGES]
        if strategy in dnns:
            said = _probabilities(dnns[strategy].local, images)
            with torch.no_grad():
                said = dnns[strategy].dnn.module()(torch.from_numpy(said).flatten(1)).softmax(1).numpy()
        else:
            said = _probabilities([alone[strategy]], images)[:, 0]
        np.testing.assert_allclose(said, stored, atol=ROUNDING, err_msg=strategy)
    assert {*alone, *dnns} == set(run.experiment.strategies) - {"average", "majority"}


def _probabilities(networks, images):
    """What networks say of their subimages: (M, N, K)."""
    with torch.no_grad():
        said = [network.module()(images[network.box.slices]).softmax(1) for network in networks]
    return torch.stack(said, dim=1).numpy()


@pytest.mark.parametrize("id", [id for id, run in EXAMPLES.items() if run.stage(LOCAL, 0).done])
def test_its_local_networks_say_what_it_decided(id):
    run = open_run(id)
    stored = run.stage(LOCAL, 0).predictions()["validation"][:NUM_IMAGES]
    local = [network for network in trained_networks(run, 0).values() if network.stage == LOCAL]
    assert len(local) == len(problem_of(run).decomposition)
    said = _probabilities(local, load_images(run, "validation", range(NUM_IMAGES)))
    np.testing.assert_allclose(said, stored, atol=ROUNDING)


# ---- each shows its point


def test_the_vote_fails_where_mean_and_networks_do_not():
    reached = open_run(EXAMPLE).summary()["accuracies"]
    assert reached["majority"] < 0.5 < 0.85 < min(reached["average"], reached["composed_untrained"])
    assert min(reached["global"], reached["cnn_dnn"], reached["transfer"], reached["composed"]) > 0.95


def test_the_theorem_s_run_meets_every_premise():
    assert all(premise.holds for premise in premises(problem_of(open_run("example-theorem"))))


def test_the_pipeline_s_step_ran_on_two_ranks():
    trace = open_run("example-pipeline").stage("layerwise", 0).trace()
    assert trace["num_ranks"] == 2 and trace["num_micro_batches"] > 2 and trace["end"]


def test_the_images_of_all_are_made_here_without_network_and_files(monkeypatch, tmp_path):
    monkeypatch.setenv("DDLAB_DATA", str(tmp_path / "nothing"))
    monkeypatch.setattr("socket.socket.connect", None)
    described = [describe(run.experiment.dataset) for run in ALL.values()]
    volumes = describe(open_run("example-volume").experiment.dataset)
    assert all(one.num_train for one in described) and volumes.has_masks and len(volumes.shape) == 3
