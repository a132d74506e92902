"""Accuracy, learning and effort of a run: tables, and the figures of the page Compare."""

import pandas as pd
import plotly.graph_objects as go

from ddlab.analyses.comparison import accuracy as analysis
from ddlab.analyses.comparison import effort as efforts
from ddlab.analyses.comparison import optimizers as passing
from ddlab.analyses.comparison.baseline import baseline_of, shared_baseline
from ddlab.analyses.comparison.communication import measured_communication
from ddlab.analyses.comparison.paper import paper_comparison, paper_rows
from ddlab.analyses.comparison.reaching import worth_reaching
from ddlab.face.material import Material, chosen
from ddlab.figures.comparison import accuracy as figures
from ddlab.figures.comparison.cost import communication_bars
from ddlab.figures.comparison.effort import effort_lines, target_bars
from ddlab.figures.comparison.learning import MEASURES, stage_curves
from ddlab.figures.comparison.optimizers import passes_lines
from ddlab.written import percent

# ---- tables


def accuracies(of: Material) -> pd.DataFrame:
    """Every strategy of the run: accuracy over the seeds with its 95 % interval, epochs, work and time."""
    return analysis.strategy_table(of.runs)


def curves(of: Material) -> pd.DataFrame:
    """Every epoch of everything that is trained: loss, accuracy, learning rate; all seeds."""
    return analysis.curves_of(of.runs)


def effort(of: Material) -> pd.DataFrame:
    """Validation accuracy of every strategy against wall time (s) and operations, epoch by epoch."""
    return efforts.effort_curves(of.run)


def communication(of: Material) -> pd.DataFrame:
    """Bytes that ranks exchange in a training step, counted and measured."""
    return measured_communication(of.run)


def paper(of: Material) -> pd.DataFrame:
    """The cell of the paper's tables that the run repeats; empty where it repeats none."""
    return paper_comparison(of.run)


def passes(of: Material) -> pd.DataFrame:
    """Methods that train the global network, by epochs, passes over the data, bytes and time (s)."""
    return passing.passes_table(of.runs)


# ---- figures


def accuracy_figure(of: Material) -> go.Figure:
    """Test, validation and training accuracy of every strategy as bars, the paper's numbers beside them."""
    table, published = accuracies(of), paper_rows(of.run.experiment)
    title = f"Accuracy: {figures.bars_of(table)}, training (grey)"
    return figures.strategy_bars(table, title, published, shared_baseline([baseline_of(run) for run in of.runs]))


def accuracy_against_cost_figure(of: Material, *, cost: str | None = None) -> go.Figure:
    """Accuracy of every strategy against one of its costs."""
    axis = chosen("cost", cost, figures.COSTS)
    return figures.accuracy_against_cost(accuracies(of), axis, f"Accuracy against {figures.COSTS[axis]}")


def curves_figure(of: Material, *, measure: str | None = None, window: int = 1) -> go.Figure:
    """One measure of everything that is trained, by epoch; ``window`` epochs are smoothed to their mean."""
    name = chosen("measure", measure, figures.CURVES)
    baseline = shared_baseline([baseline_of(run, "validation") for run in of.runs])
    title = f"{figures.CURVES[name].capitalize()} of what is trained"
    return figures.strategy_curves(curves(of), name, title, window, baseline)


def learning_figure(of: Material, *, stage: str | None = None, measure: str | None = None) -> go.Figure:
    """One stage of one seed while it learns: training and validation, every network."""
    table = analysis.learning_curves(of.run)
    table = table[table["seed"] == of.seed]
    name = chosen("stage", stage, list(dict.fromkeys(table["stage"])))
    baseline = baseline_of(of.run, "validation")
    return stage_curves(table, name, f"Stage {name}, seed {of.seed}", chosen("measure", measure, MEASURES), baseline)


def effort_figure(of: Material, *, effort: str | None = None, target: float | None = None) -> go.Figure:
    """Validation accuracy against the effort; ``target`` is marked, by default 95 % of the best."""
    table, axis = efforts.effort_curves(of.run), chosen("effort", effort, efforts.EFFORTS)
    goal = _target(table, target)
    words = efforts.EFFORTS[axis]
    titles = f"Validation accuracy against {words}", words
    return effort_lines(table, axis, goal, titles, baseline_of(of.run, "validation"))


def target_figure(of: Material, *, effort: str | None = None, target: float | None = None) -> go.Figure:
    """The effort that an accuracy takes, by default 95 % of the best that a strategy reaches."""
    table, axis = efforts.effort_curves(of.run), chosen("effort", effort, efforts.EFFORTS)
    goal = _target(table, target)
    words = efforts.EFFORTS[axis]
    return target_bars(efforts.time_to_accuracy(table, goal), axis, (f"What {percent(goal, 0)} takes: {words}", words))


def communication_figure(of: Material) -> go.Figure:
    """Bytes between ranks a training step, by strategy."""
    return communication_bars(communication(of), "Bytes between ranks a training step")


def passes_figure(of: Material, *, effort: str | None = None, measure: str | None = None) -> go.Figure:
    """Methods that train the global network against each other."""
    axis, name = chosen("effort", effort, passing.EFFORTS), chosen("measure", measure, passing.MEASURES)
    title = f"{passing.MEASURES[name].capitalize()} against {passing.EFFORTS[axis]}"
    return passes_lines(passes(of), axis, name, title)


def _target(curves: pd.DataFrame, target: float | None) -> float:
    return worth_reaching(curves) if target is None else target
