"""First start, nothing trained: every page that looks at a run shows a picture of an example that has something."""

import pytest

from ddlab.runs import EXAMPLE, list_runs
from pages.ui.shown import VIEW
from tests.made_run import made_run

SHOWN = {  # page and settings: the example it opens with
    ("compare",): EXAMPLE,
    ("probabilities",): EXAMPLE,
    ("runs",): EXAMPLE,
    ("pipeline", "ran"): "example-pipeline",
    ("trust_region", "history"): "example-trust-region",
    ("trust_region", "against"): "example-trust-region",
}
COMPUTED = {("cam",): EXAMPLE, ("composition",): "example-theorem"}  # by torch, in a process of its own


def opened(open_page, name, view=""):
    return open_page(name, **({"view": view} if view else {}))


def current(test):
    return test.sidebar.selectbox[0].value


def opens_with(test, example):
    assert current(test) == example and not list_runs()
    assert len(test.get("plotly_chart")) >= 1 and not test.error
    assert test.session_state[VIEW]["run"] == example


@pytest.mark.parametrize("page", SHOWN)
def test_the_page_opens_with_an_example(page, open_page):
    test = opened(open_page, *page)
    opens_with(test, SHOWN[page])
    if page != ("runs",):
        assert any("comes with ddlab" in caption.value for caption in test.caption)


@pytest.mark.slow
@pytest.mark.parametrize("page", COMPUTED)
def test_what_torch_computes_opens_with_an_example(page, open_page, monkeypatch):
    monkeypatch.setattr("tests.pages.conftest.SECONDS", 180)
    opens_with(opened(open_page, *page), COMPUTED[page])


@pytest.mark.parametrize(("page", "view"), [("sweep", ""), ("trust_region", "sensitivity")])
def test_sweeps_open_with_a_recorded_one(page, view, open_page):
    test = opened(open_page, page, view)
    picker = next(box for box in test.main.selectbox if "Sweep" in box.label)
    assert picker.value.startswith("Example: ") and test.get("plotly_chart") and not test.error


def test_a_page_goes_on_to_the_example_that_it_shows_best_and_back(open_page):
    test = open_page("probabilities")
    assert current(test) == EXAMPLE
    test.query_params["view"] = "ran"
    test.switch_page("pages/pipeline.py").run()
    assert current(test) == "example-pipeline"
    test.switch_page("pages/probabilities.py").run()
    assert current(test) == EXAMPLE, "the pipeline's run has no local networks"


def test_a_link_is_followed_and_the_example_is_a_click_away(open_page):
    test = open_page("pipeline", view="ran", run=EXAMPLE)
    assert current(test) == EXAMPLE and not test.get("plotly_chart"), "what was asked for, and why it has nothing"
    offer = next(button for button in test.button if button.label.startswith("Look at an example"))
    offer.click().run()
    assert current(test) == "example-pipeline" and test.get("plotly_chart")


def test_ones_own_run_stays_the_current_one(open_page):
    run = made_run()
    test = open_page("cam")
    assert current(test) == run.id
    assert any(button.label.startswith("Look at an example") for button in test.button)


def test_a_recorded_sweep_s_run_opens_by_its_id(open_page):
    test = open_page("runs", run="example-sweep-01")
    assert current(test) == "example-sweep-01" and not test.error
    assert "example-sweep-01" not in open_page("runs").sidebar.selectbox[0].options


def test_any_finished_run_is_played(open_page):
    run = made_run()
    test = open_page("runs", run=run.id)
    test.toggle(key=f"play {run.id}").set_value(True).run()
    html = " ".join(element.proto.body for element in test.get("html"))
    assert "animation: ddlab-draw" in html and html.count('class="ddlab-cell"') == 4 * 4
    running = open_page("runs", run=made_run("running").id)
    assert not running.toggle, "it plays by itself while it works"
