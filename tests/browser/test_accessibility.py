"""An automatic checker (axe-core) finds nothing serious on any page, light or dark, and no button is without words."""

import re
from pathlib import Path

import axe_playwright_python
import pytest

from ddlab import access
from ddlab.classroom import open_room, seats
from tests.browser.conftest import Server
from tests.browser.test_browser import settled
from tests.made_run import made_experiment, made_run
from tests.made_trust_region import made_trust_region_run

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
LOOKS = 5
SERIOUS = ("serious", "critical")
NOT_OURS = {  # (rule, selector): what Streamlit draws and lets nobody mend
    ("list", '[data-testid="stSidebarNav"] *'),  # headings of the navigation stand between the items of its list
    ("listitem", '[data-testid="stSidebarNav"] *'),
    ("scrollable-region-focusable", ".katex-display"),  # a long formula scrolls and takes no focus
}
# A chart is one picture with a name and a menu; what is in it is plotly's, and its text is SVG, which axe cannot judge.
CHECK = """async ([rules, excused]) => {
  const only = rules.length ? {runOnly: rules} : {};
  const {violations} = await axe.run({exclude: ".js-plotly-plot"}, {resultTypes: ["violations"], ...only});
  const isExcused = (rule, node) => excused.some(([name, where]) =>
    name === rule && document.querySelector(node.target.flat().at(-1))?.matches(where));
  return violations.flatMap((found) => found.nodes.filter((node) => !isExcused(found.id, node))
    .map((node) => [found.impact, found.id, node.html.slice(0, 200), node.failureSummary]));
}"""
WORDLESS = """() => [...document.querySelectorAll("[data-testid=stMain] button")].filter((button) => {
  const words = button.cloneNode(true);
  words.querySelectorAll("[data-testid=stIconMaterial]").forEach((icon) => icon.remove());
  return !(button.ariaLabel || button.title || button.dataset.title || words.textContent).trim();
}).map((button) => button.outerHTML.slice(0, 300))"""
RING = """(place) => { const {outlineStyle, outlineWidth} = getComputedStyle(place);
  return outlineStyle === "solid" && parseFloat(outlineWidth) >= 2; }"""


def found(page, *rules):
    """What the checker says is serious; of some rules alone if they are named."""
    told = page.evaluate(CHECK, [rules, sorted(NOT_OURS)])
    return [violation for violation in told if violation[0] in SERIOUS]


def stays(page, *rules):
    """What is still found when the page has come to rest: parts that are being drawn anew are pale for a moment."""
    for _ in range(LOOKS):
        if not (told := found(page, *rules)):
            return []
        settled(page)
    return told


def test_nothing_serious_is_found_on_any_page(server, open_browser):
    """Dark, only what depends on it: the contrast of colours."""
    run, steps = made_run(experiment=made_experiment()).id, made_trust_region_run().id
    page = open_browser("/", height=2000)
    for path in (
        f"/?trained={run}", "/decompose", "/pipeline", "/train", "/sweep", f"/runs?run={run}", f"/compare?run={run}",
        f"/probabilities?run={run}", f"/cam?run={run}", "/layers?run=example", "/what_if?run=example&edits=occlude:4",
        "/composition?run=example-theorem", f"/trust_region?view=history&run={steps}",
    ):  # fmt: skip
        page.emulate_media(color_scheme="light")
        page.goto(server.url + path)
        page.locator("h1").first.wait_for()
        settled(page)
        page.evaluate(AXE)
        assert not stays(page), path
        assert not page.evaluate(WORDLESS), path
        page.emulate_media(color_scheme="dark")
        page.wait_for_timeout(300)  # colours change gradually
        assert not stays(page, "color-contrast"), f"{path}, dark"


def test_what_the_mouse_points_at_stays_readable(open_browser):
    page = open_browser("/lessons?lesson=3_relation&run=example", height=2000)
    settled(page)
    page.evaluate(AXE)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for button in page.locator("[data-testid=stMain] [data-testid^=stBaseButton-]:enabled").all():
            button.hover()
            page.wait_for_timeout(300)
            assert not stays(page, "color-contrast"), scheme


@pytest.fixture
def room(own_home, tmp_path, browser):
    """A room with a run in it: opens a page there, of somebody who comes in by that address."""
    seat = seats.take(open_room("blue whale", "http://127.0.0.1")[0], "Ann")
    access.give(made_run().path, seat.id, seat.name)
    served = Server(tmp_path / "room.log", ("ddlab", "classroom", "--code", "blue whale", "--processes", "1", "--port"))
    served.start()
    key = re.search(r"lecturer\?key=\S+", served.log.read_text())[0]
    contexts = []

    def opened(path):
        contexts.append(browser.new_context(viewport={"width": 1400, "height": 2400}, color_scheme="light"))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{served.url}/room/{path.format(key=key)}")
        page.locator("h1").first.wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    served.kill()


def test_nothing_serious_is_found_in_a_room_and_keys_are_enough_there(room):
    student = room("enter?code=blue%20whale")
    student.evaluate(AXE)
    assert not found(student) and student.locator("[name=name]").evaluate("field => field === document.activeElement")
    student.keyboard.type("Bob")
    student.keyboard.press("Enter")
    student.get_by_role("link", name="Room").press("Enter")
    student.get_by_text("Who waits for what").wait_for()
    lecturer = room("{key}")
    for summary in lecturer.locator("[data-testid=stExpander] summary").all():
        summary.press("Enter")
    for page in (student, lecturer):
        settled(page)
        page.evaluate(AXE)
        assert not stays(page) and not page.evaluate(WORDLESS)
        page.emulate_media(color_scheme="dark")
        page.wait_for_timeout(300)
        assert not stays(page, "color-contrast")
    menu = student.locator(".st-key-chart-room-points button").first  # in a part that renews itself every four seconds
    menu.focus()
    lecturer.get_by_role("button", name="Pause the queue").press("Enter")
    lecturer.get_by_role("button", name="Let the queue go on").wait_for()
    student.get_by_text("The lecturer has paused the queue").wait_for()
    assert menu.evaluate("button => button === document.activeElement"), "what is renewed keeps the focus"


def test_a_focus_is_seen_and_on_a_phone_the_image_stands_beside_its_grid(open_browser):
    page = open_browser("/decompose", width=390, height=844)
    settled(page)
    page.get_by_role("button", name="The next image").focus()
    page.keyboard.press("Tab")
    assert page.locator("button:focus").evaluate(RING)
    sliders, image = page.locator(".st-key-cut-grid [data-testid=stSlider]"), page.locator(".st-key-cut-whole")
    sliders.nth(1).locator("input").focus()
    page.keyboard.press("ArrowLeft")
    assert sliders.nth(1).locator("[data-rac]:has(> div > input)").evaluate(RING)
    settled(page)
    above, below = image.bounding_box(), sliders.nth(2).bounding_box()  # rows, columns, overlap
    assert above["y"] < below["y"] and below["y"] + below["height"] - above["y"] < 800, "both are on one screen"


def test_the_checker_finds_what_is_wrong(open_browser):
    page = open_browser("/decompose")
    settled(page)
    page.evaluate(AXE)
    page.locator("h1").evaluate("h1 => { h1.innerHTML = '<button></button>'; }")
    caption = page.locator("[data-testid=stMain] [data-testid=stCaptionContainer]").first
    caption.evaluate("faint => faint.style.setProperty('opacity', '0.3', 'important')")
    assert {rule for _, rule, _, _ in found(page)} == {"button-name", "color-contrast"}
    assert len(page.evaluate(WORDLESS)) == 1


def test_train_is_within_reach_on_a_phone(open_browser):
    page = open_browser("/train", width=390, height=844)
    button = page.get_by_role("button", name="Train", exact=True)
    button.wait_for()
    settled(page)
    box = button.bounding_box()
    assert 844 / 2 < box["y"] and box["y"] + box["height"] <= 844
    page.locator(".st-key-go").get_by_text("About").wait_for()
