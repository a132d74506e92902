"""A newcomer's path: every page has a picture before anything is trained; then own images, a run, maps and a file."""

import io
import zipfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image

from ddlab.data import own
from ddlab.runs import list_runs
from tests.browser.test_browser import VOLUMES, settled

pytestmark = pytest.mark.browser

LONG = 180_000  # ms; a training or a map where the cores are busy
HAS_PICTURE = """() => {
  const large = (element) => element.clientWidth > 150 && element.clientHeight > 100;
  const plots = [...document.querySelectorAll(".js-plotly-plot")].filter(
    (plot) => plot.closest("[class*=st-key-chart-]")?.querySelector(".ddlab-title")?.textContent.trim());
  const others = [...document.querySelectorAll(".ddlab-replay[aria-label], .volume figure canvas[aria-label]")];
  return [...plots, ...others].some(large);
}"""
CLIPPED = """() => {
  const found = [];
  const told = (element) => element.textContent.trim().slice(0, 60);
  const page = document.documentElement, main = document.querySelector("[data-testid=stMain]");
  for (const part of [page, main])
    if (part.scrollWidth > part.clientWidth) found.push(`${part.tagName} is ${part.scrollWidth} px wide`);
  for (const plot of document.querySelectorAll(".js-plotly-plot")) {
    const frame = plot.getBoundingClientRect();
    if (!frame.width) continue;
    const button = plot.closest("[class*=st-key-chart-]")?.querySelector("[data-testid=stPopoverButton]");
    const menu = button?.getBoundingClientRect();
    const title = plot.closest("[class*=st-key-chart-]")?.querySelector(".ddlab-title");
    if (title && menu && title.scrollWidth > title.clientWidth) found.push(`wider than its chart: ${told(title)}`);
    for (const text of plot.querySelectorAll(".xtitle, .ytitle")) {
      const box = text.getBoundingClientRect();
      const inside = box.left >= frame.left - 1 && box.right <= frame.right + 1 && box.top >= frame.top - 1;
      if (!inside || box.bottom > frame.bottom + 1) found.push(`beyond its chart: ${told(text)}`);
      if (menu && box.right > menu.left + 6 && box.top < menu.bottom && box.left < menu.right)
        found.push(`below the menu: ${told(text)}`);
    }
  }
  for (const text of main.querySelectorAll("h1, h2, h3, button p, [data-testid=stMetricLabel] p, [role=radiogroup]"))
    if (text.clientWidth > 1 && text.scrollWidth > text.clientWidth + 1) found.push(`cut off: ${told(text)}`);
  return found;
}"""


def pets(num_images=12):
    """A zip of two classes of small images, light and dark, and three files that cannot be read."""
    rng = np.random.default_rng(0)
    files = {}
    for label, darkest in (("cats", 0), ("dogs", 128)):
        for n in range(num_images):
            image = io.BytesIO()
            Image.fromarray(rng.integers(darkest, darkest + 128, (24, 24, 3), np.uint8)).save(image, "PNG")
            files[f"{label}/{n}.png"] = image.getvalue()
    cut = files["cats/0.png"][:-400]
    files |= {"cats/empty.png": b"", "cats/cut.png": cut, "dogs/text.png": b"this is a text, no image"}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.fixture(autouse=True)
def no_data(monkeypatch):
    """A newcomer has no data sets on the disk."""
    monkeypatch.delenv("DDLAB_DATA", raising=False)


def nothing_wrong(page):
    for fault in ("stException", "stAlertContentError"):
        assert not page.locator(f"[data-testid={fault}]").all_inner_texts(), page.url


def sees_a_picture(page):
    """Wait until the page shows a picture with a title; the list of lessons shows the lessons."""
    settled(page)
    nothing_wrong(page)
    if urlsplit(page.url).path == "/lessons":
        page.get_by_text("Why a vote fails").first.wait_for()
    else:
        page.wait_for_function(HAS_PICTURE, timeout=LONG)
    settled(page)
    nothing_wrong(page)


def follow(page, name):
    """Open a page by its link in the sidebar, and wait until it is there."""
    before = page.locator("h1").inner_text()
    page.locator("[data-testid=stSidebarNavLink]").filter(has_text=name).click()
    page.wait_for_function("(before) => document.querySelector('h1')?.innerText !== before", arg=before)
    page.locator("h1").wait_for()


def has_every_page(page):
    """Names of all pages, as the navigation shows them."""
    links = page.locator("[data-testid=stSidebarNavLink]")
    links.first.wait_for()
    return [name.strip().splitlines()[-1] for name in links.all_inner_texts()]


def test_from_the_first_start_to_a_file_of_ones_own_network(open_browser):
    page = open_browser(width=1440, height=1000)
    sees_a_picture(page)
    for name in has_every_page(page)[1:]:
        follow(page, name)
        sees_a_picture(page)
        assert page.evaluate(CLIPPED) == []
    assert not list_runs(), "without training anything"
    sends_pets(page)
    run = trains(page)
    page.get_by_role("link", name="Compare the strategies").click()
    page.get_by_role("heading", name="Which strategy is best").wait_for()
    sees_a_picture(page)
    assert parse_qs(urlsplit(page.url).query)["run"] == [run.id]
    follow(page, "Class activation maps")
    sees_a_picture(page)
    assert parse_qs(urlsplit(page.url).query)["run"] == [run.id], "of one's own run, and no longer the example's"
    follow(page, "Runs")
    takes_a_network(page)
    nothing_wrong(page)


def sends_pets(page):
    """Upload the zip on Train, read the report, and skip what is broken."""
    follow(page, "Train")
    page.get_by_role("button", name="Use your own images or volumes").click()
    sent = {"name": "my pets.zip", "mimeType": "application/zip", "buffer": pets()}
    page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(sent)
    page.get_by_role("button", name="Skip 3 files and keep 24").wait_for()
    for name in ("cats/empty.png", "cats/cut.png", "dogs/text.png"):
        assert "cannot be read" in page.get_by_role("listitem").filter(has_text=name).inner_text()
    nothing_wrong(page)
    page.get_by_role("button", name="Skip 3 files and keep 24").click()
    page.get_by_text("24 image files of 2 classes").wait_for()
    assert [(entry.name, entry.report.num_usable) for entry in own.kept()] == [("my-pets", 24)]


def trains(page):
    """Train the smallest that the form allows, with its own fields; gives the run."""
    for label, value in (("Seeds", "0"), ("Epochs", "1"), ("Width", "0.25")):
        field = page.get_by_label(label, exact=True).first
        field.fill(value)
        field.press("Enter")
        settled(page)
    page.get_by_text("1 seed included").wait_for()
    sees_a_picture(page)
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("heading", name="What is training").wait_for()
    page.get_by_role("heading", name="What came of it").wait_for(timeout=LONG)
    sees_a_picture(page)
    (run,) = list_runs()
    assert run.state().state == "finished" and run.experiment.dataset.path == "own/my-pets/images.zip"
    return run


def takes_a_network(page):
    """Make a file of a network on Runs, and save it."""
    settled(page)
    page.get_by_text("Export a network").click()
    settled(page)  # it opens slowly where the cores are busy, and what is in it moves
    page.get_by_role("button", name="Make the file").click()
    ready = page.locator("[data-testid=stDownloadButton] button").filter(has_text="safetensors")
    ready.wait_for(timeout=LONG)
    with page.expect_download() as downloaded:
        ready.click()
    assert Path(downloaded.value.path()).stat().st_size > 1000


def test_nothing_is_cut_off_on_narrow_screens(server, open_browser):
    """One server for both widths: the second finds computed what the first has asked for."""
    faults = {}
    for width in (1024, 390):
        page = open_browser(width=width, height=1000)
        has_every_page(page)
        links = page.locator("[data-testid=stSidebarNavLink]").all()
        addresses = [urlsplit(link.get_attribute("href")).path for link in links]
        assert len(addresses) > 10
        for address in (*addresses, VOLUMES):
            page.goto(server.url + address)
            page.locator("h1").first.wait_for()
            sees_a_picture(page)
            faults[width, address] = page.evaluate(CLIPPED)
    assert not {where: found for where, found in faults.items() if found}
