"""Models that a trial step minimises in the ball: the gradient alone, or with the curvature given by secant pairs."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ddlab.optim.flat import ORDERS, steepest
from ddlab.optim.lsr1 import LimitedMemorySR1
from ddlab.optim.subproblem import solve


@dataclass(frozen=True)
class Proposal:
    """A trial step ``(n,)``, the decrease that the model predicts, and its smallest eigenvalue (second order)."""

    step: Tensor
    predicted: float
    smallest: float | None = None


@dataclass(frozen=True)
class StepModel:
    """``m(s) = g·s`` or ``g·s + s·Bs/2`` in the ball ``||s|| <= radius``; B is limited-memory SR1.

    Equation (2) of the paper has θ + s for s, a misprint.

    Parameters
    ----------
    order
        1 or 2.
    norm
        Of the ball: "2", "1" or "inf"; of second order, the 2-norm alone.
    history
        Secant pairs kept.
    signed
        Let B be negative in directions without a pair, if the newest pair is; as the authors' released code does.

    Raises
    ------
    ValueError
        If there is no such model; names the field, the rule and the value.
    """

    order: Literal[1, 2] = 2
    norm: Literal["2", "1", "inf"] = "2"
    history: int = 5
    signed: bool = False

    def __post_init__(self) -> None:
        if self.order not in (1, 2):
            raise ValueError(f"order: must be 1 or 2, got {self.order!r}")
        if self.norm not in ORDERS:
            raise ValueError(f"norm: must be one of {', '.join(map(repr, ORDERS))}, got {self.norm!r}")
        if self.order > 1 and self.norm != "2":
            raise ValueError(f"norm: a model of second order is minimised in the ball of '2' alone, got {self.norm!r}")
        if self.history < 1:
            raise ValueError(f"history: must be at least 1 pair, got {self.history}")

    def memory(self) -> LimitedMemorySR1:
        """A memory without pairs; a model of first order never fills it."""
        return LimitedMemorySR1(self.history, self.signed)

    def propose(self, gradient: Tensor, memory: LimitedMemorySR1, radius: float) -> Proposal:
        """The step of least model value in the ball; without a pair, that of steepest descent."""
        if self.order == 1 or not len(memory):
            return Proposal(*steepest(gradient, radius, self.norm))
        spectrum = memory.spectrum()
        solution = solve(gradient, spectrum, radius)
        return Proposal(solution.step, solution.predicted, spectrum.smallest)


SECOND_ORDER = StepModel()
