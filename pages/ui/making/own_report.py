"""The report on files of one's own, before anything is trained on them."""

import pandas as pd
import streamlit as st

from ddlab.data.own import Report
from ddlab.data.own.report import PROBLEMS
from ddlab.data.own.words import headline, sizes_in_words
from pages.ui.literal import literal

LISTED = 12  # findings below each other; more are in a table
ROWS = 6  # of a table before it scrolls
ROW = 36  # pixels


def show(report: Report, key: str) -> None:
    """Say how much can be used, count the classes, and name every file that is not as it should be."""
    said = literal(f"{headline(report)} {sizes_in_words(report)}")
    if report.obstacle:
        st.error(f"{said} Nothing can be trained with that: {literal(report.obstacle)}.", icon=":material/front_hand:")
    elif report.findings:
        st.warning(said, icon=":material/fact_check:")
    else:
        st.success(said, icon=":material/check:")
    if report.classes:
        table = pd.DataFrame(
            {
                "Class": [count.name for count in report.classes],
                "Can be used": [count.usable for count in report.classes],
                "Files": [count.found for count in report.classes],
            }
        )
        st.dataframe(table, hide_index=True, height=_height(len(table)), key=f"{key} classes")
    if not report.findings:
        return
    st.markdown(f"**Look at these files**: {_counts(report)}.")
    told = [(finding.name, f"{PROBLEMS[finding.problem]}: {finding.why}") for finding in report.findings]
    if len(told) <= LISTED:
        st.markdown("\n".join(f"- **{literal(name)}** {literal(what)}" for name, what in told))
    else:
        st.dataframe(
            pd.DataFrame(told, columns=["File", "It"]),
            hide_index=True,
            height=_height(len(told)),
            key=f"{key} findings",
        )
    st.caption("What cannot be read or is not used is left out of the copy that is kept. Please look at the rest.")


def _counts(report: Report) -> str:
    """Say how many files have which problem: ``"3 cannot be read, 1 is in two classes"``."""
    several = {"is": "are"}
    parts = []
    for problem, told in PROBLEMS.items():
        if number := report.counts.get(problem, 0):
            first, _, rest = told.partition(" ")
            parts.append(f"{number:,} {first if number == 1 else several.get(first, first)} {rest}")
    return ", ".join(parts)


def _height(rows: int) -> int:
    return ROW * (min(rows, ROWS) + 1) + 2
