"""The pages beside a training: the page Start, and a click, with one visitor and with many (:mod:`benchmarks.pages`).

The limits: with one visitor, the same while nothing trains. With N visitors who think for Z seconds between a click and
the next, on a server that does R clicks a second at most, a click takes on average at least N / R − Z (the asymptotic
bound of a closed system), and never less than with one visitor.

References
----------
Lazowska, Zahorjan, Graham, Sevcik 1984, "Quantitative System Performance", Chapter 5.
"""

import asyncio
import os
import random
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import pages
from benchmarks.rows import Measure
from benchmarks.table import Sample
from benchmarks.visitor import Visitor
from ddlab.engine.control import stop_processes
from ddlab.engine.launch import launch
from ddlab.recipes import RECIPES
from ddlab.runs import RunFolder

SHOWN = {  # recorded runs, by the recipes that the pages are visited with
    "demo": "example",
    "composed": "example-theorem",
    "trust_region_demo": "example-trust-region",
    "pipeline_demo": "example-pipeline",
}
SESSIONS = (10, 40)
WARMING, STAY, RATE, QUICK = 6.0, 16.0, 8.0, 0.5  # seconds; in a quick round times QUICK
OPENS, CLICKS = 5, 2  # of Start, and on each page
ENDLESS = {"training.epochs": 10_000, "strategies": ["average"], "placement.workers": 1, "placement.devices": "cpu"}


async def alone(address: str) -> tuple[float, float]:
    """Seconds until Start is drawn for a new session, and of a click; medians of one visitor's."""
    starts, clicks = [], []
    for _ in range(OPENS):
        visitor = await Visitor.enter(address)
        starts.append((await pages.open_page(visitor, "", SHOWN["demo"])).seconds)
        await visitor.leave()
    visitor = await Visitor.enter(address)
    for page, run in pages.PAGES.items():
        chance = random.Random(page)
        await pages.open_page(visitor, page, SHOWN[run])
        clicks += [await pages.click(visitor, chance, turn) for turn in range(CLICKS)]
    await visitor.leave()
    return statistics.median(starts), statistics.median(answer.seconds for answer in clicks if answer)


@contextmanager
def training() -> Iterator[RunFolder]:
    """A training on one core, until it is stopped."""
    run = RunFolder.create(RECIPES["demo"]().with_settings(ENDLESS))
    launch(run)
    try:
        while not run.metrics():
            if not run.state().is_live:
                raise RuntimeError(f"the training {run.state().state}: {run.state().message}")
        yield run
    finally:
        stop_processes(run)


async def crowds(address: str, share: float) -> tuple[dict[int, float], float]:
    """Mean seconds of a click by the number of visitors, and the clicks a second that the server does at most."""
    rate = await pages.without_rest(address, SHOWN, RATE * share)
    means = {}
    for sessions in SESSIONS:
        table = await pages.many_visitors(address, SHOWN, sessions, STAY * share)
        means[sessions] = table["all"]["mean"]
    return means, rate


@contextmanager
def prepared(quick: bool) -> Iterator[Measure]:
    """Start a server, and let visitors see every page once."""
    share = QUICK if quick else 1.0
    with pages.server(Path(os.environ["DDLAB_HOME"])) as (address, _):
        asyncio.run(pages.without_rest(address, SHOWN, WARMING * share))
        asyncio.run(alone(address))  # what is read once has been read

        def measure() -> dict[str, Sample]:
            quiet = asyncio.run(alone(address))
            with training():
                busy = asyncio.run(alone(address))
                means, rate = asyncio.run(crowds(address, share))
            found = {"page_start": Sample(busy[0], quiet[0]), "rerun_1": Sample(busy[1], quiet[1])}
            thinking = statistics.fmean(pages.THINKS)
            for sessions, mean in means.items():
                least = max(busy[1], sessions / rate - thinking)
                found[f"rerun_{sessions}"] = Sample(mean, least, {"clicks a second at most": rate})
            return found

        yield measure
