"""Who is answered at all, and what every answer says to the browser: raw requests to a real server."""

import http.client
import re
from contextlib import contextmanager

import pytest
import streamlit as st

from pages.ui import guard
from tests.browser.conftest import ROOT, Server

COMMANDS = {
    "streamlit run": ("streamlit", "run", "app.py", "--server.port"),
    "make app": ("ddlab", "app", "--processes", "1", "--port"),
    "two processes": ("ddlab", "app", "--processes", "2", "--port"),
}
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module", params=COMMANDS)
def running(request, home, tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server") / "log", COMMANDS[request.param])
    server.start()
    yield server
    server.kill()


@contextmanager
def answer(server, path="/", **headers):
    """What comes on a request with exactly these headers; the server's own name is the host unless they have one."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    given = {"Host": f"127.0.0.1:{server.port}"} | {name.replace("_", "-"): text for name, text in headers.items()}
    connection.putrequest("GET", path, skip_host=True)
    for name, text in given.items():
        connection.putheader(name, text)
    connection.endheaders()
    try:
        yield connection.getresponse()
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/", "/runs", "/_stcore/health", "/nothing/_stcore/x", "/static/js/nothing.js"])
def test_every_answer_says_what_a_browser_may_do(running, path):
    with answer(running, path) as response:
        assert {name: response.getheader(name) for name in guard.headers()} == guard.headers()


STRANGERS = ["evil.example", "evil.example:8501", "127.0.0.1.evil.example", "", "a@127.0.0.1", "10.0.0.1"]


@pytest.mark.parametrize("host", STRANGERS)
def test_a_strangers_name_is_not_answered(running, host):
    for path, upgrade in (("/", {}), ("/_stcore/stream", UPGRADE)):
        with answer(running, path, Host=host, **upgrade) as response:
            assert response.status == 400 and b"<html" not in response.read()
            assert response.getheader("X-Frame-Options") == "DENY"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:8501"])
def test_this_machine_is_answered(running, host):
    for path, upgrade, status in (("/", {}, 200), ("/_stcore/stream", UPGRADE, 101)):
        with answer(running, path, Host=host, **upgrade) as response:
            assert response.status == status


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://localhost:1", "null", "https://127.0.0.1.evil.example"]
)
def test_a_page_from_elsewhere_opens_no_websocket(running, origin):
    with answer(running, "/_stcore/stream", Origin=origin, **UPGRADE) as response:
        assert response.status == 403


def test_our_own_page_opens_one(running):
    with answer(running, "/_stcore/stream", Origin=running.url, **UPGRADE) as response:
        assert response.status == 101


def test_the_agent_api_is_off(running):
    with answer(running, "/_stcore/agent/mcp") as response:
        assert response.status in (403, 404, 405)


def test_every_way_to_start_is_one_of_those():
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "exec $(BIN)/ddlab app --processes $(PROCESSES) --port $(PORT)" in made, (
        "make app starts what is tested here"
    )


# ---- names that it answers to


@pytest.fixture
def configured(monkeypatch):
    options = {"server.address": "127.0.0.1", "browser.serverAddress": None, "server.allowedHosts": []}
    monkeypatch.setattr(st, "get_option", options.__getitem__)
    return options


def test_the_server_answers_to_itself(configured):
    assert guard.hosts() == ["localhost", "127.0.0.1", "[::1]"]


def test_and_to_what_it_is_configured_with(configured):
    configured |= {"server.address": "lab.example.org", "server.allowedHosts": ["*.lab.org", "::2"]}
    assert guard.hosts()[3:] == ["lab.example.org", "*.lab.org", "[::2]"]


@pytest.mark.parametrize("address", [None, "0.0.0.0", "::"])
def test_and_to_every_address_of_its_own(configured, address, monkeypatch):
    monkeypatch.setattr(guard, "_own_addresses", lambda: ["192.168.1.5", "fe80::1"])
    configured["server.address"] = address
    assert guard.hosts()[3:] == ["192.168.1.5", "[fe80::1]"]


def test_addresses_of_its_own_are_addresses():
    assert all(re.fullmatch(r"[\d.]+|[\da-f:]+", address) for address in guard._own_addresses())


def test_streamlits_page_runs_the_scripts_that_were_seen_alone():
    policy = guard.headers()["Content-Security-Policy"]
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0] and "sha256-" in policy
    assert "default-src 'self'" in policy and "*" not in policy and "http" not in policy


def test_an_error_shows_no_path_of_this_machine():
    text = (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    assert re.search(r'^showErrorDetails = "(type|none)"', text, re.MULTILINE)
