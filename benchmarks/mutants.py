"""Which share of small faults, put into the code one at a time, the tests do not see.

A fault (a *mutant*) is one of mutmut's: another operator or number, an argument left out, a condition that always
holds, a value that is None. Texts, and ``strict=``, which only states what holds anyway, are left alone. A seeded
sample is drawn from those in lines that the tests reach in their own process; each gets the tests that reach its line,
under a time limit, in a copy of the checkout in a temporary folder. A mutant survives if all of them pass. Some
survivors are no faults: the code means the same.

Run: ``make mutants``, or ``python -m benchmarks.mutants --sample 60 --seed 0 --only ddlab/optim``. Which tests reach
what takes ten minutes to find out; ``--reached FILE`` keeps that for the next time. A mutant takes about half a minute.
"""

import argparse
import difflib
import hashlib
import json
import math
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGETS = ("ddlab/optim", "ddlab/composition/compose.py", "ddlab/analyses", "ddlab/strategies")
TESTS = ("tests/optim", "tests/composition/test_compose.py", "tests/analyses", "tests/strategies")
LEFT_OUT = (".git", ".venv", ".ddlab", "__pycache__", ".*_cache", ".hypothesis", "build", "*.egg-info")
STRICT = re.compile(r",?\s*strict\s*=\s*(True|None|False)")
WAITING = 20  # seconds of the clock for one of the processor
KILLED, SURVIVED, TIMEOUT = "killed", "SURVIVED", "killed by time"


@dataclass(frozen=True)
class Reached:
    """What tests do to the code as it is.

    Parameters
    ----------
    tests
        By file and line (a string, as JSON has it), the tests that reach it.
    seconds
        How long each test takes.
    failed
        Tests that fail without any mutant: they are left out.
    code
        Of which code and tests this is true, as :func:`digest` says.
    """

    tests: dict[str, dict[str, list[str]]]
    seconds: dict[str, float]
    failed: list[str]
    code: str

    def of(self, file: str, line: int) -> list[str]:
        """The tests of a line, quick files first; a file stands for all of its tests."""
        found = set()
        for name in self.tests.get(file, {}).get(str(line), ()):
            found |= {name} if "::" in name else {test for test in self.seconds if test.startswith(f"{name}::")}
        found -= set(self.failed)
        total: Counter[str] = Counter()
        for test in found:
            total[test.split("::")[0]] += self.seconds.get(test, 0)
        return sorted(found, key=lambda test: (total[test.split("::")[0]], test))


@dataclass(frozen=True)
class Mutant:
    """One fault."""

    file: str
    line: int
    code: str
    diff: str


# ---- the copy


def copied(folder: Path) -> Path:
    """A copy of the checkout, in which everything happens."""
    copy = folder / "checkout"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (copy / "setup.cfg").write_text("[mutmut]\nsource_paths=ddlab\n")  # it refuses to begin without
    return copy


def run(copy: Path, arguments: Sequence[str], limit: float | None = None) -> tuple[int | None, str]:
    """Exit code and output of a Python command in the copy; None if it took too long, with all it started ended.

    Too long is ``limit`` seconds of processor time, which others on the machine do not use up; or, if it only waits,
    ``WAITING`` times as long.
    """
    own = {
        "PYTHONPATH": os.pathsep.join([str(copy), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DDLAB_HOME": str(copy.parent / "home"),
    }
    command = [sys.executable, *arguments]
    how: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    if limit:
        seconds = (math.ceil(limit),) * 2
        how["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_CPU, seconds)
    process = subprocess.Popen(command, cwd=copy, env=os.environ | own, start_new_session=True, **how)
    try:
        output, _ = process.communicate(timeout=limit and WAITING * limit)
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return None if process.returncode in (-signal.SIGKILL, -signal.SIGXCPU) else process.returncode, output


def reach(copy: Path) -> Reached:
    """Run all tests once, and note which reach which line."""
    data, said = copy.parent / "reached", copy.parent / "reached.json"
    (copy / "reached.toml").write_text(f'[tool.coverage.run]\nsource = ["ddlab"]\ndata_file = "{data}"\n')
    os.environ["DDLAB_REACHED"] = str(said)
    pytest = ["pytest", "-p", "benchmarks.reached", "-m", "not browser and not gpu", "-p", "no:cacheprovider", *TESTS]
    code, output = run(copy, ["-m", "coverage", "run", "--rcfile=reached.toml", "-m", *pytest])
    if code not in (0, 1):
        raise SystemExit(f"the tests do not run:\n{output[-2000:]}")
    from coverage import CoverageData

    kept, tests = CoverageData(str(data)), {}
    kept.read()
    for file in kept.measured_files():
        lines = kept.contexts_by_lineno(file)
        name = str(Path(file).relative_to(copy))
        tests[name] = {str(line): sorted(filter(None, contexts)) for line, contexts in lines.items()}
    return Reached(tests, **json.loads(said.read_text()), code=digest(copy))


def digest(copy: Path) -> str:
    """What tells one state of code and tests from another."""
    files = sorted(path for part in ("ddlab", "tests") for path in (copy / part).rglob("*.py"))
    parts = (part for path in files for part in (str(path.relative_to(copy)).encode(), path.read_bytes()))
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def known(copy: Path, kept: Path | None) -> Reached:
    """What a file keeps, if it is of this code; else found out, and kept there."""
    if kept and kept.exists():
        reached = Reached(**json.loads(kept.read_text()))
        if reached.code == digest(copy):
            return reached
    reached = reach(copy)
    if kept:
        kept.write_text(json.dumps(vars(reached)))
    return reached


# ---- the mutants


def mutants(file: str, code: str) -> Iterator[tuple[Any, Any, Any]]:
    """Module, node and what takes its place, of all faults in the functions of a file."""
    import libcst
    from mutmut.mutation.file_mutation import create_mutations

    module, found, *_ = create_mutations(file, code)
    for one in found:
        text = isinstance(one.original_node, libcst.SimpleString | libcst.FormattedString)
        if one.contained_by_top_level_function is not None and not text:
            yield module, one.original_node, one.mutated_node


def made(file: str, code: str, module: Any, node: Any, instead: Any) -> Mutant | None:
    """One of them as code and diff; None if it only drops a ``strict=``."""
    mutated = module.deep_replace(node, instead).code
    if STRICT.sub("", mutated) == STRICT.sub("", code):
        return None
    lines, others = code.splitlines(keepends=True), mutated.splitlines(keepends=True)
    diff = "".join(difflib.unified_diff(lines, others, file, file, n=1))
    line = next((n for n, pair in enumerate(zip(lines, others, strict=False), 1) if pair[0] != pair[1]), len(lines))
    return Mutant(file, line, mutated, diff)


def sample(copy: Path, reached: Reached, only: Sequence[str], size: int, seed: int) -> tuple[list[Mutant], int, int]:
    """Mutants that tests reach; how many had to be drawn for them, and of how many in all."""
    os.chdir(copy)  # mutmut looks for its configuration where it is
    files = sorted(str(path.relative_to(copy)) for path in (copy / "ddlab").rglob("*.py"))
    files = [file for file in files if file.startswith(tuple(only))]
    codes = {file: (copy / file).read_text(encoding="utf-8") for file in files}
    every = [(file, *mutant) for file, code in codes.items() for mutant in mutants(file, code)]
    random.Random(seed).shuffle(every)
    chosen: list[Mutant] = []
    drawn = 0
    for file, *parts in every:
        if len(chosen) == size:
            break
        mutant = made(file, codes[file], *parts)
        drawn += mutant is not None
        if mutant and reached.of(file, mutant.line):
            chosen.append(mutant)
    return chosen, drawn, len(every)


def judge(copy: Path, mutant: Mutant, reached: Reached) -> tuple[str, float]:
    """What becomes of a mutant, and the seconds that it took."""
    tests, path = reached.of(mutant.file, mutant.line), copy / mutant.file
    limit = 30 + 3 * sum(reached.seconds.get(test, 0) for test in tests)
    original, began = path.read_text(encoding="utf-8"), time.monotonic()
    path.write_text(mutant.code, encoding="utf-8")
    try:
        code, _ = run(copy, ["-m", "pytest", "-x", "--timeout=0", "-p", "no:cacheprovider", *tests], limit)
    finally:
        path.write_text(original, encoding="utf-8")
    return {None: TIMEOUT, 0: SURVIVED}.get(code, KILLED), time.monotonic() - began


def main() -> None:
    """Draw the sample, judge every mutant, print the share that survived and each survivor's diff."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=60, help="mutants to judge")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--skip", type=int, default=0, help="mutants of the sample that were judged before")
    parser.add_argument("--only", nargs="+", default=TARGETS, help="files and folders to mutate")
    parser.add_argument("--reached", type=Path, help="file that keeps which tests reach what, of this code")
    arguments = parser.parse_args()
    kept = arguments.reached and arguments.reached.resolve()
    with tempfile.TemporaryDirectory(prefix="ddlab-mutants-") as folder:
        copy = copied(Path(folder))
        reached = known(copy, kept)
        for test in reached.failed:
            print(f"left out, because it fails without a mutant: {test}")
        chosen, drawn, every = sample(copy, reached, arguments.only, arguments.sample, arguments.seed)
        print(f"{every} mutants; of {drawn} drawn, tests reach {len(chosen)} in their own process", flush=True)
        fates = []
        for number, mutant in list(enumerate(chosen, 1))[arguments.skip :]:
            fate, seconds = judge(copy, mutant, reached)
            fates.append(fate)
            print(f"{number:4d} {fate:15s}{seconds:5.0f} s  {mutant.file}:{mutant.line}", flush=True)
            print(mutant.diff if fate == SURVIVED else "", end="", flush=True)
        os.chdir(ROOT)
    counts = Counter(fates)
    share = counts[SURVIVED] / max(1, len(fates))
    print(f"{counts[SURVIVED]} of {len(fates)} survive: {share:.1%} (by time: {counts[TIMEOUT]})")


if __name__ == "__main__":
    main()
