"""No orphans: a process of a run ends with the one that started it. Standard library alone."""

import ctypes
import os
import signal
import sys
import threading
import time

LAUNCHER = "DDLAB_LAUNCHER"  # environment variable: pid of the process that this one must not outlive
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_launcher() -> None:
    """End this process with the one that ``DDLAB_LAUNCHER`` names: ranks have sessions of their own and would live on.

    The parent that the system reports may be the one that adopted us already. Nothing is done where no launcher of
    ours is named.
    """
    launcher = int(os.environ.get(LAUNCHER) or 0)
    if os.name != "posix" or not launcher:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_end_without, args=(launcher,), daemon=True).start()
    if os.getppid() != launcher:
        os._exit(1)


def _end_without(launcher: int) -> None:
    """End this process within a second after its launcher, where the system does not do it."""
    while os.getppid() == launcher:
        time.sleep(1)
    os._exit(1)
