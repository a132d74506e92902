"""``make gpu`` runs through without a GPU, and without pydantic."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu import __main__ as command
from ddlab.experiment import Experiment
from ddlab.recipes import RECIPES

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_a_step_runs_with_the_stand_in_for_pydantic(tmp_path):
    answer = tmp_path / "rows.json"
    paths = os.pathsep.join([str(command.STAND_IN), str(ROOT)])
    subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu.steps", "waits", str(answer)],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert [row["part"] for row in json.loads(answer.read_text())] == ["training", "evaluation"]


def test_the_stand_in_gives_the_settings_that_pydantic_gives(tmp_path):
    """The whole tree of a recipe, with changed settings, is the same through both."""
    code = (
        "import json; from ddlab.recipes import RECIPES; changes = {'training.epochs': 2, 'seeds': [1, 2]}; "
        "print(json.dumps(RECIPES['demo']().with_settings(changes).model_dump(mode='json')))"
    )
    paths = os.pathsep.join([str(command.STAND_IN), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    ours: Experiment = RECIPES["demo"]().with_settings({"training.epochs": 2, "seeds": [1, 2]})
    assert json.loads(done.stdout) == ours.model_dump(mode="json")


def test_a_step_that_fails_leaves_its_last_words(monkeypatch, tmp_path):
    monkeypatch.setitem(command.STEPS, "nonsense", 30)
    result = command.run_step("nonsense", 30, str(tmp_path))
    assert "KeyError" in result["failed"]


def test_a_step_that_takes_too_long_is_ended(tmp_path):
    assert "longer than" in command.run_step("machine", 0.01, str(tmp_path))["failed"]


def test_every_step_is_there():
    from benchmarks.gpu import steps

    assert list(steps.STEPS) == list(command.STEPS)
