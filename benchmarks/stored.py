"""Results of benchmarks in ``benchmarks/results``, so that nothing is measured twice: read, and written in one step."""

import json
from pathlib import Path
from typing import Any

from ddlab.files import write_json, write_text

RESULTS = Path(__file__).parent / "results"


def read(path: Path) -> dict[str, Any]:
    """What was measured so far; empty before anything was."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write(path: Path, tree: dict[str, Any]) -> None:
    """Keep a tree of results in the place of what was there."""
    path.parent.mkdir(exist_ok=True)
    write_json(path, tree)


def write_runs(path: Path, command: str, runs: list[dict[str, Any]]) -> None:
    """Keep the ``runs`` that a command made, a line each, which holds many short lists better than a line a number."""
    path.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(run, ensure_ascii=False) for run in runs)
    write_text(path, f'{{"command": {json.dumps(command)}, "runs": [\n{lines}\n]}}\n')
