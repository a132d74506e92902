"""A list of ten thousand runs: the first time, again, and on the page Runs.

The limits: of the first time, the two files of each run that a row needs, read and parsed and nothing else; again, a
look at each folder; of the page, the page beside fifty runs, as many as it shows at once.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import pages
from benchmarks.made import seconds
from benchmarks.rows import Measure
from benchmarks.table import Sample
from benchmarks.visitor import Visitor
from ddlab.home import shipped

RUNS, SHOWN = 10_000, 50
OPENS = 5
NEEDED = ("experiment.json", "status.json")  # by a row
LINKED = ("status.json", "environment.json", "metrics-0.jsonl", "metrics-1.jsonl")
LIST = """
import time
from ddlab.runs import list_runs
times = []
for _ in range(2):
    began = time.perf_counter()
    rows = [run.summary() for run in list_runs()]
    times.append(time.perf_counter() - began)
assert len(rows) == 10000
print(*times)
"""


def make(runs: Path, count: int) -> None:
    """Make finished runs that differ in name and rate; what they do not differ in is linked."""
    recorded = shipped() / "assets" / "examples" / "example"
    told = json.loads((recorded / "experiment.json").read_text(encoding="utf-8"))
    runs.mkdir(parents=True)
    first = [Path(os.environ["DDLAB_HOME"]) / name for name in LINKED]
    for path in first:
        path.write_bytes((recorded / path.name).read_bytes())
    for number in range(count):
        folder = runs / f"20260101-{number // 60:04d}{number % 60:02d}-copy{number}"
        folder.mkdir()
        for path in first:
            os.link(path, folder / path.name)
        told["experiment"]["name"] = f"copy {number % 50}"
        told["experiment"]["training"]["learning_rate"] = 0.001 * (1 + number % 7)
        (folder / "experiment.json").write_text(json.dumps(told), encoding="utf-8")
    for path in first:
        path.unlink()


def read(runs: Path) -> None:
    """Read and parse what a row needs, of every run."""
    for entry in os.scandir(runs):
        for name in NEEDED:
            with open(os.path.join(entry.path, name), encoding="utf-8") as file:
                json.load(file)


def look(runs: Path) -> None:
    """Look at every folder."""
    for entry in os.scandir(runs):
        os.stat(entry.path)


async def opened(address: str) -> float:
    """Median seconds in which the page Runs is drawn whole."""
    visitor = await Visitor.enter(address)
    answers = [await visitor.open("runs") for _ in range(OPENS)]
    await visitor.leave()
    if errors := [error for answer in answers for error in answer.errors]:
        raise RuntimeError(f"page runs: {errors[0]}")
    return statistics.median(answer.seconds for answer in answers[1:])


@contextmanager
def prepared(quick: bool) -> Iterator[Measure]:
    """Make both homes and a server for each."""
    home = Path(os.environ["DDLAB_HOME"])
    homes = {"many": home / "many", "few": home / "few"}
    make(homes["many"] / "runs", RUNS)
    make(homes["few"] / "runs", SHOWN)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(pages.server(path))[0] for name, path in homes.items()}
        for address in servers.values():
            asyncio.run(opened(address))

        def measure() -> dict[str, Sample]:
            environment = {**os.environ, "DDLAB_HOME": str(homes["many"])}
            told = subprocess.run(
                [sys.executable, "-c", LIST], env=environment, capture_output=True, text=True, check=True
            )
            cold, warm = map(float, told.stdout.split())
            runs = homes["many"] / "runs"
            shown = {name: asyncio.run(opened(address)) for name, address in servers.items()}
            return {
                "listing_cold": Sample(cold, seconds(lambda: read(runs))),
                "listing_warm": Sample(warm, seconds(lambda: look(runs))),
                "listing_page": Sample(shown["many"], shown["few"]),
            }

        yield measure
