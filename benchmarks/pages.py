"""How fast the pages answer: clicks of one visitor on every page, and of many on all pages at once.

::

    python -m benchmarks.pages [--home FOLDER] [--clicks 40] [--visitors 20] [--seconds 60] [--processes 1]
                               [--keep NAME]

A server of its own is started on runs that are trained for it (in FOLDER, where they are found again). Visitors speak
Streamlit's protocol over real websockets (:mod:`benchmarks.visitor`); a time is that from the click to the end of the
script that it starts: what waits for others is in it, what a browser needs to draw is not. ``--keep`` puts the table
under NAME into ``results/pages.json``.
"""

import argparse
import asyncio
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import stored
from benchmarks.visitor import Answer, Visitor, other_value
from ddlab.recipes import RECIPES

ROOT = Path(__file__).parents[1]
RECIPES_SHOWN = ("demo", "composed", "trust_region_demo", "pipeline_demo")
MORE = {"demo": {"strategies": ["global", "average", "majority", "cnn_dnn", "coherent", "transfer"]}}
PAGES = {  # by the last part of its address: the run that it shows
    "": "demo",
    "decompose": "demo",
    "pipeline": "pipeline_demo",
    "train": "demo",
    "sweep": "demo",
    "runs": "demo",
    "compare": "demo",
    "probabilities": "demo",
    "cam": "demo",
    "layers": "demo",
    "composition": "composed",
    "trust_region": "trust_region_demo",
}
THINKS = (1.0, 4.0)  # seconds between a visitor's clicks
GOALS = {"one p50": 0.1, "one p95": 0.25, "many p95": 0.5, "reruns a second": 15.0}

Table = dict[str, dict[str, float]]


def main() -> None:
    """Measure and print; ``--help`` names the options."""
    options = _options()
    home = options.home or Path(tempfile.mkdtemp(prefix="ddlab-pages-"))
    ids = runs(home)
    with server(home, options.processes) as (address, _):
        one = asyncio.run(_one_visitor(address, ids, options.clicks))
        _print("One visitor", one)
        many = asyncio.run(many_visitors(address, ids, options.visitors, options.seconds))
        _print(f"{options.visitors} visitors who click every {THINKS[0]:.0f} to {THINKS[1]:.0f} s", many)
        most = asyncio.run(without_rest(address, ids, options.seconds / 2))
        print(f"Reruns a second, four visitors without rest: {most:.1f}")
    if options.keep:
        entry = {"one": one, "visitors": options.visitors, "many": many, "reruns a second": round(most, 1)}
        entry |= {"cores": os.cpu_count(), "processes": options.processes}
        stored.write(stored.RESULTS / "pages.json", stored.read(stored.RESULTS / "pages.json") | {options.keep: entry})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--clicks", type=int, default=40)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--processes", type=int, default=1, help="of the server")
    parser.add_argument("--keep")
    return parser.parse_args()


# ---- the server and what it shows


def runs(home: Path) -> dict[str, str]:
    """Train the runs that are not there yet; the id of each by its recipe."""
    os.environ["DDLAB_HOME"] = str(home)
    from ddlab import train
    from ddlab.runs import list_runs

    for name in RECIPES_SHOWN:
        if name not in {run.name for run in list_runs()}:
            train(RECIPES[name]().with_settings(MORE.get(name, {})))
    return {run.name: run.id for run in list_runs()}


@contextmanager
def server(home: Path, processes: int = 1) -> Iterator[tuple[str, int]]:
    """A laboratory on a free port of this machine; its address, and the id of its first process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "ddlab", "app", "--port", str(port), "--processes", str(processes)]
    environment = os.environ | {"DDLAB_HOME": str(home)}
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=environment)
    try:
        wait(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait()


def wait(url: str) -> None:
    """Wait until a server answers."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{url}: no answer after a minute")


# ---- what the visitors do


async def _one_visitor(address: str, ids: dict[str, str], clicks: int) -> Table:
    """Open every page, then use its controls in turn and at random."""
    visitor = await Visitor.enter(address)
    table = {}
    for page, run in PAGES.items():
        chance = random.Random(page)
        opened = await open_page(visitor, page, ids[run])
        await open_page(visitor, page, ids[run])  # what is read once has been read
        answers = [await click(visitor, chance, turn) for turn in range(clicks)]
        table[page or "start"] = {"open": round(opened.seconds, 3)} | summary([a for a in answers if a])
    await visitor.leave()
    return table


async def many_visitors(address: str, ids: dict[str, str], visitors: int, seconds: float) -> Table:
    """Let visitors be on all pages at the same time, who click after a while and go to another page now and then."""
    until = time.monotonic() + seconds
    work = [_stay(address, ids, number, until, THINKS) for number in range(visitors)]
    return _by_page(await asyncio.gather(*work))


async def without_rest(address: str, ids: dict[str, str], seconds: float) -> float:
    """Return the clicks a second of four visitors who never rest."""
    until = time.monotonic() + seconds
    work = [_stay(address, ids, number, until, (0.0, 0.0)) for number in range(4)]
    return sum(map(len, await asyncio.gather(*work))) / seconds


async def _stay(
    address: str, ids: dict[str, str], number: int, until: float, thinks: tuple[float, float]
) -> list[tuple[str, Answer]]:
    chance = random.Random(number)
    visitor = await Visitor.enter(address)
    found: list[tuple[str, Answer]] = []
    while time.monotonic() < until:
        page = list(PAGES)[(number + len(found)) % len(PAGES)]
        await asyncio.sleep(chance.uniform(*thinks))
        await open_page(visitor, page, ids[PAGES[page]])
        for turn in range(6):
            await asyncio.sleep(chance.uniform(*thinks))
            if time.monotonic() > until:
                break
            if (answer := await click(visitor, chance, turn)) is not None:
                found.append((page or "start", answer))
    await visitor.leave()
    return found


async def open_page(visitor: Visitor, page: str, run: str) -> Answer:
    """Open a page on a run; what fails there fails here."""
    answer = await visitor.open(page, f"run={run}")
    if answer.errors:
        raise RuntimeError(f"page {page or 'start'}: {answer.errors[0]}")
    return answer


async def click(visitor: Visitor, chance: random.Random, turn: int) -> Answer | None:
    """Give the next control another value; the whole page anew where it has no control."""
    controls = visitor.controls()
    if not controls:
        return await visitor.again()
    control = controls[turn % len(controls)]
    return await visitor.click(control, other_value(control, chance))


# ---- the numbers


def _by_page(found: Sequence[list[tuple[str, Answer]]]) -> Table:
    answers: dict[str, list[Answer]] = {"all": []}
    for page, answer in (pair for pairs in found for pair in pairs):
        answers.setdefault(page, []).append(answer)
        answers["all"].append(answer)
    return {page: summary(of_page) for page, of_page in answers.items()}


def summary(answers: Sequence[Answer]) -> dict[str, Any]:
    """Median, mean and 95th percentile of the times in seconds, kB of an answer, and how many failed."""
    times = sorted(answer.seconds for answer in answers)
    return {
        "p50": round(statistics.median(times), 3),
        "mean": round(statistics.fmean(times), 3),
        "p95": round(times[min(len(times) - 1, int(0.95 * len(times)))], 3),
        "kB": round(statistics.median(answer.size for answer in answers) / 1000),
        "clicks": len(times),
        "errors": sum(bool(answer.errors) for answer in answers),
    }


def _print(title: str, table: Table) -> None:
    print(f"\n{title}")
    for page, row in table.items():
        told = "  ".join(f"{name} {value:g}" for name, value in row.items())
        print(f"  {page:14} {told}", flush=True)


if __name__ == "__main__":
    main()
