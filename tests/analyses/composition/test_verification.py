"""``ddlab verify`` on runs: what it says and writes, which premises it names, and that it notices what is broken."""

import json
import re

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from ddlab.analyses.composition.block_energy import cross_share, energy_table
from ddlab.analyses.composition.logits import bound_table
from ddlab.analyses.composition.premises import premises, why_not_composed
from ddlab.analyses.composition.stored import Verified
from ddlab.analyses.composition.verification import verify
from ddlab.experiment import Experiment
from ddlab.problem import pose
from tests.composed_run import SETTINGS, composed_run
from tests.made_run import made_run

# Valid padding on digits of 48 px: 24 px leave one position after three poolings, and every premise is met.
EXACT = {"dataset.size": 48, "model.padding": "valid", "dataset.train_images": 50, "dataset.validation_images": 20}


@pytest.fixture(scope="module")
def finished(home):
    return composed_run()


@pytest.fixture
def at_home(finished, monkeypatch):
    monkeypatch.setenv("DDLAB_HOME", str(finished.path.parents[1]))
    return finished


def spoil(run, stage: str, name: str, key: str) -> None:
    """Change one tensor of a network that was written."""
    path = run.stage(stage, 0).weights(name)
    state = load_file(path)
    state[key] = state[key] + 0.5
    save_file(state, path)


def test_the_command_tells_layers_statements_and_premises(at_home, ddlab):
    code, out, _ = ddlab("verify", at_home.id, "--json")
    told = json.loads(out)
    assert code == 0 and told["holds"] and told["faults"] == []
    assert (told["images"], told["precision"], told["network"]) == (60, "float32", "composed_untrained")
    assert [row["layer"] for row in told["layers"]][-3:] == ["flatten", "hidden", "hidden_relu"]
    conv1, *_ = told["layers"]
    assert conv1["map"] == [16, 16] and conv1["radius"] == 1 and conv1["difference"] > 0.1
    assert conv1["equal"] == conv1["promised"] == 49 / 64 and conv1["promised_difference"] < 1e-6
    assert told["statements"]["obey_of_sum"] == 1 and told["statements"]["sum"] > 1e-3
    assert [row["premise"] for row in told["premises"] if not row["holds"]] == ["Valid padding"]
    code, out, _ = ddlab("verify", "latest", "--images", "7")
    assert code == 0 and "7 images in float32" in out and "NO     Valid padding" in out
    assert "everything holds that must" in out


def test_a_run_that_meets_every_premise_is_exact_in_float64():
    run = composed_run(**EXACT)
    told = verify(run, 0, double=True).about
    assert told["holds"] and all(row["holds"] for row in told["premises"])
    assert all(row["promised"] == row["equal"] == 1 and row["relative"] < 1e-12 for row in told["layers"])
    numbers = told["statements"]
    assert numbers["sum"] < 1e-12 * numbers["scale"] and numbers["softmax"] < 1e-12 and numbers["obey"] == 1
    assert numbers["all_right"] == numbers["all_right_and_composed"]


@pytest.mark.parametrize(
    ("stage", "name", "key", "fault"),
    [
        ("composed_untrained", "composed_untrained-best", "conv2.weight", "conv2.weight"),
        ("composed_untrained", "composed_untrained-best", "classifier.bias", "classifier.bias"),
        ("local", "subdomain2-best", "conv1.weight", "layer conv1: a relative difference of"),
    ],
)
def test_what_is_broken_is_noticed(stage, name, key, fault, ddlab):
    run = composed_run()
    spoil(run, stage, name, key)
    code, out, _ = ddlab("verify", run.id)
    assert code == 1 and "wrong: " in out and fault in out and "everything holds" not in out
    assert verify(run, 0).about["holds"] is False


@pytest.mark.parametrize(
    ("changes", "violated", "sum_of"),
    [
        ({"composed.logits": "mean"}, {"Valid padding", "Logits are added up"}, 0.25),
        ({"composed.recalibrate": True}, {"Valid padding", "Batch normalisation is fixed"}, 1.0),
        ({"strategies": ["average"]}, {"Valid padding"}, 1.0),
    ],
)
def test_options_of_composing_are_no_faults(changes, violated, sum_of):
    run = composed_run(**changes)
    found = verify(run, 0)
    assert found.about["holds"] and found.about["factor"] == sum_of
    assert {row["premise"] for row in found.about["premises"] if not row["holds"]} == violated
    promised = {row["layer"] for row in found.about["layers"] if row["promised"]}
    assert promised == ({"conv1"} if "composed.recalibrate" in changes else promised - {"hidden"})
    assert (found.about["network"] == "composed here") == ("strategies" in changes)
    assert set(found.sides()) == {"local", "untrained"} | (set() if "strategies" in changes else {"trained"})


def test_the_file_holds_what_the_page_needs(at_home, ddlab, tmp_path):
    path = tmp_path / "found.npz"
    assert ddlab("verify", at_home.id, "--out", path)[1:] == ("", "") and path.stat().st_size < 2e6
    found = Verified.read(path)
    table = found.layers().set_index("layer")
    assert found.named("difference") == list(table.index[:12]) and found.named("channels") == found.named("difference")
    for layer in found.named("difference"):
        picture = found.arrays[f"difference:{layer}"]
        assert list(picture.shape) == table.loc[layer, "map"]
        assert picture.max() == pytest.approx(table.loc[layer, "relative"], rel=1e-5)
    logits = found.logits()
    assert logits.local_MNK.shape == (60, 4, 10) and len(bound_table(logits)) == 60
    assert list(found.sides()) == ["local", "untrained", "trained"]
    local, untrained = (found.assembled_map(side, "conv1", 1, 0) for side in ("local", "untrained"))
    assert local.shape == (16, 16) and not np.isnan(local).any()
    np.testing.assert_allclose(local[:7, :7], untrained[:7, :7], atol=2e-3)
    assert np.abs(local - untrained)[7:9].max() > 0.05
    alone = found.whole_map("local", "conv1", 1, 3, 0)
    assert np.isnan(alone).sum() == 192 and np.array_equal(alone[8:, 8:], local[8:, 8:])
    assert not np.isnan(found.whole_map("trained", "conv1", 1, 3, 0)).any()


def test_energy_by_epoch_ends_where_the_blocks_are(finished):
    found, table = verify(finished, 0, 1), energy_table(finished, 0)
    assert list(table["epoch"].unique()) == [0, 1, 2] and (table[table["epoch"] == 0]["share"] == 0).all()
    assert list(table["layer"].unique()) == ["conv2", "conv3", "hidden"]
    best = finished.stage("composed", 0).result()["best_epoch"]
    shares = table[table["epoch"] == best].set_index("layer")["share"]
    for layer, share in shares.items():
        assert cross_share(found.arrays[f"blocks:untrained:{layer}"]) == 0
        assert cross_share(found.arrays[f"blocks:trained:{layer}"]) == pytest.approx(share)


def test_layers_of_an_epoch_stay_in_the_order_of_the_network():
    """However many they are; an epoch that was trained again counts once, as it was the last time."""
    layers, run = [f"conv{number}" for number in range(40, 0, -1)], made_run()
    for epoch, share in ((1, 0.1), (2, 0.4), (2, 0.2)):
        told = {"stage": "composed", "seed": 0, "subdomain": None, "epoch": epoch}
        run.append_metrics(0, told | {"cross_energy": dict.fromkeys(layers, share)})
    table = energy_table(run, 0)
    assert list(table["layer"]) == 3 * layers
    assert list(table["share"]) == [0.0] * 40 + [0.1] * 40 + [0.2] * 40
    assert energy_table(run, 1).empty


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["latest", "--seed", "7"], "--seed: run .* has the seeds 0, got 7"),
        (["latest", "--images", "0"], "--images: needs at least 1, got 0"),
        (["nobody"], "run: unknown 'nobody'"),
    ],
)
def test_faults_are_one_sentence(at_home, ddlab, arguments, message):
    code, out, err = ddlab("verify", *arguments)
    assert (code, out) == (2, "")
    assert re.search(message, err)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda: made_run(), "only with model.reduction = 1/N do their channels add up"),
        (lambda: made_run("queued", Experiment().with_settings(SETTINGS)), "its local networks are not trained"),
    ],
)
def test_runs_without_a_composition_say_so(run, message):
    with pytest.raises(ValueError, match=message):
        verify(run(), 0)


@pytest.mark.parametrize(
    ("changes", "violated"),
    [
        (EXACT, set()),
        ({"decomposition.overlap": 2}, {"Valid padding", "The subdomains are disjoint", "Cuts lie between positions"}),
        ({"model.name": "resnet20"}, {"Valid padding", "The head knows positions"}),
        ({"decomposition.grid": [1, 1]}, set()),
        ({"dataset.size": 20}, {"Valid padding", "Cuts lie between positions"}),
        (
            {"decomposition.boxes": [[[0, 8], [0, 16]], [[8, 16], [0, 8]]]},
            {"Valid padding", "The subdomains cover the image"},
        ),
        ({"model.reduction": "1"}, {"Valid padding", "The channels add up"}),
    ],
)
def test_premises_name_what_an_experiment_violates(changes, violated):
    problem = pose(Experiment().with_settings({**SETTINGS, "strategies": ["average"], **changes}))
    found = premises(problem)
    assert {premise.premise for premise in found if not premise.holds} == violated
    assert bool(why_not_composed(problem)) == ("The channels add up" in violated)
