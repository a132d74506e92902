"""A room full of students at one server, while a run trains: how long it takes to get in, and then a click.

Each has a seat and pages of their own, comes in at the same moment as all others, and then clicks every 2 to 6 s.
"""

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil

from benchmarks import pages
from benchmarks.visitor import Visitor
from ddlab.classroom import VARIABLE
from ddlab.runs import all_runs

CODE = "blue whale"
THINKS = (2.0, 6.0)  # seconds between two clicks of a student
WARMING = 20.0  # seconds of four visitors without rest, before anything is measured


def measure(home: Path, processes: int, seats: int, seconds: float) -> dict[str, Any]:
    """Let a room come in and click; times in seconds, memory in MB."""
    ids = pages.runs(home)
    for run in all_runs():
        (run.path / "shared.json").write_text("{}")
    with served(home, processes) as (address, server), training(home):
        asyncio.run(_warm(address, ids))
        before = sum(memory(server).values())
        entered, answers = asyncio.run(_room(address, ids, seats, seconds))
        table = pages.summary(answers)
        return {
            "seats": seats,
            "processes": processes,
            "all in after": round(max(entered), 2),
            "p50": table["p50"],
            "p95": table["p95"],
            "reruns a second": round(len(answers) / seconds, 1),
            "MB before": before,
            "MB after": sum(memory(server).values()),
        }


@contextmanager
def served(home: Path, processes: int) -> Iterator[tuple[str, psutil.Process]]:
    """A room at a free port of this machine: its address, and the first process of its server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "ddlab", "classroom", "--code", CODE, "--port", str(port)]
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--processes", str(processes)],
            cwd=pages.ROOT,
            stdout=log,
            stderr=log,
            env=os.environ | {"DDLAB_HOME": str(home)},
        )
    try:
        pages.wait(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def training(home: Path) -> Iterator[None]:
    """Train on one core for as long as this lasts."""
    environment = os.environ | {"DDLAB_HOME": str(home), VARIABLE: "1"}
    settings = ["--set", "training.epochs=5000", "--set", "placement.workers=1", "--set", "name=beside", "--detach"]
    ddlab = [sys.executable, "-m", "ddlab"]
    subprocess.run([*ddlab, "train", "demo", *settings], check=True, env=environment, stdout=subprocess.DEVNULL)
    run = json.loads(subprocess.check_output([*ddlab, "show", "latest", "--json"], env=environment))["id"]
    try:
        yield
    finally:
        subprocess.run([*ddlab, "cancel", run], env=environment, check=False)
        subprocess.run([*ddlab, "delete", run], env=environment, check=False)


def sign_in(address: str, name: str) -> str:
    """Come in with the code as a browser does; return the cookies."""
    connection = HTTPConnection(address, timeout=60)
    body = urlencode({"code": CODE, "name": name, "then": "/"})
    connection.request("POST", "/room/enter", body, {"Origin": f"http://{address}"})
    headers = connection.getresponse().getheaders()
    cookies = [value.split(";")[0] for key, value in headers if key.lower() == "set-cookie"]
    connection.close()
    return "; ".join(cookies)


async def _enter(address: str, name: str) -> Visitor:
    """Sign in, and open a websocket."""
    return await Visitor.enter(address, await asyncio.to_thread(sign_in, address, name))


async def _warm(address: str, ids: dict[str, str]) -> None:
    visitors = [await _enter(address, f"warm {number}") for number in range(4)]
    until = time.monotonic() + WARMING

    async def look(visitor: Visitor, start: int) -> None:
        turn = start
        while time.monotonic() < until:
            page = list(pages.PAGES)[turn % len(pages.PAGES)]
            await pages.open_page(visitor, page, ids[pages.PAGES[page]])
            turn += 1
        await visitor.leave()

    await asyncio.gather(*(look(visitor, 3 * number) for number, visitor in enumerate(visitors)))


async def _room(address: str, ids: dict[str, str], seats: int, seconds: float) -> tuple[list[float], list[Any]]:
    entered: list[float] = []
    began = time.monotonic()

    async def stay(number: int) -> list[Any]:
        chance, found = random.Random(number), []
        visitor = await _enter(address, f"Student {number}")
        await pages.open_page(visitor, "", ids["demo"])
        entered.append(time.monotonic() - began)
        await asyncio.sleep(chance.uniform(*THINKS))
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            page = list(pages.PAGES)[(number + len(found)) % len(pages.PAGES)]
            found.append(await pages.open_page(visitor, page, ids[pages.PAGES[page]]))
            for turn in range(6):
                await asyncio.sleep(chance.uniform(*THINKS))
                if time.monotonic() < until and (answer := await pages.click(visitor, chance, turn)):
                    found.append(answer)
        await visitor.leave()
        return found

    stayed = await asyncio.gather(*map(stay, range(seats)))
    return entered, [answer for answers in stayed for answer in answers]


def memory(server: psutil.Process) -> dict[str, int]:
    """MB that nobody else holds, of the front and of each server process, by their ids."""
    children = [child for child in server.children() if "ddlab.serving.backend" in child.cmdline()]
    return {str(process.pid): int(process.memory_full_info().uss // 2**20) for process in [server, *children]}
