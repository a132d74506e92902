"""The answer of the Scale page: time, bytes and memory against the ranks, and what bounds a number of them."""

import pandas as pd
import streamlit as st

from ddlab.analyses.scale.memory import MEMORY
from ddlab.analyses.scale.simulated import CAUSES, spread_table
from ddlab.analyses.scale.step import PARTS
from ddlab.analyses.scale.table import rank_numbers, scale_table, stops
from ddlab.analyses.scale.words import answer, assumed_in_words
from ddlab.figures.scale import growth as figures
from ddlab.written import percent, si
from pages.ui import charts, selection
from pages.ui.columns import Columns
from pages.ui.literal import literal
from pages.ui.scale.choices import Asked

KEPT = 50  # tables in memory, of all sessions together
TIMES = {"seconds": "Whole training", "step_seconds": "A step"}
SPREADS = (0.02, 0.05, 0.1, 0.2, 0.5)
BOUND_WORDS = (
    "**Compute**: one rank's time over the ranks. **Repeated**: what a rank does beyond that on average, such as "
    "updates of all weights, operations too small to be faster, shared memory. **Imbalance**: what the busiest rank "
    "does beyond the average. **Latency** and **bandwidth**: exchanges. **One rank alone**: all others wait for it."
)


@st.cache_data(max_entries=KEPT, show_spinner="Counting ...")
def _table(key: str, _asked: Asked) -> pd.DataFrame:
    numbers = rank_numbers()
    return scale_table(_asked.problem, _asked.cluster, numbers, strategies=_asked.strategies, weak=_asked.weak)


def table_of(asked: Asked) -> pd.DataFrame:
    """The table of all strategies on 1 to 1,024 ranks; the same question is counted once."""
    return _table(repr((asked.problem.experiment, asked.problem.description, asked)), asked)


def show_answer(asked: Asked, table: pd.DataFrame) -> None:
    """Say how far every strategy gains and why it stops, and what cannot be told."""
    st.subheader(f"Up to {asked.ranks:,} ranks" if asked.ranks > 1 else "One rank", anchor=False)
    known = table[table["reason"] == ""]
    column = "step_seconds" if asked.weak else "seconds"
    if not known.empty and not asked.weak:
        told = answer(asked.problem, known, asked.cluster, asked.ranks)
        st.markdown("\n".join(f"- {sentence}" for sentence in told))
    elif not known.empty:
        rows = known[known["ranks"] == asked.ranks].sort_values("efficiency", ascending=False)
        told = [f"- **{row['title']}** keeps {percent(row['efficiency'], 0)}." for row in rows.to_dict("records")]
        st.markdown(f"Of {asked.ranks} times the images a second of one rank ({column.split('_')[0]} by step):\n\n")
        st.markdown("\n".join(told))
    for row in table[table["reason"] != ""].drop_duplicates("strategy").to_dict("records"):
        st.caption(literal(f"{row['title']}: {row['reason']}."))
    st.caption(literal(assumed_in_words(asked.cluster, asked.weak)))


def show_time(asked: Asked, table: pd.DataFrame) -> None:
    """Draw time against ranks."""
    if asked.weak:
        title = "Weak scaling: images a second of R ranks over R times those of one"
        charts.show(figures.weak_lines(table, title), table, "scale weak", "scale-weak")
        st.caption("A step of R ranks has R times as many images; dotted: nothing is lost.")
        return
    column = selection.pick_one_of(TIMES, "Time of", "time_of")
    title = f"{TIMES[column]}: time against the number of ranks; ◆ nothing is gained beyond"
    marks = stops(table, column)
    charts.show(figures.time_lines(table, marks, column, title), table, f"scale {column}", "scale-time")
    st.caption(
        "Drawn through or dashed: with PyTorch's operations as fast as they are at best on that machine. Dotted, in "
        "the same colour: the roofline. A training of several stages is their sum; a step "
        "is that of its longest stage. ◆: from there on more ranks gain less than a tenth."
    )


def show_bytes(asked: Asked, table: pd.DataFrame) -> None:
    """Draw bytes against ranks."""
    title = "Bytes that the busiest rank sends in the whole training"
    charts.show(figures.bytes_lines(table, title), table, "scale bytes", "scale-bytes")
    st.caption(
        "A sum over R ranks takes 2 (R − 1)/R of a vector from each of them, so it hardly grows; a gather takes R − 1 "
        "parts from each, which together are all local outputs. Who sends nothing has no curve."
    )


def show_memory(asked: Asked, table: pd.DataFrame) -> None:
    """Draw memory against ranks."""
    title = "Memory of the fullest rank in the stage where it is fullest"
    charts.show(figures.memory_lines(table, title), table, "scale memory", "scale-memory")
    st.caption(
        f"{', '.join(MEMORY.values()).capitalize()}. Images are mapped from one file, which ranks of a machine share. "
        "Left out: the libraries, about 250 MB a process, and what an operation needs for itself."
    )


def show_bounds(asked: Asked, table: pd.DataFrame) -> None:
    """Draw what takes the time on the chosen number of ranks, and list it."""
    rows = table[(table["ranks"] == asked.ranks) & (table["reason"] == "")]
    title = f"Where the time of the whole training goes on {asked.ranks:,} ranks"
    charts.show(figures.part_bars(rows, PARTS, title), rows, "scale bounds", "scale-bounds")
    st.caption(BOUND_WORDS)
    shown = rows[["title", "seconds", "speed_up", "busy", "bound"]].copy()
    shown["bound"] = shown["bound"].map(PARTS)
    for column in ("sent", "sent_by_all", "memory"):
        shown[column] = [si(value, "B") if value else "nothing" for value in rows[column]]
    st.dataframe(shown, hide_index=True, column_config=_columns(), key="scale rows", height="content")


@st.cache_data(max_entries=KEPT, show_spinner="Simulating ...")
def _spread(key: str, size: float, _asked: Asked) -> pd.DataFrame:
    asked = _asked
    return spread_table(asked.problem, asked.cluster, asked.ranks, size, strategies=asked.strategies, weak=asked.weak)


def show_spread(asked: Asked) -> None:
    """Draw what ranks of different speed cost."""
    size = selection.pick("Spread σ of a rank's time", SPREADS, "spread", 0.1, st.select_slider, format_func=percent)
    table = _spread(repr((asked.problem.experiment, asked.problem.description, asked)), size, asked)
    title = f"Time that a spread of {percent(size, 0)} adds on {asked.ranks:,} ranks, simulated"
    charts.show(figures.spread_bars(table, CAUSES, title), table, "scale spread", "scale-spread")
    st.caption(
        "Every rank computes, comes to the exchange and waits for the last one. Where ranks meet in every step they "
        "wait for the slowest of each; local networks meet at the end alone, and what is drawn anew in every step "
        "averages out until then. Ranks that stay slow hold up all. Without a spread the simulation gives the "
        "formula's time."
    )


def _columns() -> Columns:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "title": text("Strategy", pinned=True),
        "seconds": number("Whole training (s)", format="%.3g"),
        "speed_up": number("Speed-up", format="%.2f×", help="Over one rank."),
        "busy": number("Busy ranks", help="In the stage that takes longest."),
        "bound": text("Most of the time", help=BOUND_WORDS.replace("**", "")),
        "sent": text("Sent by the busiest"),
        "sent_by_all": text("Sent by all"),
        "memory": text("Memory", help="Of the fullest rank."),
    }
