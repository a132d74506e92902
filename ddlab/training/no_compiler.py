"""Training without torch's compiler, whose import takes as long as that of torch itself.

Optimizers of torch tell ``torch._dynamo`` not to compile them, data parallel modules ask it how they are compiled, and
both import it first: 1.4 seconds of a processor before the first step, although nothing here is compiled. A stand-in
answers what they ask. Whoever asks for anything else gets the real module, then and from then on.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

COMPILER, UTILITIES = "torch._dynamo", "torch._dynamo.utils"


class _StandIn(ModuleType):
    """A module that knows some functions, and becomes the real one for all others."""

    def __init__(self, name: str, **known: Any) -> None:
        super().__init__(name)
        self.__dict__.update(known)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":  # `inspect` asks all for files, amid other imports
            raise AttributeError(name)
        if isinstance(sys.modules.get(COMPILER), _StandIn):
            del sys.modules[COMPILER]
            import_module(COMPILER)  # sets the attribute of torch, too
        return getattr(import_module(self.__name__), name)


def leave_out() -> None:
    """Let torch train without its compiler in this process, unless it is there already."""
    import torch

    if COMPILER not in sys.modules:
        utilities = _StandIn(UTILITIES, get_optimize_ddp_mode=lambda: "ddp_optimizer")  # its default
        stand_in = _StandIn(COMPILER, graph_break=_do_nothing, disable=_as_it_is, utils=utilities)
        sys.modules[COMPILER] = torch.__dict__["_dynamo"] = stand_in


def _do_nothing(*_: Any, **__: Any) -> None:
    """There is no graph to break."""


def _as_it_is(function: Callable[..., Any], *_: Any, **__: Any) -> Callable[..., Any]:
    """The function, which is not compiled."""
    return function
