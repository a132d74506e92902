"""The Sweep page: empty, planned, started at one click, and shown while it fills."""

import pytest

from ddlab.recipes import RECIPES
from ddlab.runs import list_runs
from ddlab.sweeps import decompositions as sweeps
from ddlab.sweeps.decompositions import by_sweep, plan_sweep
from ddlab.written import percent
from tests.made_run import made_experiment, made_run
from tests.pages.standalone import figures

SMALL = {"grids": "2x2", "layouts": "grid,shifted", "overlaps": "0,2"}


@pytest.fixture(autouse=True)
def no_example(monkeypatch, tmp_path):
    monkeypatch.setattr("ddlab.runs.listing._SHIPPED", tmp_path / "none")


@pytest.fixture
def swept():
    """Three of four runs of a sweep: finished, running, failed."""
    variants = plan_sweep(made_experiment(), [(2, 2)], ["grid", "shifted"], [0, 2])
    states = ("finished", "running", "failed")
    return [made_run(state, variant.problem.experiment) for state, variant in zip(states, variants, strict=False)]


def button(page, words):
    return next(found for found in page.button if words in found.label)


def test_empty_it_tells_what_it_is_for_and_starts_all_runs_at_one_click(monkeypatch, open_page):
    launched = []
    monkeypatch.setattr(sweeps, "launch", lambda run: launched.append(run.id))
    page = open_page("sweep", **SMALL)
    assert any("No sweep has been made yet" in info.value for info in page.info)
    assert any("**4 runs**" in text.value for text in page.markdown)
    button(page, "Start all 4 runs").click().run()
    assert not page.exception
    runs = by_sweep(list_runs())["demo"]
    assert sorted(run.id for run in runs) == sorted(launched) and len(launched) == 4
    assert runs[0].command == "ddlab sweep demo --grids 2x2 --layouts grid,shifted --overlaps 0,2"
    assert page.session_state["everything shown"]["sweep"] == "demo"


def test_it_shows_what_is_there_and_goes_on_with_the_rest(monkeypatch, open_page, swept):
    resumed = []
    monkeypatch.setattr("pages.ui.sweeps.many_runs.resume", lambda run: resumed.append(run.id))
    page = open_page("sweep", base="run", run=swept[0].id, strategy="cnn_dnn", **SMALL)
    assert any("**2 runs**" in text.value and "2 of this sweep are there" in text.value for text in page.markdown)
    heat, cloud = figures(page)
    assert heat["layout"]["title"]["text"].startswith("CNN-DNN")
    written = {note["text"] for note in heat["layout"]["annotations"]}
    assert {"<i>works</i>", "<i>failed</i>", "<i>not run</i>"} <= written
    assert [trace["name"] for trace in cloud["data"]][-1] == "global"
    assert any(text.value.startswith("Best so far") for text in page.markdown)
    button(page, "Go on with 1").click().run()
    assert not page.exception and resumed == [swept[2].id]


def test_choices_outlast_other_pages_and_begin_anew_with_another_experiment(open_page):
    page = open_page("sweep", **SMALL, strategies="average")
    page.switch_page("pages/runs.py").run()
    page.switch_page("pages/sweep.py").run()
    chosen = {found.label: found.value for found in page.button_group}
    assert chosen["Grids"] == ["2x2"] and chosen["Overlaps (px)"] == ["0", "2"] and chosen["Strategies"] == ["average"]
    page.selectbox(key="base picker").set_value("relation").run()
    assert not page.exception
    chosen = {found.label: found.value for found in page.button_group}
    assert chosen["Grids"] == ["2x2", "4x4"] and chosen["Overlaps (px)"] == ["0", "2"]
    assert chosen["Strategies"] == list(RECIPES["relation"]().strategies)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"overlaps": "16", "grids": "4x4"}, "overlap 16 px does not fit"),
        ({"strategies": "global"}, "needs one that asks local networks"),
        ({"base": "run", "strategies": "average"}, "give this one another name"),
    ],
)
def test_what_cannot_be_started_is_said(parameters, message, open_page, swept):
    page = open_page("sweep", **SMALL | parameters)
    assert any(message in error.value for error in page.error)
    assert not any(found.label.startswith("Start") for found in page.button)


def test_the_best_decomposition_is_chosen_on_validation_images_and_judged_by_test_images(open_page):
    base = made_experiment({"test": "official"}, strategies=["average"])
    (variant, *_) = plan_sweep(base, [(2, 2)], ["grid"], [0])
    run = made_run("finished", variant.problem.experiment)
    test = run.stage("average", 0).result()["test_accuracy"]
    page = open_page("sweep")
    assert not page.exception
    words = f"of the validation images, which chose it, and {percent(test)} of the test images"
    assert any(words in text.value for text in page.markdown)
