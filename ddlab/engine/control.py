"""Control of runs: stop and resume a run, and find out what it waits for."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import psutil

from ddlab import access
from ddlab.engine.devices import num_workers, plural, slots
from ddlab.engine.launch import check_placement, launch
from ddlab.engine.submission import stop_job
from ddlab.engine.supervisor import CANCELLED
from ddlab.engine.tickets import Ticket, free_slots, tickets
from ddlab.engine.turns import in_turns, rules, served
from ddlab.runs import TERMINAL, RunFolder
from ddlab.runs.locks import held
from ddlab.runs.machines import machines_of
from ddlab.runs.processes import find, is_elsewhere

GRACE = 2.0  # seconds from SIGTERM to SIGKILL: a cancelled run leaves no process within 5 s, on a busy machine too
ANSWER = 4.5  # seconds that other machines may need to see the request, and to end
LAST_WORD = 1.5  # seconds for the system to reap killed processes


def cancel(run: RunFolder) -> None:
    """Stop all processes of a run; returns when none is left.

    Raises
    ------
    ValueError
        If it neither waits nor works, or is another's, in a room.
    """
    access.check(run.path, "cancel")
    with run.changing():
        state = run.state()
        if not state.is_live:
            raise ValueError(f"run {run.id}: is {state.state}; there is nothing to cancel")
        run.request_cancel()
        stop_processes(run)
        told = _wait_for_other_machines(run)
        if run.status().get("state") not in TERMINAL:
            run.end("cancelled", f"{CANCELLED}{told}")


def _wait_for_other_machines(run: RunFolder) -> str:
    """Give machines that we cannot reach the time to see the request and end; a sentence on those that did not."""
    deadline = time.monotonic() + ANSWER
    while run.status().get("state") not in TERMINAL:
        elsewhere = [process for process in run.processes()[:1] if is_elsewhere(process)]
        working = [m for m in machines_of(run).values() if is_elsewhere(m) and m["word"] in ("works", "waits", "ready")]
        if not elsewhere and not working:
            break
        if time.monotonic() > deadline:
            hosts = {str(process.get("host")) for process in [*elsewhere, *working]}
            return f" {', '.join(sorted(hosts))} did not answer within {ANSWER:.0f} s, and ends as soon as it sees it."
        time.sleep(0.1)
    return ""


def resume(run: RunFolder, *, workers: int | None = None, devices: str | None = None) -> None:
    """Launch a run again; it skips the stages that are done and goes on from its checkpoints.

    Parameters
    ----------
    workers, devices
        Where from now on, in place of what the experiment says; None: as before. A stage that has begun and is tied to
        its number of workers refuses another one when it goes on (:mod:`ddlab.strategies.moving`).

    Raises
    ------
    ValueError
        If it waits or works already, is finished, or cannot be launched here; how it ended is then not forgotten.
    """
    run.check_writable("resume")
    with run.changing():
        state = run.state()
        if not state.can_resume:
            raise ValueError(f"run {run.id}: is {state.state}; only a failed, cancelled or lost run can be resumed")
        check_placement(run)
        given = {"workers": workers, "devices": devices}
        moved = {**run.placement(), **{key: value for key, value in given.items() if value is not None}}
        run.experiment.with_settings(
            {f"placement.{key}": value for key, value in moved.items()}
        )  # refuses what is none
        num_workers(moved)
        stop_processes(run)  # of a failed run, ranks may still be on their way out
        with access.admitted(run.experiment, run.path) as mark, held(run.path, LAST_WORD):
            mark(run.path)
            run.restart()
            if workers is not None or devices is not None:
                run.place(moved)
        launch(run)


def leave(machine: Mapping[str, Any]) -> None:
    """Let this machine leave a run that it has joined; the run waits until it, or another one, joins again."""
    if process := find(machine):
        _quietly(psutil.Process.terminate, process)
        psutil.wait_procs([process], timeout=GRACE + LAST_WORD)


def queue_position(run: RunFolder) -> tuple[int, str]:
    """The place of a run among those that wait, from 1, and why it waits; ``(0, "")`` if it does not."""
    queue = tickets()
    mine = next((ticket for ticket in queue if ticket.run.id == run.id and ticket.waits), None)
    if mine is None:
        return 0, ""
    queue = [ticket for ticket in queue if ticket.kind == mine.kind]
    order = in_turns(queue, served=served())
    place = [ticket.path for ticket in order].index(mine.path) + 1
    return place, _reason(mine, queue, order[: place - 1])


def stop_processes(run: RunFolder) -> None:
    """Ask the processes of a run to stop, and kill what is left after ``GRACE`` seconds; SLURM does it of its jobs."""
    if job := run.status().get("job"):
        stop_job(job["id"])
        return
    _signal_until_gone(run, psutil.Process.terminate, GRACE)
    _signal_until_gone(run, psutil.Process.kill, LAST_WORD)


def _signal_until_gone(run: RunFolder, signal: Callable[[psutil.Process], None], seconds: float) -> None:
    """Signal every process once, those that are started meanwhile too, until none is left or the time is up."""
    signalled: dict[int, psutil.Process] = {}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for process in _processes(run):
            if process.pid not in signalled:
                signalled[process.pid] = process
                _quietly(signal, process)
        if not any(map(_lives, signalled.values())):
            return
        time.sleep(0.05)


def _processes(run: RunFolder) -> list[psutil.Process]:
    found: dict[int, psutil.Process] = {}
    for process in filter(None, map(find, [*run.processes(), *machines_of(run).values()])):
        found[process.pid] = process
        try:
            found.update((child.pid, child) for child in process.children(recursive=True))
        except psutil.Error:
            continue  # it ended just now
    return [process for process in found.values() if _lives(process)]


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _quietly(signal: Callable[[psutil.Process], None], process: psutil.Process) -> None:
    try:
        signal(process)
    except psutil.NoSuchProcess:
        pass


def _reason(mine: Ticket, queue: list[Ticket], before: list[Ticket]) -> str:
    names = [device.name for device in slots(mine.kind)]
    free, held_up = len(free_slots(queue, names)), rules()
    reason = f"{_ordinal(len(before) + 1)} in the queue: waits for {mine.wanted} of {len(names)} {plural(mine.kind)}"
    if held_up.get("paused"):
        reason = f"The lecturer has paused the queue; {reason}"
    users = named([ticket for ticket in queue if ticket.slots])
    ahead = named(before)
    if users:
        reason += f"; {free or 'none'} free, the others used by {', '.join(users)}"
    if ahead:
        reason += f"; before it: {', '.join(ahead)}"
    return reason


def named(queue: list[Ticket]) -> list[str]:
    """Return the names of the runs of tickets; those that whoever asks must not see are counted."""
    seen = access.visible([ticket.run for ticket in queue])
    ids = {run.id for run in seen}
    names = [f"'{ticket.run.name}'" for ticket in queue if ticket.run.id in ids]
    others = len(queue) - len(names)
    return [*names, *([f"{others} of others"] if others else [])]


def _ordinal(number: int) -> str:
    words = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
    return words[number - 1] if number <= len(words) else f"number {number}"
