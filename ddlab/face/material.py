"""The material of tables and figures: a run, a seed of it, and what is read of them once."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from ddlab.analyses.decisions.probabilities import Outcomes, explain, read_outcomes
from ddlab.data.cache import load
from ddlab.data.source import Dataset
from ddlab.problem import Problem, pose
from ddlab.registry import unknown
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.explanation import Explanation

Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Material:
    """A run as tables and figures see it.

    Parameters
    ----------
    seed
        The one that is meant where a table is of one seed.
    beside
        Further runs, for what compares several.
    """

    run: RunFolder
    seed: int
    beside: tuple[RunFolder, ...] = ()

    @property
    def runs(self) -> list[RunFolder]:
        """The run and those beside it."""
        return [self.run, *self.beside]

    @cached_property
    def problem(self) -> Problem:
        """The run's decomposition and networks, described."""
        return pose(self.run.experiment)

    @cached_property
    def dataset(self) -> Dataset:
        """The run's images."""
        return load(self.run.experiment.dataset)

    @cached_property
    def outcomes(self) -> Outcomes:
        """The decisions of the run about every validation image."""
        return read_outcomes(self.run, self.seed)

    def explanation(self, image: int) -> Explanation:
        """Take the decisions about a validation image apart."""
        return explain(self.outcomes, image)

    def image(self, image: int) -> tuple[np.ndarray, np.ndarray | None]:
        """A validation image, bytes ``(C, *shape)``, and the mask ``(*shape)`` of its evidence where it has one."""
        return self.dataset.validation.image(image)


def chosen(field: str, value: Choice | None, choices: Collection[Choice], nothing: str = "") -> Choice:
    """The value, or the first choice where none is given.

    Parameters
    ----------
    nothing
        Why there may be nothing to choose from, for the message.

    Raises
    ------
    ValueError
        If it is none of the choices, or there are none; names the field, the value and the choices.
    """
    if not choices:
        raise ValueError(f"{field}: there is none to choose; {nothing or 'this run has none yet'}")
    if value is None:
        return next(iter(choices))
    if value not in choices:
        raise ValueError(unknown(field, value, map(str, choices)))
    return value


def title_of(strategy: str) -> str:
    """A strategy as people know it."""
    return STRATEGIES[strategy].title if strategy in STRATEGIES else strategy
