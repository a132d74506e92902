"""The heart of a run that waits: signs of life in its folder, for other machines, which cannot look at its processes.

Once it trains, its ranks give them (:mod:`ddlab.engine.heartbeat`).
"""

import time
from contextlib import suppress

from ddlab.runs import RunFolder
from ddlab.runs.elsewhere import EVERY


class Heart:
    """Tells other machines every ``EVERY`` seconds that this one works on a run."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self._last = float("-inf")

    def beat_when_due(self) -> None:
        """Give a sign if the last one is old; a full disk or a deleted folder is for others to notice."""
        if time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            with suppress(OSError):
                self.run.beat()
