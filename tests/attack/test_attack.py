"""A small attack, and whether the attack would notice."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from ddlab.experiment import ExperimentError, tree
from tests.attack import __main__ as attacks
from tests.attack import addresses, cage, cancels, faults, files, kills, races, run_folders, seats, settings
from tests.attack.fence import Fence
from tests.attack.tally import Fault, Tally, listing, table

SMALL = {
    "kills": (kills, 3),
    "cancels": (cancels, 2),
    "faults": (faults, 3),
    "races": (races, 4),
    "settings": (settings, 400),
    "files": (files, 60),
    "run_folders": (run_folders, 20),
    "addresses": (addresses, 25),
    "seats": (seats, 30),
}


@pytest.mark.slow
@pytest.mark.timeout(900)  # many processes, on a machine that others may use
@pytest.mark.parametrize("name", SMALL)
def test_nothing_breaks(name):
    module, count = SMALL[name]
    tally = module.attack(count, 0)
    assert tally.tried >= count  # kills are counted by the chain
    assert not tally.faults, listing(tally)


# ---- what breaks is noticed: cases that break in five ways, and one that does not


def mischief():
    """A case for each way to break, beside code of ours that is broken on purpose."""
    tree.parse_experiment = lambda tree: {}["broken on purpose"]
    return lambda seed: cage.attempt(WAYS_TO_BREAK[seed], seed, f"way {seed}")


def _escape():
    tree.load_experiment(Path(os.devnull))


def _hang():
    time.sleep(60)


def _die():
    os.kill(os.getpid(), signal.SIGKILL)


def _eat():
    bytes(2 * cage.MEMORY)


def _refuse():
    raise ExperimentError("training.epochs: must be at least 1, got 0")


def _chatter():
    raise ExperimentError("x" * (cage.LONGEST + 1))


WAYS_TO_BREAK = (_escape, _hang, _die, _eat, _refuse, _chatter)
NOTICED = ("uncaught: KeyError, in", "hung: no end after 2 s", "uncaught: the process ended with -9")
NOTICED += ("uncaught: MemoryError", "", "uncaught: a message of more than 2000 characters")


@pytest.mark.slow
def test_what_breaks_is_noticed_and_the_rest_goes_on():
    tally = cage.run("mischief", mischief, range(len(WAYS_TO_BREAK)), 2.0)
    told = {fault.seed: f"{fault.kind}: {fault.what}" for fault in tally.faults}
    assert tally.tried == len(WAYS_TO_BREAK) and len(tally.faults) == len(told)
    for seed, words in enumerate(NOTICED):
        assert told.get(seed, "").startswith(words) and bool(words) == (seed in told), told
    assert {fault.case for fault in tally.faults} == {f"way {seed}" for seed in told}


def stray():
    """A case for each way over the fence, and one within it."""
    fence = Fence(Path(os.environ["TMPDIR"]))

    def case(seed):
        with fence.watch(seed, "away") as strayed:
            WAYS_OUT[seed]()
        return strayed

    return case


def _connect():
    with pytest.raises(OSError):
        socket.create_connection(("attack.invalid", 80), timeout=1)


WAYS_OUT = (
    lambda: Path(os.environ["TMPDIR"], "mine").write_text("x", encoding="utf-8"),
    lambda: list(Path("/").iterdir()),
    lambda: Path("/etc/passwd").read_bytes(),
    _connect,
    lambda: subprocess.run(["true"], check=True),
)


def test_a_fence_tells_ours_from_what_is_not():
    tally = cage.run("stray", stray, range(len(WAYS_OUT)), 20.0)
    told = {fault.seed: fault.what.split(" what is not ours")[0] for fault in tally.faults if fault.kind == "outside"}
    assert told == {1: "lists", 2: "opens", 3: "looks up", 4: "starts"} and len(tally.faults) == len(told)


# ---- what is told


FAULTS = [Fault("lost", 1, "a key", "long case"), Fault("lost", 2, "a key", "case"), Fault("hung", 2, "a door")]
TALLY = Tally("doors", 3, FAULTS)


def test_the_table_counts_cases_and_the_list_faults():
    assert table([TALLY]).splitlines()[2] == "| doors | 3 | 2 | 1 | 0 | 0 | 0 |"
    assert "lost in 2 cases: a key\n    case\n    --only doors:2 (and 1)" in listing(TALLY)


@pytest.mark.parametrize(("faults", "code"), [(FAULTS, 1), ([], 0)])
def test_one_case_is_repeated_alone(monkeypatch, capsys, tmp_path, faults, code):
    asked = []
    attack = {"doors": (lambda count, seed: asked.append((count, seed)) or Tally("doors", count, faults), 5, "doors")}
    monkeypatch.setattr(attacks, "ATTACKS", attack)
    monkeypatch.setattr("sys.argv", ["attack", "--only", "doors:17", "--out", str(tmp_path / "told.json")])
    assert attacks.main() == code
    assert asked == [(1, 17)] and (tmp_path / "told.json").exists()
    assert capsys.readouterr().out.startswith("| attack | tried")


def test_cases_are_repeatable():
    first, second = (settings.attack(12, 5) for _ in range(2))
    assert first == second
