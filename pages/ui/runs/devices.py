"""The device strip: which run holds which cores and GPUs, how busy these are, and who waits for them and why."""

from html import escape

import streamlit as st

from ddlab.access import has_rules
from ddlab.engine.occupancy import Held, Waiting, holders, waiting
from ddlab.figures.colors import class_color
from ddlab.home import home
from ddlab.runs import open_run
from ddlab.written import percent
from pages.ui import held

SECONDS = 3.0  # between two looks
FRESH = 2.0  # seconds that a look serves all visitors: asking GPUs takes longer than drawing what they say
CALM = tuple(class_color(index) for index in (2, 3, 4, 7, 8))  # colours of runs: red would say that one has failed
BUSY = 0.1  # load from which on other programs are worth a word
FEW = 3  # runs that wait and are named
STYLE = """<style>
.ddlab-device { display: flex; align-items: center; gap: .5em; font-size: .8rem; line-height: 1.7; }
.ddlab-device b { flex: 0 0 4.6em; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.ddlab-load { flex: 0 0 3.4em; height: .55em; border-radius: .3em; background: rgb(128 128 128 / .25);
  overflow: hidden; }
.ddlab-load i { display: block; height: 100%; }
.ddlab-device span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; opacity: .85; }
.ddlab-waits { font-size: .8rem; line-height: 1.4; opacity: .85; margin: .35em 0 0; }
</style>"""


@held.fragment(run_every=SECONDS)
def strip() -> None:
    """Draw the devices of this machine with their load and their run, and who waits; renewed every few seconds."""
    st.caption(
        "Devices of this machine",
        help="The bar is the load of a device that a run holds, by all programs; the name is that run's. "
        "Below: runs that wait, and what for.",
    )
    place = str(home())
    held = look(place)
    # In a room the reasons name what this visitor may see, which is not to be remembered for others.
    waits = waiting() if has_rules() else queue(place)
    told = [_row(one) for one in held] + [_waits(one) for one in waits[:FEW]]
    if len(waits) > FEW:
        told.append(f'<p class="ddlab-waits">And {len(waits) - FEW} more wait.</p>')
    st.html(STYLE + "".join(told))


@st.cache_data(ttl=FRESH, max_entries=4, show_spinner=False)
def look(home: str) -> list[Held]:
    """Look at the devices of a home, at most every ``FRESH`` seconds, whoever asks."""
    return holders()


@st.cache_data(ttl=FRESH, max_entries=4, show_spinner=False)
def queue(home: str) -> list[Waiting]:
    """Look at the queue of a home, at most every ``FRESH`` seconds, whoever asks."""
    return waiting()


def _row(held: Held) -> str:
    color = CALM[sum(map(ord, held.run)) % len(CALM)] if held.run else ""
    load = "" if held.load is None or not color else f'<i style="width:{100 * held.load:.0f}%;background:{color}"></i>'
    told = " · ".join(filter(None, (_holder(held), _memory(held))))
    return (
        f'<div class="ddlab-device" title="{escape(f"{held.title}: {told}")}"><b>{escape(held.title)}</b>'
        f'<div class="ddlab-load">{load}</div><span>{escape(told)}</span></div>'
    )


def _holder(held: Held) -> str:
    """The run that holds a device; of a free one, how busy other programs keep it, if they do."""
    if held.run is None:
        others = held.load or 0.0
        return f"free (others {percent(others, 0)})" if others >= BUSY else "free"
    return _name(held.run)


def _memory(held: Held) -> str:
    if held.memory is None:
        return ""
    return f"{held.memory * held.bytes / 1e9:.0f} of {held.bytes / 1e9:.0f} GB" if held.bytes else percent(held.memory)


def _waits(waits: Waiting) -> str:
    return f'<p class="ddlab-waits"><b>{escape(_name(waits.run))}</b> {escape(waits.reason)}</p>'


def _name(run: str) -> str:
    try:
        return open_run(run).name
    except ValueError:
        return "somebody's run" if has_rules() else run
