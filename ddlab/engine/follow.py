"""Following a run from outside: a line on where it stands, told whenever it changes."""

import time
from collections.abc import Callable

from ddlab.engine.control import queue_position
from ddlab.runs import RunFolder
from ddlab.words import duration
from ddlab.written import percent

POLL = 0.3  # seconds between two looks at a run


def follow(
    run: RunFolder, tell: Callable[[str], None], *, detailed: bool = False, timeout: float | None = None
) -> bool:
    """Look at a run until it has ended, and tell every new line on where it stands.

    Parameters
    ----------
    detailed
        Whether lines have the epoch and the time that is left, and so change often.
    timeout
        Seconds after which to go; None: never.

    Returns
    -------
    bool
        Whether it has ended.
    """
    told, since = "", time.monotonic()
    while run.state().is_live:
        line = standing(run, detailed=detailed)
        if line and line != told:
            tell(line)
            told = line
        if timeout is not None and time.monotonic() - since >= timeout:
            return False
        time.sleep(POLL if timeout is None else max(0.0, min(POLL, since + timeout - time.monotonic())))
    return True


def standing(run: RunFolder, *, detailed: bool) -> str:
    """Say in a line where a run stands that has not ended."""
    if run.state().state == "queued":
        return queue_position(run)[1]
    progress = run.progress()
    if not progress:
        return "starting"
    line = f"seed {progress['seed']}, {progress['title']}"
    if not detailed:
        return line
    left = f", {duration(progress['remaining'])} left" if progress.get("remaining") else ""
    return f"{line}: epoch {progress['epoch']}/{progress['epochs']}, {percent(progress['done'])} of all{left}"
