"""The time that a run may take in all, over all of its launches; standard library alone, as the supervisor is.

A room gives each run of its students an allowance (:mod:`ddlab.classroom.caps`); others have none.
"""

import json
import os
import time
from pathlib import Path

FILE = "allowance.json"  # {"minutes", "spent"}: minutes that the run may take; seconds that it has worked
NOTED = 10.0  # seconds between two notes of the time that was spent


class Allowance:
    """A clock of a run's allowance.

    Parameters
    ----------
    run
        Folder of the run.
    """

    def __init__(self, run: Path) -> None:
        self.path = run / FILE
        self.minutes, self.spent = read(run)
        self._last = self._noted = time.monotonic()

    def is_used_up(self) -> bool:
        """Whether the run has taken all of its time; notes now and then what it has taken."""
        if self.minutes is None:
            return False
        now = time.monotonic()
        self.spent, self._last = self.spent + now - self._last, now
        is_over = self.spent >= 60 * self.minutes
        if is_over or now - self._noted > NOTED:
            self._noted = now
            write(self.path.parent, self.minutes, self.spent)
        return is_over


def read(run: Path) -> tuple[float | None, float]:
    """Read the minutes that a run may take, None for any number, and the seconds that it has taken."""
    try:
        told = json.loads((run / FILE).read_text(encoding="utf-8"))
        return float(told["minutes"]), float(told["spent"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, 0.0


def write(run: Path, minutes: float, spent: float) -> None:
    """Write both, atomically; a folder that is gone stays so."""
    temporary = run / f".writing-{os.getpid()}-{FILE}"
    try:
        temporary.write_text(json.dumps({"minutes": minutes, "spent": spent}), encoding="utf-8")
        os.replace(temporary, run / FILE)
    except OSError:
        temporary.unlink(missing_ok=True)


def sentence(minutes: float) -> str:
    """Say why a run was ended."""
    return f"Ended after {minutes:g} minutes, the most that the lecturer allows a run in this room."
