"""Every page opens, whatever runs there are; and says what to do where there is nothing to show."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ddlab.runs import listing
from tests.made_run import made_run

PAGES = sorted(path.stem for path in (Path(__file__).parents[2] / "pages").glob("*.py"))
STATES = ("queued", "running", "failed", "cancelled", "lost", "finished")


@pytest.fixture
def without_example(monkeypatch, tmp_path):
    monkeypatch.setattr(listing, "_SHIPPED", tmp_path / "no example")


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_without_a_run(page, open_page, without_example):
    test = open_page(page)
    assert len(test.title) == 1
    assert any("No run yet" in caption.value for caption in test.sidebar.caption)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("page", PAGES)
def test_page_opens_with_a_run(page, state, open_page):
    run = made_run(state)
    test = open_page(page, run=run.id)
    assert len(test.title) == 1
    assert test.sidebar.selectbox[0].value == run.id


@pytest.mark.slow
@pytest.mark.parametrize(
    "damaged", ["experiment.json", "status.json", "stages/*/seed0/result.json", "stages/*/*/*.npz"]
)
@pytest.mark.parametrize("page", PAGES)
def test_page_opens_with_a_damaged_run(page, damaged, open_page):
    run = made_run()
    for path in run.path.glob(damaged):
        path.write_text('{"state": 3, "stage": [], "seed": "0"}', encoding="utf-8")
    open_page(page, run=run.id)


@pytest.mark.parametrize("page", PAGES)
def test_page_opens_with_a_run_that_is_not_there(page, open_page):
    run = made_run("queued")
    test = open_page(page, run="nobody")
    assert any("nobody" in warning.value for warning in test.sidebar.warning)
    assert test.sidebar.selectbox[0].value == run.id


def test_the_sidebar_shows_the_run_of_the_link(open_page):
    older, _ = made_run(), made_run("failed")
    assert open_page("start", run=older.id).sidebar.selectbox[0].value == older.id


def test_an_address_that_is_not_here_is_told_and_another_one_shown(open_page):
    made_run()
    test = open_page("probabilities", image="99999", run="nope")
    told = " ".join(warning.value for warning in test.warning)
    assert "run “nope”" in told and "image “99999”" in told
    assert not test.run().warning


def test_an_error_shows_no_path_of_this_machine_and_the_server_tells_all(capsys):
    def script():
        raise ValueError("no such file: /srv/secret")

    (shown,) = AppTest.from_function(script).run().exception
    assert "secret" not in str(shown.proto) and not shown.stack_trace
    assert "secret" in capsys.readouterr().out


def test_one_place_uses_what_is_private_to_streamlit():
    root = Path(__file__).parents[2]
    files = [root / "app.py", *(root / "pages").rglob("*.py"), *(root / "ddlab").rglob("*.py")]
    using = [path.name for path in files if "PagesManager" in path.read_text(encoding="utf-8")]
    assert using == ["shell.py"]
