"""The environment of a run: versions, machine, code."""

import platform
import socket
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from ddlab.engine.devices import slots

PACKAGES = ("ddlab", "torch", "torchvision", "numpy", "scikit-learn", "captum", "safetensors", "pydantic")


def describe_environment(command: str) -> dict[str, Any]:
    """Plain values for ``environment.json``.

    Parameters
    ----------
    command
        The command line that repeats the run; empty if it was asked for otherwise.
    """
    return {
        "command": command,
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
        "system": platform.platform(),
        "host": socket.gethostname(),
        "processor": platform.processor() or platform.machine(),
        "cores": len(slots("cpu")),
        "memory": psutil.virtual_memory().total,
        "gpus": [gpu.title for gpu in slots("cuda")],
        "commit": _commit(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The git commit of the code, marked if files differ from it; None outside a repository."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip() or None
