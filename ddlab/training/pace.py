"""The pace of checkpoints: as often as their share of the time allows."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Pace:
    """The time that checkpoints of a training have taken, and whether there is time for another one.

    Parameters
    ----------
    share
        Of the time since the start, at most, that checkpoints may take, 0 to 1. The first one is written whatever it
        takes, since nothing is known of its cost; the time until the second one makes up for it.
    """

    def __init__(self, share: float = 1.0) -> None:
        self.begin(share)

    def begin(self, share: float) -> None:
        """Begin anew, with another share."""
        self.share = share
        self.spent = 0.0  # seconds
        self._latest = 0.0
        self._began = self._written = time.monotonic()

    @property
    def since(self) -> float:
        """Seconds since the last checkpoint, or since the start."""
        return time.monotonic() - self._written

    def allows(self) -> bool:
        """Whether another checkpoint, as long as the latest one, keeps to the share."""
        if self.share == 0:
            return False
        return self.spent + self._latest <= self.share * (time.monotonic() - self._began + self._latest)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Measure what a checkpoint takes."""
        began = time.monotonic()
        yield
        self._written = time.monotonic()
        self._latest = self._written - began
        self.spent += self._latest
