"""Everything that only a GPU shows, in less than eight minutes: ``python -m benchmarks.gpu [STEP ...] [--out FILE]``.

It needs a checkout and any torch from 2.6 on, no network and nothing to be installed: what is missing beside torch is
named, and for pydantic there is a stand-in. Every step works in a process of its own with a time limit; one that fails
leaves its last words in the place of its result and ends no other. Without a GPU all steps run on the processor, much
smaller, which shows that they run.

One JSON file holds all results; what is printed is its table.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

STEPS = {  # seconds each may take
    "machine": 60,
    "tests": 120,
    "strategies": 240,
    "shared": 60,
    "bank": 90,
    "feeds": 90,
    "arithmetic": 90,
    "graphs": 60,
    "waits": 60,
    "phases": 90,
}
MOST_SECONDS = 460.0  # in all; what is not begun by then is left out
NEEDED = ("numpy", "pydantic", "yaml", "typing_extensions", "psutil", "filelock", "safetensors", "pandas", "pynvml")
ROOT = Path(__file__).parents[2]
STAND_IN = Path(__file__).parent / "stand_in"
LAST_LINES = 12


def environment(home: str) -> dict[str, str]:
    """The environment of a step: this checkout, a home of its own, and the stand-in where pydantic is missing."""
    paths = [str(ROOT), *([str(STAND_IN)] if "pydantic" in missing() else []), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "DDLAB_HOME": home, "DDLAB_WARM": "0"}


def missing() -> list[str]:
    """Packages of ddlab that this Python does not have."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def run_step(name: str, seconds: float, home: str) -> dict[str, Any]:
    """One step in its own process: its result, or how it failed."""
    with tempfile.NamedTemporaryFile(suffix=".json") as answer:
        command = [sys.executable, "-m", "benchmarks.gpu.steps", name, answer.name]
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment(home), capture_output=True, text=True, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            return {"failed": f"took longer than {seconds:.0f} s"}
        if done.returncode == 0:
            return {"rows": json.loads(Path(answer.name).read_text(encoding="utf-8"))}
    return {"failed": "\n".join((done.stdout + done.stderr).splitlines()[-LAST_LINES:])}


def show(name: str, result: dict[str, Any]) -> None:
    """Print a step's rows as a table."""
    print(f"\n## {name} ({result['seconds']:.0f} s)")
    if "failed" in result:
        print(f"failed: {result['failed']}")
    rows = result.get("rows") or []
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if columns:
        print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(_cell(row.get(column, '')) for column in columns)} |", flush=True)


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main() -> None:
    """Run the steps that are named, or all, and write what they came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of {', '.join(STEPS)}; default: all")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "gpu.json")
    asked = parser.parse_args()
    if wrong := set(asked.steps) - set(STEPS):
        parser.error(f"STEP: there is no {', '.join(sorted(wrong))}; choices: {', '.join(STEPS)}")
    began, results = time.monotonic(), {}
    print(f"missing packages: {', '.join(missing()) or 'none'}")
    with tempfile.TemporaryDirectory() as home:
        for name in asked.steps or STEPS:
            left, started = MOST_SECONDS - (time.monotonic() - began), time.monotonic()
            result = run_step(name, min(left, STEPS[name]), home) if left > 0 else {"failed": "no time was left"}
            results[name] = {"seconds": time.monotonic() - started, **result}
            show(name, results[name])
            tree = {"missing": missing(), "seconds": time.monotonic() - began, "steps": results}
            asked.out.parent.mkdir(parents=True, exist_ok=True)
            asked.out.write_text(json.dumps(tree, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    failed = [name for name, result in results.items() if "failed" in result]
    print(f"\n{len(results) - len(failed)} of {len(results)} steps in {time.monotonic() - began:.0f} s: {asked.out}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
