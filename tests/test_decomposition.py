"""Boxes: coverage, split and merge, sizes, and errors that name the number."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlab.decomposition import Decomposition, grid_presets


@st.composite
def grids(draw):
    """A decomposition of a one- to three-dimensional image into a grid that fits."""
    dimensions = draw(st.integers(1, 3))
    grid = [draw(st.integers(1, 4)) for _ in range(dimensions)]
    shape = [cells * draw(st.integers(1, 6)) for cells in grid]
    border = draw(st.sampled_from(["clip", "shift"]))
    overlap = []
    for extent, cells in zip(shape, grid, strict=True):
        cell = extent // cells
        overlap.append(draw(st.integers(0, cell if border == "clip" else min(cell, (extent - cell) // 2))))
    return Decomposition.from_grid(shape, grid, overlap, border), overlap, border


@given(grids(), st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_split_and_merge(drawn, seed):
    decomposition, _, _ = drawn
    x = np.random.default_rng(seed).normal(size=(2, 3, *decomposition.shape))
    np.testing.assert_allclose(decomposition.merge(decomposition.split(x)), x, rtol=1e-14)
    tensor = torch.from_numpy(x)
    torch.testing.assert_close(decomposition.merge(decomposition.split(tensor)), tensor, rtol=1e-14, atol=0)


@given(grids())
@settings(max_examples=150, deadline=None)
def test_every_pixel_is_covered_and_sizes_are_as_documented(drawn):
    decomposition, overlap, border = drawn
    assert decomposition.covers
    assert len(decomposition) == math.prod(decomposition.grid)
    for axis, (extent, cells, delta) in enumerate(zip(decomposition.shape, decomposition.grid, overlap, strict=True)):
        cell, sizes = extent // cells, {box.shape[axis] for box in decomposition}
        if cells == 1:
            assert sizes == {extent}
        elif border == "shift":
            assert sizes == {cell + 2 * delta}
        else:
            assert max(sizes) <= cell + 2 * delta and min(sizes) >= min(cell + delta, extent)


def test_the_papers_overlap_of_20_px():
    """Gu et al.: 32 px cut into 2×2 subimages of 20×20 px, rows 0 to 19 and 12 to 31."""
    rows = {(box.start[0], box.stop[0]) for box in Decomposition.from_grid((32, 32), (2, 2), overlap=4)}
    assert rows == {(0, 20), (12, 32)}


def test_multiplicity_counts_the_boxes_over_a_pixel():
    decomposition = Decomposition.from_grid((4, 4), (2, 2), overlap=1)
    assert decomposition.multiplicity.tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]


def test_free_boxes_need_not_cover_the_image():
    decomposition = Decomposition.from_boxes((6, 6), [[[1, 3], [1, 3]], [[2, 6], [2, 6]]])
    merged = decomposition.merge(decomposition.split(np.ones((1, 6, 6))))
    assert merged[0, 0, 0] == 0 and merged[0, 2, 2] == 1 and not decomposition.covers


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Decomposition.from_grid((32, 32), (5, 5)), ["grid 5×5 does not fit 32×32 px", "divisible by 5"]),
        (lambda: Decomposition.from_grid((32, 32), (0, 2)), ["grid 0×2", "divisible by 0"]),
        (lambda: Decomposition.from_grid((32, 32), (2, 2), 17), ["overlap 17 px", "cells of 16 px", "0 to 16"]),
        (lambda: Decomposition.from_grid((32, 32), (2, 2), -1), ["overlap -1 px"]),
        (lambda: Decomposition.from_grid((32, 32), (2, 2), 9, "shift"), ["overlap 9 px", "0 to 8", "'shift'"]),
        (lambda: Decomposition.from_grid((32, 32), (2, 2, 1)), ["grid 2×2×1 has 3 axes"]),
        (lambda: Decomposition.from_grid((32, 32), (2, 2), (1, 1, 1)), ["overlap 1×1×1 has 3 axes"]),
        (lambda: Decomposition.from_boxes((8, 8), []), ["at least one box"]),
        (lambda: Decomposition.from_boxes((8, 8), [[[0, 9], [0, 8]]]), ["boxes[0]", "axis 0", "0 to 9"]),
        (lambda: Decomposition.from_boxes((8, 8), [[[0, 8]]]), ["boxes[0]", "1 axes"]),
        (lambda: Decomposition.from_boxes((8, 8), [[[4, 4], [0, 8]]]), ["boxes[0]", "4 to 4"]),
    ],
)
def test_errors_say_which_number_breaks_which_rule(call, words):
    with pytest.raises(ValueError) as error:
        call()
    for word in words:
        assert word in str(error.value)


def test_split_and_merge_refuse_what_is_not_theirs():
    decomposition = Decomposition.from_grid((8, 8), (2, 2))
    with pytest.raises(ValueError, match="decomposition is of 8×8"):
        decomposition.split(np.zeros((1, 8, 9)))
    with pytest.raises(ValueError, match="needs 4 maps"):
        decomposition.merge([np.zeros((4, 4))])


def test_presets_fit():
    for shape in [(32, 32), (180, 180), (16, 16, 8), (30,)]:
        presets = grid_presets(shape)
        assert presets
        for grid in presets:
            assert 1 < len(Decomposition.from_grid(shape, grid)) <= 64
