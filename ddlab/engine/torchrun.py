"""``python -m ddlab.engine.torchrun OPTIONS``: torchrun, which tells afterwards what each rank that failed ended with.

torchrun itself writes it for people, in its log. It also ends with the process that started it, so that no rank stays.
"""

import json
import os
import sys
from pathlib import Path

from ddlab.engine.orphans import LAUNCHER, end_with_launcher

EXITS = "exits.json"  # exit codes of the ranks that torchrun saw fail, by rank; negative: killed by that signal


def main() -> None:
    """Run torchrun with the options of the command line; the last argument but one is the run's folder."""
    end_with_launcher()
    os.environ[LAUNCHER] = str(os.getpid())  # of the ranks
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    try:
        torchrun(sys.argv[1:])
    except ChildFailedError as error:
        exits = {rank: failure.exitcode for rank, failure in error.failures.items()}
        Path(sys.argv[-2], EXITS).write_text(json.dumps(exits), encoding="utf-8")
        sys.exit(1)


if __name__ == "__main__":
    main()
