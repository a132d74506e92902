"""Note and tags of a run, to read and to change."""

import streamlit as st

from ddlab import access
from ddlab.runs import RunFolder, annotate
from ddlab.runs.notes import MOST_NOTE, MOST_TAGS
from pages.ui.literal import literal, literal_lines
from pages.ui.runs import live


def edit(run: RunFolder) -> None:
    """Show what people wrote about a run, and let it be changed where the run is one's own."""
    note, tags = run.note, run.tags
    with st.container(horizontal=True, vertical_alignment="center"):
        for tag in tags:
            st.badge(literal(tag), icon=":material/sell:", color="gray")
        if not run.read_only and access.allows(run.path, "note"):
            _form(run, note, tags)
    if note:
        st.markdown(literal_lines(note))


def _form(run: RunFolder, note: str, tags: tuple[str, ...]) -> None:
    label = "Change note and tags" if note or tags else "Add a note or tags"
    with st.popover(label, icon=":material/edit_note:"), st.form(f"notes of {run.id}", border=False):
        written = st.text_area("Note", note, max_chars=MOST_NOTE, key=f"note of {run.id}")
        given = st.text_input(
            "Tags",
            " ".join(tags),
            key=f"tags of {run.id}",
            help=f"Words with spaces between them, at most {MOST_TAGS}. The search above finds them, as #tag too.",
        )
        if st.form_submit_button("Save", icon=":material/save:"):
            live.attempt(_save, run, written, given)


def _save(run: RunFolder, note: str, tags: str) -> None:
    annotate(run, note=note, tags=tags.replace(",", " ").split())
