"""Methods without a learning rate: tables of their steps, and the figure of a run's history."""

import pandas as pd
import plotly.graph_objects as go

from ddlab.analyses.trust_region import history as analysis
from ddlab.face.material import Material, chosen, title_of
from ddlab.figures.trust_region.history import history_panels
from ddlab.optim.radius import RadiusRule

NONE = "none of its strategies took a step with a radius; see the recipe 'trust_region_demo'"


def steps(of: Material, *, strategy: str | None = None) -> pd.DataFrame:
    """Every step: ratio, radius, predicted and actual decrease, what was rejected."""
    return analysis.step_table(of.run, _strategy(of, strategy), of.seed)


def step_epochs(of: Material, *, strategy: str | None = None) -> pd.DataFrame:
    """Every epoch of a method with a radius: loss, accuracy, rejections, passes over the data."""
    return analysis.epoch_table(of.run, _strategy(of, strategy), of.seed)


def steps_figure(of: Material, *, strategy: str | None = None) -> go.Figure:
    """Loss, accuracy, ratio, radius and decreases, step by step."""
    name, own = _strategy(of, strategy), of.run.experiment.trust_region
    rule = RadiusRule(own.lower, own.upper, own.decrease, own.increase, own.min_radius, own.max_radius, own.trials)
    title = f"{title_of(name)} step by step, seed {of.seed}"
    return history_panels(steps(of, strategy=name), step_epochs(of, strategy=name), name, title, rule)


def _strategy(of: Material, strategy: str | None) -> str:
    found = [name for name, seeds in analysis.histories(of.run).items() if of.seed in seeds]
    return chosen("strategy", strategy, found, NONE)
