"""``python -m ddlab.engine.waiter RUN``: the light process that waits for device slots and then supervises the run.

It holds no torch while it waits. Where the system can, it execs the supervisor in its own place: the pid stays, so the
ticket and the status that name it stay true.
"""

import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from itertools import count

from ddlab.engine.devices import Device, num_workers, slots
from ddlab.engine.environment import describe_environment
from ddlab.engine.heart import Heart
from ddlab.engine.launch import HELD
from ddlab.engine.meeting import gathering_of
from ddlab.engine.tickets import ahead, claim, take, touch
from ddlab.runs import RunFolder
from ddlab.runs.locks import hold, mark
from ddlab.runs.processes import identity

PATIENCE = 1.0  # seconds that the last program of the run may need to vanish
FILES, FILES_A_WORKER = (
    32,
    16,
)  # open files that a run may need: torchrun had 26 with two workers, a rank 12, one alone 9
SHUTDOWN = {"TORCH_ELASTIC_SHUTDOWN_TIMEOUT": "3"}  # seconds from SIGTERM to SIGKILL of the ranks; older torch has 30
HEAP = (  # of glibc from 2.35 on: huge pages, no mappings of single tensors, up to 16 GiB kept for what comes next
    "glibc.malloc.hugetlb=1",
    "glibc.malloc.mmap_max=0",
    "glibc.malloc.trim_threshold=17179869184",
    "glibc.malloc.top_pad=67108864",
)
CLASSROOM, NICE = "DDLAB_CLASSROOM", 15  # set by who serves a room; on Linux, a thirtieth of a core that pages want
POLL = 0.3  # seconds between two checks of the queue by the run that is next
LONGEST = 3.0  # of one far behind: many that wait, as in a sweep, must not keep a core busy with looking
NEAR, RARELY = 8, 10  # places from the front; those behind read the whole queue only every tenth time


def main() -> None:
    """Detach, wait, become the supervisor."""
    run = RunFolder(sys.argv[1])
    try:
        descriptor = hold(run.path, PATIENCE)
    except ValueError as error:  # another launch was faster: the run is its
        sys.stderr.write(f"{error}\n")
        sys.exit(HELD)
    detach()
    try:
        mark(descriptor)
        run.update_status(**identity())
        run.write_environment(describe_environment(run.command))
        machines = run.placement().get("machines") or 1
        kind, workers, wanted = _chosen(run)
        each = workers // machines
        allow_descriptors(each)
        devices = _wait(run, kind, wanted)
        if devices:
            os.set_inheritable(descriptor, True)  # the supervisor and its program go on holding the folder
            _give_way()
            become(*(_first_of_several if machines > 1 else _alone)(run, kind, devices, each))
    except Exception as error:  # whatever it is, the run must say so rather than be lost
        sentence = f"The run could not be started: {error}"
        run.write_failure({"sentence": sentence, "traceback": traceback.format_exc()})
        run.end("failed", sentence)
        raise


def _chosen(run: RunFolder) -> tuple[str, int, int]:
    """The kind of slots, the number of workers and that of slots: as chosen at the launch, by the plan.

    Where it could not look at the plan, as the data were not there, the settings alone tell.
    """
    if place := run.status().get("place"):
        return place["kind"], place["workers"], place["slots"]
    kind, workers = num_workers(run.placement())
    return kind, workers, min(workers, len(slots(kind)))


def _alone(run: RunFolder, kind: str, devices: list[Device], workers: int) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of the supervisor of a run of this machine alone."""
    names = [device.name for device in devices]
    run.update_status(state="running", started=time.time(), devices=names, workers=workers)
    command = supervised(run, training_command(run, kind, workers))
    return command, {**os.environ, **variables(devices, workers), **_loopback()}


def _first_of_several(run: RunFolder, kind: str, devices: list[Device], each: int) -> tuple[list[str], dict[str, str]]:
    """The same of the first of several machines, whose supervisor waits for the others."""
    gathering = gathering_of(run.placement(), kind, each)
    names = [device.name for device in devices]
    run.update_status(started=time.time(), devices=names, workers=each * gathering["machines"], gathering=gathering)
    return part_of_several(run, 0, devices, each)


def part_of_several(run: RunFolder, number: int, devices: list[Device], each: int) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of the supervisor of one of several machines, with the devices that it has."""
    names = [device.name for device in devices]
    command = [sys.executable, "-m", "ddlab.engine.several", str(run.path), str(number), *names]
    return command, {**os.environ, **variables(devices, each)}


def supervised(run: RunFolder, command: list[str]) -> list[str]:
    """The supervisor of a training program, which starts it, and again where a rank was lost."""
    asked = run.experiment.placement
    limits = [str(asked.restarts), str(asked.heartbeat_timeout)]
    return [sys.executable, "-m", "ddlab.engine.supervisor", str(run.path), *limits, *command]


def training_command(run: RunFolder, kind: str, workers: int) -> list[str]:
    """The training program: itself for one worker, under torchrun for several."""
    worker = ["-m", "ddlab.engine.worker", str(run.path), kind]
    if workers == 1:
        return [sys.executable, *worker]
    options = [
        f"--nproc-per-node={workers}",
        "--max-restarts=0",  # the supervisor restarts, with a fresh rendezvous
        "--rdzv-backend=c10d",
        "--rdzv-endpoint=127.0.0.1:0",
        f"--rdzv-id={run.id}",
        "--local-addr=127.0.0.1",
    ]
    return [sys.executable, "-m", "ddlab.engine.torchrun", *options, *worker]


def variables(devices: list[Device], workers: int = 1) -> dict[str, str]:
    """Return the environment variables that assign devices to workers: one thread a core; only the run's own GPUs."""
    if devices[0].kind != "cuda":
        threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        return {**threads, **heap(os.environ), "CUDA_VISIBLE_DEVICES": "", **SHUTDOWN}
    a_gpu = -(-workers // len(devices))  # workers that share one
    threads_each = max(1, len(slots("cpu")) // (len(slots("cuda")) * a_gpu))
    return {
        "OMP_NUM_THREADS": str(threads_each),
        "CUDA_VISIBLE_DEVICES": ",".join(device.visible for device in devices),
        **SHUTDOWN,
    }


def heap(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variable by which the C library keeps freed memory, in huge pages; what it says already stays first.

    Otherwise it gives every tensor of some megabytes back to the system and asks for it anew, page by page, in every
    operation: a third of the time of a step of wide networks. Other C libraries than glibc ignore it.
    """
    given = environment.get("GLIBC_TUNABLES", "")
    return {"GLIBC_TUNABLES": ":".join(filter(None, [given, *(one for one in HEAP if one.split("=")[0] not in given)]))}


def _loopback() -> dict[str, str]:
    """All ranks are on this machine: gloo needs no network, which a laptop on a train does not have."""
    name = {"linux": "lo", "darwin": "lo0"}.get(sys.platform)
    return {"GLOO_SOCKET_IFNAME": name} if name else {}


def _wait(run: RunFolder, kind: str, wanted: int) -> list[Device]:
    """Wait for the slots; empty if the run was cancelled meanwhile."""
    devices = wait_for_slots(run, kind, wanted, Heart(run).beat_when_due)
    if not devices:
        run.end("cancelled", "Cancelled while it waited.")
    return devices


def wait_for_slots(run: RunFolder, kind: str, wanted: int, beat: Callable[[], None]) -> list[Device]:
    """Wait for slots of this machine, and call ``beat`` meanwhile; empty if the run was cancelled."""
    ticket = take(run, kind, wanted)
    devices = {device.name: device for device in slots(kind)}
    looks = count()
    while not run.cancel_requested:
        before = ahead(ticket)
        if before < NEAR or next(looks) % RARELY == 0:
            if given := claim(ticket, list(devices)):
                return [devices[name] for name in given]
        touch(ticket)
        beat()
        time.sleep(min(LONGEST, POLL * max(1, before)))
    return []


def detach() -> None:
    """Leave the parent: the process that was started forks and ends, so init adopts its child, who goes on."""
    if os.name == "posix" and os.fork():
        os._exit(0)


def allow_descriptors(workers: int) -> None:
    """Ask the system for as many open files as so many workers need.

    Raises
    ------
    ValueError
        If it allows fewer: the ranks would fail to meet, and none of them could say why.
    """
    if os.name != "posix":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = FILES + FILES_A_WORKER * workers
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise ValueError(
            f"the system allows a process {hard} open files, and {workers} workers need {needed}; raise the limit "
            "(ulimit -n), or ask for fewer workers"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _give_way() -> None:
    """Let the pages of a room be answered before its trainings: many click at once, and nobody waits for an epoch."""
    if os.environ.get(CLASSROOM) and os.name == "posix":
        os.nice(NICE)


def become(command: list[str], environment: dict[str, str]) -> None:
    """Become another program, with the same pid where the system can."""
    if os.name == "posix":
        os.execve(command[0], command, environment)
    sys.exit(subprocess.call(command, env=environment))


if __name__ == "__main__":
    main()
