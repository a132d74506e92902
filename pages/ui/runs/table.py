"""The table of all runs; a click on a row makes it the current run."""

import math
from typing import Any

import pandas as pd
import streamlit as st

from ddlab.analyses.comparison.identity import made, what_distinguishes
from ddlab.engine.control import queue_position
from ddlab.runs import RunFolder, list_runs, matches
from ddlab.words import best, beware, duration
from pages.ui import held, selection, shown
from pages.ui.runs.live import LOOKS

SECONDS = 2.0  # between two looks
AT_ONCE = 50  # runs on a page of the table
WORDS, SEARCH = "search", "search of runs"  # what is looked for: in the URL, and its field


@held.fragment(run_every=SECONDS)
def runs() -> None:
    """Draw the table, the newest runs first, so many at a time; it renews itself."""
    everything = _found(list_runs())
    if not everything:
        st.info("No run is so. Take some words away.", icon=":material/search_off:")
        return
    num_pages, page = math.ceil(len(everything) / AT_ONCE), 1
    if num_pages > 1:
        page = min(num_pages, st.pagination(num_pages, key="page of runs"))
        st.caption(f"{len(everything):,} runs, the newest first.")
    listed = everything[AT_ONCE * (page - 1) :][:AT_ONCE]
    apart = what_distinguishes(listed)
    table = pd.DataFrame([_row(run, apart[run.id]) for run in listed])
    table = table.drop(columns=[name for name in ("Tags", "Note") if not table[name].map(bool).any()])
    columns = {
        "Progress": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0, width="small"),
        "Run": st.column_config.TextColumn(width="medium"),
        "It says": st.column_config.TextColumn(
            width="large",
            help="What distinguishes it from other runs of its name; how it stands; when finished, who was best.",
        ),
        "Tags": st.column_config.ListColumn(),
        "Note": st.column_config.TextColumn(width="medium"),
    }
    event = st.dataframe(
        table,
        hide_index=True,
        column_config=columns,
        on_select="rerun",
        selection_mode="single-row",
        key=f"runs {listed[0].id if listed else ''} {len(listed)}",  # another list of runs begins with no row selected
        height=min(38 + 35 * len(listed), 320),
    )
    rows = event.selection.rows
    if rows and st.session_state.get("clicked run") != listed[rows[0]].id:
        st.session_state["clicked run"] = listed[rows[0]].id
        selection.choose(selection.RUN, listed[rows[0]].id)
        st.rerun()


def _found(everything: list[RunFolder]) -> list[RunFolder]:
    """The runs that are looked for; the URL holds the words. Without any, no run is read for it."""
    if SEARCH not in st.session_state:
        st.session_state[SEARCH] = st.query_params.get(WORDS, "")
    words = st.text_input(
        "Search",
        key=SEARCH,
        max_chars=200,
        placeholder="Words in name, note, tags, data, network or strategies; #tag",
        icon=":material/search:",
    )
    if words or WORDS in st.query_params:
        shown.show(WORDS, words, is_chosen=True)
    return [run for run in everything if matches(run.summary(), words)] if words.strip() else everything


def _row(run: RunFolder, apart: str) -> dict[str, Any]:
    facts = run.summary()
    live = facts["state"] in ("queued", "running")
    progress = run.progress() if live else None
    remaining = progress.get("remaining") if progress else None
    done = progress.get("done") if progress else None
    time = made(run.id)
    return {
        "State": LOOKS[facts["state"]][1],
        "Run": facts["name"],
        "Made": time,
        "Progress": 1.0 if facts["state"] == "finished" else float(done or 0.0) if live else None,
        "Time": _time(facts["seconds"], remaining, live),
        "It says": " · ".join(filter(None, (_settings(apart, run.id), _says(run, facts)))),
        "Tags": facts["tags"],
        "Note": " ".join(facts["note"].split()),
        "Data": f"{facts['dataset']} {facts['grid']}",
        "Network": facts["model"],
        "Seeds": facts["num_seeds"],
        "Devices": ", ".join(facts["devices"]),
    }


def _settings(apart: str, id: str) -> str:
    """The settings that distinguish a run: time and id have columns of their own, or say nothing here."""
    return " · ".join(part for part in apart.split(" · ") if part not in (id, made(id), made(id, seconds=True)))


def _time(took: float | None, remaining: float | None, live: bool) -> str:
    if live:
        return "" if remaining is None else f"{duration(remaining)} left"
    return "" if took is None else duration(took)


def _says(run: RunFolder, facts: dict[str, Any]) -> str:
    if facts["state"] == "finished":
        return best(facts["accuracies"]) + beware(facts["stuck"])
    return (facts["state"] == "queued" and queue_position(run)[1]) or facts["message"]
