"""What the pages keep of a run is read anew when, and only when, a result of it is written."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from pages.ui import results
from tests.made_run import made_run


def test_results_are_looked_for_while_other_files_come_and_go(monkeypatch):
    run = made_run("running")
    before = results.stamp(run)
    unfinished = run.stage("local", 0).path / ".writing-1-checkpoint.pt"
    unfinished.touch()
    stat = Path.stat

    def vanish(path, **settings):
        found = stat(path, **settings)
        if path == unfinished:
            path.unlink()  # put in its place between two looks at it
        return found

    monkeypatch.setattr(Path, "stat", vanish)
    assert results.stamp(run) == before


def test_a_new_result_is_seen():
    run = made_run("running")
    before = results.stamp(run)
    run.stage("cnn_dnn", 0).write_result({"stage": "cnn_dnn", "seed": 0})
    assert results.stamp(run) > before


def _page():
    from ddlab.runs import list_runs
    from pages.ui import results
    from pages.ui.runs import live

    live.follow(list_runs()[0], lambda run: None, results.stamp)


def test_a_page_is_drawn_anew_when_a_stage_is_done(monkeypatch):
    run = made_run("running")
    times, drawn = iter((1, 2, 2, 2)), []  # a result comes between the page's look and its part's
    monkeypatch.setattr(results, "stamp", lambda run: drawn.append(run) or next(times))
    at = AppTest.from_function(_page).run()
    assert not at.exception
    assert len(drawn) == 4, "two looks in the first drawing, two in the second"
    assert {looked.id for looked in drawn} == {run.id}
