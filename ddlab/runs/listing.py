"""Lists of runs: all of them, or one by its id."""

import os

from ddlab import access
from ddlab.home import home, shipped
from ddlab.registry import nearest, shortened
from ddlab.runs.folder import RunFolder

EXAMPLE = "example"  # the shipped run that the Start page plays; the ids of all shipped ones begin so
_SHIPPED = shipped() / "assets" / "examples"


def list_runs() -> list[RunFolder]:
    """All runs, newest first; damaged folders too, since their state says so.

    Where a room has rules, those that whoever asks may see, the own ones first.
    """
    return access.visible(all_runs())


def all_runs() -> list[RunFolder]:
    """All runs, newest first, whoever asks: for what tells nothing of a single one that is not shared."""
    runs = home() / "runs"
    try:
        names = [entry.name for entry in os.scandir(runs) if entry.is_dir() and entry.name[0] != "."]
    except FileNotFoundError:
        return []
    return [RunFolder(runs / name) for name in sorted(names, reverse=True)]


def list_examples() -> list[RunFolder]:
    """The recorded runs that come with ddlab, read-only: ``example`` first, then by their ids."""
    return _recorded(f"{EXAMPLE}*")


def list_example_sweeps() -> list[RunFolder]:
    """The recorded runs of sweeps that come with ddlab, read-only, by their ids."""
    return _recorded(f"sweeps/{EXAMPLE}*")


def open_run(id: str) -> RunFolder:
    """The run of that id; ``latest`` is the newest one, ``example`` one that comes with ddlab.

    The ids of all that come with it begin with ``example``: :func:`list_examples`.

    Raises
    ------
    ValueError
        If there is none; names the nearest id.
    """
    if id.startswith(EXAMPLE):
        return _open_example(id)
    known = [run.id for run in list_runs()]
    if id == "latest" and known:
        id = known[0]
    if id not in known:
        guess = nearest(id, known)
        hint = f"did you mean {guess!r}?" if guess else f"there are {len(known)} runs, see 'ddlab runs'"
        raise ValueError(f"run: unknown {shortened(id)}; {hint}")
    return RunFolder(home() / "runs" / id)


def _recorded(pattern: str) -> list[RunFolder]:
    folders = sorted(path.parent for path in _SHIPPED.glob(f"{pattern}/experiment.json"))
    return [RunFolder(folder, read_only=True) for folder in folders]


def _open_example(id: str) -> RunFolder:
    examples = {run.id: run for run in (*list_examples(), *list_example_sweeps())}
    if id in examples:
        return examples[id]
    if not examples:
        raise ValueError(f"run {shortened(id)}: is not part of this installation")
    guess = nearest(id, examples) or EXAMPLE
    raise ValueError(f"run: unknown {shortened(id)}; did you mean {guess!r}? It comes with ddlab")
