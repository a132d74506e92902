"""The heart of a run: signs of life in its folder, for other machines, which cannot look at its processes."""

import threading
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

    def beat_on(self) -> None:
        """Give signs beside all other work, until this process ends."""
        threading.Thread(target=self._beat_on, name="heart", daemon=True).start()

    def _beat_on(self) -> None:
        while True:
            self.beat_when_due()
            time.sleep(EVERY)
