"""Figures of the Composition page: zeros have a place, scales are shared, pictures show what is equal."""

import numpy as np
import pandas as pd
import pytest

from ddlab.figures.composition import blocks, theory

LAYERS = pd.DataFrame(
    {
        "layer": ["conv1", "conv2", "hidden"],
        "relative": [0.0, 0.3, 2e-16],
        "promised_difference": [0.0, 1e-16, 0.0],
        "promised": [1.0, 0.5, 0.0],
        "equal": [1.0, 0.5, 0.0],
        "radius": [1.0, 2.0, 2.0],
    }
)


def test_zero_differences_have_a_place_and_layers_that_promise_nothing_no_second_mark():
    anywhere, must = theory.layer_differences(LAYERS, 1e-11, "differences").data
    assert list(anywhere.y) == ["conv1", "conv2", "hidden"]
    np.testing.assert_allclose(anywhere.x, [1e-17, 0.3, 2e-16])
    assert list(anywhere.customdata) == [0.0, 0.3, 2e-16]
    assert must.x[0] == pytest.approx(1e-17) and must.x[1] == 1e-16 and np.isnan(must.x[2])
    axis = theory.layer_differences(LAYERS, 1e-11, "differences").layout.xaxis
    assert axis.ticktext[0] == "0" and axis.tickvals[0] == pytest.approx(1e-17) and axis.ticktext[-1] == "1"
    assert axis.range[0] < -17 < axis.range[1]


def test_a_difference_map_tells_equal_different_and_nobodys():
    picture = np.array([[0.0, 1e-5, np.nan], [1e-1, 1.0, 1e-13]])
    equal, apart = theory.difference_map(picture, 1e-4, "where").data
    np.testing.assert_array_equal(np.isnan(equal.z), [[False, False, True], [True, True, False]])
    np.testing.assert_allclose(apart.z, [[np.nan, np.nan, np.nan], [-1, 0, np.nan]])


@pytest.mark.parametrize("shape", [(5,), (4, 5), (4, 5, 3)])
def test_maps_of_every_dimension_become_pictures(shape):
    picture = np.arange(np.prod(shape), dtype=float).reshape(shape)
    shown = theory.flat(picture)
    assert shown.shape == {1: (1, 5), 2: (4, 5), 3: (4, 5)}[len(shape)] and shown.max() == picture.max()


def test_costs_of_nothing_have_a_place_below_the_line():
    table = pd.DataFrame({"image": [0, 1], "bound": [0.5, 3.0], "cost": [0.0, 4.0], "right": [2, 0]})
    line, points = theory.bound_scatter(table, 2, "costs").data
    assert list(line.x) == list(line.y) and line.x[1] == 4
    np.testing.assert_allclose(points.y, [theory.LEAST_COST, 4])


def test_means_over_fields_are_drawn_where_they_are_others():
    total = np.arange(6.0).reshape(2, 3)
    assert len(theory.sum_scatter(total, total, total, "sum").data) == 2
    assert len(theory.sum_scatter(total, total, total + 1, "sum").data) == 3


def test_blocks_name_senders():
    square, wide = np.eye(2), np.ones((2, 3))
    assert list(blocks.block_map(square, 1.0, "blocks").data[0].x) == ["1", "2"]
    assert list(blocks.block_map(wide, 1.0, "blocks").data[0].x) == ["1", "2", "no network"]


def test_energy_is_drawn_by_layer_and_its_last_epoch():
    rows = [(epoch, layer, epoch * share) for epoch in (0, 1, 2) for layer, share in (("conv2", 0.1), ("conv3", 0.2))]
    table = pd.DataFrame(rows, columns=["epoch", "layer", "share"])
    assert [list(line.y) for line in blocks.energy_curves(table, "energy").data] == [[0, 0.1, 0.2], [0, 0.2, 0.4]]
    assert list(blocks.energy_bars(table, "energy").data[0].x) == [0.2, 0.4]


def test_one_scale_for_all_maps():
    positive, signed = np.array([[0.5, np.nan]]), np.array([[-3.0, 1.0]])
    assert blocks.shared_limits([positive, 2 * positive]) == (0, 1)
    assert blocks.shared_limits([positive, signed]) == (-3, 3)
    assert blocks.shared_limits([np.full((2, 2), np.nan)]) == (0, 1)
    field = np.zeros((4, 4), bool)
    field[1:3, 2:] = True
    outline = blocks.feature_map(np.zeros((4, 4)), (0, 1), "map", field).layout.shapes[-1]
    assert (outline.x0, outline.x1, outline.y0, outline.y1) == (1.5, 3.5, 0.5, 2.5)
    curve = blocks.feature_map(np.array([[1.0, 2.0, 3.0]]), (0, 3), "line", np.array([[False, True, True]]))
    assert list(curve.data[0].y) == [1, 2, 3] and (curve.layout.shapes[0].x0, curve.layout.shapes[0].x1) == (0.5, 2.5)
