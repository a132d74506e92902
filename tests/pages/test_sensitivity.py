"""The sweep of radii and rates on its page: empty, started at one click, and shown while it fills."""

import shlex

import pytest
from streamlit.testing.v1 import AppTest

from ddlab import files
from ddlab.records import ANYTHING
from ddlab.runs import list_runs
from ddlab.sweeps import decompositions as sweeps
from ddlab.sweeps.decompositions import by_sweep
from ddlab.sweeps.sensitivity import SUFFIX
from tests.pages.standalone import figures
from tests.tuned_run import tuned_run

NAME = f"made{SUFFIX}"


@pytest.fixture(autouse=True)
def no_example(monkeypatch, tmp_path):
    monkeypatch.setattr("ddlab.runs.listing._SHIPPED", tmp_path / "none")


def opened(**query):
    def page():
        from pages.ui.sweeps import sensitivity

        sensitivity.show()

    at = AppTest.from_function(page, default_timeout=30)
    at.query_params.update(query)
    at.run()
    assert not at.exception, at.exception[0].stack_trace
    return at


def button(at, words):
    return next(found for found in at.button if words in found.label)


def test_empty_it_tells_what_it_is_for_and_starts_all_runs_at_one_click(monkeypatch):
    launched = []
    monkeypatch.setattr(sweeps, "launch", lambda run: launched.append(run.id))
    at = opened(sensitivity_of="adam,sapts", sensitivity_values="6", sensitivity_seeds="3")
    assert any("No such sweep has been made yet" in info.value for info in at.info)
    assert any("**12 runs**" in text.value for text in at.markdown)
    button(at, "Start all 12 runs").click().run()
    assert not at.exception
    runs = by_sweep(list_runs(), tuned=True)[f"trust_region_demo 3 seeds{SUFFIX}"]
    assert sorted(run.id for run in runs) == sorted(launched) and len(launched) == 12
    assert {run.experiment.seeds for run in runs} == {(0, 1, 2)}
    assert at.session_state["everything shown"]["sensitivity"] == f"trust_region_demo 3 seeds{SUFFIX}"
    assert runs[0].command.startswith("ddlab sensitivity trust_region_demo --set ")
    assert runs[0].command.endswith("--strategies sapts,adam --values 1e-05,0.0001,0.001,0.01,0.1,1")


def test_the_command_makes_the_same_runs(monkeypatch, ddlab):
    monkeypatch.setattr(sweeps, "launch", lambda run: None)
    at = opened(sensitivity_of="adam", sensitivity_values="paper", sensitivity_seeds="3")
    button(at, "Start all 13 runs").click().run()
    command = list_runs()[0].command
    code, told, messages = ddlab(*shlex.split(command)[1:], "--plan")
    assert code == 0 and "13 runs" in messages and told.count("queued") + told.count("lost") == 13


def test_it_shows_what_is_there_and_goes_on_with_the_rest_but_not_with_what_diverged(monkeypatch):
    resumed = []
    monkeypatch.setattr("pages.ui.sweeps.many_runs.resume", lambda run: resumed.append(run.id))
    tuned_run("adam", 0.01, [0.9]), tuned_run("adam", 1.0, state="diverged"), tuned_run("sapts", 0.01, [0.92])
    failed = tuned_run("sapts", 1.0, state="failed")
    at = opened(sensitivity=NAME, sensitivity_epoch="kept")
    (figure,) = figures(at)
    assert figure["layout"]["title"]["text"].endswith("(kept epoch)")
    lines = {trace["name"]: trace for trace in figure["data"] if "name" in trace}
    assert set(lines) == {"SAPTS · initial radius", "Adam · learning rate"}
    assert lines["Adam · learning rate"]["marker"]["symbol"] == ["circle", "x"]
    words = [text.value for text in at.markdown]
    assert any("Within 1 point of its own best: SAPTS (93.0\u00a0%)" in text for text in words)
    assert any("1 diverged" in text for text in words) and any("1 failed" in text for text in words)
    button(at, "Go on with 1 that did not finish").click().run()
    assert not at.exception and resumed == [failed.id]


def test_half_a_sweep_is_not_judged_and_can_be_cancelled():
    tuned_run("adam", 0.01, [0.9]), tuned_run("adam", 1.0, state="running")
    at = opened()
    assert figures(at) and button(at, "Cancel 1")
    assert not any("Within 1 point" in text.value for text in at.markdown)


def test_nothing_done_yet():
    tuned_run("adam", 1.0, state="running")
    at = opened()
    assert not figures(at) and any("No run is done yet" in text.value for text in at.markdown)


def test_a_damaged_sweep_and_what_cannot_be_started_are_said():
    run = tuned_run("adam", 1.0, [0.5])
    path = run.path / "experiment.json"
    files.write_sealed(path, {**ANYTHING.read(path), "schema": 99})
    at = opened(sensitivity_of="", sensitivity_base="run")
    messages = [error.value for error in at.error]
    assert "None of its runs can be read." in messages and any("newer ddlab" in message for message in messages)


def test_no_strategy_is_no_sweep():
    at = opened(sensitivity_of="nothing")
    assert any("needs a value and a strategy" in error.value for error in at.error)
    assert not any(found.label.startswith("Start") for found in at.button)
