"""The page of a room, and what a student's pages show of others' runs."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ddlab import access
from ddlab.classroom import VARIABLE, Caps, open_room, seats, set_caps
from ddlab.classroom.rules import RoomRules
from ddlab.links import Link, keep
from pages.ui.classroom import seated
from tests.made_run import made_run

APP = str(Path(__file__).parents[2] / "app.py")


@pytest.fixture
def room(own_home, monkeypatch):
    """A room in which whoever is in ``who`` opens pages."""
    opened, _ = open_room("blue whale", "http://lab.example")
    who = [seats.take(opened, "<b>Ann</b>")]
    monkeypatch.setenv(VARIABLE, "1")
    monkeypatch.setattr(seated, "seat", lambda: who[0])
    access.install(RoomRules(lambda: who[0]))
    yield opened, who
    access.install(None)


def open_page(page, **parameters):
    app = AppTest.from_file(APP, default_timeout=120)
    app.query_params.update(parameters)
    shown = app.switch_page(f"pages/{page}.py").run()
    assert not shown.exception, shown.exception
    return shown


def labels(shown):
    return {button.label for button in shown.button}


def test_the_lecturer_has_controls_and_students_have_none(room):
    opened, who = room
    made_run()
    assert not any("lecturer" in header.value for header in open_page("room").header)
    assert "Pause the queue" not in labels(open_page("room"))
    who[0] = seats.take(opened, "L", is_lecturer=True)
    assert "Pause the queue" in labels(open_page("room"))


def test_of_anothers_run_a_link_shows_nothing_and_of_a_shared_one_no_buttons(room):
    opened, who = room
    run = made_run("cancelled")
    run.rename("her own run")
    assert {"Resume", "Rename", "Share with the room"} <= labels(open_page("runs", run=run.id))
    who[0] = seats.take(opened, "Bob")
    shown = open_page("runs", run=run.id)
    assert "her own run" not in " ".join(
        str(element.value) for element in [*shown.markdown, *shown.header, *shown.caption]
    )
    who[0] = seats.take(opened, "L", is_lecturer=True)
    access.share(run.path, True)
    who[0] = seats.take(opened, "Bob")
    shown = open_page("runs", run=run.id)
    assert "her own run" in [header.value for header in shown.header]
    assert not {"Resume", "Rename", "Share with the room"} & labels(shown)


def test_who_has_no_seat_any_more_sees_nothing(room):
    _, who = room
    made_run()
    who[0] = None
    shown = AppTest.from_file(APP, default_timeout=120).run()
    assert "You have no seat" in shown.error[0].value and not shown.title


def test_a_page_that_is_not_open_opens_by_a_link_alone_and_for_the_lecturer(room):
    opened, who = room
    set_caps(Caps(pages=("lessons",)))
    link = keep(Link(page="decompose", values={"grid": "3x3"}, rules={"grid": "locked"}))
    other = keep(Link(page="cam", values={"grid": "3x3"}, rules={"grid": "locked"}))
    for parameters in ({}, {"link": other}, {"link": "x"}):
        shown = open_page("decompose", **parameters)
        assert "has not opened this page" in shown.info[0].value and not shown.title
    assert open_page("decompose", link=link).title
    assert open_page("start").title[0].value == "What does the room find?"
    who[0] = seats.take(opened, "L", is_lecturer=True)
    assert open_page("decompose").title and open_page("start").title[0].value != "What does the room find?"
