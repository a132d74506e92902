"""Maps as figures and pictures: one scale, one zoom, nothing where nobody looks."""

import io

import numpy as np
import pytest
from PIL import Image

from ddlab.analyses.maps.scores import Curves
from ddlab.analyses.maps.stored import Mapped
from ddlab.data.source import Description
from ddlab.decomposition import Decomposition
from ddlab.figures.maps.files import map_files, zipped
from ddlab.figures.maps.overlays import curves_figure, in_two_dimensions, limit_of, maps_figure, picture, shared_limit
from ddlab.figures.volumes import Overlay, Scene

SQUARES = Decomposition.from_grid((8, 8), (2, 2))


def a_map(value):
    values = np.zeros((8, 8))
    values[:4, :4] = value
    return values


def scene(image, decomposition, mask=None):
    description = Description(("a", "b"), len(image), decomposition.shape, 1, 1, "made", "none")
    return Scene(image, description, decomposition, mask)


def test_panels_share_a_scale_and_a_zoom():
    maps = {"one": a_map(1.0), "two": a_map(-3.0), "three": np.full((8, 8), np.nan), "four": a_map(2.0)}
    limit = shared_limit({name: [values] for name, values in maps.items()})
    assert limit == np.median([1, 3, 1, 2])
    figure = maps_figure(scene(np.zeros((3, 8, 8), np.uint8), SQUARES, np.eye(8)), maps, [limit] * 4, "Maps")
    heats = [trace for trace in figure.data if trace.type == "heatmap"]
    assert [(heat.zmin, heat.zmax) for heat in heats] == [(-limit, limit)] * 4
    assert [heat.showscale for heat in heats] == [True, False, False, False]
    axes = [axis for axis in figure.select_xaxes() if axis.anchor]
    assert {axis.matches for axis in axes} == {"x"} and {axis.matches for axis in figure.select_yaxes()} == {"y"}
    assert figure.layout.yaxis.scaleanchor == "x"
    assert sum(trace.type == "image" for trace in figure.data) == 5  # and the image itself
    assert [note.text for note in figure.layout.annotations] == ["Image", *maps]


def test_an_untrained_network_does_not_set_the_scale_of_the_others():
    maps = {"local": [a_map(1.0)], "transfer": [a_map(3.0)], "random_untrained": [a_map(172.0)]}
    assert shared_limit(maps) == 2.0
    assert shared_limit({"random_untrained": [a_map(172.0)]}) == 172.0 and shared_limit({}) == 1.0


def test_a_number_stands_in_every_subdomain_that_is_shown():
    whole = scene(np.zeros((3, 8, 8), np.uint8), SQUARES)
    maps, effects = {"one": a_map(1.0), "two": a_map(2.0)}, np.array([0.04, -1.26, 2.0, 0.0])
    figure = maps_figure(whole, maps, [1.0, 2.0], "Maps", [effects, None])
    (written,) = [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "text"]
    assert list(written.text) == ["0", "-1.3", "+2.0", "0"] and list(written.x) == [1.5, 5.5, 1.5, 5.5]
    boxes = Decomposition.from_grid((8, 8, 4), (2, 2, 2))
    mask = np.zeros((8, 8, 4))
    mask[2, 2, 3] = 1
    volume = scene(np.zeros((1, 8, 8, 4), np.uint8), boxes, mask)
    figure = maps_figure(volume, {"one": np.zeros((8, 8, 4))}, [1.0], "Maps", [np.arange(8.0)])
    (written,) = [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "text"]
    assert list(written.text) == ["+1.0", "+3.0", "+5.0", "+7.0"]  # those of the upper layer


def test_a_volume_is_shown_where_its_evidence_is():
    boxes = Decomposition.from_grid((8, 8, 4), (2, 2, 2))
    mask = np.zeros((8, 8, 4))
    mask[2, 2, 3] = 1
    values = np.arange(4.0) * np.ones((8, 8, 1))
    flat, maps = in_two_dimensions(scene(np.zeros((1, 8, 8, 4), np.uint8), boxes, mask), {"one": values})
    assert (maps["one"] == 3).all() and flat.mask[2, 2] == 1 and len(flat.decomposition) == 4
    assert flat.image.shape == (1, 8, 8)


def test_a_signal_is_shown_as_its_line():
    signal = np.zeros((1, 16), np.uint8)
    shown = scene(signal, Decomposition.from_grid((16,), (4,)), np.arange(16) < 4)
    flat, maps = in_two_dimensions(shown, {"one": np.arange(16.0)})
    assert flat.image.shape[1:] == flat.mask.shape == maps["one"].shape == flat.decomposition.shape
    assert (maps["one"] == np.arange(16)).all()
    assert len(maps_figure(shown, {"one": np.arange(16.0)}, [1.0], "Signal").data) > 4
    assert picture(signal, np.arange(16.0), 1.0).width >= 256


def test_the_scale_of_nothing_is_still_one():
    assert limit_of([]) == limit_of([np.zeros((2, 2))]) == limit_of([np.full((2, 2), np.nan)]) == 1.0


def test_a_picture_is_blue_for_and_red_against_and_gray_elsewhere():
    values = np.array([[2.0, -2.0], [0.0, np.nan]])
    drawn = np.asarray(picture(np.full((3, 2, 2), 100, np.uint8), values, 1.0)).astype(int)
    assert drawn.shape == (256, 256, 3)
    blue, red, none, unseen = drawn[5, 5], drawn[5, -5], drawn[-5, 5], drawn[-5, -5]
    assert blue[2] > blue[0] + 80 and red[0] > red[2] + 80
    assert np.ptp(none) == np.ptp(unseen) == 0 and (none == unseen).all()


def test_every_viewer_and_class_becomes_a_picture():
    about = {"images": ["7"], "classes": ["a b", "c"], "viewers": {"local": "Local networks", "global": "Global"}}
    arrays = {"images": np.zeros((1, 1, 8, 8), np.uint8)}
    arrays |= {f"maps:{name}": np.stack([[a_map(1.0), a_map(-1.0)]]) for name in about["viewers"]}
    files = map_files(Mapped(about, arrays), 0)
    assert set(files) == {f"image-7-{viewer}-{known}.png" for viewer in about["viewers"] for known in ("a-b", "c")}
    assert Image.open(io.BytesIO(files["image-7-local-c.png"])).size == (256, 256)
    assert zipped(files)[:2] == b"PK"


def test_curves_are_means():
    drawn = Curves(np.array([0, 0.5, 1]), np.array([[0, 0.5, 1], [0, 1, 1]]), np.array([[1, 1, 0], [1, 0, 0]]))
    figure = curves_figure({"global": drawn}, {"global": "Global network"}, "Curves")
    assert [list(trace.y) for trace in figure.data] == [[0, 0.75, 1], [1, 0.5, 0]]
    assert [trace.line.dash for trace in figure.data] == ["solid", "dot"]


@pytest.mark.parametrize(("value", "byte", "color"), [(-9, 1, "red"), (0, 128, ""), (4, 255, "blue"), (np.nan, 0, "")])
def test_an_overlay_on_a_shared_scale_is_clear_around_0(value, byte, color):
    overlay = Overlay(np.full((1, 1, 1), float(value)), "map", limit=4.0)
    assert overlay.limits == (-4, 4) and overlay.quantised()[0, 0, 0] == byte
    red, _, blue, opacity = overlay.palette()[byte]
    assert opacity == (1 if color else 0)
    assert {"red": red > blue, "blue": blue > red}.get(color, True)
