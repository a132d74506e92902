"""Methods without a learning rate: tables of their steps and of their data, and the figures of both."""

import pandas as pd
import plotly.graph_objects as go

from ddlab.analyses.trust_region import history as analysis
from ddlab.analyses.trust_region import split_or_shared as data
from ddlab.face.material import Material, chosen, title_of
from ddlab.figures.comparison.optimizers import passes_lines
from ddlab.figures.trust_region.history import history_panels
from ddlab.optim.radius import RadiusRule
from ddlab.runs import list_runs

NONE = "none of its strategies took a step with a radius; see the recipe 'trust_region_demo'"


def steps(of: Material, *, strategy: str | None = None) -> pd.DataFrame:
    """Every step: ratio, radius, predicted and actual decrease, what was rejected."""
    return analysis.step_table(of.run, _strategy(of, strategy), of.seed)


def step_epochs(of: Material, *, strategy: str | None = None) -> pd.DataFrame:
    """Every epoch of a method with a radius: loss, accuracy, rejections, passes over the data."""
    return analysis.epoch_table(of.run, _strategy(of, strategy), of.seed)


def split_or_shared(of: Material) -> pd.DataFrame:
    """APTS and SAPTS of the run and of its partner with split, or shared, data: accuracy and loss by data passes."""
    other = data.partner(of.run, [*of.beside, *list_runs()])
    if other is None:
        raise ValueError(f"run {of.run.id}: no other run has APTS or SAPTS and differs in apts.data alone")
    return data.own_table(of.run, other)


def steps_figure(of: Material, *, strategy: str | None = None) -> go.Figure:
    """Loss, accuracy, ratio, radius and decreases, step by step."""
    name, own = _strategy(of, strategy), of.run.experiment.trust_region
    rule = RadiusRule(own.lower, own.upper, own.decrease, own.increase, own.min_radius, own.max_radius, own.trials)
    title = f"{title_of(name)} step by step, seed {of.seed}"
    return history_panels(steps(of, strategy=name), step_epochs(of, strategy=name), name, title, rule)


def split_or_shared_figure(of: Material) -> go.Figure:
    """Accuracy with split and with shared data, by passes over the data."""
    return passes_lines(split_or_shared(of), "data_passes", "validation_accuracy", data.OWN_TITLE)


def _strategy(of: Material, strategy: str | None) -> str:
    found = [name for name, seeds in analysis.histories(of.run).items() if of.seed in seeds]
    return chosen("strategy", strategy, found, NONE)
