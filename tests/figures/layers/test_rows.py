"""Rows of channels: what is drawn, on which scale, and where a click chooses."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from plotly.colors import sample_colorscale

from ddlab.analyses.layers.rows import LayerRow
from ddlab.figures.colors import CHOSEN, PROBABILITY, SIGNED
from ddlab.figures.layers.rows import SHOWN, channels_figure, rows_figure
from ddlab.figures.layers.tiles import flat_maps
from tests.analyses.layers.test_activations import made

MAPS = np.arange(8.0)[:, None, None] * np.ones((8, 4, 4))  # channel k is k everywhere: 0 is dead, 7 the strongest


def pixels(source):
    return np.array(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))))


def color(scale, share):
    return [round(255 * part) for part in sample_colorscale(scale, [share], colortype="tuple")[0]]


def of(trace):
    return trace.mode if trace.type == "scatter" else ""


def chosen_frames(figure):
    return [shape for shape in figure.layout.shapes if shape.line.color == CHOSEN]


def test_a_row_has_the_strongest_channels_on_the_scale_of_the_layer():
    found = made(relu=MAPS, signed=-MAPS)
    figure = rows_figure(found, found.rows, "Title", chosen=("relu", 6))
    below, relu, signed = (pixels(trace.source) for trace in figure.data if trace.type == "image")
    assert below.shape[:2] == (8, 8)
    first, last = color(PROBABILITY, 1), color(PROBABILITY, 2 / 7)
    assert relu[0, 0, :3].tolist() == pytest.approx(first, abs=1) and relu[0, 0, 3] == 255
    assert relu[0, relu.shape[1] * 5 // 6 + 2, :3].tolist() == pytest.approx(last, abs=2)
    assert signed[0, 0, :3].tolist() == pytest.approx(color(SIGNED, 0), abs=1)
    (points,) = (trace for trace in figure.data if of(trace) == "markers")
    assert [list(data) for data in points.customdata] == [
        [layer, channel] for layer in ("relu", "signed") for channel in (7, 6, 5, 4, 3, 2)
    ]
    words = [note.text for note in figure.layout.annotations]
    assert any("0 to 7 · 12% dead" in text for text in words) and any("−7 to 7" in text for text in words)
    (frame,) = chosen_frames(figure)
    assert (frame.x0, frame.x1) == (1, pytest.approx(1.92)), "the second strongest"


def test_all_channels_of_a_layer_the_dead_one_last():
    figure = channels_figure(made(relu=MAPS), "relu", "Title", channel=0)
    (points,) = (trace for trace in figure.data if of(trace) == "markers")
    assert [channel for _, channel in points.customdata] == [7, 6, 5, 4, 3, 2, 1, 0]
    assert "dead" in points.hovertext[-1] and "dead" not in points.hovertext[0]
    (frame,) = chosen_frames(figure)
    assert frame.x0 == 7
    assert not chosen_frames(channels_figure(made(relu=MAPS), "relu", "Title"))


def test_numbers_without_positions_are_cells_and_signals_are_lines():
    found = made(relu=np.array([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]), vector=np.linspace(0, 1, 70))
    figure = rows_figure(found, found.rows, "Title")
    (cells,) = (trace for trace in figure.data if trace.type == "heatmap")
    assert np.shape(cells.z) == (2, 64) and np.isnan(cells.z[1][6:]).all() and cells.zmax == 1
    lines = [trace for trace in figure.data if of(trace) == "lines"]
    heights = [y for y in lines[-1].y if y is not None]
    top = min(heights)
    assert heights[2] == top and heights[3] == top and heights[0] == max(heights) == pytest.approx(top + 0.92)


def test_a_volume_is_cut_where_the_slice_says():
    maps = np.zeros((1, 2, 2, 4))
    maps[..., 3] = 1
    found = made(relu=maps)
    found.arrays["input"] = np.arange(4, dtype=np.uint8)[None, None, None] * np.ones((1, 8, 8, 4), np.uint8) * 80
    first, last = (rows_figure(found, found.rows, "Title", depth).data for depth in (0.1, 0.9))
    assert pixels(first[0].source).max() == 0 and pixels(last[0].source).max() == 240
    assert first[1].source != last[1].source
    assert flat_maps(maps, 0.99).max() == 1 and flat_maps(maps, 1.0).max() == 1 and flat_maps(maps, 0.7).max() == 0


def test_a_row_without_positions_has_nothing_to_click():
    found = made(vector=np.ones(3))
    figure = rows_figure(found, (LayerRow("vector", "made", (3,), True),), "Title", chosen=("vector", None))
    (points,) = (trace for trace in figure.data if of(trace) == "markers")
    assert len(points.x or ()) == 0
    (frame,) = chosen_frames(figure)
    assert frame.x1 == pytest.approx(SHOWN - 0.08)
