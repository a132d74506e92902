"""The device strip: which run holds which core or GPU, and how busy each is."""

from html import escape

import streamlit as st

from ddlab.engine.devices import DeviceUse, usage
from ddlab.figures.colors import class_color
from ddlab.runs import open_run
from ddlab.written import percent

SECONDS = 3.0  # between two looks
CALM = tuple(class_color(index) for index in (2, 3, 4, 7, 8))  # colours of runs: red would say that one has failed
BUSY = 0.1  # load from which on other programs are worth a word
STYLE = """<style>
.ddlab-device { display: flex; align-items: center; gap: .5em; font-size: .8rem; line-height: 1.7; }
.ddlab-device b { flex: 0 0 4.2em; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.ddlab-load { flex: 0 0 3.4em; height: .55em; border-radius: .3em; background: rgb(128 128 128 / .25);
  overflow: hidden; }
.ddlab-load i { display: block; height: 100%; }
.ddlab-device span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; opacity: .85; }
</style>"""


@st.fragment(run_every=SECONDS)
def strip() -> None:
    """Draw every slot of this machine with its load and its run; renewed every few seconds."""
    st.caption(
        "Devices of this machine",
        help="The bar is the load of a device that a run holds, by all programs; the name is that run's.",
    )
    st.html(STYLE + "".join(map(_row, usage())))


def _row(use: DeviceUse) -> str:
    color = CALM[sum(map(ord, use.run)) % len(CALM)] if use.run else ""
    load = "" if use.load is None or not color else f'<i style="width:{100 * use.load:.0f}%;background:{color}"></i>'
    return (
        f'<div class="ddlab-device" title="{escape(use.device.title)}"><b>{escape(use.device.title)}</b>'
        f'<div class="ddlab-load">{load}</div><span>{escape(_holder(use))}</span></div>'
    )


def _holder(use: DeviceUse) -> str:
    """The run that holds a device; of a free one, how busy other programs keep it, if they do."""
    if use.run is None:
        others = use.load or 0.0
        return f"free (others {percent(others, 0)})" if others >= BUSY else "free"
    try:
        return open_run(use.run).name
    except ValueError:
        return use.run
