"""The address and the browser's history: a link shows the same, and Back is one choice or one page."""

from urllib.parse import parse_qs

import pytest

from tests.browser.test_browser import settled, wait_for
from tests.made_run import made_run

pytestmark = pytest.mark.browser


def asked(page):
    """What the address asks for."""
    return {name: texts[0] for name, texts in parse_qs(page.evaluate("location.search.slice(1)")).items()}


def has(page, **wanted):
    wait_for(lambda: wanted.items() <= asked(page).items())


def test_back_is_one_choice_and_one_page(open_browser):
    """Start, Pipeline, three choices; then all of it backwards, and a step forwards; and a link to the end."""
    page = open_browser("/")
    settled(page)
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Pipeline").click()
    page.wait_for_url("**/pipeline?**ranks=**")  # what was not chosen is there, too
    settled(page)
    begin = asked(page)
    seen = [begin]
    for step in ("chevron_left", "chevron_left", "first_page"):
        page.locator(f".st-key-action-picker-{step} button").first.click()
        wait_for(lambda: asked(page).get("action") not in (None, seen[-1]["action"]))
        settled(page)
        seen.append(asked(page))
    assert [{**view, "action": ""} for view in seen] == [{**begin, "action": ""}] * 4

    slider = page.get_by_test_id("stSlider").filter(has_text="Actions")
    shown = slider.inner_text()
    page.go_back()
    has(page, **seen[2])
    wait_for(lambda: slider.inner_text() != shown)
    page.go_forward()
    has(page, **seen[3])
    wait_for(lambda: slider.inner_text() == shown)
    settled(page)
    for view in (seen[2], seen[1], seen[0]):
        page.go_back()
        has(page, **view)
        settled(page)
    page.go_back()
    page.get_by_role("heading", name="Can networks that see only").wait_for()
    assert page.evaluate("location.pathname") == "/"


def test_the_run_in_the_sidebar_is_told_as_it_is(open_browser):
    """On a page that has nothing of the run, too, and without a reload: its new name, and that it is finished."""
    run = made_run("running")
    page = open_browser(f"/trust_region?run={run.id}")
    picker = page.get_by_test_id("stSidebar").get_by_test_id("stSelectbox")
    shown = lambda: picker.locator("input").first.input_value() + picker.inner_text()  # noqa: E731
    wait_for(lambda: "running" in shown())
    run.rename("Another name")
    wait_for(lambda: "Another name" in shown())
    run.end("finished")
    wait_for(lambda: "Another name" in shown() and "running" not in shown())
