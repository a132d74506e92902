"""What a process of its own computes: asked once, kept under its question, told in a sentence where it fails."""

from pathlib import Path

import pytest

from ddlab.analyses import command_results as module
from ddlab.analyses.command_results import command_result


@pytest.fixture
def asked(monkeypatch):
    """Commands that were run; each leaves a file that holds its own words."""
    commands: list[list[str]] = []

    def run(arguments):
        commands.append(list(arguments))
        Path(arguments[-1]).write_text(" ".join(arguments[:-2]))

    monkeypatch.setattr(module, "run_subcommand", run)
    return commands


def test_a_question_is_asked_once(asked):
    first, again = command_result("maps", "run", "--seed", "0"), command_result("maps", "run", "--seed", "0")
    assert first == again and first.read_text() == "maps run --seed 0" and len(asked) == 1
    assert asked[0][-2] == "--out"


def test_another_question_has_another_file(asked):
    files = {
        command_result("maps", "run"),
        command_result("verify", "run"),
        command_result("maps", "run", "--seed"),
        command_result("maps", "run", stamp=[{"seconds": 1.0}]),
        command_result("maps", "run", stamp=[{"seconds": 2.0}]),
        command_result("maps", "run", suffix=".onnx"),
    }
    assert len(files) == len(asked) == 6


def test_a_failure_leaves_nothing_behind_and_is_asked_again(monkeypatch, asked, own_home):
    def fail(arguments):
        Path(arguments[-1]).write_text("half")
        raise ValueError("--class: there is no class 12")

    with monkeypatch.context() as patch:
        patch.setattr(module, "run_subcommand", fail)
        with pytest.raises(ValueError, match="there is no class 12"):
            command_result("maps", "run")
    assert command_result("maps", "run").read_text() == "maps run"


def test_the_command_is_really_run():
    """Without torch: a list of recipes; an unknown command says what it is."""
    from ddlab.subcommand import run_subcommand

    run_subcommand(["recipes", "--json"])
    with pytest.raises(ValueError, match="nowhere"):
        run_subcommand(["show", "nowhere"])
