"""How long the volume viewer takes from an input to the new picture, in a real browser.

Run: ``python -m benchmarks.volume_viewer``; half a minute. It needs Chromium, as the browser tests do.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import numpy as np
from playwright.sync_api import Error, Locator, Page, sync_playwright

from ddlab.data.source import Description
from ddlab.decomposition import Decomposition, times
from ddlab.figures.volumes import Scene
from tests.browser import chromium, viewer

ROOT = Path(__file__).parents[1]
SHAPES, GRID = ((64, 64, 32), (128, 128, 64), (256, 256, 128)), (4, 4, 2)
INPUTS, WARM_UP = 40, 5
START_SECONDS = 60
PORT = 8797
PAGE = "from benchmarks.volume_viewer import page\npage()"


def page() -> None:
    """What the server shows: the volume that the URL asks for, with evidence and 32 subdomains."""
    import streamlit as st  # noqa: TID251  (this function is a page)

    from pages.ui import volume

    shape = tuple(map(int, st.query_params["shape"].split("x")))
    image = np.random.default_rng(0).integers(0, 256, (1, *shape), dtype=np.uint8)
    mask = np.zeros(shape, dtype=np.uint8)
    mask[tuple(slice(extent // 4, extent // 2) for extent in shape)] = 1
    about = Description(("a", "b"), 1, shape, 1, 1, "", "", True, (-1000.0, 400.0), "HU", (1.0, 1.0, 2.0))
    volume.show(Scene(image, about, Decomposition.from_grid(shape, GRID, 2), mask))


@contextmanager
def served() -> Iterator[str]:
    """A server of :func:`page`; gives its address."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "page.py"
        script.write_text(PAGE)
        command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={PORT}"]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        server = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield f"http://127.0.0.1:{PORT}"
        finally:
            server.terminate()
            server.wait()


def visit(browser_page: Page, address: str) -> None:
    """Open the page as soon as the server is there."""
    deadline = monotonic() + START_SECONDS
    while True:
        try:
            browser_page.goto(address)
            break
        except Error:  # nobody listens yet
            if monotonic() > deadline:
                raise
            sleep(0.2)
    browser_page.locator(viewer.CANVAS).first.wait_for()
    browser_page.wait_for_timeout(1000)


def pressed(browser_page: Page, slider: Locator) -> list[float]:
    """Milliseconds a slider's steps take, one key after the other."""
    slider.focus()
    viewer.watch(slider, "input")
    for number in range(INPUTS + WARM_UP):
        browser_page.keyboard.press("ArrowRight" if number % 20 < 10 else "ArrowLeft")
        viewer.waited(browser_page, number + 1)
    return viewer.waited(browser_page, INPUTS)[WARM_UP:]


def dragged(browser_page: Page, canvas: Locator) -> list[float]:
    """Milliseconds the steps of a pressed pointer take."""
    box = canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 3, box["y"] + box["height"] / 3
    browser_page.mouse.move(x, y)
    browser_page.mouse.down()
    viewer.watch(canvas, "pointermove")
    for number in range(INPUTS + WARM_UP):
        browser_page.mouse.move(x + number, y + number / 2)
        viewer.waited(browser_page, number + 1)
    browser_page.mouse.up()
    return viewer.waited(browser_page, INPUTS)[WARM_UP:]


def main() -> None:
    """Print a row an input: slices, window, crosshair, turning."""
    path = chromium.find()
    assert path, chromium.MISSING
    print(f"{times(GRID)} subdomains, evidence outlined, 1400 px wide; {INPUTS} inputs each, milliseconds")
    print(f"{'voxels':12} {'input':24} {'median':>7} {'95 %':>7} {'most':>7}")
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(chromium.ARGUMENTS))
        browser_page = browser.new_page(viewport={"width": 1400, "height": 900})
        for shape in SHAPES:
            visit(browser_page, f"{address}/?shape={'x'.join(map(str, shape))}")
            canvases = browser_page.locator(viewer.CANVAS)
            measured = {
                "slider of the slices": pressed(browser_page, browser_page.locator(viewer.SLIDER)),
                "slider of the level": pressed(browser_page, browser_page.locator('.volume input[name="Level"]')),
                "dragging the cross": dragged(browser_page, canvases.first),
                "turning the subdomains": dragged(browser_page, canvases.last),
            }
            for name, waits in measured.items():
                tail = statistics.quantiles(waits, n=20)[-1]
                print(f"{times(shape):12} {name:24} {statistics.median(waits):7.0f} {tail:7.0f} {max(waits):7.0f}")
        browser.close()


if __name__ == "__main__":
    main()
