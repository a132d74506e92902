"""Layouts: boxes as drawn on paper, and what holds for all of them."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlab.decomposition import Decomposition
from ddlab.experiment import DecompositionSettings
from ddlab.layouts import FREE, LAYOUTS, WINDOWS, boxes, layout_of, layout_settings, title, windows
from ddlab.problem import decompose


@pytest.mark.parametrize(
    ("layout", "border", "overlap", "expected"),  # of an axis of 12 px in two cells of 6
    [
        ("grid", "clip", 0, [(0, 6), (6, 12)]),
        ("grid", "clip", 2, [(0, 8), (4, 12)]),
        ("grid", "shift", 2, [(0, 10), (2, 12)]),
        ("shifted", "clip", 0, [(0, 3), (3, 9), (9, 12)]),
        ("shifted", "clip", 2, [(0, 5), (1, 11), (7, 12)]),
        ("shifted", "shift", 0, [(0, 6), (3, 9), (6, 12)]),
        ("shifted", "shift", 1, [(0, 8), (2, 10), (4, 12)]),
        ("centre", "clip", 0, [(0, 6), (6, 12), (3, 9)]),
        ("centre", "clip", 2, [(0, 8), (4, 12), (1, 11)]),
        ("centre", "shift", 2, [(0, 10), (2, 12), (1, 11)]),
    ],
)
def test_one_axis_on_paper(layout, border, overlap, expected):
    assert boxes(layout, (12,), (2,), overlap, border) == tuple((interval,) for interval in expected)


def test_a_volume_whose_depth_is_not_cut_keeps_it():
    found = boxes("shifted", (8, 4, 5), (2, 1, 1), 1)
    assert found == tuple((rows, (0, 4), (0, 5)) for rows in ((0, 3), (1, 7), (5, 8)))
    assert boxes("centre", (8, 4, 5), (2, 1, 1), 1)[-1] == ((1, 7), (0, 4), (0, 5))


@pytest.mark.parametrize(
    ("layout", "shape", "grid", "overlap", "message"),
    [
        ("shifted", (8, 8), (1, 1), 0, "no inner border"),
        ("shifted", (2, 8), (2, 2), 0, "cells of 1 px"),
        ("centre", (9, 9), (3, 3), 0, "a cell in the middle already"),
        ("shifted", (8, 8), (2, 2), 5, "overlap 5 px does not fit"),
        ("centre", (9, 8), (2, 2), 0, "9 is not divisible by 2"),
        ("centr", (8, 8), (2, 2), 0, "did you mean 'centre'"),
    ],
)
def test_what_does_not_fit_says_why(layout, shape, grid, overlap, message):
    with pytest.raises(ValueError, match=message):
        boxes(layout, shape, grid, overlap)


@st.composite
def cuts(draw):
    """A layout that fits: its name, shape, grid, overlap and border."""
    grid = [draw(st.integers(1, 4)) for _ in range(draw(st.integers(1, 3)))]
    shape = [cells * draw(st.integers(2, 6)) for cells in grid]
    border = draw(st.sampled_from(["clip", "shift"]))
    cut_axes = [(n, n // k) for n, k in zip(shape, grid, strict=True) if k > 1]
    limits = [cell if border == "clip" else min(cell, (n - cell) // 2) for n, cell in cut_axes]
    usable = ["grid"] + ["shifted"] * bool(cut_axes) + ["centre"] * any(k % 2 == 0 for k in grid)
    return draw(st.sampled_from(usable)), shape, grid, draw(st.integers(0, min(limits, default=0))), border


@given(cuts())
@settings(max_examples=150, deadline=None)
def test_every_layout_covers_the_image_with_the_sizes_that_it_promises(drawn):
    layout, shape, grid, overlap, border = drawn
    decomposition = decompose(tuple(shape), layout_settings(*drawn))
    whole = [n if k == 1 else n // k + 2 * overlap for n, k in zip(shape, grid, strict=True)]
    assert decomposition.covers
    assert all(size <= most for box in decomposition for size, most in zip(box.shape, whole, strict=True))
    if border == "shift":
        assert {box.shape for box in decomposition} == {tuple(whole)}
    elif layout == "shifted" and overlap == 0:
        assert decomposition.multiplicity.max() == 1  # a partition
    counts = {"grid": math.prod(grid), "centre": math.prod(grid) + 1, "shifted": math.prod(k + (k > 1) for k in grid)}
    assert len(decomposition) == counts[layout]
    if layout == "grid":
        assert decomposition == Decomposition.from_grid(shape, grid, overlap, border)


@given(cuts())
@settings(max_examples=100, deadline=None)
def test_settings_tell_their_layout(drawn):
    """Two layouts may give the same boxes (cells shifted inwards until they fill the axis): either name tells them."""
    made = layout_settings(*drawn)
    assert layout_settings(layout_of(made), *drawn[1:]) == made
    assert layout_of(DecompositionSettings.model_validate(made.model_dump(mode="json"))) == layout_of(made)


def test_boxes_of_one_layout_only_tell_it():
    assert [layout_of(layout_settings(name, (12, 8), (2, 2), 1)) for name in LAYOUTS] == list(LAYOUTS)


def test_boxes_of_ones_own_are_no_layout():
    own = DecompositionSettings(boxes=(((0, 5), (0, 8)), ((3, 8), (0, 8))))
    assert layout_of(own) == FREE
    assert title(layout_of(own), own.grid) == "boxes" and FREE not in LAYOUTS


def test_windows_of_gu_et_al():
    """On 224×224 px: four of 140 px are a grid with overlap, eight of 96 px, sixteen of 70 px without the border."""
    four = Decomposition.from_grid((224, 224), (2, 2), 28)
    assert [box.start for box in four] == [(0, 0), (0, 84), (84, 0), (84, 84)]
    assert {box.shape for box in four} == {(140, 140)}
    eight, sixteen = (decompose((224, 224), windows(name, (224, 224))) for name in ("eight", "sixteen"))
    columns = {0: (0, 64, 128), 64: (32, 96), 128: (0, 64, 128)}
    assert [box.start for box in eight] == [(row, column) for row in columns for column in columns[row]]
    assert {box.shape for box in eight} == {(96, 96)} and eight.multiplicity[112, 112] == 2
    uncovered = eight.multiplicity == 0
    assert uncovered.sum() == 2 * 32 * 32 and uncovered[96:128, :32].all() and uncovered[96:128, 192:].all()
    starts = (24, 59, 95, 130)
    assert [box.start for box in sixteen] == [(row, column) for row in starts for column in starts]
    assert {box.shape for box in sixteen} == {(70, 70)} and sixteen.multiplicity[24:200, 24:200].min() == 1


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("shape", [(32, 32), (180, 90), (17, 23)])
def test_windows_of_other_images_are_of_one_size_and_symmetric(name, shape):
    found = decompose(shape, windows(name, shape))
    assert len(found) == {"eight": 8, "sixteen": 16}[name] and len({box.shape for box in found}) == 1
    for axis, extent in enumerate(shape):
        margins = [(box.start[axis], extent - box.stop[axis]) for box in found]
        assert abs(min(before for before, _ in margins) - min(after for _, after in margins)) <= 1


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("shape", [(32, 32), (224, 224), (180, 90), (17, 23)])
def test_windows_tell_their_name(name, shape):
    made = windows(name, shape)
    assert layout_of(DecompositionSettings.model_validate(made.model_dump(mode="json"))) == name
    assert title(name, made.grid) == f"{name} windows"
    moved = tuple(((a - 1, b - 1), columns) for (a, b), columns in made.boxes[4:]) + made.boxes[:4]
    assert layout_of(DecompositionSettings(boxes=moved)) == FREE


def test_windows_say_what_does_not_fit():
    with pytest.raises(ValueError, match="did you mean 'eight'"):
        windows("eigth", (32, 32))
    with pytest.raises(ValueError, match="needs images of two axes, got 8×8×8"):
        windows("eight", (8, 8, 8))
