"""All runs of the sweep that a run belongs to: tables, and the figures of the pages Sweep and Trust region."""

import pandas as pd
import plotly.graph_objects as go

from ddlab.analyses.comparison.baseline import baseline_of
from ddlab.analyses.sweeps import sensitivity as tuning
from ddlab.analyses.sweeps.decompositions import sweep_table
from ddlab.face.material import Material, chosen, title_of
from ddlab.figures.sweeps import decompositions as figures
from ddlab.figures.sweeps.sensitivity import sensitivity_lines
from ddlab.runs import RunFolder, list_runs
from ddlab.sweeps.decompositions import by_sweep

# ---- tables


def sweep(of: Material) -> pd.DataFrame:
    """Accuracy of every strategy with every decomposition of the run's sweep, and the work of its local networks."""
    return sweep_table(_runs(of, tuned=False))


def sensitivity(of: Material) -> pd.DataFrame:
    """Accuracy of every strategy with every first radius or learning rate of the run's sweep."""
    return tuning.sensitivity_table(_runs(of, tuned=True))


# ---- figures


def sweep_figure(of: Material, *, strategy: str | None = None) -> go.Figure:
    """Accuracy of every decomposition as a heat map."""
    name = _strategy(of, strategy)
    return figures.heat_map(sweep(of), name, f"{title_of(name)}: validation accuracy of every decomposition")


def sweep_work_figure(of: Material, *, strategy: str | None = None) -> go.Figure:
    """Accuracy of every decomposition against its work."""
    return figures.accuracy_against_work(sweep(of), _strategy(of, strategy), "Accuracy against work")


def sensitivity_figure(of: Material, *, epoch: str | None = None) -> go.Figure:
    """Accuracy against the first radius or the learning rate: flat is good."""
    table, which = sensitivity(of), chosen("epoch", epoch, tuning.EPOCHS)
    return sensitivity_lines(table, tuning.plateaus(table, which), which, baseline_of(of.run, "validation"))


def _strategy(of: Material, strategy: str | None) -> str:
    asked = [name for name in of.run.experiment.strategies if name != figures.GLOBAL]
    return chosen("strategy", strategy, asked)


def _runs(of: Material, *, tuned: bool) -> list[RunFolder]:
    name = of.run.experiment.sweep
    found = by_sweep(list_runs(), tuned=tuned).get(name, [])
    if not found:
        kind, command = ("radii and rates", "ddlab sensitivity") if tuned else ("decompositions", "ddlab sweep")
        raise ValueError(f"run {of.run.id}: belongs to no sweep of {kind}; '{command}' makes one")
    return found
