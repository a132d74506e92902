"""A page is drawn anew when a result of its run is written."""

from streamlit.testing.v1 import AppTest

from ddlab.runs import RunFolder
from tests.made_run import made_run


def _page():
    from ddlab.runs import RunFolder, list_runs
    from pages.ui.runs import live

    live.follow(list_runs()[0], lambda run: None, RunFolder.results_stamp)


def test_a_page_is_drawn_anew_when_a_stage_is_done(monkeypatch):
    run = made_run("running")
    times, drawn = iter((1, 2, 2, 2)), []  # a result comes between the page's look and its part's
    monkeypatch.setattr(RunFolder, "results_stamp", lambda run: drawn.append(run) or next(times))
    at = AppTest.from_function(_page).run()
    assert not at.exception
    assert len(drawn) == 4, "two looks in the first drawing, two in the second"
    assert {looked.id for looked in drawn} == {run.id}
