"""The channel between the front and a process: what has been handed over is not handed to another one as well."""

import os
import socket

import pytest

from ddlab.serving.channel import YOURS, Channel
from tests.loops import run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="connections are handed over on POSIX systems only")


@pytest.mark.parametrize("taken", [b"", b"GET / HTTP/1.1\r\n"], ids=["nothing was read", "a head was read"])
def test_a_process_that_dies_of_what_it_got_has_got_it(monkeypatch, taken):
    """The front would ask another process for the same, who would wait for a request that is read already."""
    ours, theirs = socket.socketpair()
    connection, browser = socket.socketpair()
    send = socket.send_fds

    def dies_at_once(*arguments):
        sent = send(*arguments)
        _, descriptors, _, _ = socket.recv_fds(theirs, 1000, 1)
        os.close(descriptors[0])
        theirs.close()
        return sent

    monkeypatch.setattr(socket, "send_fds", dies_at_once)
    with ours, connection, browser:
        run(Channel(ours).send(YOURS, taken, connection))


def test_a_process_that_is_dead_gets_nothing(monkeypatch):
    ours, theirs = socket.socketpair()
    connection, browser = socket.socketpair()
    theirs.close()
    with ours, connection, browser, pytest.raises(OSError):
        run(Channel(ours).send(YOURS, b"", connection))
