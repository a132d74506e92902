"""The pages, served from the command line."""

import os
import secrets
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from ddlab.data.offered import VARIABLE
from ddlab.engine.batch_script import EDITABLE
from ddlab.engine.devices import slots
from ddlab.home import shipped

AUTO = "auto"
MOST = 64  # server processes
HANDS_OVER = os.name == "posix"  # whether an open connection can be handed to another process


def serve(
    port: int,
    folders: Sequence[Path] = (),
    processes: str = "1",
    *,
    edit_scripts: bool = False,
    always_in_front: bool = False,
) -> None:
    """Serve the pages on this machine until Ctrl-C.

    Parameters
    ----------
    folders
        Where visitors may read images besides the usual folders, see :mod:`ddlab.data.offered`.
    processes
        How many answer, each on a core of its own; ``auto``: as many as there are cores for this process.
    edit_scripts
        Whether visitors may edit what SLURM is sent, and so run any program of a shell.
    always_in_front
        Whether a front hands connections on to even one process, where the system can.

    Raises
    ------
    ValueError
        If ddlab was installed without its pages, one of the folders is not there, or so many processes are not
        possible.
    """
    script = shipped() / "app.py"
    if not script.exists():
        raise ValueError(
            f"app: this installation has no pages, {script.name} is not in {script.parent}; install ddlab anew"
        )
    number = _number(processes)
    os.environ[VARIABLE] = _with_folders(folders)
    if edit_scripts:
        os.environ[EDITABLE] = "1"
    if number > 1 or (always_in_front and HANDS_OVER):
        _serve_with(number, script.parent, port)
        return
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
    if os.name == "posix":
        os.execv(command[0], command)
    sys.exit(subprocess.call(command, cwd=script.parent))


def _number(processes: str) -> int:
    if processes == AUTO:
        return min(MOST, len(slots("cpu"))) if HANDS_OVER else 1
    if not processes.isdecimal() or not 1 <= int(processes) <= MOST:
        raise ValueError(f"--processes {processes}: a number from 1 to {MOST} is allowed, or {AUTO}")
    if int(processes) > 1 and not HANDS_OVER:
        raise ValueError(
            f"--processes {processes}: this system cannot hand connections to other processes; 1 is allowed"
        )
    return int(processes)


def _serve_with(number: int, folder: Path, port: int) -> None:
    from ddlab.serving import serve as serve_with

    address = os.environ.get("STREAMLIT_SERVER_ADDRESS") or _configured(folder).get("address", "")
    os.environ["STREAMLIT_SERVER_ADDRESS"], os.environ["STREAMLIT_SERVER_PORT"] = address, str(port)
    # What one process signs, another one must know: a visitor goes to another one when his has died.
    os.environ.setdefault("STREAMLIT_SERVER_COOKIE_SECRET", secrets.token_hex())
    serve_with(address, port, folder, "pages.ui.served:served", number)


def _configured(folder: Path) -> dict[str, str]:
    """The settings of the server that come with the pages."""
    told = tomllib.loads((folder / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    server: dict[str, str] = told["server"]
    return server


def _with_folders(folders: Sequence[Path]) -> str:
    """Append folders to those that the environment names already."""
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"--data {folder}: there is no such folder")
    named = [os.environ.get(VARIABLE, ""), *(str(folder.absolute()) for folder in folders)]
    return os.pathsep.join(filter(None, named))
