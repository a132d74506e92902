"""Opening the pages from the command line."""

import os
import subprocess
import sys
from pathlib import Path

import ddlab


def serve(port: int) -> None:
    """Serve the pages on this machine until Ctrl-C.

    Raises
    ------
    ValueError
        If ddlab was installed without its pages.
    """
    script = Path(ddlab.__file__).parents[1] / "app.py"
    if not script.exists():
        raise ValueError("app: the pages belong to the project's folder, not to an installed package; start it there")
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
    if os.name == "posix":
        os.execv(command[0], command)
    sys.exit(subprocess.call(command, cwd=script.parent))
