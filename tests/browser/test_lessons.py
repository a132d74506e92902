"""A lesson in a browser: a place is pressed, a reload finds the answers again, and a trial trains for real once."""

import re

import pytest

from ddlab.lessons import visitors
from ddlab.runs import list_runs
from tests.browser.test_browser import settled
from tests.browser.test_newcomer import CLIPPED, LONG, nothing_wrong

pytestmark = pytest.mark.browser
LESSON = "1_vote_and_mean"


def go_on(page, title):
    page.get_by_role("button", name="Next").click()
    page.get_by_role("heading", name=title).wait_for()
    settled(page)
    nothing_wrong(page)


def answer(page):
    page.get_by_role("button", name="That is my answer").click()
    page.locator(".ddlab-title", has_text="Your answer beside what happened").wait_for()
    settled(page)


def test_a_lesson_is_played_and_a_trial_trained(open_browser):
    page = open_browser("/lessons", width=390, height=900, dark=True)
    page.get_by_role("button", name="Begin").first.click()
    page.get_by_role("heading", name="One image, four opinions").wait_for()
    settled(page)
    plot = page.locator(".js-plotly-plot .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.click(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"])  # the object lies there
    page.get_by_role("button", name="That is my answer").and_(page.locator(":enabled")).wait_for()
    page.get_by_role("button", name="That is my answer").click()
    page.get_by_text("Right.").wait_for()
    go_on(page, "How sure is a network that sees nothing?")
    answer(page)
    assert page.evaluate(CLIPPED) == []
    page.reload()
    page.locator(".ddlab-title", has_text="Your answer beside what happened").wait_for()
    assert page.get_by_role("button", name="That is my answer").count() == 0, "answered once, also after a reload"
    (me,) = visitors()
    assert sorted(me.of_lesson(LESSON)) == ["blind", "evidence"]

    page.goto(re.sub(r"at=\d", "at=6", page.url))
    page.get_by_role("heading", name="Try it: more networks").wait_for()
    settled(page)
    page.get_by_text("4×4", exact=True).last.click()
    settled(page)
    page.get_by_role("button", name="Train it").click()
    page.get_by_text("The mean beats the vote here, too.").wait_for(timeout=LONG)
    settled(page)
    nothing_wrong(page)
    (run,) = list_runs()
    assert run.state().state == "finished" and run.name.startswith("Why a vote fails")
    assert run.experiment.decomposition.grid == (4, 4) and run.experiment.strategies == ("average", "majority")
    go_on(page, "What you have learned")
    with page.expect_download() as download:
        page.get_by_role("button", name="What I did, as a file").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert run.id in text and "The mean beats the vote here" in text and text.count("<svg") == 3
