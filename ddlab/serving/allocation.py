"""Settings of the system's allocator: memory that a server process has freed goes back to the system.

With its own settings, glibc keeps a heap for every few threads, and takes even pieces of 30 MB from these heaps as soon
as one of that size was freed once. A server draws every click on another thread, and figures and decoded images are
large: after some minutes of a class half of its heaps was free and not given back.
"""

import ctypes
from contextlib import suppress

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
LARGE = 2**18  # bytes; a piece as large is the system's again as soon as it is freed
HEAPS = 2


def give_back() -> None:
    """Let large pieces be given back at once, and threads share few heaps; where the system has no glibc, nothing."""
    with suppress(OSError, AttributeError, TypeError):
        libc = ctypes.CDLL(None)
        for parameter, value in ((MMAP_THRESHOLD, LARGE), (TRIM_THRESHOLD, LARGE), (ARENA_MAX, HEAPS)):
            libc.mallopt(parameter, value)
