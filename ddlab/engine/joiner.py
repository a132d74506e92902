"""``python -m ddlab.engine.joiner RUN``: the light process by which this machine joins a run that another one leads.

It takes the place of one machine, waits for device slots in this machine's own queue, and then becomes the supervisor
of this machine's part (:mod:`ddlab.engine.several`), as the waiting process of the first machine does.
"""

import os
import socket
import sys
import time
import traceback

from ddlab.engine.devices import Device, plural, slots
from ddlab.engine.launch import HELD
from ddlab.engine.member import Card
from ddlab.engine.waiter import POLL, allow_descriptors, become, detach, part_of_several, wait_for_slots
from ddlab.runs import TERMINAL, RunFolder
from ddlab.runs.locks import Gone, hold, mark
from ddlab.runs.machines import machines_of
from ddlab.runs.processes import find, is_elsewhere
from ddlab.runs.records import Gathering


def main() -> None:
    """Take a place, detach, wait, become the supervisor."""
    run = RunFolder(sys.argv[1])
    try:
        number, descriptor = take_place(run)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(HELD)
    detach()
    mark(descriptor)
    card = Card(run, number, [])
    card.tell()
    try:
        if devices := _devices(run, card):
            os.set_inheritable(descriptor, True)
            become(*part_of_several(run, number, devices, len(devices)))
    except Exception:
        traceback.print_exc()
    card.tell(word="left")


def _devices(run: RunFolder, card: Card) -> list[Device]:
    """Wait for the first machine to say what it needs, then for as many devices of this machine."""
    while not (gathering := run.status().get("gathering")):
        if run.cancel_requested or run.status().get("state") in TERMINAL:
            return []
        card.tell()
        time.sleep(POLL)
    check_devices(run, gathering)
    allow_descriptors(gathering["workers"])
    return wait_for_slots(run, gathering["kind"], gathering["workers"], card.tell)


def check_devices(run: RunFolder, gathering: Gathering) -> None:
    """Raise a ValueError if this machine does not have the devices that every machine of a run needs."""
    kind, wanted = gathering["kind"], gathering["workers"]
    if (count := len(slots(kind))) < wanted:
        raise ValueError(
            f"placement.workers: run {run.id} has {wanted} workers on each machine, which need {wanted} "
            f"{plural(kind)}; {socket.gethostname()} has {count}"
        )


def check_place(run: RunFolder) -> None:
    """Look whether this machine can join a run at all.

    Raises
    ------
    ValueError
        If the run has ended, works on one machine or under SLURM, or this machine works on it already.
    """
    placement, state = run.placement(), run.state()
    if placement.get("engine") == "slurm" or (placement.get("machines") or 1) == 1:
        where = "under SLURM" if placement.get("engine") == "slurm" else "on one machine"
        raise ValueError(
            f"run {run.id}: works {where}; joined is one of several machines with placement.engine = local"
        )
    if not state.is_live:
        raise ValueError(f"run {run.id}: is {state.state}; start or resume it on its first machine, then join")
    host, status = socket.gethostname(), run.status()
    if status.get("host", host) == host:
        if status.get("pid") and find(status) is None:
            raise ValueError(f"run {run.id}: its first machine is called {host}, too; machines need names of their own")
        raise ValueError(f"run {run.id}: {host} is its first machine; join it from another one")
    for machine in machines_of(run).values():
        if not is_elsewhere(machine) and find(machine) is not None:
            raise ValueError(f"run {run.id}: {host} has joined it already (process {machine.get('pid')})")


def take_place(run: RunFolder) -> tuple[int, int]:
    """The number of this machine among those of a run, and the lock by which it holds it.

    The kernel frees the place of a machine whose processes are gone, so that it, or another one, may take it again.

    Raises
    ------
    ValueError
        If :func:`check_place` does, or all places are taken.
    """
    check_place(run)
    machines = run.placement()["machines"]
    for number in range(1, machines):
        try:
            return number, hold(run.path, purpose=f"machine-{number}")
        except Gone:
            raise
        except ValueError:
            continue
    hosts = ", ".join(machine.get("host") or "?" for _, machine in sorted(machines_of(run).items()))
    raise ValueError(f"run {run.id}: has its {machines} machines already ({hosts})")


if __name__ == "__main__":
    main()
