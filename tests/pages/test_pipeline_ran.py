"""Pipeline, what really ran: a traced step beside its simulation, accuracy against age, and runs that have neither."""

from functools import partial

import pytest

from ddlab.pipeline.placement import place
from ddlab.pipeline.simulation import simulate
from ddlab.pipeline.trace import recorded_costs
from ddlab.problem import pose
from ddlab.registry.strategies import STRATEGIES
from ddlab.strategies.layers import modules_of
from tests.made_run import made_run
from tests.made_trace import traced_run
from tests.pages.standalone import figures, open_alone

opened = partial(open_alone, "pipeline", view="ran")


@pytest.fixture(autouse=True)
def no_example(monkeypatch, tmp_path):
    monkeypatch.setattr("ddlab.runs.listing._SHIPPED", tmp_path / "none")


def titles(at):
    return [figure["layout"]["title"]["text"] for figure in figures(at)]


def test_a_traced_step_stands_beside_its_simulation():
    run = traced_run()
    at = opened()
    assert not at.exception
    assert titles(at)[0].startswith("As it ran: bubble 11") and titles(at)[1].startswith("As it is simulated: bubble")
    assert any("**1F1B** on 2 ranks, 32 images in 4 micro-batches" in text.value for text in at.markdown)
    predicted = simulate(
        place(modules_of(pose(run.experiment)), "1f1b", 2, 4).schedule,
        recorded_costs(run.stage("layerwise", 0).trace()),
    )
    shown = {metric.label: metric for metric in at.metric}
    assert shown["Time a step"].delta == f"{1000 * predicted.makespan:.3g} ms simulated"
    assert any(note.value.startswith("**Notice:** The step took") for note in at.markdown)


def test_a_step_that_waited_says_why():
    traced_run(stretched=3.0)
    assert any("fewer cores are free" in note.value for note in opened().markdown)


def test_accuracy_stands_over_the_age_of_gradients():
    traced_run()
    at = opened()
    (figure,) = [found for found in figures(at) if "age of gradients" in found["layout"]["title"]["text"]]
    names = [STRATEGIES[name].title for name in ("ddg", "fdg", "dsp")]
    ages = {trace["name"]: trace["customdata"][0][:2] for trace in figure["data"]}
    assert [ages[name] for name in names] == [[1.0, 2], [2.0, 4], [2.0, 4]]
    assert any("Against the mean of those with exact gradients" in note.value for note in at.markdown)


def test_without_a_run_there_is_a_sentence():
    at = opened()
    assert not at.exception and "there is none yet" in at.info[0].value


@pytest.mark.parametrize("state", ["finished", "failed"])
def test_a_run_without_pipelines_says_what_to_train(state):
    made_run(state)
    at = opened()
    assert not at.exception and not figures(at)
    assert any("no pipeline whose steps are traced" in note.value for note in at.info)
    assert any("no method with old gradients" in note.value for note in at.info)
