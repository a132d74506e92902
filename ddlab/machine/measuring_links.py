"""Measure the link between two ranks of this machine: two processes that sum vectors by gloo; a few seconds.

A sum of n bytes over two ranks takes ``2 α + n/B`` (:mod:`ddlab.machine.links`): α is half of what a vector of one
number takes, and 1/B the least slope between a small and a large one. Both are the best of several rounds, as all
ceilings are.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from ddlab.machine.links import GLOO, Link

SIZES = (4, 2**20, 2**23)  # bytes: one number, and what gradients of small and of large networks have
ROUNDS, REPEATS = 9, {4: 50, 2**20: 8, 2**23: 2}
PATIENCE = 60.0  # seconds for both processes, with their imports
MEETING = timedelta(seconds=30)


def measure_link() -> Link:
    """Measure the link of two processes on this machine.

    Raises
    ------
    ValueError
        If the processes do not come to an end, or tell no numbers.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "ddlab.machine.measuring_links", str(Path(folder) / "meeting")]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        ranks = [
            subprocess.Popen(
                [*command, str(rank)], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            for rank in (1, 0)
        ]
        try:
            told, failed = ranks[1].communicate(timeout=PATIENCE)
            ranks[0].communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise ValueError(f"link: two processes did not come to an end within {PATIENCE:g} s") from None
        finally:
            for rank in ranks:
                rank.kill()
                rank.wait()
    if ranks[1].returncode:
        raise ValueError(f"link: the processes failed: {failed.strip().splitlines()[-1:]}")
    return link_of({int(size): seconds for size, seconds in json.loads(told).items()})


def link_of(seconds: dict[int, float]) -> Link:
    """Return the link with which sums over two ranks take these times, by bytes of the vector."""
    least, *larger = sorted(seconds)
    slopes = [(seconds[size] - seconds[least]) / (size - least) for size in larger]
    slope = max(min(slopes), 1e-13)  # faster than any memory: the clock was too coarse
    return Link("two processes of this machine", seconds[least] / 2, 1 / slope, GLOO, "sums over two ranks by gloo")


def _rank(meeting: str, rank: int) -> None:
    """Sum vectors with the other process; rank 0 writes the best times."""
    import torch
    import torch.distributed as distributed

    torch.set_num_threads(1)
    distributed.init_process_group(GLOO, init_method=f"file://{meeting}", rank=rank, world_size=2, timeout=MEETING)
    found = {}
    for size in SIZES:
        vector, times = torch.ones(size // 4), []
        for _ in range(ROUNDS):
            distributed.barrier()
            began = time.perf_counter()
            for _ in range(REPEATS[size]):
                distributed.all_reduce(vector)
            times.append((time.perf_counter() - began) / REPEATS[size])
        found[size] = min(times)
    if rank == 0:
        sys.stdout.write(json.dumps(found))
    distributed.destroy_process_group()


if __name__ == "__main__":
    _rank(sys.argv[1], int(sys.argv[2]))
