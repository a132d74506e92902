"""Whether the memory of a room's server stays as it is while a class clicks, for an hour or as long as one likes.

::

    python -m benchmarks.lasting [--home FOLDER] [--seats 40] [--minutes 60] [--processes 2] [--keep]

Each student clicks every 2 to 6 s, goes from page to page, and now and then loads the page again or goes away for some
minutes, as people do: what a server keeps of a session whose browser is gone is part of the question. Meanwhile a run
trains. Every 10 s the memory of each server process is noted in ``FOLDER/lasting.json``, so a run that is ended early
has shown something, too. ``--keep`` puts the summary into ``results/lasting.json``: the memory after each tenth of the
time, and how fast it grows in the second half.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from websockets.exceptions import ConnectionClosed

from benchmarks import pages, room, stored
from benchmarks.visitor import Visitor
from ddlab.data.room import bytes_kept
from ddlab.runs import all_runs

EVERY = 10.0  # seconds between two notes
LOADS_AGAIN, GOES_AWAY = 0.3, 0.1  # how often, of the times that a student goes to another page
AWAY = (30.0, 300.0)  # seconds; Streamlit keeps the session of a browser that is gone for two minutes
SHOWN = {**pages.PAGES, "room": "demo", "lessons": "demo", "what_if": "demo"}


@dataclass
class Stay:
    """A class at a server, and what happened so far.

    Parameters
    ----------
    address, server
        Of the server, and its first process.
    ids
        The run of each recipe.
    home
        Where runs are, and ``lasting.json``.
    clicks, dropped, errors
        Of all students: answers; connections that the server or the network ended; what stood on pages as an error.
    samples
        Seconds since the beginning, clicks, MB of each process of the server, and of those that compute for pages.
    """

    address: str
    server: psutil.Process
    ids: dict[str, str]
    home: Path
    began: float = field(default_factory=time.monotonic)
    clicks: int = 0
    dropped: int = 0
    errors: list[str] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)

    def note(self) -> None:
        """Note what the server holds now."""
        held = room.memory(self.server)
        at = round(time.monotonic() - self.began, 1)
        told = {"seconds": at, "clicks": self.clicks, "MB": sum(held.values()), "processes": held}
        self.samples.append(told | {"MB of helpers": _helpers(self.home)})

    def summary(self) -> dict[str, Any]:
        """MB after each tenth of the time, and MB an hour by a line through the second half."""
        told = [(sample["seconds"], sample["MB"]) for sample in self.samples]
        end = told[-1][0] or 1.0
        each = [[mb for at, mb in told if tenth <= 10 * at / end <= tenth + 1] for tenth in range(10)]
        late = [(at, mb) for at, mb in told if at >= end / 2]
        grows = statistics.linear_regression(*zip(*late, strict=True)).slope * 3600 if len(late) > 1 else 0.0
        return {
            "minutes": round(end / 60, 1),
            "clicks": self.clicks,
            "dropped": self.dropped,
            "errors": len(self.errors),
            **({"first error": self.errors[0]} if self.errors else {}),
            "MB in each tenth": [round(statistics.median(held)) for held in each if held],
            "MB an hour in the second half": round(grows, 1),
            "MB of helpers at most": max(sample["MB of helpers"] for sample in self.samples),
            "MB of decoded images and answers": round(bytes_kept(self.home / "cache") / 1e6),
        }


def main() -> None:
    """Measure and print; ``--help`` names the options."""
    options = _options()
    home = (options.home or Path(tempfile.mkdtemp(prefix="ddlab-lasting-"))).resolve()
    ids = pages.runs(home)
    for run in all_runs():
        (run.path / "shared.json").write_text("{}")
    settings = {"seats": options.seats, "processes": options.processes}
    with room.served(home, options.processes) as (address, server), room.training(home):
        stay = Stay(address, server, ids, home)
        asyncio.run(_class(stay, options.seats, 60 * options.minutes))
    print(settings | stay.summary(), flush=True)
    if options.keep:
        stored.write(stored.RESULTS / "lasting.json", settings | stay.summary())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--seats", type=int, default=40)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


async def _class(stay: Stay, seats: int, seconds: float) -> None:
    students = [asyncio.create_task(_student(stay, number, stay.began + seconds)) for number in range(seats)]
    while time.monotonic() < stay.began + seconds:
        await asyncio.to_thread(stay.note)
        stored.write(stay.home / "lasting.json", {"so far": stay.summary(), "samples": stay.samples})
        await asyncio.sleep(EVERY)
    await asyncio.gather(*students)


async def _student(stay: Stay, number: int, until: float) -> None:
    """Come in, and come again as often as the connection breaks."""
    chance = random.Random(number)
    cookie = await asyncio.to_thread(room.sign_in, stay.address, f"Student {number}")
    while time.monotonic() < until:
        with suppress(ConnectionClosed, OSError, TimeoutError):
            await _looks_around(stay, chance, cookie, until)
            continue
        stay.dropped += 1
        await asyncio.sleep(chance.uniform(*room.THINKS))


async def _looks_around(stay: Stay, chance: random.Random, cookie: str, until: float) -> None:
    """Go from page to page, with one connection."""
    visitor = await Visitor.enter(stay.address, cookie)
    while time.monotonic() < until:
        page = chance.choice(list(SHOWN))
        answer = await visitor.open(page, f"run={stay.ids[SHOWN[page]]}")
        stay.errors += [f"{page or 'start'}: {said}" for said in answer.errors]
        for click in range(chance.randrange(3, 10)):
            await asyncio.sleep(chance.uniform(*room.THINKS))
            if time.monotonic() < until and (told := await pages.click(visitor, chance, click)):
                stay.clicks += 1
                stay.errors += [f"{page or 'start'}: {said}" for said in told.errors]
        if chance.random() < LOADS_AGAIN + GOES_AWAY:
            break
    await visitor.leave()
    if chance.random() < GOES_AWAY / (LOADS_AGAIN + GOES_AWAY):
        await asyncio.sleep(min(chance.uniform(*AWAY), max(0.0, until - time.monotonic())))


def _helpers(home: Path) -> int:
    """MB of the processes that compute for the pages of a home; of what they share, each has its part."""
    total = 0
    for process in psutil.process_iter(["cmdline"]):
        with suppress(psutil.Error):
            words = process.info["cmdline"] or ()
            if "ddlab.warm.serving" in words and any(word.startswith(str(home)) for word in words):
                total += process.memory_full_info().pss
    return int(total // 2**20)


if __name__ == "__main__":
    main()
