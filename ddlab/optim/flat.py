"""Parameters of mixed shapes as one vector ``(n,)`` on their device, and its lengths.

Norms are named "2", "1" and "inf". The step of steepest descent in a norm's ball is as long as the radius; the loss's
linear model decreases by ``-g·s = radius · ||g||_*`` along it, with the dual norm: the 2-norm is its own, 1 and inf are
each other's.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

ORDERS: dict[str, float] = {"2": 2.0, "1": 1.0, "inf": float("inf")}


def flatten(tensors: Sequence[Tensor]) -> Tensor:
    """One new vector of all entries."""
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


@torch.no_grad()
def write(vector: Tensor, params: Sequence[Tensor]) -> None:
    """Set the parameters, in place."""
    for parameter, values in zip(params, vector.split([p.numel() for p in params]), strict=True):
        parameter.copy_(values.view_as(parameter))


def length(vector: Tensor, norm: str) -> float:
    """Return the length of a vector in a norm."""
    return float(torch.linalg.vector_norm(vector, ORDERS[norm]))


def steepest(gradient: Tensor, radius: float, norm: str) -> tuple[Tensor, float]:
    """The step of least ``g·s`` in the ball, and by how much the linear model decreases along it.

    References
    ----------
    Conn, Gould, Toint, "Trust Region Methods", 2000, Section 6.7.
    """
    if norm == "2":
        size = float(gradient.norm())
        return gradient * (-radius / size), radius * size
    if norm == "inf":
        return gradient.sign() * -radius, radius * float(gradient.abs().sum())
    largest = int(gradient.abs().argmax())
    step = torch.zeros_like(gradient)
    step[largest] = -radius * gradient[largest].sign()
    return step, radius * float(gradient[largest].abs())
