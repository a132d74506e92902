"""Numbers that are read some steps after they were asked for, so that nobody waits for the device.

A GPU computes what it was told while the processor goes on telling. To read a number it must have done all of it, and
then has nothing to do until it is told again.
"""

import torch
from torch import Tensor


def reading_waits(values: Tensor) -> bool:
    """Whether these numbers are computed while the processor goes on."""
    return values.device.type != "cpu"


class Late:
    """Numbers on their way from the device; a copy, which later changes do not reach."""

    def __init__(self, values: Tensor) -> None:
        self._arrived: torch.cuda.Event | None = None
        self._values = values.to("cpu", non_blocking=values.is_cuda, copy=True)
        if values.is_cuda:
            self._arrived = torch.cuda.Event()
            self._arrived.record()

    def read(self) -> list[bool]:
        """The numbers; waits until the device has come to where they were asked for."""
        if self._arrived is not None:
            self._arrived.synchronize()
        return list(self._values.tolist())
