"""Models that a trust-region step minimises, in two dimensions, where every matrix can be written down.

The same rules as in ``ddlab.optim``, which never forms a matrix: a test holds both against each other.

References
----------
Byrd, Nocedal, Schnabel 1994: the compact form of SR1. Moré, Sorensen 1983: the subproblem. Conn, Gould, Toint, "Trust
Region Methods", 2000, Section 6.7: other norms.
"""

from dataclasses import dataclass

import numpy as np

from ddlab.analyses.trust_region.landscapes import Array

ORDERS: dict[str, float] = {"2": 2.0, "1": 1.0, "inf": np.inf}
SKIP, SHORTEST = 1e-8, 1e-10  # a pair must correct the model by so much; lengths below are rounding
WORST_CONDITION = 1e12
CURVATURES = (1e-3, 1e3)  # limits of the curvature in directions without a pair
MOST_STEPS = 100  # of Newton's method


def length(vector: Array, norm: str) -> float:
    """Return the length of a vector in the norm "2", "1" or "inf"."""
    return float(np.linalg.norm(vector, ORDERS[norm]))


def steepest(gradient: Array, radius: float, norm: str) -> tuple[Array, float]:
    """The step of least ``g·s`` in the ball, and the decrease ``-g·s`` that it predicts."""
    if norm == "2":
        step = gradient * (-radius / np.linalg.norm(gradient))
    elif norm == "inf":
        step = -radius * np.sign(gradient)
    else:
        largest = np.abs(gradient).argmax()
        step = np.zeros(2)
        step[largest] = -radius * np.sign(gradient[largest])
    return step, -float(gradient @ step)


@dataclass(frozen=True)
class Memory:
    """The newest pairs of a step and the gradient's change over it, of length-1 steps, and the matrix they make.

    Parameters
    ----------
    steps, changes
        ``(k, 2)``, the oldest first.
    matrix
        B ``(2, 2)`` with ``B s = y`` for the newest pair; None without a pair.
    """

    steps: Array
    changes: Array
    matrix: Array | None = None

    @property
    def smallest(self) -> float | None:
        """The smallest eigenvalue of B."""
        return None if self.matrix is None else float(np.linalg.eigvalsh(self.matrix)[0])


NOTHING = Memory(np.zeros((0, 2)), np.zeros((0, 2)))


def learn(memory: Memory, step: Array, change: Array, history: int = 5) -> Memory:
    """Take in a pair, unless the matrix says the same already; pairs that contradict it are dropped, oldest first."""
    size, change_size = float(np.linalg.norm(step)), float(np.linalg.norm(change))
    if not (SHORTEST < size < np.inf and SHORTEST < change_size < np.inf):
        return memory
    step, change = step / size, change / size
    residual = change if memory.matrix is None else change - memory.matrix @ step
    if abs(step @ residual) < SKIP * np.linalg.norm(residual) or np.linalg.norm(residual) <= SHORTEST:
        return memory
    steps, changes = (np.vstack(rows)[-history:] for rows in ([memory.steps, step], [memory.changes, change]))
    while (matrix := sr1(steps, changes)) is None:
        steps, changes = steps[1:], changes[1:]
    return Memory(steps, changes, matrix)


def sr1(steps: Array, changes: Array) -> Array | None:
    """The SR1 matrix of k pairs, ``B = γI + Ψ (D + L + L' - γS'S)⁻¹ Ψ'``, or None if they contradict each other.

    ``Ψ = Y - γS`` and ``S'Y = L + D + R``; γ is the newest pair's ``|y'y / s'y|``. One pair is always accepted.
    """
    along, squared = abs(float(steps[-1] @ changes[-1])), float(changes[-1] @ changes[-1])
    least, most = CURVATURES
    gamma = min(max(squared / along, least), most) if along > squared / most else most
    products = steps @ changes.T
    lower = np.tril(products, -1)
    inverse = lower + lower.T + np.diag(products.diagonal()) - gamma * steps @ steps.T
    if len(steps) > 1 and np.linalg.cond(inverse) > WORST_CONDITION:
        return None
    psi = changes - gamma * steps  # Ψ'
    weights, vectors = np.linalg.eigh(psi.T @ psi)
    kept = vectors[:, weights > 1e-10 * weights.max()]
    if weights.max() <= 0 or not inverse.any():
        return gamma * np.eye(2)
    small = (psi @ kept).T @ np.linalg.solve(inverse, psi @ kept)
    matrix: Array = gamma * np.eye(2) + kept @ ((small + small.T) / 2) @ kept.T
    return matrix


def minimise(gradient: Array, matrix: Array, radius: float) -> tuple[Array, float]:
    """The least of ``g·s + s·Bs/2`` in the ball, exactly, and the decrease that it predicts.

    ``(B + σI) s = -g`` with a σ >= 0 that makes the matrix positive semidefinite; σ > 0 only on the boundary.
    """
    values, vectors = np.linalg.eigh(matrix)
    tiny = 1e-12 * max(1.0, np.abs(values).max())
    parts = vectors.T @ gradient
    parts[np.abs(parts) <= 1e-13 * np.linalg.norm(gradient)] = 0.0
    shift = max(0.0, -values[0])
    singular = values + shift <= tiny
    free = np.where(singular, 0.0, -parts / np.where(singular, 1.0, values + shift))
    if parts[singular].any() or np.linalg.norm(free) > radius:
        sigma = _boundary(values[parts != 0], np.abs(parts[parts != 0]), radius, shift)
        free = np.where(parts != 0, -parts / (values + sigma + (parts == 0)), 0.0)
    elif shift > 0:  # the hard case: the gradient does not see where B bends downwards
        free[0] += np.sqrt(radius**2 - free @ free)
    size = float(np.linalg.norm(free))
    step = vectors @ free * (radius / size if size > radius else 1.0)  # not even rounding leaves the ball
    return step, max(0.0, -float(parts @ free + values @ free**2 / 2))


def _boundary(values: Array, parts: Array, radius: float, least: float) -> float:
    """The σ whose step is as long as the radius, by Newton's method on ``1/||s|| - 1/radius`` from below."""
    sigma = max(least, float((parts / radius - values).max()))
    for _ in range(MOST_STEPS):
        with np.errstate(divide="ignore"):
            ratios = parts / (values + sigma)
        size = float(np.linalg.norm(ratios))
        if not size < np.inf:  # at a pole: a hair to its right
            sigma += 1e-14 * max(1.0, abs(sigma))
            continue
        if size <= radius * (1 + 1e-14):
            break
        slope = float((ratios**2 / (values + sigma)).sum()) / size**3
        better = sigma - (1 / size - 1 / radius) / slope
        if better <= sigma:
            break
        sigma = better
    return sigma
