"""Memory that training needs of its own, for data sets of once, twice and three times a limit.

The limit is real: the system refuses a process more memory of its own than that (``RLIMIT_DATA``), which needs no
rights and no control groups. Pages of the data set's file that the system keeps are not the process's own: they go
where others need them. Every process shows first that the limit holds, by asking for a copy of the set in vain.

``python -m benchmarks.rows.memory FILE LIMIT`` trains one epoch under the limit, in bytes, and prints its peak.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.rows import Measure
from benchmarks.table import Sample

LIMIT = 512 * 2**20  # bytes, above what an interpreter with torch has at first
SIZES, QUICK = (1, 2, 3), (1, 3)
SIDE, CLASSES, BLOCK = 64, 10, 4096  # pixels, classes, images written at once
LOOK = 0.02  # seconds
PATIENCE = 150.0


def write(path: Path, size: int) -> int:
    """Write images of so many bytes, block by block; gives their number."""
    number = size // (3 * SIDE**2)
    random = np.random.default_rng(0)
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (number, 3, SIDE, SIDE)}
        np.lib.format.write_array_header_1_0(file, header)
        block = random.integers(0, 256, (BLOCK, 3, SIDE, SIDE), dtype=np.uint8)
        for start in range(0, number, BLOCK):
            block[:, 0, 0, 0] = random.integers(0, 256, BLOCK)
            file.write(block[: number - start].data)
    return number


def memory(name: str) -> int:
    """Bytes of this process by a name of ``/proc/self/status``."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith(f"{name}:"))


def train(path: Path, limit: int) -> dict[str, int]:
    """Train one epoch under a limit; the peaks in bytes: of its own memory, and with the file's pages."""
    import resource

    import torch

    from benchmarks.made import loop
    from ddlab.data.source import Dataset, Description, Split
    from ddlab.decomposition import Subdomain
    from ddlab.experiment import TrainingSettings
    from ddlab.models.spec import NetworkSpec
    from ddlab.registry.models import MODELS

    torch.set_num_threads(1)
    before = memory("VmData")
    resource.setrlimit(resource.RLIMIT_DATA, (before + limit, before + limit))
    images = np.load(path, mmap_mode="r")
    try:
        np.array(images)
        raise RuntimeError("the limit does not hold: a copy of the data set was granted")
    except MemoryError:
        pass
    labels = np.random.default_rng(0).integers(0, CLASSES, len(images))
    splits = Split(images, labels), Split(images[:BLOCK], labels[:BLOCK])
    names = tuple(map(str, range(CLASSES)))
    described = Description(names, 3, (SIDE, SIDE), len(images), BLOCK, "made", "none")
    dataset = Dataset(described, *splits, (0.5,) * 3, (0.25,) * 3)
    network = MODELS["mlp"].load()(NetworkSpec((3, SIDE, SIDE), CLASSES, width=0.1))
    settings = TrainingSettings(epochs=1, batch_size=128)
    peak, done = [memory("RssAnon")], threading.Event()

    def watch() -> None:
        while not done.wait(LOOK):
            peak.append(max(peak.pop(), memory("RssAnon")))

    watcher = threading.Thread(target=watch)
    watcher.start()
    loop(network, [Subdomain((0, 0), (SIDE, SIDE))], dataset, settings).run()
    done.set()
    watcher.join()
    return {"own": peak[0], "with pages": memory("VmHWM"), "limit": before + limit}


@contextmanager
def prepared(quick: bool) -> Iterator[Measure]:
    """Nothing to prepare; a round is a training for every size."""
    path = Path(os.environ["DDLAB_HOME"]) / "images.npy"

    def trained(times: int) -> dict[str, int]:
        write(path, times * LIMIT)
        command = [sys.executable, "-m", "benchmarks.rows.memory", str(path), str(LIMIT)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        finally:
            path.unlink()
        if done.returncode:
            raise RuntimeError(f"{times} times the limit: {done.stderr[-500:]}")
        peaks: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
        return peaks

    def measure() -> dict[str, Sample]:
        peaks = {times: trained(times) for times in (QUICK if quick else SIZES)}
        parts = {f"own, {times}×, MB": peak["own"] / 1e6 for times, peak in peaks.items()}
        parts |= {f"with the file's pages, {times}×, MB": peak["with pages"] / 1e6 for times, peak in peaks.items()}
        parts |= {"data, 3×, MB": 3 * LIMIT / 1e6}
        return {"memory": Sample(peaks[3]["own"] / peaks[1]["own"], 1.0, parts)}

    yield measure


if __name__ == "__main__":
    print(json.dumps(train(Path(sys.argv[1]), int(sys.argv[2]))))
