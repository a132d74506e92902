"""Answers about edited images of runs with really trained networks, against what the runs have recorded."""

import numpy as np
import pytest

from ddlab.analyses.decisions.probabilities import read_outcomes
from ddlab.analyses.maps.of_run import map_images
from ddlab.analyses.what_if import notice
from ddlab.analyses.what_if.asking import recorded_answers
from ddlab.analyses.what_if.edits import read_edits
from ddlab.analyses.what_if.of_run import ask_run
from ddlab.analyses.what_if.stored import AFTER, BEFORE, Answers
from ddlab.data.cache import load
from ddlab.problem import problem_of
from tests.composed_run import composed_run
from tests.made_run import made_run

QUICK = {
    "strategies": ["global", "average", "majority", "cnn_dnn", "coherent", "transfer", "composed_untrained"],
    "dataset.name": "shapes_local",
    "dataset.size": 32,
    "training.subtract": "set",  # the splits are normalised in ways of their own
    "aggregator.epochs": 2,
    "transfer.start": None,
    "transfer.epochs": 1,
}
VOLUMES = {
    "strategies": ["average", "coherent"],
    "dataset.name": "ct_phantom",
    "dataset.size": None,
    "dataset.volume": [16, 16, 8],
    "dataset.train_images": 8,
    "dataset.validation_images": 4,
    "decomposition.grid": [2, 2, 1],
    "decomposition.overlap": 1,
    "training.batch_size": 8,
}
EXACT = 1e-6
MAJORITY = "majority"


@pytest.fixture(scope="module")
def trained(home):
    return composed_run(**QUICK)


@pytest.fixture
def run(trained, monkeypatch):
    monkeypatch.setenv("DDLAB_HOME", str(trained.path.parents[1]))
    return trained


def check_recorded(answers, when, recorded, index):
    """Compare the answers about one of the two images with what the run recorded of a validation image."""
    said = answers.outcomes
    assert list(said.decisions) == list(recorded.decisions) and not answers.about["silent"]
    for name, scores in recorded.scores.items():
        np.testing.assert_allclose(said.scores[name][when], scores[index], atol=EXACT, err_msg=name)
        assert said.decisions[name][when] == recorded.decisions[name][index], name
    np.testing.assert_allclose(said.local[when], recorded.local[index], atol=EXACT)
    assert set(said.own_local) == set(recorded.own_local)
    for name, values in recorded.own_local.items():
        np.testing.assert_allclose(said.own_local[name][when], values[index], atol=EXACT)


def test_without_an_edit_everybody_says_what_was_recorded(run):
    recorded = read_outcomes(run, 0)
    for index in (0, 7, 59):
        answers = ask_run(run, 0, str(index), "")
        check_recorded(answers, BEFORE, recorded, index)
        assert answers.outcomes.labels.tolist() == [recorded.labels[index]] * 2
        for name, values in answers.arrays.items():
            if name != "mask":
                assert np.array_equal(values[BEFORE], values[AFTER]), name
    assert notice.of_answers(answers, ()) == ""
    known = recorded_answers(recorded, load(run.experiment.dataset), problem_of(run).decomposition, 59)
    check_recorded(known, AFTER, recorded, 59)
    assert set(known.arrays) == set(answers.arrays) and set(known.about) <= set(answers.about)
    assert np.array_equal(known.images, answers.images)


def test_occluding_a_subdomain_reaches_its_own_network_alone(run):
    answers = ask_run(run, 0, "3", "occlude:2")
    assert answers.about["changed"] == [2]
    for local in (answers.outcomes.local, *answers.outcomes.own_local.values()):
        same = (local[BEFORE] == local[AFTER]).all(axis=1)
        assert same.tolist() == [True, False, True, True]
    assert not np.array_equal(*answers.outcomes.scores["global"])
    table = answers.table().set_index("who")
    assert table.loc["Local network 1", "saw a change"] == False  # noqa: E712
    assert table.loc["Local network 2", "saw a change"] == True  # noqa: E712
    assert "Local network 2 got another subimage; 1, 3 and 4 the same as before" in notice.of_reach(answers)


@pytest.mark.parametrize("edits", ["swap:all:7", "swap:1:7,swap:2:7,swap:3:7,swap:4:7"])
def test_another_image_in_all_subdomains_is_that_image(run, edits):
    check_recorded(ask_run(run, 0, "3", edits), AFTER, read_outcomes(run, 0), 7)


def test_training_images_are_edited_with_training_images(run):
    recorded = {name: run.stage(name, 0).predictions()["train"] for name in ("global", "coherent")}
    answers = ask_run(run, 0, "train:5", "swap:all:8")
    for name, scores in recorded.items():
        np.testing.assert_allclose(answers.outcomes.scores[name], scores[[5, 8]], atol=EXACT)


def test_the_file_keeps_all_of_it_and_maps_are_those_of_the_page_of_maps(run, tmp_path):
    answers = ask_run(run, 0, "3", "occlude:1", with_maps=True)
    answers.save(tmp_path / "answers.npz")
    again = Answers.read(tmp_path / "answers.npz")
    assert again.about == answers.about and again.table().equals(answers.table())
    mapped = map_images(run, 0, "3")
    assert set(again.viewers) == set(mapped.viewers) - {"random_untrained"}
    for viewer in again.viewers:
        np.testing.assert_allclose(again.maps(viewer)[BEFORE], mapped.maps(viewer)[0], atol=1e-4)
    lower = again.maps("local")[:, :, 16:]
    assert np.array_equal(lower[BEFORE], lower[AFTER])
    assert np.array_equal(again.mask, mapped.mask(0))


def test_the_sentence_counts_what_turned(run):
    edits = read_edits("swap:all:7", problem_of(run).decomposition, 60)
    answers = ask_run(run, 0, "3", "swap:all:7")
    answers.about["strategies"] = ["global", MAJORITY]
    answers.arrays.update({"decisions:global": np.array([0, 2]), f"decisions:{MAJORITY}": np.array([1, 1])})
    answers.about.update({"label": 2, "classes": ["a", "b", "c", "d"]})
    told = "Taking the whole image from image 7 turns 1 of 2 decisions: Global network from a to c (right); Majority "
    assert notice.of_answers(answers, edits) == f"{told}vote stays."
    answers.arrays["decisions:global"] = np.array([0, 0])
    answers.arrays.update(
        {"scores:global": np.array([[0.9, 0.1], [0.6, 0.4]])} | {f"scores:{MAJORITY}": np.ones((2, 2))}
    )
    told = "Taking the whole image from image 7 changes no decision; most moves Global network, whose a falls from "
    assert notice.of_answers(answers, edits) == f"{told}90.0\u00a0% to 60.0\u00a0%."


def test_volumes_with_overlap_reach_their_neighbours(home):
    run = composed_run(**VOLUMES)
    recorded = read_outcomes(run, 0)
    answers = ask_run(run, 0, "1", "occlude:1")
    check_recorded(answers, BEFORE, recorded, 1)
    assert answers.about["changed"] == [1, 2, 3, 4]
    corner = ask_run(run, 0, "1", "shift:all:0:0:1,swap:all:2")
    check_recorded(corner, AFTER, recorded, 2)


def test_a_network_without_maps_is_asked_all_the_same(home):
    run = composed_run(**{"strategies": ["global"], "model.name": "mlp", "model.width": 0.1})
    assert ask_run(run, 0, "0", "occlude:1").outcomes.local is None
    with pytest.raises(ValueError, match="have no maps: all of their layers are fully connected"):
        ask_run(run, 0, "0", "occlude:1", with_maps=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image": "60"}, "image: image 60 is not there; validation has 0 to 59"),
        ({"image": "0-3"}, "image: one at a time, got 4"),
        ({"image": "cat.png"}, "image: there is no file 'cat.png'"),
        ({"edits": "occlude:5"}, "edits: 'occlude:5': place must be all or a subdomain from 1 to 4"),
        ({"seed": 7}, "seed: the run has 0, got 7"),
    ],
)
def test_what_is_not_there_gets_a_sentence(run, arguments, message):
    with pytest.raises(ValueError, match=message):
        ask_run(**{"run": run, "seed": 0, "image": "0", "edits": "", **arguments})


def test_without_weights_nobody_can_be_asked():
    with pytest.raises(ValueError, match="no weights to look into"):
        ask_run(made_run(), 0, "0", "")
