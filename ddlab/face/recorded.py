"""Experiments that were measured once and come with ddlab: tables, and the figures of the page Trust region."""

import pandas as pd
import plotly.graph_objects as go

from ddlab.analyses.trust_region import split_or_shared as analysis
from ddlab.face import listed
from ddlab.face.material import chosen
from ddlab.face.shown import Shown
from ddlab.figures.trust_region.split_or_shared import split_or_shared_lines


class Recorded(Shown):
    """Experiments that take too long to repeat in passing, as they were measured. Made by :func:`ddlab.recorded`."""

    _tables = listed.RECORDED_TABLES
    _figures = listed.RECORDED_FIGURES

    def __repr__(self) -> str:
        return "Recorded()"


def recorded() -> Recorded:
    """Experiments that were measured once and come with ddlab: they need no run.

    Examples
    --------
    >>> import ddlab
    >>> sorted(set(ddlab.recorded().table("split_or_shared")["data"]))
    ['shared', 'split']
    """
    return Recorded()


def split_or_shared(of: Recorded) -> pd.DataFrame:
    """Compare APTS with split and with shared data: means over the seeds, a row a case."""
    return analysis.recorded()[1]


def split_or_shared_figure(of: Recorded, *, measure: str | None = None) -> go.Figure:
    """A measure of APTS with split and with shared data, by the number of subdomains."""
    name = chosen("measure", measure, analysis.MEASURES)
    return split_or_shared_lines(split_or_shared(of), name, analysis.RECORDED_TITLE)
