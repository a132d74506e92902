"""Double precision, where a device has it: on Apple's GPU, sums stay in float32 and scores come to the processor.

Imports torch.
"""

import torch
from torch import Tensor


def exact_type(device: torch.device | str) -> torch.dtype:
    """The most exact type of numbers that a device computes in."""
    return torch.float32 if torch.device(device).type == "mps" else torch.float64


def doubled(values: Tensor) -> Tensor:
    """The values in float64, on their own device or, where that has none, on the processor."""
    return (values.cpu() if values.device.type == "mps" else values).double()
