"""Memory that was freed and goes back to the system, measured in processes of their own."""

import ctypes
import subprocess
import sys

import pytest

FREES = """
import sys
import psutil
from ddlab.serving import allocation
if sys.argv[1] == "gives back":
    allocation.give_back()
large = bytearray(31 << 20)
del large  # from here on glibc takes all that is smaller from its heap
own = psutil.Process().memory_info
before = own().rss
pieces = [(bytearray(1 << 20), bytearray(3000)) for _ in range(100)]
kept = [small for _, small in pieces]
del pieces
print((own().rss - before) >> 20)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="there is no glibc")
def test_large_pieces_are_the_systems_again_though_small_ones_between_them_are_not():
    def kept(how):
        return int(
            subprocess.run([sys.executable, "-c", FREES, how], capture_output=True, text=True, check=True).stdout
        )

    assert kept("keeps") > 60 and kept("gives back") < 20
