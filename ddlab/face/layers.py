"""Strategies that cut the layers: traced steps of a run beside their simulation, and accuracy against old gradients."""

import pandas as pd
import plotly.graph_objects as go

from ddlab.analyses.pipeline import traces as analysis
from ddlab.analyses.pipeline.plan import time_unit
from ddlab.analyses.pipeline.staleness import staleness_table
from ddlab.analyses.pipeline.staleness import why_not as why_no_ages
from ddlab.face.material import Material, chosen
from ddlab.figures.pipeline.schedule import gantt
from ddlab.figures.pipeline.staleness import accuracy_against_age
from ddlab.pipeline.simulation import Simulation
from ddlab.pipeline.trace import predicted_step, recorded_step

NONE = "no step of a pipeline was traced; see the recipe 'pipeline_demo'"


def traces(of: Material) -> pd.DataFrame:
    """Every traced step beside its simulation: seconds, idle shares, balance, speed-up."""
    _check(of, analysis.why_not(of.run))
    return analysis.trace_table(of.run)


def modules(of: Material, *, strategy: str | None = None) -> pd.DataFrame:
    """The modules of a traced step: what was counted of each, and what a micro-batch was measured to take."""
    return analysis.module_table(analysis.trace_of(of.run, _strategy(of, strategy), of.seed))


def staleness(of: Material) -> pd.DataFrame:
    """Strategies with exact and with old gradients: accuracy, and how old the gradients are."""
    _check(of, why_no_ages(of.run))
    return staleness_table([of.run, *of.beside])


def trace_figure(of: Material, *, strategy: str | None = None) -> go.Figure:
    """Every pass of every rank in a traced step, as it ran."""
    return _drawn(recorded_step(analysis.trace_of(of.run, _strategy(of, strategy), of.seed)))


def predicted_figure(of: Material, *, strategy: str | None = None) -> go.Figure:
    """The same step as it is simulated from the measured times of its modules."""
    return _drawn(predicted_step(analysis.trace_of(of.run, _strategy(of, strategy), of.seed)))


def staleness_figure(of: Material) -> go.Figure:
    """Accuracy against the age of gradients."""
    return accuracy_against_age(staleness(of), "Accuracy against the age of gradients")


def _drawn(step: Simulation) -> go.Figure:
    unit, a_second = time_unit(step.makespan)
    return gantt(step.scaled(a_second), unit=unit)


def _strategy(of: Material, strategy: str | None) -> str:
    found = [name for name, seed, _ in analysis.traces(of.run) if seed == of.seed]
    return chosen("strategy", strategy, found, NONE)


def _check(of: Material, reason: str) -> None:
    if reason:
        raise ValueError(f"run {of.run.id}: {reason}")
