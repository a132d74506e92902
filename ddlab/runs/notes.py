"""Notes and tags that people give a run, kept in its folder and never in its experiment; and runs found by them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ddlab import files
from ddlab.registry import shortened
from ddlab.runs.folder import RunFolder
from ddlab.runs.locks import locked

MOST_NOTE = 2000  # characters
MOST_TAGS, MOST_TAG = 12, 30  # tags of a run, and characters of one
_TAG = re.compile(r"[\w][\w.+:/-]*")


def annotate(run: RunFolder, *, note: str | None = None, tags: Iterable[str] | None = None) -> None:
    """Replace the note or the tags of a run, also while it works; nothing else of it changes.

    Parameters
    ----------
    note
        Any text, empty for none; None leaves it as it is.
    tags
        Words without spaces, in small letters and once each from then on; None leaves them as they are.

    Raises
    ------
    ValueError
        If the note is too long, a tag is not one word, there are too many, the run is gone or the shipped example.
    """
    run.check_writable("note")
    changes: dict[str, Any] = {}
    if note is not None:
        changes["note"] = checked_note(note)
    if tags is not None:
        changes["tags"] = checked_tags(tags)
    with locked(run.path, "status"):
        files.write_json(run.path / "notes.json", {"note": run.note, "tags": list(run.tags), **changes})


def checked_note(note: str) -> str:
    """Return a note without space around it; raises a ValueError if it has more than ``MOST_NOTE`` characters."""
    note = note.strip()
    if len(note) > MOST_NOTE:
        raise ValueError(f"note: has room for {MOST_NOTE:,} characters, got {len(note):,}")
    return note


def checked_tags(tags: Iterable[str]) -> list[str]:
    """Return tags in small letters, once each, in their order.

    Raises
    ------
    ValueError
        If one is empty, longer than ``MOST_TAG`` characters or not a word, or there are more than ``MOST_TAGS``.
    """
    kept = list(dict.fromkeys(tag.strip().lower() for tag in tags))
    for tag in kept:
        if len(tag) > MOST_TAG or not _TAG.fullmatch(tag):
            raise ValueError(
                f"tag: needs a word of 1 to {MOST_TAG} letters, digits and . + : / - _ between them, "
                f"got {shortened(tag)}"
            )
    if len(kept) > MOST_TAGS:
        raise ValueError(f"tags: a run has room for {MOST_TAGS}, got {len(kept)}")
    return kept


def matches(summary: Mapping[str, Any], search: str = "", tags: Iterable[str] = ()) -> bool:
    """Whether a run is one that is looked for.

    Parameters
    ----------
    summary
        As :meth:`ddlab.runs.RunFolder.summary` gives it.
    search
        Words that must all stand in its name, id, state, note, tags, data set, model, grid or strategies, whether in
        small or large letters; a word after ``#`` must be a tag. Empty: every run.
    tags
        All of them must be its own.
    """
    told = [summary[field] for field in ("name", "id", "state", "note", "dataset", "model", "grid")]
    text = " ".join(map(str, [*told, *summary["tags"], *summary["strategies"]])).lower()
    words = search.lower().split()
    wanted = {tag.strip().lower() for tag in tags} | {word[1:] for word in words if word[0] == "#" and word[1:]}
    return wanted <= set(summary["tags"]) and all(word in text for word in words if word[0] != "#")
