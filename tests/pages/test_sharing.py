"""Shared links: locked is locked on the server, hidden is not drawn, and words are shown as they are written."""

import pytest
from streamlit.testing.v1 import AppTest

from ddlab.links import Link, keep, open_link


@pytest.fixture
def opened(open_page):
    """Opens a page by a link."""
    return lambda page, link, **asked: open_page(page, link=link, **asked)


def locked(app: AppTest) -> dict[str, str]:
    return {box.label: box.value for box in app.text_input if box.disabled}


@pytest.fixture
def link():
    values = {"run": "example", "image": "3", "strategy": "majority", "subdomain": "2"}
    rules = {"image": "locked", "strategy": "hidden", "run": "locked"}
    return keep(Link(page="probabilities", values=values, rules=rules, words="Look at **this** <b>one</b>."))


def test_a_link_settles_what_it_says(link, opened):
    app = opened("probabilities", link, image="7", run="example-volume")
    assert not app.exception
    assert locked(app)["Image"] == "3"
    labels = {box.label for box in app.selectbox}
    assert "Strategy" not in labels and "Run" not in labels
    assert app.session_state["subdomain shown"] == "2", "what is free begins as the link has it"
    assert r"\*\*this\*\* \<b>one" in app.info[0].value


def test_no_address_lifts_it(link, opened):
    app = opened("probabilities", link)
    app.query_params.clear()
    app.query_params.update({"image": "9", "strategy": "average"})
    app.run()
    assert locked(app)["Image"] == "3" and "Strategy" not in {box.label for box in app.selectbox}
    app.session_state["image wanted"] = 9  # a click on a row of the table
    app.run()
    assert locked(app)["Image"] == "3"


def test_it_holds_on_its_page_alone(link, opened):
    app = opened("probabilities", link)
    assert "Run" in locked(app)
    app.switch_page("pages/runs.py").run()
    assert not locked(app) and app.sidebar.selectbox[0].label == "Run"


def test_a_link_that_is_unknown_shows_the_page_and_says_so(opened):
    app = opened("compare", "zzzzzzzz")
    assert "The link cannot be followed" in app.warning[0].value and not app.exception


def test_all_settings_of_a_form_can_be_locked(opened):
    values = {"recipe": "demo", "settings": '{"training.epochs":2}'}
    link = keep(Link(page="train", values=values, rules=dict.fromkeys(values, "locked")))
    app = opened("train", link, settings='{"training.epochs":9}')
    assert not app.exception
    assert "All settings" in locked(app) and not app.number_input
    assert any("training.epochs=2" in code.value for code in app.code)


def script() -> None:
    from pages.ui import selection, sharing, shown

    shown.open_page("probabilities")
    selection.pick("Image", [3, 5], "image")
    selection.pick("Class", ["cat", "dog"], "class")
    sharing.make()


def test_a_link_is_made_of_what_is_chosen():
    app = AppTest.from_function(script).run()
    assert app.code[0].value.endswith("/probabilities?image=3&class=cat"), "nothing is settled: the address says all"
    app.segmented_control(key="share image").set_value("locked").run()
    app.text_area[0].set_value("Look here.").run()
    assert not app.exception
    made = open_link(app.code[0].value.rpartition("=")[2])
    assert made == Link(
        page="probabilities", values={"image": "3", "class": "cat"}, rules={"image": "locked"}, words="Look here."
    )
