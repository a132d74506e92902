"""Several server processes behind one address, over real sockets, with an application of a few lines."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil
import pytest
from websockets.sync.client import connect

from ddlab.serving.heads import cookie, cookie_name, is_complete
from ddlab.serving.processes import NEW, Backend, Processes, Program

pytestmark = pytest.mark.skipif(os.name != "posix", reason="connections are handed over on POSIX systems only")

HERE = Path(__file__).parent
SERVE = """
import sys
from ddlab.serving import processes, serve
processes.NEW = {}
serve('127.0.0.1', int(sys.argv[1]), '{}', '{}', 2)
"""
SECONDS = 30.0
SHORTLY = 0.1  # seconds that somebody is new


class Served:
    """The toy, served by two processes."""

    def __init__(self, log, target="toy:served"):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.cookie = cookie_name(f"127.0.0.1:{self.port}")
        command = [sys.executable, "-c", SERVE.format(SHORTLY, HERE, target), str(self.port)]
        with log.open("wb") as file:
            self.process = subprocess.Popen(command, cwd=HERE.parents[1], stdout=file, stderr=file)

    def backends(self):
        """The processes, by their ids."""
        with suppress(psutil.NoSuchProcess):
            return {child.pid for child in psutil.Process(self.process.pid).children()}
        return set()

    def names(self):
        """One visitor's name for each process: the name is what the cookie says, the process what the answer says."""
        found = {}
        until(self.listens)
        until(lambda: found.update([self.visit()]) or len(found) == 2)
        return found

    def listens(self):
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def visit(self, name="", path="/", **more):
        """The process that answers a visitor on a connection of his own, and the name that he then has."""
        with self.connection() as connection:
            return self.ask(connection, name, path, **more)

    def ask(self, connection, name="", path="/", body=None):
        headers = {"Cookie": f"theme=dark; {self.cookie}={name}"} if name else {}
        connection.request("GET" if body is None else "POST", path, body, headers)
        response = connection.getresponse()
        told = response.read()
        given = cookie(f"\nCookie: {response.getheader('set-cookie', '')}\r\n\r\n".encode(), self.cookie)
        return int(told) if told.isdigit() else told, given or name

    @contextmanager
    def connection(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            yield connection
        finally:
            connection.close()

    def stream(self, name=""):
        headers = {"Cookie": f"{self.cookie}={name}"} if name else {}
        return connect(f"ws://127.0.0.1:{self.port}/stream", additional_headers=headers)

    def end(self):
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.process.pid).children():
                child.kill()
        self.process.kill()
        self.process.wait()


def until(is_so):
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def says(raw, pid):
    """Whether an answer on a socket ends with a process; head and body may come one after the other."""
    raw.settimeout(SECONDS)
    told = b""
    while not told.endswith(f"\r\n\r\n{pid}".encode()) and (more := raw.recv(2**16)):
        told += more
    return told.endswith(f"\r\n\r\n{pid}".encode())


def at_once(work):
    """What a coroutine returns that need not wait; no event loop, the browser's may be running."""
    with pytest.raises(StopIteration) as returned:
        work.send(None)
    return returned.value.value


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("serving") / "log")
    served.names()
    yield served
    served.end()


@pytest.fixture
def own(tmp_path):
    """A server that a test may end."""
    served = Served(tmp_path / "log")
    served.names()
    yield served
    served.end()


def test_whoever_is_new_goes_where_fewest_are(monkeypatch):
    """Websockets count, and those who came just now and have none yet, so that a room full at once is spread, too."""
    backends = [Backend("a", None, None, True, 2), Backend("b", None, None, True, 0), Backend("c", None, None, True, 3)]
    processes = Processes(Program(HERE, "toy:served", "cookie"), 3, None)
    processes._living = {backend.name: backend for backend in (*backends, Backend("d", None, None))}
    processes._not_begun = 0
    processes._note()
    came = ["c", "", "", "", "", "d", "unknown"]
    assert "".join(at_once(processes.one(name)).name for name in came) == "cbbabab"
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + NEW + 1)
    assert at_once(processes.one("")).name == "b", "nobody came of those"


def test_open_websockets_count_until_they_are_closed(served):

    def is_elsewhere(pid):
        return served.visit()[0] != pid

    for pid, name in served.names().items():
        crowd = [served.stream(name) for _ in range(9)]
        assert {int(stream.recv()) for stream in crowd} == {pid}
        until(partial(is_elsewhere, pid))
        time.sleep(2 * SHORTLY)
        assert is_elsewhere(pid)
        for stream in crowd:
            stream.close()


def test_everything_of_a_visitor_comes_to_his_process(served):
    for pid, name in served.names().items():
        body = os.urandom(2**20)
        assert served.visit(name, "/keep", body=body) == (pid, name)
        assert served.visit(name, "/kept") == (body, name)
        with served.stream(name) as stream:
            assert int(stream.recv()) == pid
            stream.send("x" * 2**17)
            assert stream.recv() == "x" * 2**17


def test_a_connection_that_is_kept_alive_changes_the_process(served):
    """As a proxy's does: requests of both visitors in turn, with and without a body, and of somebody new."""
    names = served.names()
    with served.connection() as connection:
        for turn in range(3):
            for pid, name in names.items():
                assert served.ask(connection, name) == (pid, name)
                assert served.ask(connection, name, "/keep", body=bytes(turn) * 2**18) == (pid, name)
            assert served.ask(connection)[0] in names


def test_a_websocket_may_begin_on_a_connection_that_was_another_visitors(served):
    (pid, name), (other, other_name) = served.names().items()
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.sendall(f"GET / HTTP/1.1\r\nHost: x\r\nCookie: {served.cookie}={name}\r\n\r\n".encode())
        assert says(raw, pid)
        with connect(
            "ws://127.0.0.1/stream", sock=raw, additional_headers={"Cookie": f"{served.cookie}={other_name}"}
        ) as stream:
            assert int(stream.recv()) == other


def test_a_head_may_come_in_pieces(served):
    for pid, name in served.names().items():
        with socket.create_connection(("127.0.0.1", served.port)) as raw:
            for piece in ("GET / HTTP/1.1\r\nHo", f"st: x\r\nCookie: {served.cookie}=", f"{name}\r\n", "\r\n"):
                raw.sendall(piece.encode())
                time.sleep(0.05)
            assert says(raw, pid)


def test_requests_in_advance_are_answered_in_order(served):
    (pid, name), _ = served.names().items()
    asked = f"GET / HTTP/1.1\r\nHost: x\r\nCookie: {served.cookie}={name}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", served.port), timeout=SECONDS) as raw:
        raw.sendall(asked * 3)
        told = b""
        while told.count(b"HTTP/1.1 200 OK") < 3 or not told.endswith(str(pid).encode()):
            told += raw.recv(2**16)
    assert told.count(str(pid).encode()) >= 3


def test_what_is_no_request_is_refused(served):
    for sent in (b"hello\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 2**17):
        with socket.create_connection(("127.0.0.1", served.port), timeout=SECONDS) as raw, suppress(ConnectionError):
            raw.sendall(sent)
            assert raw.recv(2**16).startswith(b"HTTP/1.1 400")


def test_a_browser_keeps_the_cookie_to_itself(served):
    with served.connection() as connection:
        connection.request("GET", "/", headers={"X-Forwarded-Proto": "https"})
        told = connection.getresponse().getheader("set-cookie")
    assert told.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure") and str(served.port) not in told
    with served.connection() as connection:
        connection.request("GET", "/")
        assert "Secure" not in connection.getresponse().getheader("set-cookie")


def test_a_process_that_dies_is_followed_by_another_one(own):
    (pid, name), (other, other_name) = own.names().items()
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        own.visit(name, "/die")
    moved, new_name = own.visit(name)
    assert moved != pid and new_name != name, "he lands where somebody is, and is known there from now on"
    assert own.visit(new_name) == (moved, new_name)
    until(lambda: len(own.backends()) == 2)
    assert own.names().keys() == own.backends() and own.visit(other_name) == (other, other_name)


def test_a_signal_ends_all(own):
    pids = own.backends()
    assert len(pids) == 2
    with own.stream() as stream, suppress(Exception):
        own.process.send_signal(signal.SIGTERM)
        stream.recv(), stream.recv()
    assert own.process.wait(SECONDS) == 0 and not any(map(psutil.pid_exists, pids))


def test_a_killed_front_leaves_nobody(own):
    pids = own.backends()
    own.process.kill()
    own.process.wait()
    until(lambda: not any(map(psutil.pid_exists, pids)))


def test_what_cannot_start_is_said(tmp_path):
    log = tmp_path / "log"
    served = Served(log, "toy:broken")
    assert served.process.wait(SECONDS) == 1
    assert "port: not today" in log.read_text() and "die as soon as they are started" in log.read_text()


@pytest.mark.parametrize(
    ("head", "value"),
    [
        (b"GET / HTTP/1.1\r\nCookie: a=1\r\n\r\n", "1"),
        (b"GET / HTTP/1.1\r\ncookie:b=2;a=1 ; c=3\r\n\r\n", "1"),
        (b"GET / HTTP/1.1\nCOOKIE: b=2\nCookie: a=1=2\n\n", "1=2"),
        (b"GET / HTTP/1.1\r\nCookie: b=2\r\nX-Cookie: a=1\r\n\r\na=1", ""),
        (b"GET /?Cookie:a=1 HTTP/1.1\r\n\r\nCookie: a=1", ""),
        (b"Cookie: a=1\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nCookie: aa=1; a", ""),
    ],
)
def test_the_cookie_stands_in_the_head(head, value):
    assert cookie(head, "a") == value


def test_the_end_of_a_head():
    assert is_complete(b"GET / HTTP/1.1\r\n\r\n") and is_complete(b"GET / HTTP/1.1\n\nbody")
    assert not is_complete(b"GET / HTTP/1.1\r\nHost: x\r\n")


def test_two_servers_of_a_machine_have_two_cookies():
    assert cookie_name("127.0.0.1:8501") != cookie_name("127.0.0.1:8502")
    assert urllib.request.quote(cookie_name("127.0.0.1:8501")) == cookie_name("127.0.0.1:8501")
