"""Networks compiled for training by torch's compiler: an option, for long runs.

The first step of each batch size takes a minute, so nothing is compiled unless it is asked for. Only training steps are
computed so: evaluations look into the layers, which a compiled network no longer has. Sums are formed in another order
than by the network as it is: the same to float32's rounding, and the same again after an interruption.
"""

import os
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

BACKEND = "inductor"


def compiled(model: nn.Module, device: str) -> Callable[..., Any]:
    """A function that computes the same as the model, and its gradients; its first call compiles it.

    Raises
    ------
    ValueError
        If there is nothing here to compile with.
    """
    _check_compiler(torch.device(device).type)
    # Fixed sizes: for open ones torch compiles anew when it meets a second size, and then calls that for the first one,
    # too; a resumed training would meet them in another order.
    function: Callable[..., Any] = torch.compile(model, dynamic=False, backend=BACKEND)
    return function


def _check_compiler(kind: str) -> None:
    if kind == "cuda":
        missing = "" if find_spec("triton") else "Triton, which this torch has not got"
    else:
        wanted = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
        missing = "" if shutil.which(wanted) else f"a C++ compiler, and there is no {wanted!r} here (CXX names it)"
    if missing:
        raise ValueError(f"training.compile: needs {missing}; install it, or set training.compile to false")
