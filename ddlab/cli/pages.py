"""The pages, served from the command line."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ddlab.data.offered import VARIABLE
from ddlab.engine.batch_script import EDITABLE
from ddlab.home import shipped


def serve(port: int, folders: Sequence[Path] = (), *, edit_scripts: bool = False) -> None:
    """Serve the pages on this machine until Ctrl-C.

    Parameters
    ----------
    folders
        Where visitors may read images besides the usual folders, see :mod:`ddlab.data.offered`.
    edit_scripts
        Whether visitors may edit what SLURM is sent, and so run any program of a shell.

    Raises
    ------
    ValueError
        If ddlab was installed without its pages, or one of the folders is not there.
    """
    script = shipped() / "app.py"
    if not script.exists():
        raise ValueError(
            f"app: this installation has no pages, {script.name} is not in {script.parent}; install ddlab anew"
        )
    os.environ[VARIABLE] = _with_folders(folders)
    if edit_scripts:
        os.environ[EDITABLE] = "1"
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
    if os.name == "posix":
        os.execv(command[0], command)
    sys.exit(subprocess.call(command, cwd=script.parent))


def _with_folders(folders: Sequence[Path]) -> str:
    """Append folders to those that the environment names already."""
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"--data {folder}: there is no such folder")
    named = [os.environ.get(VARIABLE, ""), *(str(folder.absolute()) for folder in folders)]
    return os.pathsep.join(filter(None, named))
