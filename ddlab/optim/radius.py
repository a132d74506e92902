"""The rule for the radius of a trust region after a trial step.

References
----------
Cruz Alegría, Trotti, Kopaničáková, Krause, "Data-Parallel Neural Network Training via Nonlinearly Preconditioned
Trust-Region Method", (7).
"""

import math
from dataclasses import dataclass, replace

LEAST_SHARE = 1e-12  # of the loss: a predicted decrease below is rounding, and its ratio says nothing


@dataclass(frozen=True)
class RadiusRule:
    """Thresholds of the ratio ρ of actual and predicted decrease, and the radii that follow from it.

    Parameters
    ----------
    lower, upper
        η1 and η2: below the first a step is rejected, above the second the radius grows.
    decrease, increase
        α and β, factors on the radius.
    least, most
        Bounds of the radius.
    trials
        Steps that an iteration tries at most: rejected ones make it smaller, until one is taken.

    Raises
    ------
    ValueError
        If they are out of order; names the field, the rule and the value.
    """

    lower: float = 0.25
    upper: float = 0.75
    decrease: float = 0.5
    increase: float = 2.0
    least: float = 0.001
    most: float = 4.0
    trials: int = 11

    def __post_init__(self) -> None:
        if not 0 <= self.lower < self.upper < 1:
            raise ValueError(f"lower, upper: need 0 <= lower < upper < 1, got {self.lower:g} and {self.upper:g}")
        if not 0 < self.decrease < 1 < self.increase:
            raise ValueError(
                f"decrease, increase: need 0 < decrease < 1 < increase, got {self.decrease:g} and {self.increase:g}"
            )
        if not 0 < self.least <= self.most < math.inf:
            raise ValueError(f"min_radius, max_radius: need 0 < min <= max, got {self.least:g} and {self.most:g}")
        if self.trials < 1:
            raise ValueError(f"trials: must be at least 1, got {self.trials}")

    def accepts(self, ratio: float) -> bool:
        """Whether a step of this ratio is taken; never if the ratio is NaN."""
        return ratio >= self.lower

    def next(self, radius: float, ratio: float) -> float:
        """The radius after a step of this ratio."""
        if ratio > self.upper:
            return min(self.increase * radius, self.most)
        return radius if ratio >= self.lower else max(self.decrease * radius, self.least)

    def local(self, num_subdomains: int, local_steps: int) -> "RadiusRule":
        """Return the rule of N subdomains with ν steps each: bounds are divided by N; the least by ν, too.

        A local radius that begins at Δ/(N·ν) would otherwise be below its own least one, and grow when it must shrink.
        """
        return replace(self, least=self.least / (num_subdomains * local_steps), most=self.most / num_subdomains)


PAPER = RadiusRule()


def ratio_of(loss: float, trial: float, predicted: float) -> float:
    """ρ: the decrease of the loss over the predicted one; NaN, which nothing accepts, where that says nothing."""
    if not predicted > LEAST_SHARE * max(1.0, abs(loss)) or not math.isfinite(trial):
        return math.nan
    return (loss - trial) / predicted
