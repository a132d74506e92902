"""Settings of a walk in two dimensions, and records of all that the method does: enough to draw every step.

Symbols: θ the point ``(2,)``, f the function, g its gradient, Δ the radius, ρ the actual over the predicted decrease.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from ddlab.analyses.trust_region.landscapes import Array

METHODS = {"apts": "APTS", "trust_region": "Trust region", "descent": "Gradient descent"}


@dataclass(frozen=True)
class Walk:
    """The settings of a walk: the landscape, the start and the method with its parameters.

    Parameters
    ----------
    landscape
        A key of :data:`ddlab.analyses.trust_region.landscapes.LANDSCAPES`.
    method
        A key of ``METHODS``.
    radius
        Of the first step.
    order, norm
        Of the model, and of the ball; a model of second order has the norm "2".
    num_subdomains, local_steps
        N and ν, of APTS.
    rate
        Of gradient descent.
    """

    landscape: str
    start: tuple[float, float]
    method: str = "apts"
    radius: float = 0.5
    order: int = 1
    norm: str = "2"
    num_subdomains: int = 2
    local_steps: int = 5
    rate: float = 0.1

    def by(self, method: str) -> "Walk":
        """Return the walk for another method from the same start; settings it does not use are at their defaults."""
        about = (self.landscape, self.start, method)
        if method == "descent":
            return Walk(*about, rate=self.rate)
        model = (self.radius, self.order, self.norm)
        return Walk(*about, *model, *((self.num_subdomains, self.local_steps) if method == "apts" else ()))


class Evaluation(NamedTuple):
    """A point, and a function's value and gradient there."""

    point: Array
    loss: float
    gradient: Array


@dataclass(frozen=True)
class Trial:
    """A trial step and what became of it.

    Parameters
    ----------
    here, there
        θ and θ + s.
    matrix
        B of the model ``m(s) = g·s + s·Bs/2`` (2); None of first order. The paper has θ + s for s, a misprint.
    predicted, ratio
        The decrease that was expected, and ρ; NaN where that says nothing.
    """

    here: Evaluation
    there: Evaluation
    matrix: Array | None
    predicted: float
    ratio: float
    radius: float
    next_radius: float
    accepted: bool

    @property
    def step(self) -> Array:
        """The step s."""
        return self.there.point - self.here.point

    def model(self, x: Array, y: Array) -> Array:
        """Evaluate the model of f on a grid: ``f(θ) + m(s)``."""
        steps = np.stack([x, y], -1) - self.here.point
        bend = 0.0 if self.matrix is None else np.einsum("...i,ij,...j", steps, self.matrix, steps) / 2
        return self.here.loss + steps @ self.here.gradient + bend


@dataclass(frozen=True)
class LocalWalk:
    """The trial steps of one subdomain, on its own loss (3), their accepted sum, and by how much that loss fell."""

    trials: tuple[Trial, ...]
    step: Array
    decrease: float


@dataclass(frozen=True)
class PlaneStep:
    """One step of a method.

    Parameters
    ----------
    here, there
        Where it begins and ends.
    radius, next_radius
        Δ before and after; NaN of gradient descent.
    walks, additive
        Of APTS: what the subdomains do, and the trial of their sum, whose predicted decrease is that of all subdomains.
    trials
        Of the trust-region iteration on f: all but the last are rejected.
    """

    here: Evaluation
    there: Evaluation
    radius: float = np.nan
    next_radius: float = np.nan
    walks: tuple[LocalWalk, ...] = ()
    additive: Trial | None = None
    trials: tuple[Trial, ...] = ()

    @property
    def main(self) -> Trial | None:
        """The trial that the method is judged by: the sum of the local steps, else the last trial on f."""
        return self.additive or (self.trials[-1] if self.trials else None)


COLUMNS = ("step", "loss", "radius", "ratio", "accepted", "trials", "global_ratio", "global_accepted", "next_radius")


def history(steps: Sequence[PlaneStep]) -> pd.DataFrame:
    """A row a step with the columns ``COLUMNS``, counted from 1; ``loss`` is the one where the step begins.

    ``ratio`` and ``accepted`` are of the sum of the local steps of APTS, else of the last trial on f; those of the
    last trial on f are ``global_ratio`` and ``global_accepted``, too. ``trials`` counts those on f.
    """
    rows = []
    for number, step in enumerate(steps, 1):
        last = step.trials[-1] if step.trials else None
        judged = [(np.nan, None) if trial is None else (trial.ratio, trial.accepted) for trial in (step.main, last)]
        row = (number, step.here.loss, step.radius, *judged[0], len(step.trials), *judged[1], step.next_radius)
        rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS))
