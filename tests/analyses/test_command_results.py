"""What a process of its own computes: asked once, kept under its question, told in a sentence where it fails."""

import threading
from pathlib import Path

import pytest

from ddlab.analyses import command_results as module
from ddlab.analyses.command_results import command_result, prepare_result


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


def test_what_comes_next_is_prepared_one_at_a_time(monkeypatch, asked, own_home):
    """Only where a warm process answers; whoever asks meanwhile gets the same answer."""
    is_under_way, may_go_on, was_quick = threading.Event(), threading.Event(), module.run_subcommand

    def run(arguments):
        is_under_way.set()
        assert may_go_on.wait(60)
        was_quick(arguments)

    assert not prepare_result("maps", "0") and not asked
    monkeypatch.setattr(module, "run_if_warm", run)
    monkeypatch.setattr(module, "is_warm", lambda: True)
    assert not prepare_result("maps", "0") and not prepare_result("maps", "1")
    assert is_under_way.wait(60)
    may_go_on.set()
    assert command_result("maps", "0").read_text() == "maps 0"
    with module._preparing:  # as soon as the first one is done
        assert prepare_result("maps", "0") and not prepare_result("maps", "1")
    assert [arguments[1] for arguments in asked] == ["0"]


def test_what_cannot_be_prepared_is_said_to_whoever_asks(monkeypatch, own_home):
    def fail(arguments):
        raise ValueError("run: it is gone")

    monkeypatch.setattr(module, "run_if_warm", fail)
    monkeypatch.setattr(module, "run_subcommand", fail)
    monkeypatch.setattr(module, "is_warm", lambda: True)
    assert not prepare_result("maps", "0")
    with pytest.raises(ValueError, match="it is gone"):
        command_result("maps", "0")
    with module._preparing:
        pass  # it is free again
