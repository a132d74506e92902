"""Optimizers without a learning rate, for any torch model. Nothing else of ddlab is needed to use them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ddlab.registry import Entry

if TYPE_CHECKING:
    from ddlab.optim.apts import APTS, SAPTS
    from ddlab.optim.base import Placement
    from ddlab.optim.model import StepModel
    from ddlab.optim.preconditioner import Preconditioner
    from ddlab.optim.radius import RadiusRule
    from ddlab.optim.trust_region import TrustRegion

__all__ = ["APTS", "OPTIMIZERS", "Placement", "Preconditioner", "RadiusRule", "SAPTS", "StepModel", "TrustRegion"]

OPTIMIZERS: dict[str, Entry] = {
    "trust_region": Entry(
        "Trust region",
        "Minimises a model of the loss in a ball whose radius follows from how well the loss obeys the model.",
        "ddlab.optim.trust_region:TrustRegion",
        "Conn, Gould, Toint 2000, Algorithm 6.1.1",
    ),
    "apts": Entry(
        "APTS",
        "The trust-region method, preconditioned by trainings on subdomains of all data.",
        "ddlab.optim.apts:APTS",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Algorithm 1",
    ),
    "sapts": Entry(
        "SAPTS",
        "APTS in minibatches, whose subdomains are microbatches.",
        "ddlab.optim.apts:SAPTS",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Algorithm 1",
    ),
}

_MODULES = {
    "APTS": "apts",
    "Placement": "base",
    "Preconditioner": "preconditioner",
    "RadiusRule": "radius",
    "SAPTS": "apts",
    "StepModel": "model",
    "TrustRegion": "trust_region",
}


if not TYPE_CHECKING:  # imported when it is used: a page that lists optimizers imports no torch

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module 'ddlab.optim' has no attribute {name!r}; it has {', '.join(__all__)}")
        return getattr(import_module(f"ddlab.optim.{_MODULES[name]}"), name)
