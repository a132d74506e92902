"""Pictures: where boxes and subimages are drawn, and what a map of subdomains shows."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from ddlab.decomposition import Decomposition
from ddlab.figures.images import (
    enlarged,
    image_source,
    outline_path,
    subdomain_map,
    subdomains_figure,
    subimages_figure,
    thumbnail,
    tile_layout,
)

RNG = np.random.default_rng(0)
COLOR, GREY = (RNG.integers(0, 256, (channels, 8, 8), dtype=np.uint8) for channels in (3, 1))


def pixels(source):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))))


@pytest.mark.parametrize("image", [COLOR, GREY], ids=["colour", "grey"])
def test_the_source_of_an_image_is_the_image(image):
    decoded = pixels(image_source(image))
    assert decoded.shape == (8, 8, 3)
    np.testing.assert_array_equal(decoded, np.broadcast_to(np.moveaxis(image, 0, -1), (8, 8, 3)))


def test_enlarging_repeats_whole_pixels():
    large = enlarged(GREY, 20)
    assert large.shape == (24, 24)
    np.testing.assert_array_equal(large[::3, ::3], GREY[0])


def test_boxes_are_drawn_and_numbered():
    decomposition = Decomposition.from_grid((8, 8), (2, 2), 1)
    figure = subdomains_figure(COLOR, decomposition, "title", mask=np.eye(8))
    labels = [trace.text[0] for trace in figure.data if trace.type == "scatter" and trace.text]
    assert labels == ["1", "2", "3", "4"]
    outline = next(trace for trace in figure.data if trace.type == "scatter" and trace.mode == "lines")
    assert max(outline.x) == pytest.approx(4.5, abs=0.1)  # cell of 4 px and an overlap of 1 px
    shared = next(trace for trace in figure.data if trace.type == "heatmap")
    np.testing.assert_array_equal(shared.z, decomposition.multiplicity)
    assert any(trace.type == "contour" for trace in figure.data)
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # the first row on top


def test_the_outline_goes_around_the_pixels_of_the_evidence():
    """Two pixels side by side in the corner: 2 px along both rows, 1 px down at either end; and a hole is outlined."""
    mask = np.zeros((3, 4))
    mask[0, :2] = 1
    assert outline_path(mask) == "M0 0H2M0 1H2M0 0V1M2 0V1"
    ring = np.ones((3, 3))
    ring[1, 1] = 0
    assert "M1 1H2" in outline_path(ring) and outline_path(ring).count("M") == 8
    assert outline_path(np.zeros((2, 2))) == ""


def test_without_overlap_and_evidence_there_is_no_veil_and_no_outline():
    figure = subdomains_figure(COLOR, Decomposition.from_grid((8, 8), (2, 2)), "title", mask=np.zeros((8, 8)))
    assert {trace.type for trace in figure.data} == {"image", "scatter"}


@pytest.mark.parametrize(
    "decomposition",
    [
        Decomposition.from_grid((8, 8), (2, 4), 1),
        Decomposition.from_grid((8, 8), (4, 2), 1, "shift"),
        Decomposition.from_boxes((8, 8), [[(0, 8), (0, 3)], [(2, 6), (2, 6)], [(0, 2), (0, 8)]]),
    ],
    ids=["clip", "shift", "free boxes"],
)
def test_subimages_are_whole_and_never_cover_each_other(decomposition):
    where = tile_layout(decomposition)
    drawn = np.zeros((int(np.ceil(where.height)) + 1, int(np.ceil(where.width)) + 1), dtype=int)
    for (x, y), box in zip(where.corners, decomposition, strict=True):
        drawn[round(y) : round(y) + box.shape[0], round(x) : round(x) + box.shape[1]] += 1
    assert drawn.max() == 1
    figure = subimages_figure(COLOR, decomposition, "title", [str(n) for n in range(len(decomposition))])
    for part, trace in zip(decomposition.split(COLOR), figure.data, strict=True):
        np.testing.assert_array_equal(pixels(trace.source), np.moveaxis(part, 0, -1))


def test_a_map_averages_where_subdomains_overlap():
    decomposition = Decomposition.from_grid((4, 4), (1, 2), 1)
    figure = subdomain_map(decomposition, np.array([0.2, 0.6]), "title")
    np.testing.assert_allclose(figure.data[0].z[0], [0.2, 0.4, 0.4, 0.6])
    assert [trace.text[0] for trace in figure.data[1:]] == ["1<br>20%", "2<br>60%"]


def test_pixels_of_no_subdomain_stay_empty():
    figure = subdomain_map(Decomposition.from_boxes((2, 2), [[(0, 1), (0, 2)]]), np.array([0.5]), "title")
    assert np.isnan(figure.data[0].z[1]).all()


def test_a_thumbnail_is_small_keeps_its_shape_and_repeats_whole_pixels():
    wide = np.zeros((3, 60, 200), np.uint8)
    assert pixels(thumbnail(wide, 48)).shape[:2] == (14, 48)
    small = np.array([[[0, 255], [255, 0]]], np.uint8)
    seen = pixels(thumbnail(small, 5))
    np.testing.assert_array_equal(seen[..., 0], np.kron([[0, 255], [255, 0]], np.ones((2, 2))))
