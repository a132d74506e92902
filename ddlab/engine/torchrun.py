"""``python -m ddlab.engine.torchrun OPTIONS``: torchrun, which tells afterwards what each rank that failed ended with.

torchrun itself writes it for people, in its log. It also ends with the process that started it, so that no rank stays.
"""

import json
import os
import sys
from pathlib import Path

from ddlab.engine.orphans import LAUNCHER, end_with_launcher

EXITS = "exits.json"  # exit codes of the ranks that torchrun saw fail, by rank; negative: killed by that signal
NODE = "--node-rank="  # option of torchrun: the machine's number


def main() -> None:
    """Run torchrun with the options of the command line; the last argument but one is the run's folder."""
    end_with_launcher()
    os.environ[LAUNCHER] = str(os.getpid())  # of the ranks
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    machine = next((int(option.removeprefix(NODE)) for option in sys.argv[1:] if option.startswith(NODE)), 0)
    try:
        torchrun(sys.argv[1:])
    except ChildFailedError as error:
        exits = {rank: failure.exitcode for rank, failure in error.failures.items()}
        Path(sys.argv[-2], exits_file(machine)).write_text(json.dumps(exits), encoding="utf-8")
        sys.exit(1)


def exits_file(machine: int) -> str:
    """Return the name of the file with the exit codes of a machine's ranks; the first machine is 0."""
    return f"exits-{machine}.json" if machine else EXITS


if __name__ == "__main__":
    main()
