"""Limited-memory SR1: a curvature model from the last few steps and what they did to the gradient.

Shapes: n parameters, m pairs at most, k of them in use. The n-sized work is a handful of products with k columns; all
k×k algebra is done in float64.

References
----------
Byrd, Nocedal, Schnabel 1994, "Representations of quasi-Newton matrices and their use in limited memory methods":
the compact form. Brust, Erway, Marcia, "On solving L-SR1 trust-region subproblems", COAP 66, 2017: its spectrum.
Nocedal, Wright, "Numerical Optimization", (6.26): when a pair is of no use.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

SKIP = 1e-8  # a pair must correct the model by this much, relative to the lengths involved
SHORTEST = 1e-10  # steps and changes below are rounding
WORST_CONDITION = 1e12
CURVATURES = (1e-3, 1e3)  # what the curvature outside of all pairs may be


@dataclass(frozen=True)
class Spectrum:
    """A symmetric matrix ``gamma·I`` but for k directions: ``B = gamma·I + P (diag(values) - gamma·I) P'``.

    Parameters
    ----------
    basis, coefficients
        ``(k, n)`` and ``(k, r)``: the eigenvectors are ``P = basis.T @ coefficients``, orthonormal. They are not
        multiplied out, which would cost more than any use of them.
    values
        Their r eigenvalues, ascending, float64.
    gamma
        The eigenvalue of everything else.
    """

    basis: Tensor
    coefficients: Tensor
    values: Tensor
    gamma: float

    @classmethod
    def multiple(cls, like: Tensor, gamma: float) -> "Spectrum":
        """``gamma·I``, for vectors like the given one."""
        empty = torch.zeros(0, 0, dtype=torch.float64, device=like.device)
        return cls(like.new_zeros(0, len(like)), empty, empty.diagonal(), gamma)

    @property
    def smallest(self) -> float:
        """The smallest eigenvalue of all, if there are more dimensions than pairs."""
        least = float(self.values[0]) if len(self.values) else self.gamma
        return min(least, self.gamma) if self.basis.shape[1] > len(self.values) else least

    def along(self, vector: Tensor) -> Tensor:
        """``P' vector``, float64."""
        return self.coefficients.T @ (self.basis @ vector).double()

    def combine(self, weights: Tensor) -> Tensor:
        """``P weights``, as long and precise as the parameters."""
        return (self.coefficients @ weights).to(self.basis.dtype) @ self.basis

    def multiply(self, vector: Tensor) -> Tensor:
        """``B vector``."""
        return self.gamma * vector + self.combine((self.values - self.gamma) * self.along(vector))


class LimitedMemorySR1:
    """The newest pairs of a step s and the gradient's change y over it, and the matrix with ``B s = y`` for them.

    Parameters
    ----------
    history
        m, pairs kept.
    signed
        Whether the curvature where no pair tells of may be negative.

    Raises
    ------
    ValueError
        If ``history`` is no positive number.
    """

    def __init__(self, history: int = 5, signed: bool = False) -> None:
        if history < 1:
            raise ValueError(f"history: must be at least 1 pair, got {history}")
        self.history, self.signed = history, signed
        self.steps: list[Tensor] = []
        self.changes: list[Tensor] = []
        self.skipped = 0
        self._spectrum: Spectrum | None = None
        self._previous: list[Tensor] = []

    def __len__(self) -> int:
        return len(self.steps)

    def update(self, step: Tensor, change: Tensor) -> bool:
        """Take a pair in, the oldest out if there are too many; whether it was of use.

        A pair is left out where the model says the same already, or its correction has no stable size.

        Parameters
        ----------
        step, change
            Vectors ``(n,)``: between two points, and between the gradients of **one** function there.
        """
        length = float(step.norm())
        change_length = float(change.norm())
        if not (SHORTEST < length < float("inf") and SHORTEST < change_length < float("inf")):
            self.skipped += 1
            return False
        # The matrix does not depend on how long a pair is; pairs of length 1 keep the small systems well conditioned.
        step, change = step / length, change / length
        residual = change - (self.spectrum().multiply(step) if self.steps else 0)
        if abs(float(step @ residual)) < SKIP * float(residual.norm()) or float(residual.norm()) <= SHORTEST:
            self.skipped += 1
            return False
        self.steps = [*self.steps, step][-self.history :]
        self.changes = [*self.changes, change][-self.history :]
        self._spectrum = None
        return True

    def follow(self, point: Tensor, gradient: Tensor) -> None:
        """Take in the pair between this point and that of the call before, whichever functions the gradients are of."""
        if self._previous:
            last_point, last_gradient = self._previous
            self.update(point - last_point, gradient - last_gradient)
        self._previous = [point, gradient]

    def spectrum(self) -> Spectrum:
        """The matrix by its eigenvalues; pairs that contradict each other are dropped, the oldest first.

        Raises
        ------
        ValueError
            If there is no pair yet.
        """
        if not self.steps:
            raise ValueError("spectrum: the model has no pair of a step and a change yet")
        while self._spectrum is None:
            self._spectrum = compact_spectrum(torch.stack(self.steps), torch.stack(self.changes), self.signed)
            if self._spectrum is None:
                del self.steps[0], self.changes[0]
        return self._spectrum

    def state_dict(self) -> dict[str, Any]:
        """The pairs, how many were left out, and where the last call of :meth:`follow` was."""
        return {
            "steps": list(self.steps),
            "changes": list(self.changes),
            "skipped": self.skipped,
            "previous": list(self._previous),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` gave."""
        self.steps, self.changes = list(state["steps"]), list(state["changes"])
        self.skipped, self._previous, self._spectrum = state["skipped"], list(state["previous"]), None


def compact_spectrum(steps: Tensor, changes: Tensor, signed: bool = False) -> Spectrum | None:
    """The eigenvalues of the SR1 matrix of k pairs, or None if the pairs contradict each other.

    With ``steps`` and ``changes`` ``(k, n)``, the rows of S' and Y', gamma from the newest pair, and S'Y = L + D + R
    (strictly lower, diagonal, strictly upper): ``Psi = Y - gamma·S`` and
    ``B = gamma·I + Psi (D + L + L' - gamma·S'S)⁻¹ Psi'``. One pair is always accepted.
    """
    gamma = curvature(steps[-1], changes[-1])
    if signed and float(steps[-1] @ changes[-1]) < 0:
        gamma = -gamma
    products, lengths = (steps @ changes.T).double(), (steps @ steps.T).double()
    lower = products.tril(-1)
    inverse = lower + lower.T + products.diagonal().diag() - gamma * lengths
    psi = changes - gamma * steps
    single = len(steps) == 1
    if not single and float(torch.linalg.cond(inverse)) > WORST_CONDITION:
        return None
    # Psi = Q (V w^½)' with orthonormal Q = Psi V w^-½; directions that the pairs share are rounding and left out.
    weights, vectors = torch.linalg.eigh((psi @ psi.T).double())
    kept = weights > weights.max() * (1e-10 if psi.dtype == torch.float64 else 1e-6)
    if not bool(kept.any()) or float(weights.max()) <= 0 or (single and float(inverse.abs()) == 0):
        return Spectrum.multiple(steps[0], gamma)
    roots, vectors = weights[kept].sqrt(), vectors[:, kept]
    half = vectors * roots
    small = half.T @ torch.linalg.solve(inverse, half)
    shifts, turned = torch.linalg.eigh((small + small.T) / 2)
    return Spectrum(psi, (vectors / roots) @ turned, gamma + shifts, gamma)


def curvature(step: Tensor, change: Tensor) -> float:
    """Curvature for all directions that no pair tells of: ``|y'y / s'y|`` of the newest pair, within limits.

    It is positive, so that directions without information do not look like ones of descent without end.
    """
    along, squared = abs(float(step @ change)), float(change @ change)
    least, most = CURVATURES
    return min(max(squared / along, least), most) if along > squared / most else most
