"""A real server and a real browser: nothing may leave the machine, and no page may raise an error."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

from tests.browser import chromium

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
FORBIDDEN = "forbidden by the policy"
TELL = f"""document.addEventListener("securitypolicyviolation",
  (event) => console.error(`{FORBIDDEN}: ${{event.violatedDirective}} ${{event.blockedURI}}`));"""
HERE = ("127.0.0.1", "localhost", "")  # no host: data: and blob: addresses


class Server:
    """The laboratory's server on a free port; it can be killed and started again.

    ``command`` is what starts it, without the port.
    """

    def __init__(self, log: Path, command=("streamlit", "run", "app.py", "--server.port")) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        self.command = command
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", *self.command, str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=os.environ | {"CI": "1"})
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1):
                    return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.1)
        raise AssertionError(f"no server after {START_SECONDS} s: {self.log.read_text()}")

    def kill(self) -> None:
        """As the system kills: without a chance to say goodbye."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def server(own_home, tmp_path):
    server = Server(tmp_path / "server.log")
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def browser():
    path = chromium.find()
    assert path, chromium.MISSING
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(chromium.ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def open_browser(browser, server):
    """``open_browser("/runs", width=390)``: a page that is watched until the test ends."""
    errors, foreign, contexts = [], set(), []

    def opened(path="/", width=1400, height=1400, dark=False):
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        context.add_init_script(TELL)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.extend({said.text} if FORBIDDEN in said.text else ()))
        page.on("request", lambda request: foreign.update(_foreign(request.url)))
        page.goto(server.url + path)
        page.locator("h1").first.wait_for()
        return page

    yield opened
    for context in contexts:
        for page in context.pages:
            assert page.locator("[data-testid=stException]").count() == 0, page.locator(
                "[data-testid=stException]"
            ).first
        context.close()
    assert not errors, errors
    assert not foreign, f"requests left the machine: {foreign}"


def _foreign(url: str) -> set[str]:
    host = urlsplit(url).hostname or ""
    return set() if host in HERE else {url}
