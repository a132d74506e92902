"""Plans of an experiment, before it is trained: tables, and the figure of the bytes that ranks will exchange."""

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd
import plotly.graph_objects as go

from ddlab.analyses.comparison.communication import communication_table
from ddlab.analyses.comparison.cost import machine_rate, plan_here, work_ratio
from ddlab.analyses.sweeps.decompositions import plan_of_sweep
from ddlab.analyses.sweeps.sensitivity import plan_of_sensitivity
from ddlab.face.preview import Preview
from ddlab.figures.comparison.cost import communication_bars
from ddlab.layouts import LAYOUTS
from ddlab.registry.strategies import TUNED
from ddlab.runs import list_runs
from ddlab.sweeps.decompositions import OVERLAPS, default_grids, plan_sweep
from ddlab.sweeps.sensitivity import plan_runs

# ---- tables


def plan(of: Preview) -> pd.DataFrame:
    """The stages with their operations, and the time (s) that they may take on this machine; all seeds."""
    return plan_here(of.problem)


def work(of: Preview, *, workers: int | None = None) -> pd.DataFrame:
    """Work of the global network over that of all local ones, and of the busiest worker; by default one worker each."""
    if workers is not None and workers < 1:
        raise ValueError(f"workers: needs at least 1, got {workers}")
    return pd.DataFrame([asdict(work_ratio(of.problem, workers))])


def communication(of: Preview) -> pd.DataFrame:
    """Bytes that ranks will exchange in a training step, by strategy."""
    return communication_table(of.problem)


def sweep(
    of: Preview,
    *,
    grids: Sequence[Sequence[int]] | None = None,
    layouts: Sequence[str] = tuple(LAYOUTS),
    overlaps: Sequence[int] = OVERLAPS,
) -> pd.DataFrame:
    """Estimate a sweep: a row a decomposition with its work and time, or the reason why it does not fit."""
    variants = plan_sweep(of.experiment, default_grids(of.experiment) if grids is None else grids, layouts, overlaps)
    return plan_of_sweep(variants, machine_rate(list_runs()))


def sensitivity(
    of: Preview, *, strategies: Sequence[str] = TUNED, values: Sequence[float] | None = None
) -> pd.DataFrame:
    """Estimate a sweep over first radii and learning rates: a row a strategy and value."""
    return plan_of_sensitivity(plan_runs(of.experiment, strategies, values), machine_rate(list_runs()))


# ---- figures


def communication_figure(of: Preview) -> go.Figure:
    """Bytes that ranks will exchange in a training step, by strategy."""
    return communication_bars(communication(of), "Bytes between ranks a training step")
