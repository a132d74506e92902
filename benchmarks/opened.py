"""How long a page takes to come: the first moving picture in a browser, and pages beside hundreds of runs.

::

    python -m benchmarks.opened [--visits 4] [--runs 500] [--keep]

Times are seconds: of the first picture on the Start page from the navigation, and after the browser's first paint, in
a Chromium with nothing in its cache; and of every page drawn whole while the run picker chooses among so many runs,
copies of a recorded one with settings that differ. ``--keep`` puts them into ``results/pages.json``.
"""

import argparse
import asyncio
import json
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks import pages, stored
from benchmarks.visitor import Visitor
from ddlab.home import shipped
from tests.browser import chromium

SAW = """new MutationObserver(() => {
  if (!window.pictured && document.querySelector("[data-testid=stHtml] svg, [data-testid=stHtml] img"))
    window.pictured = performance.now();
}).observe(document, {childList: true, subtree: true});"""
PAINTED = 'performance.getEntriesByName("first-contentful-paint")[0].startTime'
OPENS = 8  # of every page; the first one reads what is read once


def main() -> None:
    """Measure and print; ``--help`` names the options."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder, pages.server(Path(folder)) as (address, _):
        found: dict[str, Any] = {"first picture": _pictured(f"http://{address}/", options.visits)}
    with tempfile.TemporaryDirectory() as folder:
        _copy_runs(Path(folder) / "runs", options.runs)
        with pages.server(Path(folder)) as (address, _):
            found[f"{options.runs} runs"] = asyncio.run(_opened(address))
    print(json.dumps(found, indent=1))
    if options.keep:
        stored.write(stored.RESULTS / "pages.json", stored.read(stored.RESULTS / "pages.json") | {"opened": found})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--visits", type=int, default=4)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


def _pictured(url: str, visits: int) -> dict[str, list[float]]:
    """Seconds to the first picture, a visit each, the first one to a server that nobody has visited."""
    found: dict[str, list[float]] = {"after navigation": [], "after the first paint": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=list(chromium.ARGUMENTS))
        for _ in range(visits):
            page: Page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.add_init_script(SAW)
            page.goto(url)
            page.wait_for_function("window.pictured", timeout=90_000)
            pictured, painted = page.evaluate("window.pictured"), page.evaluate(PAINTED)
            found["after navigation"].append(round(pictured / 1000, 2))
            found["after the first paint"].append(round((pictured - painted) / 1000, 2))
            page.context.close()
        browser.close()
    return found


def _copy_runs(runs: Path, count: int) -> None:
    """Make so many runs of fifty names."""
    recorded = shipped() / "assets" / "examples" / "example"
    for number in range(count):
        folder = runs / f"20260101-{number // 60:04d}{number % 60:02d}-copy{number}"
        shutil.copytree(recorded, folder, ignore=shutil.ignore_patterns("*.safetensors"))
        told = json.loads((folder / "experiment.json").read_text(encoding="utf-8"))
        told["experiment"]["name"] = f"copy {number % 50}"
        told["experiment"]["training"]["learning_rate"] = 0.001 * (1 + number % 7)
        (folder / "experiment.json").write_text(json.dumps(told), encoding="utf-8")
        (folder / "name.txt").unlink(missing_ok=True)


async def _opened(address: str) -> dict[str, float]:
    """Median of the seconds in which a page is drawn whole."""
    visitor = await Visitor.enter(address)
    found = {}
    for page in ("", "decompose", "train", "runs", "compare", "probabilities"):
        answers = [await visitor.open(page) for _ in range(OPENS)]
        if errors := [error for answer in answers for error in answer.errors]:
            raise RuntimeError(f"page {page or 'start'}: {errors[0]}")
        found[page or "start"] = round(statistics.median(answer.seconds for answer in answers[1:]), 3)
    await visitor.leave()
    return found


if __name__ == "__main__":
    main()
