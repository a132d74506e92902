"""For processes of runs that tests start: USR1 lets a rank hang in a call of C, which no signal but the last ends.

Python imports it by itself where this folder is on its path (``PYTHONPATH``).
"""

import ctypes
import signal


def _hang(number, frame):
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        ctypes.CDLL(None).sleep(1000)


signal.signal(signal.SIGUSR1, _hang)
