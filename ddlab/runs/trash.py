"""The trash: runs are deleted and brought back; nothing is ever overwritten on either way."""

import os

from ddlab import access, files
from ddlab.home import home
from ddlab.registry import nearest, shortened
from ddlab.runs.folder import RunFolder
from ddlab.runs.locks import held, locked


def delete(run: RunFolder) -> str:
    """Move a run to ``home()/trash``.

    Returns
    -------
    str
        The name that :func:`restore` brings it back by: its id, with a number where the trash had such a run already.

    Raises
    ------
    ValueError
        If it still waits or works, was deleted already, or is the shipped example.
    """
    run.check_writable("delete")
    with run.changing():
        state = run.state()
        if state.is_live:
            raise ValueError(f"run {run.id}: is {state.state}; cancel it before deleting it")
        trash = home() / "trash"
        trash.mkdir(parents=True, exist_ok=True)
        with held(run.path), locked(run.path, "status"):
            return files.claim(run.path, trash / run.id).name


def restore(name: str) -> RunFolder:
    """Bring a deleted run back.

    Parameters
    ----------
    name
        Its name in the trash, as :func:`delete` gave it: the run's id, unless another of that id was there.

    Raises
    ------
    ValueError
        If it is not in the trash, or a run of that id exists.
    """
    trash, path = home() / "trash", home() / "runs" / name
    known = [entry.name for entry in trash.iterdir()] if trash.is_dir() else []
    if name not in known:
        guess = nearest(name, known)
        hint = f"; did you mean {guess!r}?" if guess else ""
        raise ValueError(f"run: {shortened(name)} is not in the trash{hint}")
    access.check(trash / name, "restore")
    if path.exists():
        raise ValueError(f"run {name}: exists already, so it cannot be restored from the trash")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.rename(trash / name, path)
    except OSError as error:
        raise ValueError(f"run {name}: cannot be restored ({error.strerror}); was it restored already?") from None
    return RunFolder(path)
