"""What the tests of the optimizers minimise: a small network on drawn samples, cut into subdomains."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ddlab.optim.apts import APTS, SAPTS
from ddlab.optim.base import TrustRegionMethod
from ddlab.optim.model import StepModel
from ddlab.optim.preconditioner import Preconditioner
from ddlab.optim.radius import PAPER, RadiusRule
from ddlab.optim.trust_region import TrustRegion

KINDS = {"trust_region": TrustRegion, "apts": APTS, "sapts": SAPTS}


@dataclass
class Problem:
    """A network, and the loss on its samples; every point that is evaluated is noted.

    Parameters
    ----------
    points
        ``(subdomain, point, with its gradient)`` of every evaluation, in order.
    """

    model: nn.Module
    inputs: Tensor
    labels: Tensor
    points: list[tuple[int, Tensor, bool]] = field(default_factory=list)

    def parts(self, count: int):
        """Closures of equal subdomains: with gradients, and without."""
        indices = torch.arange(len(self.labels)).tensor_split(count)
        return [
            [self._closure(number, part, backward) for number, part in enumerate(indices)] for backward in (True, False)
        ]

    def step(self, optimizer: TrustRegionMethod, **how):
        """One step of any method."""
        if isinstance(optimizer, TrustRegion):
            return optimizer.step(*(parts[0] for parts in self.parts(1)), **how)
        return optimizer.step(
            *([parts[index] for index in optimizer.own] for parts in self.parts(optimizer.preconditioner.distinct))
        )

    @property
    def point(self) -> Tensor:
        return torch.cat([p.detach().reshape(-1) for p in self.model.parameters()]).clone()

    @torch.no_grad()
    def loss(self) -> float:
        return float(cross_entropy(self.model(self.inputs), self.labels))

    def _closure(self, number: int, part: Tensor, backward: bool):
        def closure():
            self.points.append((number, self.point, backward))
            loss = cross_entropy(self.model(self.inputs[part]), self.labels[part])
            if backward:
                loss.backward()
            return loss

        return closure


def problem(dtype=torch.float64, layers=(), samples=24) -> Problem:
    """The same one every time; ``layers`` come before the last."""
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), *layers, nn.Linear(7, 3)).to(dtype)
    return Problem(model, torch.randn(samples, 5, dtype=dtype), torch.randint(3, (samples,)))


def method(name, model, order=1, norm="2", radius=0.5, rule=PAPER, group=None, **preconditioner) -> TrustRegionMethod:
    """One of the three, on a network."""
    where = {"group": group, "buffers": list(model.buffers())}
    # The model of the released code may curve down where no pair tells of.
    how = StepModel(order, norm, signed=preconditioner.get("mode") == "released")
    if name == "trust_region":
        return TrustRegion(model.parameters(), radius, rule, how, **where)
    return KINDS[name](model.parameters(), radius, Preconditioner(**preconditioner), rule, how, **where)


FINE = RadiusRule(least=1e-6)  # lets a step become as small as it must
