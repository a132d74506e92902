"""``ddlab sensitivity``: told, put in the queue, gone on with, and written."""

import json

import pytest

from ddlab.runs import list_runs
from tests.tuned_run import tuned_base, tuned_run


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "made.yaml"
    path.write_text(tuned_base().to_yaml())
    return path


def test_it_is_told_before_it_is_trained(ddlab, file):
    code, told, messages = ddlab("sensitivity", file, "--values", "1e-3,10", "--strategies", "sapts,adam", "--plan")
    assert code == 0 and not list_runs()
    assert [line.split()[:4] for line in told.splitlines()[1:3]] == [
        ["SAPTS", "initial", "radius", "0.001"],
        ["Adam", "learning", "rate", "0.001"],
    ]
    assert "4 of 4 runs to train" in messages
    tree = json.loads(ddlab("sensitivity", file, "--plan", "--json")[1])
    assert tree["runs"] == tree["left"] == 33 and tree["seconds"] > 33 * 7 / 64
    tree = json.loads(ddlab("sensitivity", file, "--strategies", "adam", "--values", "paper", "--plan", "--json")[1])
    assert [row["value"] for row in tree["values"]][2] == 5e-4 and tree["runs"] == 13


def test_it_goes_on_with_what_is_left_and_writes_what_came_of_it(ddlab, file, monkeypatch):
    tuned_run("adam", 0.001, [0.9]), tuned_run("adam", 1.0, state="diverged")
    failed = tuned_run("adam", 0.01, [0.95], "failed")
    monkeypatch.setattr("ddlab.sweeps.decompositions.resume", lambda run: run.end("finished"))
    command = ("sensitivity", file, "--strategies", "adam", "--values", "0.001,0.01,1")
    code, told, messages = ddlab(*command)
    assert code == 0 and len(list_runs()) == 3 and failed.state().state == "finished"
    assert told.splitlines()[0].split() == ["STRATEGY", "QUANTITY", "VALUE", "LAST", "SD", "KEPT", "STATE"]
    assert [line.split()[-1] for line in told.splitlines()[1:]] == ["finished", "finished", "diverged"]
    assert "Within 1 point of its own best: Adam (95.0\u00a0%) at 0.01 alone." in messages
    tree = json.loads(ddlab(*command, "--json")[1])
    assert [row["last"] for row in tree["values"]] == pytest.approx([0.9, 0.95, 1 / 4])
    assert tree["plateaus"][0]["decades"] == 0
    failed.end("cancelled")
    monkeypatch.setattr("ddlab.sweeps.decompositions.resume", lambda run: None)
    assert ddlab(*command)[0] == 1  # one is left


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--values", "1,x"), "--values: needs numbers such as 1e-4,0.01, decades=5 or paper, got '1,x'"),
        (("--values", "decades=0"), "decades: must be from 1 to 12, got 0"),
        (("--values", "0"), "values: every one must be a number above 0, got 0"),
        (("--strategies", "global"), "strategies: unknown 'global'"),
    ],
)
def test_what_is_wrong_is_said(ddlab, file, arguments, message):
    code, _, messages = ddlab("sensitivity", file, *arguments)
    assert code == 2 and message in messages and not list_runs()
