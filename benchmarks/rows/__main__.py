"""``python -m benchmarks.rows NAME [--quick]``: a bench that measures a round for every line it is sent.

It answers with a line of JSON: an empty object when it is prepared, then every round's samples by their rows' names.
Whatever else is printed goes to standard error.
"""

import json
import os
import sys

from benchmarks.rows import BENCHES


def main() -> None:
    """Prepare; then measure until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    name, quick = sys.argv[1], "--quick" in sys.argv[2:]
    with BENCHES[name].load()(quick) as measure:
        print("{}", file=answers, flush=True)
        for _ in sys.stdin:
            samples = {row: sample.plain() for row, sample in measure().items()}
            print(json.dumps(samples), file=answers, flush=True)


if __name__ == "__main__":
    main()
