"""Links that are handed out: kept once, read as they were, and refused in a sentence."""

import pytest
from pydantic import ValidationError

from ddlab.home import home
from ddlab.links import ALPHABET, LENGTH, Link, keep, open_link

LINK = Link(
    page="probabilities",
    values={"image": "3", "strategy": "majority", "filter": "all"},
    rules={"image": "locked", "strategy": "hidden"},
    words="Look at **both**.\nWhy?",
)


def test_a_link_is_kept_once_and_read_as_it_was():
    id = keep(LINK)
    assert keep(LINK) == id and len(id) == LENGTH and set(id) <= set(ALPHABET)
    assert open_link(id) == LINK
    assert len(list((home() / "links").iterdir())) == 1
    assert keep(LINK.model_copy(update={"words": ""})) != id


def test_what_is_settled_and_what_is_free():
    assert LINK.settled == {"image": "3", "strategy": "majority"}
    assert LINK.free == {"filter": "all"}


@pytest.mark.parametrize(
    "wrong", [{"page": "../runs"}, {"values": {"Image": "3"}}, {"rules": {"seed": "locked"}}, {"words": "x" * 2001}]
)
def test_a_link_of_something_else_is_refused(wrong):
    with pytest.raises(ValidationError):
        Link(**wrong)


@pytest.mark.parametrize("id", ["", "short", "../../../../etc/passwd", "abcdefgh", "ABCDEFGH", "a" * 5000])
def test_an_id_that_nobody_gave_out_opens_nothing(id):
    with pytest.raises(ValueError, match="^link: unknown"):
        open_link(id)


def test_a_damaged_file_says_so():
    id = keep(LINK)
    (home() / "links" / f"{id}.json").write_text('{"page": 3}')
    with pytest.raises(ValueError, match="is damaged; ask for a new link"):
        open_link(id)


def test_there_is_an_end_to_links(monkeypatch):
    monkeypatch.setattr("ddlab.links.MOST", 1)
    id = keep(LINK)
    assert keep(LINK) == id
    with pytest.raises(ValueError, match="1 are kept already"):
        keep(Link())
