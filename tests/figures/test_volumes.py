"""Volumes: the message to the viewer, and how they are shown in two dimensions."""

import json
import struct
from dataclasses import replace

import numpy as np
import pytest

from ddlab.data.source import Description
from ddlab.decomposition import Decomposition, times
from ddlab.figures.images import enlarged, subdomain_map, subimages_figure, tile_layout
from ddlab.figures.volumes import Overlay, Scene, axial, montage
from tests.figures.test_images import pixels

SHAPE = (8, 6, 4)
VOLUME = np.random.default_rng(0).integers(0, 256, (1, *SHAPE), dtype=np.uint8)
MASK = np.zeros(SHAPE, dtype=np.uint8)
MASK[5, 1, 3] = MASK[5, 2, 3] = MASK[6, 1, 3] = 1
CT = Description(("a", "b"), 1, SHAPE, 1, 1, "", "", True, (-1000.0, 400.0), "HU", (2.0, 2.0, 5.0))
GRID = Decomposition.from_grid(SHAPE, (2, 2, 2), (1, 0, 1))
LAYERED = (GRID, Decomposition.from_grid(SHAPE, (2, 3, 1)), Decomposition.from_grid(SHAPE, (1, 2, 4), 1, "shift"))


def unpacked(message):
    (length,) = struct.unpack("<I", message[:4])
    header, body = json.loads(message[4 : 4 + length]), message[4 + length :]
    parts = np.frombuffer(body, np.uint8).reshape(len(header["parts"]), *header["shape"])
    return header, dict(zip(header["parts"], parts, strict=True))


def test_the_viewer_gets_the_voxels_their_meaning_and_the_boxes():
    header, parts = unpacked(Scene(VOLUME, CT, GRID, MASK).pack())
    np.testing.assert_array_equal(parts["volume"], VOLUME[0])
    np.testing.assert_array_equal(parts["mask"], MASK)
    assert (header["spacing"], header["values"], header["unit"]) == ([2.0, 2.0, 5.0], [-1000.0, 400.0], "HU")
    assert header["windows"]["whole"] == [-300.0, 1400.0] and {"lung", "soft tissue"} < set(header["windows"])
    assert header["at"] == [5, 1, 3], "the slices with most evidence"
    assert [(tuple(box["start"]), tuple(box["stop"])) for box in header["boxes"]] == [(b.start, b.stop) for b in GRID]
    assert [box["number"] for box in header["boxes"]] == [str(number) for number in range(1, 9)]


def test_volumes_with_windows_of_their_own_have_no_unit():
    """Black is 0 and white is 1: what lies between them is no percentile."""
    header, _ = unpacked(Scene(VOLUME, replace(CT, values=(0.5, 99.5), unit="percentile"), GRID).pack())
    assert (header["values"], header["unit"], header["windows"]) == ([0.0, 1.0], "", {"whole": [0.5, 1.0]})


def test_without_mask_unit_and_spacing_the_viewer_still_knows_where_to_look():
    plain = replace(CT, values=(0.0, 1.0), unit="", spacing=())
    header, parts = unpacked(Scene(VOLUME, plain, GRID).pack())
    assert set(parts) == {"volume"}
    assert (header["spacing"], header["at"], list(header["windows"])) == ([1.0] * 3, [4, 3, 2], ["whole"])


def test_the_viewer_is_told_apart_what_changed():
    scene = Scene(VOLUME, CT, GRID, MASK)
    changes = [replace(scene, image=VOLUME ^ 1), replace(scene, mask=1 - MASK), replace(scene, labels=list("abcdefgh"))]
    ids = [unpacked(each.pack())[0]["id"] for each in [scene, replace(scene), *changes]]
    assert ids[0] == ids[1] and len(set(ids)) == 4


@pytest.mark.parametrize(
    ("values", "limits", "expected"),
    [
        ([0.0, 2.0, 4.0, np.nan], (0.0, 4.0), [1, 128, 255, 0]),
        ([-1.0, 0.0, 2.0, np.nan], (-2.0, 2.0), [64, 128, 255, 0]),
    ],
    ids=["from zero", "around zero"],
)
def test_a_map_has_one_scale_and_may_leave_voxels_out(values, limits, expected):
    overlay = Overlay(np.array(values), "map")
    assert overlay.limits == limits
    np.testing.assert_allclose(overlay.quantised(), expected, atol=1)
    assert len(overlay.palette()) == 256
    assert Overlay(np.full(3, np.nan), "nothing").quantised().tolist() == [0, 0, 0]


def test_a_volume_is_shown_by_the_slice_with_most_evidence_else_the_middle_one_unless_it_is_blank():
    np.testing.assert_array_equal(axial(VOLUME, MASK), VOLUME[..., 3])
    np.testing.assert_array_equal(axial(VOLUME, np.zeros(SHAPE)), VOLUME[..., 2])
    np.testing.assert_array_equal(axial(np.where(np.arange(4) == 1, VOLUME, 7)), VOLUME[..., 1])
    np.testing.assert_array_equal(axial(VOLUME[..., 0]), VOLUME[..., 0])
    np.testing.assert_array_equal(enlarged(VOLUME, 6), VOLUME[0, ..., 2])


@pytest.mark.parametrize("decomposition", LAYERED, ids=lambda cut: times(cut.grid))
def test_subimages_of_volumes_never_cover_each_other(decomposition):
    where = tile_layout(decomposition)
    drawn = np.zeros((int(np.ceil(where.height)) + 1, int(np.ceil(where.width)) + 1), dtype=int)
    for (x, y), box in zip(where.corners, decomposition, strict=True):
        drawn[round(y) : round(y) + box.shape[0], round(x) : round(x) + box.shape[1]] += 1
    assert drawn.max() == 1


def test_every_subimage_of_a_volume_is_shown_where_its_evidence_is():
    figure = subimages_figure(VOLUME, GRID, "title", ["label"] * 8, mask=MASK)
    for part, mask, trace in zip(GRID.split(VOLUME), GRID.split(MASK), figure.data, strict=True):
        np.testing.assert_array_equal(pixels(trace.source)[..., 0], axial(part, mask)[0])
    assert figure.data[5].source != subimages_figure(VOLUME, GRID, "title", ["label"] * 8).data[5].source


@pytest.mark.parametrize("decomposition", LAYERED, ids=lambda cut: times(cut.grid))
def test_a_montage_shows_every_layer_by_its_middle_slice(decomposition):
    flat, shown = montage(decomposition, VOLUME)
    for box, flat_box in zip(decomposition, flat, strict=True):
        part = shown[flat_box.slices]
        middle = (box.start[2] + box.stop[2]) // 2
        np.testing.assert_array_equal(part, VOLUME[..., middle][(..., *box.slices[1:3])])
    assert (flat.multiplicity.sum(axis=0) == 0).any() == (decomposition.grid[2] > 1), "a gap between layers"


def test_a_map_of_the_subdomains_of_a_volume_has_a_picture_a_layer():
    values = np.linspace(0, 0.7, 8)
    figure = subdomain_map(Decomposition.from_grid(SHAPE, (2, 2, 2)), values, "title", VOLUME)
    heat = next(trace for trace in figure.data if trace.type == "heatmap").z
    np.testing.assert_allclose(heat[0, [0, 5, 7, 12]], values[[0, 2, 1, 3]])
    assert np.isnan(heat[:, 6]).all(), "the gap between the layers"
