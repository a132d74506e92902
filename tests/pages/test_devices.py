"""The strip of devices that stands beside every page."""

from ddlab.engine.occupancy import Held, Waiting
from pages.ui.runs import devices
from tests.made_run import made_run


def test_the_strip_names_who_holds_and_who_waits(open_page, monkeypatch):
    run = made_run("queued")
    run.rename("<b>mine</b>")
    held = [Held("GPU 0: H200", run.id, 0.5, 0.25, 80_000_000_000), Held("cores 0–3", None, 0.4)]
    waits = [Waiting("gone", f"waits for {number} of 4 processor cores") for number in range(5)]
    monkeypatch.setattr(devices, "holders", lambda: held)
    monkeypatch.setattr(devices, "waiting", lambda: waits)
    devices.look.clear(), devices.queue.clear()
    test = open_page("start")
    devices.look.clear(), devices.queue.clear()
    (drawn,) = [each.proto.body for each in test.sidebar.get("html") if "ddlab-device" in each.proto.body]
    assert "GPU 0: H200" in drawn and "20 of 80 GB" in drawn and "width:50%" in drawn
    assert "&lt;b&gt;mine&lt;/b&gt;" in drawn and "<b>mine" not in drawn
    assert "free (others 40\u00a0%)" in drawn
    assert drawn.count("of 4 processor cores") == 3 and "And 2 more wait." in drawn
