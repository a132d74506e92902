"""What a process of its own computes: asked once, kept under its question, told in a sentence where it fails."""

from pathlib import Path

import pytest

from ddlab.analyses import computed as module
from ddlab.analyses.computed import computed


@pytest.fixture
def asked(monkeypatch):
    """Commands that were run; each leaves a file that holds its own words."""
    commands: list[list[str]] = []

    def run(arguments):
        commands.append(list(arguments))
        Path(arguments[-1]).write_text(" ".join(arguments[:-2]))

    monkeypatch.setattr(module, "run_elsewhere", run)
    return commands


def test_a_question_is_asked_once(asked):
    first, again = computed("maps", "run", "--seed", "0"), computed("maps", "run", "--seed", "0")
    assert first == again and first.read_text() == "maps run --seed 0" and len(asked) == 1
    assert asked[0][-2] == "--out"


def test_another_question_has_another_file(asked):
    files = {
        computed("maps", "run"),
        computed("verify", "run"),
        computed("maps", "run", "--seed"),
        computed("maps", "run", stamp=[{"seconds": 1.0}]),
        computed("maps", "run", stamp=[{"seconds": 2.0}]),
        computed("maps", "run", suffix=".onnx"),
    }
    assert len(files) == len(asked) == 6


def test_a_failure_leaves_nothing_behind_and_is_asked_again(monkeypatch, asked, own_home):
    def fail(arguments):
        Path(arguments[-1]).write_text("half")
        raise ValueError("--class: there is no class 12")

    with monkeypatch.context() as patch:
        patch.setattr(module, "run_elsewhere", fail)
        with pytest.raises(ValueError, match="there is no class 12"):
            computed("maps", "run")
    assert computed("maps", "run").read_text() == "maps run"


def test_the_command_is_really_run():
    """Without torch: a list of recipes; an unknown command says what it is."""
    from ddlab.elsewhere import run_elsewhere

    run_elsewhere(["recipes", "--json"])
    with pytest.raises(ValueError, match="nowhere"):
        run_elsewhere(["show", "nowhere"])
