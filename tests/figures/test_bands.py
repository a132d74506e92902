"""Bands around lines: one standard deviation to either side, within what is possible, and none of a single value."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ddlab.figures.bands import add_band
from ddlab.figures.colors import rgba

MEAN = pd.Series([0.5, 0.9], index=[1, 2])


def test_a_band_goes_there_above_the_line_and_back_below_it():
    figure = go.Figure()
    add_band(figure, MEAN, pd.Series([0.1, np.nan], index=[1, 2]), "#102030", "line")
    (band,) = figure.data
    assert list(band.x) == [1, 2, 2, 1] and list(band.y) == [0.6, 0.9, 0.9, 0.4]
    assert (band.fill, band.fillcolor, band.legendgroup) == ("toself", rgba("#102030", 0.18), "line")


def test_a_band_stays_within_its_limits():
    figure = go.Figure()
    add_band(figure, MEAN, pd.Series([0.6, 0.6], index=[1, 2]), "#102030", "line", (0.0, 1.0))
    np.testing.assert_allclose(figure.data[0].y, [1.0, 1.0, 0.3, 0.0])


def test_values_that_do_not_spread_have_no_band():
    figure = go.Figure()
    for sd in (0.0, np.nan):
        add_band(figure, MEAN, pd.Series(sd, index=[1, 2]), "#102030", "line")
    assert not figure.data
