"""The words of the laboratory and what they mean, read from ``glossary.md``, which the documentation shows as well."""

import re
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("glossary.md")
ROLE = re.compile(r"\{[\w:]+\}`([^`<]+?)(?:\s*<[^`>]*>)?`")  # {term}`networks <network>`: what is shown of it


@cache
def entries() -> dict[str, str]:
    """The meaning of every word, as one paragraph of plain text, in the order of the file."""
    text = FILE.read_text(encoding="utf-8").split("```{glossary}\n")[1].rsplit("```", 1)[0]
    found = {}
    for entry in text.strip().split("\n\n"):
        word, meaning = entry.split("\n", 1)
        found[word] = ROLE.sub(r"\1", " ".join(meaning.split()))
    return found


def meaning(word: str) -> str:
    """What a word means.

    Raises
    ------
    ValueError
        If the glossary has no such word; names the words that it has.
    """
    known = entries()
    if word not in known:
        raise ValueError(f"word: must be one of the glossary, got {word!r}; it has {', '.join(known)}.")
    return known[word]
