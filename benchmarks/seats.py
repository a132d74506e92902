"""How many visitors a server holds: clicks of a room full, with one server process and with several.

::

    python -m benchmarks.seats [--home FOLDER] [--seconds 40] [--processes 1 2] [--visitors 1 20 40] [--keep]

Visitors are those of :mod:`benchmarks.pages`, who click every 1 to 4 s and go from page to page. The first half minute
of a server is not measured: every process reads the runs and imports what the pages need. ``--keep`` puts the table
into ``results/pages.json``. ``--classroom`` measures ``ddlab classroom`` instead, with a seat for each, while a run
trains (:mod:`benchmarks.room`).
"""

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import Any

import psutil

from benchmarks import pages, room, stored

WARMING = 15.0  # seconds of four visitors without rest, before anything is measured


def main() -> None:
    """Measure and print; ``--help`` names the options."""
    options = _options()
    home = options.home or Path(tempfile.mkdtemp(prefix="ddlab-pages-"))
    ids = pages.runs(home)
    found: dict[str, Any] = {}
    for processes in options.processes if options.classroom else ():
        for visitors in options.visitors:
            row = room.measure(home, processes, visitors, options.seconds)
            found[f"room: {processes} processes, {visitors} seats"] = row
            print(row, flush=True)
    for processes in () if options.classroom else options.processes:
        with pages.server(home, processes) as (address, pid):
            asyncio.run(pages.without_rest(address, ids, WARMING))
            for visitors in options.visitors:
                table = asyncio.run(pages.many_visitors(address, ids, visitors, options.seconds))
                row = table["all"] | {"a second": round(table["all"]["clicks"] / options.seconds, 1)}
                found[f"{processes} processes, {visitors} visitors"] = row
                print(processes, visitors, row, flush=True)
            most = asyncio.run(pages.without_rest(address, ids, options.seconds / 2))
            found[f"{processes} processes"] = {"reruns a second": round(most, 1)} | _memory(pid)
            print(processes, found[f"{processes} processes"], flush=True)
    if options.keep:
        path = stored.RESULTS / "pages.json"
        tree = stored.read(path)
        stored.write(path, tree | {"seats": tree.get("seats", {}) | found})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--visitors", type=int, nargs="+", default=[1, 20, 40])
    parser.add_argument("--classroom", action="store_true", help="a room with seats, while a run trains")
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


def _memory(pid: int) -> dict[str, int]:
    """MB that the processes of a server hold: the first one, and the largest of the others."""
    first, children = psutil.Process(pid), psutil.Process(pid).children()
    backends = [child for child in children if "ddlab.serving.backend" in child.cmdline()]
    held = [process.memory_full_info().uss // 2**20 for process in backends]
    return {"MB": first.memory_full_info().uss // 2**20} | ({"MB each": max(held)} if held else {})


if __name__ == "__main__":
    main()
