"""Where things are kept: runs and caches under ``DDLAB_HOME``, data sets under ``DDLAB_DATA``."""

import os
from pathlib import Path


def home() -> Path:
    """The folder of runs, caches and the queue: ``$DDLAB_HOME``, or ``.ddlab`` in the current folder."""
    return Path(os.environ.get("DDLAB_HOME") or ".ddlab").resolve()


def data_home() -> Path:
    """The folder of data sets: ``$DDLAB_DATA``, or ``data`` in :func:`home`."""
    configured = os.environ.get("DDLAB_DATA")
    return Path(configured).resolve() if configured else home() / "data"
