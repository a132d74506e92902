"""The material of tables and figures: an experiment with its data, a run and a seed of it, each read once."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from ddlab.analyses.decisions.probabilities import Outcomes, explain, read_outcomes
from ddlab.data.cache import load
from ddlab.data.source import Dataset
from ddlab.experiment import Experiment
from ddlab.problem import Problem, pose
from ddlab.registry import unknown
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.explanation import Explanation

Choice = TypeVar("Choice")


class Posed(ABC):
    """An experiment with its data, as tables and figures see it that need no run."""

    @property
    @abstractmethod
    def experiment(self) -> Experiment:
        """The experiment."""

    @cached_property
    def problem(self) -> Problem:
        """The decomposition and the networks, described."""
        return pose(self.experiment)

    @cached_property
    def dataset(self) -> Dataset:
        """The images, as bytes ``(M, C, *shape)``, split into training, validation and perhaps test."""
        return load(self.experiment.dataset)

    def image(self, image: int) -> tuple[np.ndarray, np.ndarray | None]:
        """A validation image, bytes ``(C, *shape)``, and the mask ``(*shape)`` of its evidence where it has some."""
        return self.dataset.validation.image(image)


@dataclass(frozen=True)
class Material(Posed):
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

    @property
    def experiment(self) -> Experiment:
        """The run's experiment."""
        return self.run.experiment

    @cached_property
    def outcomes(self) -> Outcomes:
        """The decisions of the run about every validation image."""
        return read_outcomes(self.run, self.seed)

    def explanation(self, image: int) -> Explanation:
        """Take the decisions about a validation image apart."""
        return explain(self.outcomes, image)


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
