"""Limited-memory SR1: a curvature model from the last few steps and what they did to the gradient.

Shapes: n parameters, m pairs at most, k of them in use. The pairs lie in one table, and the products of its rows are
kept: a new pair takes one product with the table, and all that follows is k×k algebra, in float64 on the processor.

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

from ddlab.exact import doubled

SKIP = 1e-8  # a pair must correct the model by this much, relative to the lengths involved
SHORTEST = 1e-10  # steps and changes below are rounding
WORST_CONDITION = 1e12
CHUNK = 512  # entries whose products are summed in the parameters' precision
CURVATURES = (1e-3, 1e3)  # what the curvature outside of all pairs may be


@dataclass(frozen=True)
class Spectrum:
    """A symmetric matrix ``gamma·I`` but for k directions: ``B = gamma·I + P (diag(values) - gamma·I) P'``.

    Parameters
    ----------
    basis, coefficients
        ``(b, n)`` and ``(b, r)``: the eigenvectors are ``P = basis.T @ coefficients``, orthonormal. They are not
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
        """Make ``gamma·I``, for vectors like the given one."""
        empty = torch.zeros(0, 0, dtype=torch.float64)
        return cls(like.new_zeros(0, len(like)), empty, empty.diagonal(), gamma)

    @property
    def smallest(self) -> float:
        """The smallest eigenvalue of all, if there are more dimensions than pairs."""
        least = float(self.values[0]) if len(self.values) else self.gamma
        return min(least, self.gamma) if self.basis.shape[1] > len(self.values) else least

    def along(self, vector: Tensor) -> Tensor:
        """Compute ``P' vector``, float64."""
        return self.coefficients.T @ products(self.basis, vector[None])[:, 0]

    def combine(self, weights: Tensor) -> Tensor:
        """Compute ``P weights``, as long and precise as the parameters."""
        return (self.coefficients @ weights).to(self.basis) @ self.basis


class LimitedMemorySR1:
    """The newest pairs of a step s and the gradient's change y over it, and the matrix with ``B s = y`` for them.

    Parameters
    ----------
    history
        m, pairs kept.
    signed
        Whether the curvature in directions without a pair may be negative.

    Raises
    ------
    ValueError
        If ``history`` is not positive.
    """

    def __init__(self, history: int = 5, signed: bool = False) -> None:
        if history < 1:
            raise ValueError(f"history: must be at least 1 pair, got {history}")
        self.history, self.signed = history, signed
        self.skipped = 0
        self._table: Tensor | None = None  # (2m, n): s and y of a pair, in turns; pairs stay where they are
        self._places: list[int] = []  # of the pairs, oldest first
        self._products = torch.zeros(2 * history, 2 * history, dtype=torch.float64)  # of the rows
        self._spectrum: Spectrum | None = None
        self._previous: list[Tensor] = []

    def __len__(self) -> int:
        return len(self._places)

    @property
    def steps(self) -> list[Tensor]:
        """The steps of the pairs, oldest first, made 1 long."""
        return [] if self._table is None else [self._table[2 * place] for place in self._places]

    @property
    def changes(self) -> list[Tensor]:
        """The gradient's changes over :attr:`steps`."""
        return [] if self._table is None else [self._table[2 * place + 1] for place in self._places]

    def update(self, step: Tensor, change: Tensor) -> bool:
        """Take a pair in, the oldest out if there are too many; return whether it was of use.

        A pair is left out where the model says the same already, or its correction has no stable size. Spectra that
        were given out before are no longer valid.

        Parameters
        ----------
        step, change
            Vectors ``(n,)``: between two points, and between the gradients of **one** function there.
        """
        length, change_length = float(step.norm()), float(change.norm())
        if not (SHORTEST < length < float("inf") and SHORTEST < change_length < float("inf")):
            self.skipped += 1
            return False
        # The matrix does not depend on how long a pair is; pairs of length 1 keep the small systems well conditioned.
        pair = torch.stack([step, change]).div_(length)
        if self._table is None:
            self._table = step.new_zeros(2 * self.history, len(step))
        with_rows = products(self._table, pair)
        if self._places and not self._is_news(pair, with_rows):
            self.skipped += 1
            return False
        place = self._places.pop(0) if len(self) == self.history else min({*range(self.history)} - {*self._places})
        own = slice(2 * place, 2 * place + 2)
        self._table[own] = pair
        with_rows[own] = products(pair, pair)
        self._products[:, own], self._products[own] = with_rows, with_rows.T
        self._places.append(place)
        self._spectrum = None
        return True

    def _is_news(self, pair: Tensor, with_rows: Tensor) -> bool:
        """Whether ``y - B s`` is more than rounding and has a part along s, which the correction is divided by."""
        spectrum, (step, change) = self.spectrum(), pair
        along = spectrum.coefficients.T @ with_rows[: len(spectrum.coefficients), 0]
        # B s - y, in place: a vector more is as long to make as to fill
        residual = spectrum.combine((spectrum.values - spectrum.gamma) * along)
        residual.add_(step, alpha=spectrum.gamma).sub_(change)
        size = float(residual.norm())
        return size > SHORTEST and abs(float(step @ residual)) >= SKIP * size

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
        if self._table is None or not self._places:
            raise ValueError("spectrum: the model has no pair of a step and a change yet")
        while self._spectrum is None:
            self._spectrum = compact_spectrum(self._table, self._products, self._places, self.signed)
            if self._spectrum is None:
                del self._places[0]
        return self._spectrum

    def state_dict(self) -> dict[str, Any]:
        """The pairs, how many were left out, and where the last call of :meth:`follow` was; without copies."""
        return {
            "table": self._table,
            "places": list(self._places),
            "products": self._products.tolist(),  # torch would round a tensor to the parameters' precision
            "skipped": self.skipped,
            "previous": list(self._previous),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state_dict` gave."""
        self._table = None if state["table"] is None else state["table"].clone()
        self._places, self._products = list(state["places"]), torch.tensor(state["products"], dtype=torch.float64)
        self.skipped, self._previous, self._spectrum = state["skipped"], list(state["previous"]), None


def products(rows: Tensor, others: Tensor) -> Tensor:
    """Compute ``rows @ others.T`` of ``(k, n)`` and ``(j, n)``: short sums in own precision, added in float64.

    For half a million numbers it is as fast as the plain product and rounds to 3e-9 of the lengths; that one to 1e-6.
    """
    count = rows.shape[1] // CHUNK
    whole = count * CHUNK
    rest = rows[:, whole:] @ others[:, whole:].T
    pieces = [part[:, :whole].unflatten(1, (count, CHUNK)).transpose(0, 1) for part in (rows, others)]
    summed = doubled(pieces[0] @ pieces[1].mT).sum(0)
    added: Tensor = (summed + rest.to(summed.device)).cpu()
    return added


def compact_spectrum(table: Tensor, inner: Tensor, places: list[int], signed: bool = False) -> Spectrum | None:
    """The eigenvalues of the SR1 matrix of k pairs, or None if the pairs contradict each other.

    With S and Y ``(n, k)``, gamma from the newest pair, and S'Y = L + D + R (strictly lower, diagonal, strictly upper):
    ``Psi = Y - gamma·S`` and ``B = gamma·I + Psi (D + L + L' - gamma·S'S)⁻¹ Psi'``. One pair is always accepted.

    Parameters
    ----------
    table
        ``(2m, n)``: s and y of the pairs, in turns.
    inner
        Products of its rows.
    places
        Of the pairs in it, oldest first.
    """
    first = 2 * torch.tensor(places)
    lengths, mixed, changes = inner[first][:, first], inner[first][:, first + 1], inner[first + 1][:, first + 1]
    gamma = curvature(mixed[-1, -1], changes[-1, -1] / lengths[-1, -1])
    if signed and float(mixed[-1, -1]) < 0:
        gamma = -gamma
    lower = mixed.tril(-1)
    inverse = lower + lower.T + mixed.diagonal().diag() - gamma * lengths
    single = len(places) == 1
    if not single and not float(torch.linalg.cond(inverse)) <= WORST_CONDITION:  # that of zeros is NaN
        return None
    # Psi = Q (V w^½)' with orthonormal Q = Psi V w^-½; directions that the pairs share are rounding and left out.
    weights, vectors = torch.linalg.eigh(changes - gamma * (mixed + mixed.T) + gamma**2 * lengths)
    precision, rounding = (1e-10, 1e-13) if table.dtype == torch.float64 else (1e-6, 1e-7)
    size = float(changes.diagonal().max() + gamma**2 * lengths.diagonal().max())
    kept = (weights > weights.max() * precision) & (weights > size * rounding)
    if not bool(kept.any()) or (single and float(inverse.abs()) == 0):
        return Spectrum.multiple(table[0], gamma)
    roots, vectors = weights[kept].sqrt(), vectors[:, kept]
    half = vectors * roots
    small = half.T @ torch.linalg.solve(inverse, half)
    shifts, turned = torch.linalg.eigh((small + small.T) / 2)
    # The eigenvectors as sums of rows of the table, without Psi, which would be as large as all pairs.
    of_psi = (vectors / roots) @ turned
    coefficients = torch.zeros(2 * (max(places) + 1), len(shifts), dtype=torch.float64)
    coefficients[first], coefficients[first + 1] = -gamma * of_psi, of_psi
    return Spectrum(table[: len(coefficients)], coefficients, gamma + shifts, gamma)


def curvature(along: float | Tensor, squared: float | Tensor) -> float:
    """Estimate the curvature in all directions without a pair: ``|y'y / s'y|`` of the newest pair, within limits.

    It is positive, so that directions without information do not look like ones of descent without end.
    """
    along, squared = abs(float(along)), float(squared)
    least, most = CURVATURES
    return min(max(squared / along, least), most) if along > squared / most else most
