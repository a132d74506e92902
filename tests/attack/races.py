"""Let several people change one run at the same moment: it must stay one run, in one place, with one program at most.

A case is a run in a drawn state and two to four changes of it, drawn too, that as many processes begin at one moment.
"""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context

import psutil

from ddlab.engine.control import cancel, resume, stop_processes
from ddlab.engine.launch import launch
from ddlab.experiment import Experiment
from ddlab.home import home
from ddlab.runs import RunFolder, damaged_files, delete, export_run, list_runs, open_run, restore
from tests.attack.kills import own_home, within
from tests.attack.tally import Fault, Tally
from tests.engine.real import processes

STATES = ("running", "cancelled", "lost", "failed", "deleted")
PEOPLE = 4
SOON = 10.0  # seconds
LONG = 60.0  # seconds that a change may take on a busy machine: a launch waits 30 for its process
SETTINGS = {
    "name": "races",
    "dataset.train_images": 96,
    "dataset.validation_images": 32,
    "strategies": ["average"],
    "training.epochs": 2000,
    "placement.workers": 1,
    "placement.devices": "cpu",
}


def attack(count: int, seed: int) -> Tally:
    """Try so many races; ``seed`` is that of the first."""
    tally = Tally("races")
    with own_home():
        for number in range(seed, seed + count):
            people = ProcessPoolExecutor(PEOPLE, mp_context=get_context("spawn"))
            try:
                tally.add(_race(number, people))
            except (TimeoutError, BrokenProcessPool) as error:
                tally.add([Fault("hung", number, f"a change did not end within {LONG:.0f} s: {error!r}")])
            finally:
                tally.say(count)
                people.shutdown(wait=False, cancel_futures=True)
    return tally


def _race(seed: int, people: ProcessPoolExecutor) -> list[Fault]:
    rng = random.Random(seed)
    state, names = rng.choice(STATES), [rng.choice(list(CHANGES)) for _ in range(rng.randint(2, PEOPLE))]
    case = f"{' + '.join(names)} of a {state} run"
    run = _run_that_is(state)
    try:
        start = time.monotonic() + 0.2
        tries = [people.submit(_change, name, run.id, start + rng.uniform(0, 0.05)) for name in names]
        told = [done.result(timeout=LONG) for done in tries]
        return [
            *(Fault("uncaught", seed, text, case) for text in filter(None, told)),
            *(Fault(kind, seed, text, case) for kind, text in _wrong(run)),
        ]
    finally:
        stop_processes(run)
        for process in processes(run):
            process.kill()
        for place in ("runs", "trash"):
            for folder in (home() / place).glob(f"{run.id}*"):
                shutil.rmtree(folder, ignore_errors=True)


def _run_that_is(state: str) -> RunFolder:
    run = RunFolder.create(Experiment().with_settings(SETTINGS))
    if state == "failed":
        run.write_failure({"sentence": "It failed."})
        run.end("failed", "It failed.")
    elif state == "cancelled":
        run.end("cancelled", "Cancelled.")
    else:
        launch(run)
        within(LONG, lambda: run.progress())
    if state in ("lost", "deleted"):
        os.kill(run.status()["pid"], signal.SIGKILL)
        within(SOON, lambda: not run.state().is_live)
    if state == "deleted":
        delete(run)
    return run


# ---- what people do


def _kill(run: RunFolder) -> None:
    for process in processes(run):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _export(run: RunFolder) -> None:
    export_run(run, home() / "exports" / str(os.getpid()))


CHANGES: dict[str, Callable[[RunFolder], object]] = {
    "cancel": cancel,
    "resume": resume,
    "launch": launch,
    "delete": delete,
    "restore": lambda run: restore(run.id),
    "rename": lambda run: run.rename("another name"),
    "export": _export,
    "kill": _kill,
    "look": lambda run: [(row.summary(), row.state(), row.results(), row.metrics()) for row in list_runs()],
    "open": lambda run: open_run(run.id).experiment,
}


def _change(name: str, id: str, start: float) -> str:
    """Change a run at a moment; gives what is not a sentence for people."""
    run = RunFolder(home() / "runs" / id)
    while time.monotonic() < start:
        time.sleep(0.001)
    try:
        CHANGES[name](run)
    except (ValueError, RuntimeError):
        return ""
    except BaseException as error:
        return f"{name}: {type(error).__name__}: {str(error).replace(id, 'RUN').replace(str(home()), 'HOME')[:200]}"
    return ""


# ---- what must be so afterwards


def _programs(run: RunFolder) -> list[psutil.Process]:
    """Those that nobody of the run has started, its supervisor or who waits; of one alone, the programs it started."""
    found = processes(run)
    parents = {process: _parent(process) for process in found}
    tops = [process for process in found if parents[process] not in {other.pid for other in found}]
    return tops if len(tops) > 1 else [process for process in found if parents[process] in {top.pid for top in tops}]


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return 0


def _wrong(run: RunFolder) -> list[tuple]:
    """Look at what became of the run, when all have done."""
    found = []
    places = [place for place in ("runs", "trash") for _ in (home() / place).glob(f"{run.id}*")]
    if len(places) != 1:
        found.append(("lost", f"the run is {len(places)} times there: {', '.join(places)}"))
    settled = within(SOON, lambda: run.state().is_live == bool(processes(run)))
    if len(programs := _programs(run)) > 1:
        found.append(("orphans", f"{len(programs)} programs work for one run"))
    elif not settled:
        told = "no program works for it" if run.state().is_live else "a program works for it"
        found.append(("orphans", f"the run is {run.state().state}, and {told}"))
    path = next((home() / place / run.id for place in places), run.path)
    found += [("lost", fault) for fault in damaged_files(RunFolder(path))]
    return found
