"""The device slots of this machine: a processor core or a GPU each. Neither torch nor a GPU context is needed."""

import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil

from ddlab.engine.tickets import tickets

KINDS = ("cpu", "cuda", "mps")
FRESH = 5.0  # seconds that a list of GPUs serves
MAKERS = {"cuda": "NVIDIA", "mps": "Apple"}


@dataclass(frozen=True)
class Device:
    """A slot that one rank works on.

    Parameters
    ----------
    name
        ``"cpu0"``, ``"cuda1"``: unique on the machine.
    kind
        ``"cpu"``, ``"cuda"``, or ``"mps"`` (Apple's GPU).
    title
        What a person reads.
    visible
        How the worker's environment names it: the core's number, or the GPU's unique id.
    """

    name: str
    kind: str
    title: str
    visible: str


@dataclass(frozen=True)
class DeviceUse:
    """A slot as the device strip shows it.

    Parameters
    ----------
    run
        Id of the run that holds it, or None.
    load
        Share of the time that it is busy, 0..1, by any program; None if unknown.
    memory
        Share of its memory in use, 0..1: the machine's memory for a core; None if unknown.
    bytes
        The memory that it has, in bytes; None if unknown.
    """

    device: Device
    run: str | None
    load: float | None
    memory: float | None
    bytes: int | None = None


def slots(kind: str = "auto") -> list[Device]:
    """The slots of a kind: ``"cpu"`` the cores we may use, ``"cuda"`` the GPUs, ``"auto"`` GPUs if there are any.

    ``"mps"`` is Apple's GPU, which has to be asked for. ``DDLAB_CORES`` limits the cores, to leave some for others.
    """
    if kind == "cpu":
        return _cores()
    if kind == "mps":
        return _apple()
    gpus = _gpus()
    return gpus if gpus or kind == "cuda" else _cores()


def count_slots(kind: str) -> int:
    """Count the slots of a kind on this machine."""
    return len(slots(kind))


def num_workers(placement: dict[str, Any], count: Callable[[str], int] = count_slots) -> tuple[str, int]:
    """The kind of slots and the number of workers that the placement settings allow at most.

    Where no number is asked for, :func:`ddlab.engine.choosing.choose` takes as many of these as the stages can use.
    This machine is asked only where it is the one that will work; what a cluster has is known to its SLURM. GPUs take
    several workers each where one machine works; a core does not: two that compute all the time on one take turns.

    Parameters
    ----------
    count
        Number of slots of a kind, where the run will work.

    Raises
    ------
    ValueError
        If they ask for more than there is; says how much there is.
    """
    if placement.get("engine") == "slurm":
        each = placement.get("workers") or 1
        return "cuda" if placement.get("devices") == "cuda" else "cpu", each * (placement.get("machines") or 1)
    asked = placement.get("devices") or "auto"
    kind = asked if asked != "auto" else "cuda" if count("cuda") else "cpu"
    available = count(kind)
    if not available:
        raise ValueError(
            f"placement.devices: {asked!r} needs an {MAKERS[kind]} GPU, and this machine shows none; choices: "
            + ", ".join(["auto", *filter(count, KINDS)])
        )
    workers = placement.get("workers") or available
    if workers > available and (kind != "cuda" or (placement.get("machines") or 1) > 1):
        raise ValueError(
            f"placement.workers: {workers} workers need {workers} {plural(kind)}, one each; this machine has "
            f"{available}: ask for 1 to {available}, or leave it empty"
        )
    return kind, workers * (placement.get("machines") or 1)


def plural(kind: str) -> str:
    """Return the name of a kind's slots, in the plural."""
    return {"cpu": "processor cores", "cuda": "GPUs", "mps": "Apple GPUs"}[kind]


def usage() -> list[DeviceUse]:
    """List all slots, GPUs first, with who holds them and their load since the last call (at first 0)."""
    holders = {slot: ticket.run.id for ticket in tickets() for slot in ticket.slots}
    cores = psutil.cpu_percent(percpu=True)
    memory = psutil.virtual_memory().percent / 100
    uses = [DeviceUse(gpu, holders.get(gpu.name), *_gpu_load(gpu)) for gpu in _gpus()]
    uses += [DeviceUse(gpu, holders.get(gpu.name), None, memory) for gpu in _apple()]
    for core in _cores():
        number = int(core.visible)
        load = cores[number] / 100 if number < len(cores) else None
        uses.append(DeviceUse(core, holders.get(core.name), load, memory))
    return uses


def _cores() -> list[Device]:
    numbers = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else list(range(os.cpu_count() or 1))
    limit = os.environ.get("DDLAB_CORES") or _quota() or len(numbers)
    return [Device(f"cpu{n}", "cpu", f"core {n}", str(n)) for n in numbers[: max(1, int(limit))]]


def _apple() -> list[Device]:
    """The GPU of a Mac of Apple's own processors, which every build of torch for them can use."""
    is_apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return [Device("mps0", "mps", "Apple GPU", "0")] if is_apple else []


def _quota() -> int | None:
    """Cores that a container may use (cgroup v2), or None without a limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return None


def _gpus() -> list[Device]:
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = _all_gpus(int(time.monotonic() // FRESH))
    if allowed is None:
        return list(gpus)
    chosen = [choice.strip() for choice in allowed.split(",") if choice.strip()]
    return [gpu for gpu in gpus if any(c == gpu.name[4:] or gpu.visible.startswith(c) for c in chosen)]


@lru_cache(maxsize=1)
def _all_gpus(turn: int) -> tuple[Device, ...]:
    """All GPUs, asked for once a turn of ``FRESH`` seconds: a page asks for them several times while it is drawn."""
    with _nvml() as nvml:
        if nvml is None:
            return ()
        handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
        titles = [f"GPU {index}: {nvml.nvmlDeviceGetName(handle)}" for index, handle in enumerate(handles)]
        ids = [nvml.nvmlDeviceGetUUID(handle) for handle in handles]
    return tuple(Device(f"cuda{n}", "cuda", title, id) for n, (title, id) in enumerate(zip(titles, ids, strict=True)))


def _gpu_load(gpu: Device) -> tuple[float | None, float | None, int | None]:
    with _nvml() as nvml:
        if nvml is None:
            return None, None, None
        try:
            handle = nvml.nvmlDeviceGetHandleByUUID(gpu.visible)
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
            return nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100, memory.used / memory.total, memory.total
        except nvml.NVMLError:
            return None, None, None


@contextmanager
def _nvml() -> Iterator[Any]:
    """NVIDIA's management library while it is initialised, or None where there is no driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield None
        return
    try:
        yield pynvml
    finally:
        pynvml.nvmlShutdown()
