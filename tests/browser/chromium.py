"""Where the browser for the tests is; ``python -m tests.browser.chromium`` provides one.

The system's Chromium is taken first, then apt where we may install, then Playwright's own download.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "The browser tests need Chromium and none could be found or installed. Install it with your system's package "
    "manager (Debian, Ubuntu: sudo apt-get install chromium), or run: .venv/bin/playwright install chromium"
)
# Chromium in a container: no sandbox, no GPU, and no requests of its own.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find() -> str | None:
    """The path of a Chromium: ``$DDLAB_CHROMIUM``, the system's, or Playwright's own; None if there is none."""
    named = os.environ.get("DDLAB_CHROMIUM")
    system = next(filter(None, map(shutil.which, NAMES)), None)
    return named or system or _playwrights()


def provide() -> str:
    """Find a Chromium or install one.

    Raises
    ------
    SystemExit
        If none could be found or installed; says what to do.
    """
    for attempt in (lambda: None, _install_with_apt, _install_with_playwright):
        attempt()
        path = find()
        if path:
            return path
    raise SystemExit(MISSING)


def _playwrights() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _install_with_apt() -> None:
    if sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-q"], env=environment, check=False)
        install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"]
        subprocess.run(install, env=environment, check=False)


def _install_with_playwright() -> None:
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


if __name__ == "__main__":
    sys.stdout.write(f"browser for the tests: {provide()}\n")
