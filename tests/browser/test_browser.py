"""The main flows in a real browser."""

import os
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from ddlab.engine.launch import launch
from ddlab.recipes import RECIPES
from ddlab.runs import RunFolder, list_runs, open_run
from tests.browser import viewer
from tests.made_run import made_run

pytestmark = pytest.mark.browser

PAGES = ("/", "/decompose", "/pipeline", "/train", "/runs", "/compare", "/probabilities", "/cam", "/composition")
VOLUMES = "/decompose?dataset=ct_phantom&volume=32x32x16&image=1"
SOON = 5_000  # ms; how long a new slice takes is measured by benchmarks.volume_viewer, on a machine that is not busy
SCREENSHOT = Path(__file__).parents[2] / "assets" / "screenshot.png"


def wait_for(what, seconds=60.0):
    """Poll until ``what()`` is true."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)


def settled(page):
    """Wait until the page has been drawn, its charts included."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_timeout(500)


def chart(page):
    return page.locator(".js-plotly-plot .main-svg").first


def test_first_lesson(server, open_browser):
    """Open, see the example move, train, lose the server, find the run again, look at what came of it."""
    page = open_browser()
    example = page.locator(".ddlab-replay")
    example.wait_for()
    before = example.screenshot()
    wait_for(lambda: example.screenshot() != before, 10)

    page.get_by_role("button", name="Train it for real").click()
    page.get_by_text("Your own training").wait_for()
    run = open_run(parse_qs(urlsplit(page.url).query)["trained"][0])
    wait_for(lambda: run.metrics() or run.failure(), 90)
    assert run.failure() is None
    chart(page).wait_for()

    server.kill()
    assert run.state().state in ("running", "finished")
    server.start()
    page.goto(f"{server.url}/runs?run={run.id}")
    wait_for(lambda: run.state().state == "finished", 120)
    page.get_by_text("What came of it").wait_for()

    page.get_by_role("link", name="Compare the strategies").click()
    page.get_by_role("heading", level=1).filter(has_text="?").wait_for()
    chart(page).wait_for()
    assert parse_qs(urlsplit(page.url).query)["run"] == [run.id]
    page.get_by_role("link", name="Probabilities").first.click()
    chart(page).wait_for()
    settled(page)
    page.get_by_role("link", name="Class activation maps").click()
    page.get_by_role("heading", name="Where does each network look?").wait_for()
    chart(page).wait_for(timeout=60_000)  # a process of its own computes the maps
    settled(page)


def test_cancel_leaves_no_process_and_a_deleted_run_comes_back(open_browser):
    """The second run waits for the first; both are cancelled; one is deleted and brought back."""
    experiment = RECIPES["demo"]().with_settings({"training.epochs": 500, "name": "long"})
    first, second = (RunFolder.create(experiment) for _ in range(2))
    launch(first)
    launch(second)
    page = open_browser(f"/runs?run={second.id}")
    page.get_by_text("first in the queue").first.wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Resume").wait_for()
    assert second.state().state == "cancelled"

    page.goto(page.url.replace(second.id, first.id))
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Resume").wait_for()
    assert first.state().state == "cancelled"

    settled(page)  # a rerun closes what was opened before it
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Yes, delete it").click()
    wait_for(lambda: len(list_runs()) == 1)
    page.get_by_role("button", name="Undo").click()
    wait_for(lambda: len(list_runs()) == 2)


def test_zoom_survives_new_epochs(open_browser):
    run = made_run("running")
    page = open_browser(f"/runs?run={run.id}")
    chart(page).wait_for()
    plot = page.locator(".js-plotly-plot .nsewdrag").first
    box = plot.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"], steps=5)
    page.mouse.up()
    seen = "[...document.querySelectorAll('.js-plotly-plot')][0]"
    page.get_by_role("button", name="Show the whole curve").wait_for()
    page.wait_for_function(f"{seen}.layout.xaxis.range[1] < 6")
    zoomed = page.evaluate(f"{seen}.layout.xaxis.range")
    points = page.evaluate(f"{seen}.calcdata[0].length")
    newest = run.metrics()[-1] | {"stage": "global", "subdomain": None, "epoch": 7, "time": time.time()}
    run.append_metrics(0, newest)
    page.wait_for_function(f"{seen}.calcdata[0].length > {points}")
    assert page.evaluate(f"{seen}.layout.xaxis.range") == pytest.approx(zoomed)
    page.get_by_role("button", name="Show the whole curve").click()
    page.wait_for_function(f"{seen}.layout.xaxis.range[1] > 6")


def test_the_viewer_draws_without_the_server(server, open_browser):
    """A moved slider draws another slice and the cross in the other two; the URL shows the same slices again."""
    page = open_browser(VOLUMES)
    page.locator(viewer.CANVAS).first.wait_for()
    settled(page)
    server.kill()
    slider, before = page.locator(viewer.SLIDER), [viewer.picture(page, index) for index in range(4)]
    viewer.watch(slider, "input")
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert max(viewer.waited(page, 4)) < SOON
    assert all(viewer.picture(page, index) != old for index, old in enumerate(before))
    page.locator(viewer.CANVAS).nth(1).click(position={"x": 20, "y": 30})
    page.wait_for_function("new URLSearchParams(location.search).has('at')")
    page.wait_for_timeout(500)
    said, shown = page.locator(".volume .status").inner_text(), viewer.picture(page)
    server.start()
    page.reload()
    page.locator(viewer.CANVAS).first.wait_for()
    settled(page)
    assert page.locator(".volume .status").inner_text() == said
    assert viewer.picture(page) == shown


@pytest.mark.skipif(
    "DDLAB_SCREENSHOT" not in os.environ, reason="writes into the checkout; DDLAB_SCREENSHOT=1 asks for it"
)
def test_screenshot_for_the_readme(open_browser):
    page = open_browser("/", height=1150)
    page.locator(".ddlab-maps").wait_for()
    page.wait_for_timeout(9_500)  # most of the replay's loop, when all labels are shown
    page.screenshot(path=SCREENSHOT)
    assert SCREENSHOT.stat().st_size > 50_000


def test_a_schedule_plays_by_itself(open_browser):
    """From the beginning to the end, picture by picture; a step by hand stands in the address."""
    page = open_browser("/pipeline?ranks=2&micro_batches=2&action=1")
    settled(page)
    page.locator(".st-key-action-picker-chevron_right button").first.click()
    page.get_by_text("Action 2 of 8").wait_for()
    wait_for(lambda: parse_qs(urlsplit(page.url).query)["action"] == ["2"])
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_text("Action 5 of 8").wait_for()
    page.get_by_text("Action 8 of 8").wait_for()
    page.get_by_role("button", name="Play").wait_for()
    assert page.get_by_text("Traceback").count() == 0


def test_a_chart_is_saved_and_fills_the_screen_from_its_menu(open_browser):
    page = open_browser(f"/compare?run={made_run().id}")
    bars = page.locator(".st-key-chart-bars")
    bars.locator(".main-svg").first.wait_for()
    for form, begins in (("PNG", b"\x89PNG"), ("SVG", b"<svg")):
        bars.get_by_role("button", name="Table and files").first.click()
        with page.expect_download() as saved:
            page.get_by_role("button", name=f"Picture as {form}").click()
        assert saved.value.suggested_filename.endswith(form.lower())
        assert Path(saved.value.path()).read_bytes().startswith(begins)
    bars.get_by_role("button", name="Table and files").first.click()
    page.get_by_role("button", name="Full screen").click()
    page.wait_for_function("document.querySelector('.st-key-chart-bars .main-svg').clientWidth > 1300")
