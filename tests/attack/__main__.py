"""Attack ddlab, seeded and repeatable, and say what broke: ``python -m tests.attack --help``."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.attack import addresses, cancels, faults, files, hosts, jobs, kills, races, run_folders, seats, settings
from tests.attack.tally import Tally, listing, table, write

# name: (function of count and first seed, count of a whole attack, what is tried)
ATTACKS: dict[str, tuple[Callable[[int, int], Tally], int, str]] = {
    "kills": (kills.attack, 300, "chains of kills and resumes, over all strategies"),
    "cancels": (cancels.attack, 200, "cancellations at any moment, over all strategies: within five seconds"),
    "faults": (faults.attack, 60, "ranks that hang, damaged checkpoints, data that vanish, over all strategies"),
    "hosts": (hosts.attack, 30, "runs on two machines that lose a rank, a machine or the way between them"),
    "jobs": (jobs.attack, 20, "runs under a real SLURM of two nodes: killed, preempted, cancelled"),
    "races": (races.attack, 50, "changes of one run by several people at one moment"),
    "settings": (settings.attack, 10_000, "random experiments, through every way in"),
    "files": (files.attack, 1_000, "hostile data, and runs with damaged files"),
    "run_folders": (run_folders.attack, 0, "runs with damaged files alone; every fourth of the files is one"),
    "seats": (seats.attack, 500, "requests of somebody with a seat in a room"),
    "addresses": (addresses.attack, 1_000, "links to pages with odd parameters"),
}
APART = 1_000_000  # the seeds of cases follow each other; those of another --seed are others


def main() -> int:
    """Run the attacks, print one table and every fault; 1 if there is any."""
    asked = _asked()
    if asked.only:
        name, _, seed = asked.only.partition(":")
        wanted = {name: (1, int(seed))}
    else:
        wanted = {name: (getattr(asked, name), asked.seed * APART) for name in ATTACKS}
    tallies = []
    for name, (count, seed) in wanted.items():
        if count:
            began = time.monotonic()
            tallies.append(ATTACKS[name][0](count, seed))
            sys.stderr.write(f"{name}: {time.monotonic() - began:.0f} s\n")
    sys.stdout.write("\n\n".join(filter(None, [table(tallies), *map(listing, tallies)])) + "\n")
    if asked.out:
        write(asked.out, tallies)
    return int(any(tally.faults for tally in tallies))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    for name, (_, count, tried) in ATTACKS.items():
        option, told = f"--{name.replace('_', '-')}", f"{tried}; default {count}, 0: none"
        parser.add_argument(option, type=int, default=count, metavar="N", help=told)
    parser.add_argument("--seed", type=int, default=0, help="another one makes other cases; default 0")
    parser.add_argument("--only", metavar="NAME:SEED", help="repeat one case alone, as a fault names it")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table and all faults as JSON, too")
    asked = parser.parse_args()
    name, _, seed = (asked.only or "").partition(":")
    if asked.only and not (name in ATTACKS and seed.isdecimal()):
        parser.error(f"--only: needs NAME:SEED with one of {', '.join(ATTACKS)}, got {asked.only}")
    return asked


if __name__ == "__main__":
    sys.exit(main())
