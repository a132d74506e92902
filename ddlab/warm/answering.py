"""One question in a fork of the warm process, as a fresh interpreter would answer it."""

import json
import os
import runpy
import signal
import socket
import sys
import threading
import traceback

from ddlab.warm.asking import BEGUN

MOST = 2**22  # bytes of a question; an environment has two megabytes at most


def answer(connection: socket.socket) -> None:
    """Read a question, run its command, and say the exit code; ends with whoever asked."""
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 2)
    with connection.makefile("rb") as file:
        question = json.loads(file.readline(MOST))
    threading.Thread(target=_end_without, args=(connection,), daemon=True).start()
    for descriptor, own in zip(descriptors, (1, 2), strict=True):
        os.dup2(descriptor, own)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(question["environment"])
    os.chdir(question["folder"])
    connection.sendall(BEGUN)
    code = run(question["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(str(code).encode())


def run(arguments: list[str]) -> int:
    """Run ``python -m ddlab <arguments>`` in this process; gives the exit code."""
    sys.argv = ["ddlab", *arguments]
    try:
        runpy.run_module("ddlab", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        print(ended.code, file=sys.stderr)  # noqa: T201 - as the interpreter does
        return 1
    except BaseException:  # as the interpreter does
        traceback.print_exc()
        return 1
    return 0


def _end_without(connection: socket.socket) -> None:
    """Kill this process and what it started as soon as nobody waits for its answer."""
    try:
        connection.recv(1)
    finally:
        os.killpg(0, signal.SIGKILL)
