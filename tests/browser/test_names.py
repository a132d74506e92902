"""Odd names of runs, sweeps and classes in a real browser: they are shown letter by letter, and nothing is fetched."""

import numpy as np
import pytest

from tests.browser.test_browser import PAGES, chart, settled
from tests.made_run import made_experiment, made_run
from tests.made_trust_region import made_trust_region_run, step

pytestmark = pytest.mark.browser

FETCHED = "http://example.com/x.png"
RUN = f"![r]({FETCHED}) <img src={FETCHED}>"
SWEEP = f"![s]({FETCHED}) $s$"
TAGGED = f'<span style="background:url({FETCHED})">S</span><a href="{FETCHED}">A</a>'
CLASSES = (f"![c]({FETCHED}) :material/home: $c$", TAGGED, f"[d](javascript:alert(1)) <img src={FETCHED}>")
LINK = "&".join(f"{name}=![x]({FETCHED})" for name in ("image", "seed", "cost", "with", "from"))


@pytest.fixture
def odd_run(own_home, tmp_path, monkeypatch):
    """A finished run of a sweep on images of odd classes, all of them with odd names."""
    rng = np.random.default_rng(0)
    monkeypatch.setenv("DDLAB_DATA", str(tmp_path))
    images, labels = rng.integers(0, 255, (60, 32, 32, 3), dtype=np.uint8), np.arange(60) % len(CLASSES)
    np.savez(tmp_path / "odd.npz", images=images, labels=labels, classes=np.array(CLASSES))
    asked = {"name": "folder", "path": "odd.npz", "size": 32, "train_images": None, "validation_images": None}
    made_run(experiment=made_experiment(asked, name=RUN[::-1]))
    return made_run(experiment=made_experiment(asked, name=RUN, sweep=SWEEP))


def test_odd_names_are_shown_as_they_are_and_nothing_is_fetched(odd_run, server, open_browser):
    page = open_browser(f"/runs?run={odd_run.id}", height=4000)
    assert page.locator("h2", has_text="![r](").first.inner_text().replace("\u2060", "") == RUN
    own = f"run={odd_run.id}&dataset=folder&path=odd.npz&size=32&rows=2&columns=2"
    for path in (*PAGES, "/sweep", "/trust_region?view=history", "/trust_region?view=against"):
        page.goto(f"{server.url}{path}{'&' if '?' in path else '?'}{own}&{LINK}")
        page.locator("h1").first.wait_for()
        settled(page)
        for outside in ("a", "image", "img"):
            for attribute in ("href", "src"):
                assert not page.locator(f'[data-testid=stApp] {outside}[{attribute}*="example.com"]').count(), path
        assert not page.locator('[data-testid=stApp] a[href^="javascript"]').count(), path


def test_odd_names_in_a_chart_under_the_pointer(odd_run, server, open_browser):
    page = open_browser(f"/probabilities?run={odd_run.id}", height=2500)
    chart(page).wait_for()
    settled(page)
    for plot in page.locator(".js-plotly-plot:visible .nsewdrag:visible").all():
        plot.hover()
        page.wait_for_timeout(200)
    assert not page.locator(".js-plotly-plot a").count()
    assert "<span style=" in " ".join(page.locator(".js-plotly-plot text").all_text_contents())


def test_a_history_of_many_steps_is_drawn_within_the_policy(own_home, server, open_browser):
    """Plotly's WebGL makes functions of text, which the policy must allow."""
    run = made_trust_region_run(steps=[step()] * 1100, seeds=(0,))
    page = open_browser(f"/trust_region?view=history&run={run.id}")
    page.locator(".js-plotly-plot .gl-canvas").first.wait_for(state="attached")
    settled(page)
