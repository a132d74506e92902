"""What is read off a verification, on made answers that are small enough to check by eye."""

import numpy as np
import pytest

from ddlab.analyses.composition.block_energy import block_table
from ddlab.analyses.composition.logits import Logits, logit_table
from ddlab.analyses.composition.reading import (
    LEAST_IMAGES,
    MOST_IMAGES,
    affordable_images,
    as_picture,
    block_layers,
    blocks_of,
    channel_maps,
    telling_layer,
    verdict,
)
from ddlab.analyses.composition.stored import Verified
from ddlab.experiment import Experiment
from ddlab.problem import pose


def made(**promised: float) -> Verified:
    """An answer on layers of which these shares of positions must be equal."""
    rows = [{"layer": name, "promised": share} for name, share in promised.items()]
    return Verified({"layers": rows}, {f"difference:{name}": np.zeros((2, 2)) for name in promised})


@pytest.mark.parametrize(
    ("promised", "layer"),
    [
        ({"conv1": 0.8, "conv2": 0.3, "conv3": 0.0}, "conv2"),
        ({"conv1": 1.0, "conv2": 0.3, "conv3": 1.0}, "conv2"),
        ({"conv1": 1.0, "conv2": 1.0}, "conv2"),
        ({"conv1": 0.0, "conv2": 0.0}, "conv2"),
    ],
)
def test_the_layer_that_tells_most_is_the_last_of_which_a_part_must_be_equal(promised, layer):
    assert telling_layer(made(**promised)) == layer


@pytest.mark.parametrize(
    ("network", "promised", "sentence"),
    [
        ("composed here", 1, "The network composed here reproduces its local networks everywhere (7 validation"),
        ("composed", 0.5, "The run's own composed network equals its local networks wherever it must (7 validation"),
    ],
)
def test_the_verdict_says_whose_network_it_is_and_where_it_is_equal(network, promised, sentence):
    layers = [{"layer": "conv1", "promised": 1}, {"layer": "conv2", "promised": promised}]
    about = {"holds": True, "network": network, "layers": layers, "images": 7, "precision": "float64"}
    assert verdict(about) == f"{sentence} images, float64)."
    assert verdict(about | {"holds": False}) == ""


def test_fewer_images_are_asked_for_where_the_network_is_large():
    vgg9 = {"dataset.size": 128, "model.name": "vgg9"}
    sizes = ({}, vgg9, {**vgg9, "model.width": 8})
    small, large, huge = (affordable_images(pose(Experiment().with_settings(size))) for size in sizes)
    assert (small, huge) == (MOST_IMAGES, LEAST_IMAGES) and LEAST_IMAGES < large < MOST_IMAGES


def test_blocks_of_a_layer_are_those_before_and_after_further_training():
    before, after = np.eye(2), np.ones((2, 2))
    arrays = {"blocks:trained:conv2": after, "blocks:untrained:conv2": before, "blocks:untrained:hidden": before}
    found = Verified({}, arrays)
    assert block_layers(found) == ["conv2", "hidden"]
    assert list(blocks_of(found, "conv2")) == ["untrained", "trained"]
    assert blocks_of(found, "conv2")["trained"] is after and list(blocks_of(found, "hidden")) == ["untrained"]


def test_table_of_blocks_names_who_sends_to_whom():
    table = block_table(np.array([[1.0, 2.0, 5.0], [3.0, 4.0, 6.0]])).set_index("to")
    assert list(table.columns) == ["from 1", "from 2", "from no network"]
    assert table.loc[2, "from 1"] == 3 and table.loc[1, "from no network"] == 5
    assert list(block_table(np.eye(2)).columns) == ["to", "from 1", "from 2"]


def test_table_of_logits_has_a_row_a_sample_and_class():
    local = np.arange(12.0).reshape(2, 2, 3)
    logits = Logits(local, local[:, 0], local[:, 1], np.array([0, 1]), 0.5)
    table = logit_table(logits).set_index(["image", "class"])
    assert len(table) == 6
    assert table.loc[(1, 2)].tolist() == [0.5 * (local[1, 0, 2] + local[1, 1, 2]), local[1, 0, 2], local[1, 1, 2]]


def test_a_channel_is_shown_on_its_own_fields_or_everywhere_with_its_field():
    local = np.full((1, 2, 1, 2, 2), np.nan)
    local[0, 0, 0, 0], local[0, 1, 0, 1] = 1.0, 2.0  # the first network sees the upper row, the second the lower one
    found = Verified({}, {"maps:local:conv1": local, "maps:untrained:conv1": np.full((1, 2, 1, 2, 2), 5.0)})
    maps, field = channel_maps(found, "conv1", 0, 0, None)
    assert maps["local"].tolist() == [[1, 1], [2, 2]] and field is None
    maps, field = channel_maps(found, "conv1", 0, 0, 1)
    assert maps["untrained"].tolist() == [[5, 5], [5, 5]] and field.tolist() == [[False, False], [True, True]]


def test_lines_and_volumes_become_pictures():
    assert as_picture(np.arange(3), None).tolist() == [[0, 1, 2]]
    assert as_picture(np.arange(8).reshape(2, 2, 2), 1).tolist() == [[1, 3], [5, 7]]
    assert as_picture(np.eye(2), None).tolist() == [[1, 0], [0, 1]]
