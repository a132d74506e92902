"""Signals as pictures: the line goes through every sample, and subdomains are cut out of it as out of an image."""

import numpy as np

from ddlab.decomposition import Decomposition
from ddlab.figures.images import enlarged, subdomain_map, subimages_figure
from ddlab.figures.signals import GROUND, MIDDLE, drawn, flat, rows_of


def test_every_column_has_its_sample_and_is_joined_to_the_one_before():
    values = np.array([[0, 255, 128, 128]], dtype=np.uint8)
    picture = drawn(values)
    rows = rows_of(4)
    ink = (picture < MIDDLE).all(axis=0)
    assert picture.shape == (3, rows, 4)
    assert np.flatnonzero(ink[:, 0]).tolist() == [rows - 1], "the smallest value lies below"
    assert ink[:, 1].all(), "from below to above"
    assert np.flatnonzero(ink[:, 2]).tolist() == list(range(rows // 2)), "from above to the middle"
    assert ink[:, 3].sum() == 1 and (picture[:, 0, 3] == GROUND).all()


def test_subdomains_are_columns_of_the_picture():
    decomposition = Decomposition.from_grid((64,), (4,), 2)
    boxes = flat(decomposition)
    signal = np.arange(0, 256, 4, dtype=np.uint8)[None]
    assert boxes.grid == (1, 4) and [box.stop[1] - box.start[1] for box in boxes] == [18, 20, 20, 18]
    assert {box.shape[0] for box in boxes} == {rows_of(64)}
    figure = subimages_figure(signal, decomposition, "title", list("abcd"))
    assert len(figure.data) == 4 and len({trace.y0 for trace in figure.data}) == 1
    coloured = subdomain_map(decomposition, np.array([0.1, 0.2, 0.3, 0.4]), "title", signal)
    heat = next(trace for trace in coloured.data if trace.type == "heatmap")
    np.testing.assert_allclose(np.asarray(heat.z)[0, [0, 30, 63]], [0.1, (0.2 + 0.3) / 2, 0.4])
    assert enlarged(signal, 10).shape == (rows_of(64), 64, 3)
