"""The image that is dragged on Decompose: its boxes are those of the core, and the controls follow the hand."""

from itertools import product
from pathlib import Path

import pytest

from ddlab.decomposition import Decomposition
from ddlab.layouts import LAYOUTS, boxes
from pages.ui.making.handles import largest_overlaps
from tests.browser.test_address import asked, has
from tests.browser.test_browser import settled

pytestmark = pytest.mark.browser

SCRIPT = Path(__file__).parents[2] / "pages" / "ui" / "making" / "handles_boxes.js"
COMPUTE = """async ([source, asked]) => {
  const written = new Blob([source, "export { boxesOf, heldBy };"], { type: "text/javascript" });
  const { boxesOf, heldBy } = await import(URL.createObjectURL(written));
  return asked.map(([settings, shape]) => [boxesOf(settings, shape), heldBy(boxesOf(settings, shape))]);
}"""


def test_the_browser_cuts_as_the_core_does(browser):
    """Every layout, border and grid that fits, with no and the largest overlap; and what lies in several."""
    cases, shape = [], (16, 24)
    for layout, border in product(LAYOUTS, ("clip", "shift")):
        for grid, most in largest_overlaps(layout, shape, border).items():
            cases += [
                ({"layout": layout, "grid": grid, "overlap": overlap, "border": border}, shape) for overlap in {0, most}
            ]
    assert len(cases) > 200
    page = browser.new_page()
    found = page.evaluate(COMPUTE, [SCRIPT.read_text(encoding="utf-8"), cases])
    page.close()
    for (settings, shape), (drawn, held) in zip(cases, found, strict=True):
        core = boxes(shape=shape, **settings)
        assert [tuple(map(tuple, box)) for box in drawn] == list(core), settings
        shared = Decomposition.from_boxes(shape, core).multiplicity
        for top, left, bottom, right, number in held:
            assert (shared[top:bottom, left:right] == number).all(), settings


def test_overlap_and_grid_are_dragged_on_the_image(open_browser):
    """Two cells of 16 px a side, overlap 0: the handle is pulled by 4 px, then the grid by a key; Back undoes it."""
    page = open_browser("/decompose?dataset=shapes_local")
    view, status = page.locator(".cut .view"), page.locator(".cut .status")
    status.filter(has_text="δ = 0 px: 4 subimages of 16×16 px").wait_for()
    settled(page)
    view.scroll_into_view_if_needed()
    box, handle = view.bounding_box(), page.locator(".cut .overlap.columns").bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 4.2 * box["width"] / 32, y, steps=3)
    status.filter(has_text="δ = 4 px: 4 subimages of 20×20 px").wait_for()
    assert asked(page)["overlap"] == "0", "the server is asked when the hand lets go"
    page.mouse.up()
    has(page, overlap="4", rows="2", columns="2")
    settled(page)
    assert page.get_by_test_id("stSlider").filter(has_text="Overlap").get_by_text("4", exact=True).count()

    box = view.bounding_box()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.3 * box["height"])
    status.filter(has_text="Network 2 sees rows 0..19 × columns 12..31: 20×20 px").wait_for()
    page.mouse.down()
    page.mouse.up()
    has(page, subdomain="2")
    settled(page)
    page.mouse.move(0, 0)
    status.filter(has_text="Network 2 sees").wait_for()
    assert view.locator("rect[stroke='#00d5ff']").count() == 1, "what is chosen stays, with the mark of the chosen one"
    page.go_back()
    has(page, overlap="4", subdomain="all")
    settled(page)

    page.mouse.move(0, 0)
    status.filter(has_text="4 subimages").wait_for()
    page.get_by_role("slider", name="Number of rows").press("ArrowRight")
    has(page, overlap="4", rows="4", columns="2")
    settled(page)
    page.go_back()
    has(page, overlap="4", rows="2")
    settled(page)
    page.go_back()
    has(page, overlap="0", rows="2")
    status.filter(has_text="δ = 0 px").wait_for()
