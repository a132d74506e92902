"""``ddlab app``: how many server processes there are, and what they are told."""

import os
import tomllib

import pytest

from ddlab import serving
from ddlab.cli import pages
from ddlab.home import shipped

TOLD = ("STREAMLIT_SERVER_ADDRESS", "STREAMLIT_SERVER_PORT", "STREAMLIT_SERVER_COOKIE_SECRET", "DDLAB_FOLDERS")


@pytest.fixture
def served(monkeypatch):
    """What would have been served, with several processes or by becoming Streamlit's own server."""
    calls = []

    def become(program, command):
        calls.append(command)
        raise SystemExit

    for name in TOLD:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(serving, "serve", lambda *told: calls.append(told))
    monkeypatch.setattr(os, "execv", become)
    return calls


def test_one_process_is_streamlits_own(served):
    with pytest.raises(SystemExit):
        pages.serve(8599)
    assert served[0][1:4] == ["-m", "streamlit", "run"] and served[0][-1] == "--server.port=8599"


def test_several_listen_where_one_would(served, monkeypatch):
    configured = tomllib.loads((shipped() / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    pages.serve(8599, processes="3")
    assert served == [(configured["server"]["address"], 8599, shipped(), "pages.ui.served:served", 3)]
    assert os.environ["STREAMLIT_SERVER_PORT"] == "8599", "each of them knows the address that it answers to"
    assert len(os.environ["STREAMLIT_SERVER_COOKIE_SECRET"]) == 64, "and they sign alike"
    monkeypatch.setenv("STREAMLIT_SERVER_ADDRESS", "lab.example.org")
    pages.serve(8599, processes="3")
    assert served[1][0] == "lab.example.org"


def test_auto_is_one_a_core(served, monkeypatch):
    monkeypatch.setattr(pages, "slots", lambda kind: 5 * [kind])
    pages.serve(8599, processes="auto")
    monkeypatch.setattr(pages, "slots", lambda kind: [kind])
    with pytest.raises(SystemExit):
        pages.serve(8599, processes="auto")
    assert served[0][-1] == 5 and served[1][1:4] == ["-m", "streamlit", "run"]


@pytest.mark.parametrize("processes", ["0", "-1", "65", "two", "1.5", ""])
def test_other_numbers_are_refused(served, processes):
    with pytest.raises(ValueError, match=f"--processes {processes}: a number from 1 to 64 is allowed, or auto"):
        pages.serve(8599, processes=processes)
    assert not served


def test_where_no_connection_can_be_handed_over_there_is_one(served, monkeypatch):
    monkeypatch.setattr(pages, "HANDS_OVER", False)
    with pytest.raises(ValueError, match="cannot hand connections to other processes; 1 is allowed"):
        pages._number("2")
    assert pages._number("auto") == 1


def test_tls_is_left_to_a_proxy(monkeypatch):
    import streamlit as st

    from pages.ui.served import served

    monkeypatch.setattr(st, "get_option", {"server.sslCertFile": "cert.pem"}.get)
    with pytest.raises(ValueError, match="let a proxy before them speak TLS"):
        served()
