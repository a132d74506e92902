"""Lists of runs: all of them, or one by its id."""

import os

from ddlab.home import home, shipped
from ddlab.registry import nearest, shortened
from ddlab.runs.folder import RunFolder

EXAMPLE = "example"  # the id that opens the run shipped with ddlab
_SHIPPED = shipped() / "assets" / "example"


def list_runs() -> list[RunFolder]:
    """All runs, newest first; damaged folders too, since their state says so."""
    runs = home() / "runs"
    try:
        names = [entry.name for entry in os.scandir(runs) if entry.is_dir() and entry.name[0] != "."]
    except FileNotFoundError:
        return []
    return [RunFolder(runs / name) for name in sorted(names, reverse=True)]


def open_run(id: str) -> RunFolder:
    """The run of that id; ``latest`` is the newest one, ``example`` the one that comes with ddlab.

    Raises
    ------
    ValueError
        If there is none; names the nearest id.
    """
    if id == EXAMPLE:
        for path in sorted(_SHIPPED.glob("*/experiment.json")):
            return RunFolder(path.parent, read_only=True)
        raise ValueError("run example: is not part of this installation")
    known = [run.id for run in list_runs()]
    if id == "latest" and known:
        id = known[0]
    if id not in known:
        guess = nearest(id, known)
        hint = f"did you mean {guess!r}?" if guess else f"there are {len(known)} runs, see 'ddlab runs'"
        raise ValueError(f"run: unknown {shortened(id)}; {hint}")
    return RunFolder(home() / "runs" / id)
