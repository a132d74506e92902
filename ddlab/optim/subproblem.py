"""The trust-region subproblem with an L-SR1 model, solved exactly: ``min g'p + p'Bp/2`` over ``||p|| <= radius``.

In the eigenvectors of B it is a problem of r + 1 numbers: the parts of the gradient along them, and the length of what
is left. A step solves it if and only if ``(B + sigma·I) p = -g`` for a ``sigma >= 0`` that makes the matrix positive
semidefinite, and sigma is 0 or p as long as the radius (Moré and Sorensen).

References
----------
Brust, Erway, Marcia, "On solving L-SR1 trust-region subproblems", COAP 66, 2017. Moré, Sorensen 1983, "Computing a
trust region step".
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ddlab.optim.lsr1 import Spectrum

ROUNDING = {torch.float32: 1e-6, torch.float64: 1e-13}  # of the gradient's length: parts below are taken for zero
MOST_STEPS = 100  # of Newton's method, which takes about five


@dataclass(frozen=True)
class Solution:
    """A minimiser of the model in the ball.

    Parameters
    ----------
    step
        ``(n,)``.
    multiplier
        sigma; 0 where the ball does not bind.
    predicted
        How much the model decreases, at least 0.
    hard
        Whether the gradient says nothing about the direction of most negative curvature, which the step has to take.
    """

    step: Tensor
    multiplier: float
    predicted: float
    hard: bool = False


def solve(gradient: Tensor, spectrum: Spectrum, radius: float) -> Solution:
    """The step of least model value in the ball, which it never leaves, not even by rounding.

    Parameters
    ----------
    gradient
        ``(n,)``.
    spectrum
        The matrix B.
    radius
        Of the ball in the 2-norm, above 0.

    Raises
    ------
    ValueError
        If the radius is not positive, or the gradient is not finite.
    """
    if not radius > 0:
        raise ValueError(f"radius: must be above 0, got {radius}")
    solution = _solve(gradient, spectrum, radius)
    length = float(solution.step.norm())
    return solution if length <= radius else replace(solution, step=solution.step * (radius / length))


def _solve(gradient: Tensor, spectrum: Spectrum, radius: float) -> Solution:
    along = spectrum.along(gradient)
    rest = gradient - spectrum.combine(along)
    size = float(gradient.norm())
    if not size < float("inf"):
        raise ValueError("gradient: has entries that are NaN or infinite")
    rounding = ROUNDING.get(gradient.dtype, 1e-6) * size
    values = torch.cat([spectrum.values, spectrum.values.new_tensor([spectrum.gamma])])
    parts = torch.cat([along, along.new_tensor([float(rest.norm())])])
    parts = torch.where(parts.abs() <= rounding, torch.zeros_like(parts), parts)
    smallest = spectrum.smallest
    shift = max(0.0, -smallest)
    free = torch.where(values + shift > _tiny(values), parts / (values + shift), torch.zeros_like(parts))
    unbounded = bool(((values + shift <= _tiny(values)) & (parts != 0)).any())
    if not unbounded and float(free.norm()) <= radius:
        if smallest >= 0 or shift == 0:
            return _solution(spectrum, (along, rest), values, shift)
        return _hard(spectrum, (along, rest), values, shift, (radius**2 - float(free.norm()) ** 2) ** 0.5)
    return _solution(spectrum, (along, rest), values, _boundary(values, parts, radius, shift))


def _tiny(values: Tensor) -> float:
    """Return the bound below which an eigenvalue counts as 0."""
    return 1e-12 * max(1.0, float(values.abs().max()))


def _boundary(values: Tensor, parts: Tensor, radius: float, least: float) -> float:
    """The sigma above ``least`` whose step is as long as the radius, by Newton's method on 1/||p|| - 1/radius.

    That function is concave and rises, so from a sigma whose step is too long Newton's method comes up to the root and
    never passes it.
    """
    used = parts != 0
    values, parts = values[used], parts[used].abs()
    sigma = max(least, float((parts / radius - values).max()))
    for _ in range(MOST_STEPS):
        ratios = parts / (values + sigma)
        length = float(ratios.norm())
        if not length < float("inf"):  # at a pole: a hair to its right
            sigma += 1e-14 * max(1.0, abs(sigma))
            continue
        if length <= radius * (1 + 1e-14):
            break
        slope = float((ratios**2 / (values + sigma)).sum()) / length**3
        better = sigma - (1 / length - 1 / radius) / slope
        if better <= sigma:
            break
        sigma = better
    return sigma


def _step(spectrum: Spectrum, gradient: tuple[Tensor, Tensor], values: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """``-(B + sigma·I)⁺ g`` as its parts along the eigenvectors, and as a vector."""
    along, rest = gradient
    shifted = values + sigma
    inverse = torch.where(shifted > _tiny(values), 1 / shifted, torch.zeros_like(shifted))
    parts = -inverse[:-1] * along
    return parts, spectrum.combine(parts).sub_(rest, alpha=float(inverse[-1]))


def _solution(spectrum: Spectrum, gradient: tuple[Tensor, Tensor], values: Tensor, sigma: float) -> Solution:
    parts, step = _step(spectrum, gradient, values, sigma)
    along, rest = gradient
    inverse = 1 / (spectrum.gamma + sigma) if spectrum.gamma + sigma > _tiny(values) else 0.0
    squared = float(rest.norm()) ** 2
    linear = float(along @ parts) - inverse * squared
    curved = float(values[:-1] @ parts**2) + spectrum.gamma * inverse**2 * squared
    return Solution(step, sigma, max(0.0, -(linear + curved / 2)))


def _hard(
    spectrum: Spectrum, gradient: tuple[Tensor, Tensor], values: Tensor, sigma: float, missing: float
) -> Solution:
    """Add as much of the direction of smallest eigenvalue as takes the step to the boundary."""
    inside = _solution(spectrum, gradient, values, sigma)
    if len(spectrum.values) and float(spectrum.values[0]) <= spectrum.gamma:
        first = torch.zeros_like(spectrum.values)
        first[0] = 1
        direction = spectrum.combine(first)
    else:
        direction = _outside(spectrum)
    direction = direction / direction.norm()
    # Along an eigenvector that the gradient does not see, the model changes by its curvature alone.
    gained = -spectrum.smallest * missing**2 / 2
    return Solution(inside.step + missing * direction, sigma, inside.predicted + gained, hard=True)


def _outside(spectrum: Spectrum) -> Tensor:
    """A direction at right angles to all eigenvectors that the model knows: a coordinate with little part in them."""
    shares = (spectrum.coefficients.T.to(spectrum.basis) @ spectrum.basis).square().sum(0)
    unit = spectrum.basis.new_zeros(len(shares))
    unit[int(shares.argmin())] = 1
    return unit - spectrum.combine(spectrum.along(unit))
