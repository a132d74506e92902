"""A cell of a paper's table: its number, and which of our trainings gives ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ddlab.experiment import Experiment
from ddlab.recipes import RECIPES
from ddlab.reproductions import Budget
from ddlab.runs import RunFolder
from ddlab.runs.records import EpochRecord, StageResult
from ddlab.strategies.stage import LOCAL

ACCURACY, TOP_5, LOSS = "validation_accuracy", "validation_top5_accuracy", "step_loss"


@dataclass(frozen=True)
class Training:
    """An experiment: a recipe with some settings changed."""

    recipe: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def experiment(self) -> Experiment:
        """The recipe's experiment with the changed settings."""
        return RECIPES[self.recipe]().with_settings(dict(self.settings))


@dataclass(frozen=True)
class Quantity:
    """A number of a run.

    Parameters
    ----------
    strategy
        Whose it is; ``local`` for a local network.
    measure
        Its name in the results, or in the records of epochs.
    epoch
        After this epoch; None: of the network that is kept.
    subdomain
        Of the local network of this subdomain, from 0.
    """

    strategy: str
    measure: str = ACCURACY
    epoch: int | None = None
    subdomain: int | None = None

    @property
    def is_share(self) -> bool:
        """Whether it is shown in percent."""
        return self.measure.endswith("accuracy")

    def values(self, run: RunFolder) -> dict[int, float]:
        """The number of every seed that has it."""
        rows: Sequence[EpochRecord] | Sequence[StageResult]
        if self.epoch is not None:
            rows = [row for row in run.metrics() if row.get("epoch") == self.epoch]
        else:
            rows = run.results()
        found = {row["seed"]: self._of(row) for row in rows if row.get("stage") == self.strategy}
        return {seed: value for seed, value in sorted(found.items()) if value is not None}

    def _of(self, row: Mapping[str, Any]) -> float | None:
        if self.strategy != LOCAL:
            return row.get(self.measure)
        networks = {network.get("subdomain"): network for network in row.get("networks") or ()}
        number: float | None = networks.get(self.subdomain, {}).get(self.measure)
        return number


@dataclass(frozen=True)
class Cell:
    """A number of a paper.

    Parameters
    ----------
    row, column
        Where it stands, in words.
    paper
        As printed: accuracies as shares of 1.
    full, small
        The trainings whose ``quantity`` is ours; None where the budget has none.
    """

    row: str
    column: str
    paper: float
    quantity: Quantity
    full: Training
    small: Training | None = None

    def training(self, budget: Budget) -> Training | None:
        """Return the training that gives the cell's number at a budget; None where it has none."""
        return self.full if budget == "full" else self.small
