"""Links that are handed out: a page as it is, which of its choices a reader may change, and words beside it.

A link is a file below ``DDLAB_HOME/links``; the address names it alone. So what is settled is settled on the server.
"""

import hashlib
import os
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ddlab import files
from ddlab.experiment.base import Settings
from ddlab.home import home
from ddlab.registry import shortened

MOST = 5_000  # links that are kept; then no further one is made
LONGEST_WORDS = 2_000  # characters beside a page
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # of ids: nothing that is read for something else
LENGTH = 8

Rule = Literal["free", "locked", "hidden"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_ ]{0,39}$")]
Value = Annotated[str, Field(max_length=10_000)]


class Link(Settings):
    """A page that is handed out.

    Parameters
    ----------
    page
        Its name in the address; empty: Start.
    values
        What is chosen there, by the names in the address.
    rules
        Of those that a reader may not change: ``locked`` ones are seen, ``hidden`` ones are not.
    words
        What stands beside the page.
    """

    page: Annotated[str, Field(pattern=r"^[a-z_]{0,40}$")] = ""
    values: Annotated[dict[Name, Value], Field(max_length=100)] = {}
    rules: dict[Name, Rule] = {}
    words: Annotated[str, Field(max_length=LONGEST_WORDS)] = ""

    @model_validator(mode="after")
    def _rules_of_values(self) -> Self:
        if strange := sorted(set(self.rules) - set(self.values)):
            raise ValueError(f"rules: {strange[0]!r} is not among the values; choices: {', '.join(self.values)}")
        return self

    @property
    def settled(self) -> dict[str, str]:
        """The values that a reader may not change."""
        return {name: text for name, text in self.values.items() if self.rules.get(name, "free") != "free"}

    @property
    def free(self) -> dict[str, str]:
        """The values that a reader finds at first, and may change."""
        return {name: text for name, text in self.values.items() if name not in self.settled}


def keep(link: Link) -> str:
    """Keep a link and return its id, which comes from what it says: the same link is kept once.

    Raises
    ------
    ValueError
        If there are too many.
    """
    folder = home() / "links"
    folder.mkdir(parents=True, exist_ok=True)
    text = link.model_dump_json()
    path = folder / f"{_id_of(text)}.json"
    if not path.exists():
        if len(os.listdir(folder)) >= MOST:
            raise ValueError(f"links: {MOST:,} are kept already; delete some of those in 'links' in the home of ddlab")
        files.write_text(path, text)
    return path.stem


def _id_of(text: str) -> str:
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    return "".join(ALPHABET[number // len(ALPHABET) ** place % len(ALPHABET)] for place in range(LENGTH))


def open_link(id: str) -> Link:
    """Return the link with an id.

    Raises
    ------
    ValueError
        If there is none, or its file is damaged.
    """
    if len(id) == LENGTH and set(id) <= set(ALPHABET):
        try:
            return Link.model_validate_json((home() / "links" / f"{id}.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            pass
        except (OSError, ValueError):
            raise ValueError(f"link: the file of {id!r} is damaged; ask for a new link") from None
    raise ValueError(f"link: unknown {shortened(id)}; it was made on another server, or is misspelt")
