"""Activations of the recorded networks, held against torch's convolution, numpy and what the run recorded."""

import json
import os

import numpy as np
import pytest
import torch

from ddlab.analyses.layers.networks import families
from ddlab.analyses.layers.notice import of_activations
from ddlab.analyses.layers.of_run import activations
from ddlab.analyses.layers.stored import Activations
from ddlab.decomposition import Subdomain
from ddlab.runs import EXAMPLE, open_run
from ddlab.strategies.trained import load_images, trained_networks
from tests.made_run import made_run

IMAGE = 57


@pytest.fixture(scope="module")
def shared(home):
    return os.environ["DDLAB_HOME"]


@pytest.fixture(autouse=True)
def in_the_shared_home(shared, monkeypatch):
    """The images of the example are drawn once."""
    monkeypatch.setenv("DDLAB_HOME", shared)


@pytest.fixture(scope="module")
def run(home):
    return open_run(EXAMPLE)


@pytest.fixture(scope="module")
def found(run):
    return activations(run, 0, str(IMAGE), "local-3")


def made(**maps):
    """Activations of made maps, by layer; layers are rectified unless their name ends in ``signed``."""
    layers = [
        {"name": name, "kind": "made", "shape": list(values.shape), "rectified": not name.endswith("signed")}
        for name, values in maps.items()
    ]
    arrays = {"input": np.zeros((1, 8, 8), np.uint8), "probabilities": np.array([0.75, 0.25])}
    for name, values in maps.items():
        flat = values.reshape(len(values), -1)
        arrays |= {f"maps:{name}": values, f"channels:{name}": np.arange(len(values)), f"mean:{name}": flat.mean(1)}
        arrays |= {f"low:{name}": flat.min(1), f"high:{name}": flat.max(1)}
    about = {"network": "made", "title": "Made", "image": "0", "label": 0, "classes": ["a", "b"], "layers": layers}
    return Activations(about | {"box": [[0, 0], [8, 8]]}, arrays)


def test_the_first_layer_is_the_convolution_in_double_precision(run, found):
    trained = trained_networks(run, 0)["local-3"]
    state = {name: value.double() for name, value in trained.state().items()}
    subimage = load_images(run, "validation", [IMAGE], double=True)[trained.box.slices]
    by_hand = torch.nn.functional.conv2d(subimage, state["conv1.weight"], state.get("conv1.bias"), padding=1)[0]
    assert np.abs(found.maps("conv1") - by_hand.numpy()).max() < 1e-4
    window = subimage[0, :, 3:6, 6:9].numpy()  # one number as a sum on paper: channel 2, row 4, column 7
    assert found.map_of("conv1", 2)[4, 7] == pytest.approx((state["conv1.weight"][2].numpy() * window).sum(), abs=1e-4)


def test_the_last_maps_lead_to_the_recorded_probabilities(run, found):
    state = {name: value.double().numpy() for name, value in trained_networks(run, 0)["local-3"].state().items()}
    features = found.maps("pool3").astype(float).ravel()
    hidden = np.maximum(state["hidden.weight"] @ features + state["hidden.bias"], 0)
    logits = state["classifier.weight"] @ hidden + state["classifier.bias"]
    assert found.arrays["logits"] == pytest.approx(logits, abs=1e-4)
    assert found.maps("classifier") == pytest.approx(logits, abs=1e-4)
    recorded = run.stage("local", 0).predictions()["validation"][IMAGE, 2]
    assert found.arrays["probabilities"] == pytest.approx(recorded, abs=1e-4)


@pytest.mark.parametrize("name", ["global", "composed"])
def test_networks_on_the_whole_image_end_in_what_the_run_recorded(run, name):
    recorded = run.stage(name, 0).predictions()["validation"][IMAGE]
    assert activations(run, 0, str(IMAGE), name).arrays["probabilities"] == pytest.approx(recorded, abs=1e-4)


def test_maps_are_complete_and_pooling_is_the_maximum(found):
    assert [row.name for row in found.rows][:4] == ["conv1", "conv1_norm", "conv1_relu", "pool1"]
    for row in found.rows:
        assert found.maps(row.name).shape == row.shape
    assert np.array_equal(found.maps("conv1_relu"), np.maximum(found.maps("conv1_norm"), 0))  # not one buffer
    blocks = found.maps("conv1_relu").reshape(6, 8, 2, 8, 2)
    assert np.array_equal(found.maps("pool1"), blocks.max((2, 4)))
    assert found.arrays["input"].shape == (3, 16, 16) and found.box == Subdomain((16, 0), (32, 16))


def test_of_too_many_numbers_the_strongest_channels_are_kept_and_the_statistics_of_all(run, found):
    few = activations(run, 0, str(IMAGE), "local-3", most=2000)
    assert sum(few.maps(row.name).size for row in few.rows) <= 2000
    kept = few.channels("conv2_relu")
    assert 1 <= len(kept) < 12 and set(kept) == set(found.strongest("conv2_relu", len(kept)))
    assert np.array_equal(few.map_of("conv2_relu", kept[-1]), found.map_of("conv2_relu", kept[-1]))
    assert few.table().equals(found.table())


def test_dead_channels_are_those_without_any_number_but_zero():
    maps = np.zeros((4, 2, 2))
    maps[1, 0, 1], maps[3, 1, 1] = 3.0, 0.5
    made_of = made(relu=maps, signed=-maps)
    assert made_of.dead("relu").tolist() == [True, False, True, False]
    assert made_of.dead("signed") is None
    table = made_of.table().set_index("layer")
    assert table.loc["relu", "dead"] == 0.5 and np.isnan(table.loc["signed", "dead"])
    assert made_of.limits("relu") == (0, 3) and made_of.limits("signed") == (-3, 3)
    assert made_of.strongest("signed").tolist() == [1, 3, 0, 2]
    assert of_activations(made_of) == (
        "Of the 4 channels of relu 2 are zero for this image. "
        "In the end the network gives a 75.0\u00a0%, which is right."
    )


def test_the_share_of_a_recorded_network_by_hand(found):
    values = found.maps("hidden_relu")
    share = found.table().set_index("layer").loc["hidden_relu", "dead"]
    assert share == np.mean([value == 0 for value in values]) and 0 < share < 1


def test_a_part_of_the_whole_network_lies_over_the_subdomain():
    rows = np.broadcast_to(np.arange(1.0, 5.0)[:, None], (4, 4))
    made_of = made(relu=np.stack([rows, rows.T]), last=np.ones(3))
    part = made_of.cut(Subdomain((4, 0), (8, 5)), (8, 8))
    assert part.maps("relu").shape == (2, 2, 3)  # rows 2 and 3; columns 0, 1 and, in part, 2
    assert part.maps("relu")[0, :, 0].tolist() == [3, 4] and part.arrays["mean:relu"].tolist() == [3.5, 2.0]
    assert part.row("relu").shape == (2, 2, 3) and part.row("last").shape == (3,)
    assert part.arrays["input"].shape == (1, 4, 5) and made_of.maps("relu").shape == (2, 4, 4)


def test_families_are_networks_that_were_trained_alike(run):
    known = families(run, 0)
    assert [family.title for family in known.values()][:3] == [
        "Local networks",
        "Global network",
        "Local networks, CNN-DNN coherent",
    ]
    assert known["transfer"].of(2).name == "transfer-3" and known["global"].of(2).name == "global"


@pytest.mark.parametrize(
    ("network", "image", "message"),
    [
        ("local-9", "0", "network: unknown 'local-9'.*choices: local-1, local-2"),
        ("local-1", "0-3", "image: the layers of one image are shown, got 4: 0-3"),
        ("local-1", "5000", "image 5000 is not there"),
    ],
)
def test_what_is_not_there_is_refused(run, network, image, message):
    with pytest.raises(ValueError, match=message):
        activations(run, 0, image, network)


def test_a_run_without_weights_is_refused():
    run = made_run()
    with pytest.raises(ValueError, match="no weights to look into"):
        activations(run, 0, "0", "local-1")


def test_the_command_writes_what_the_page_reads(found, ddlab, tmp_path):
    asked = ("layers", EXAMPLE, "--image", IMAGE, "--network", "local-3")
    assert ddlab(*asked, "--out", tmp_path / "layers.npz") == (0, "", "")
    read = Activations.read(tmp_path / "layers.npz")
    assert read.rows == found.rows and np.array_equal(read.maps("conv2"), found.maps("conv2"))
    code, out, _ = ddlab(*asked, "--json")
    told = {row["layer"]: row for row in json.loads(out)["layers"]}
    assert code == 0 and told["conv1"]["dead"] is None and 0 < told["hidden_relu"]["dead"] < 1
    code, out, _ = ddlab(*asked)
    assert code == 0 and "convolution 3×3" in out
