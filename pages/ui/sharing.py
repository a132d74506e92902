"""Share this view: a link to the page as it is, what its reader may change, and words beside it."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import segno
import streamlit as st

from ddlab.links import LONGEST_WORDS, Link, Rule, keep, open_link
from ddlab.registry import shortened
from pages.ui import address, held, shown
from pages.ui.classroom import seated
from pages.ui.literal import literal, literal_lines

LINK, OPENED = "link", "link that was opened"  # in the address; and which one this visitor's page is held by
RULES: dict[Rule, str] = {"free": "May change", "locked": "Sees", "hidden": "Hidden"}
LONGEST_CODE = 1200  # characters of an address that a projector's picture of it still shows well


@contextmanager
def opened(page: str) -> Iterator[bool]:
    """Hold what the link that a page was opened by has settled, and write its words above it; whether there is one."""
    link = _link_of(page)
    if link is None:
        yield False
        return
    if link.words:
        st.info(literal_lines(link.words), icon=":material/school:")
    seen = frozenset(name for name, rule in link.rules.items() if rule == "locked")
    with held.hold(held.Frame(link.settled, seen)):
        yield True


def _link_of(page: str) -> Link | None:
    """Return the link of a page: what the address names, or what this visitor has opened the page by before.

    An address without the link lifts nothing of it; a page that is opened anew, in another tab, is another visit.
    """
    asked, kept = st.query_params.get(LINK), st.session_state.get(OPENED, ("", ""))
    if asked and kept != (page, asked):
        try:
            link = open_link(asked)
        except ValueError as error:
            _cannot_follow(error)
            return None
        if link.page != page:
            return None
        st.session_state[OPENED] = (page, asked)
        st.query_params.update({name: text for name, text in link.free.items() if name not in st.query_params})
    page_of, id = st.session_state.get(OPENED, ("", ""))
    if not id or page_of != page:
        return None
    shown.show(LINK, id, is_chosen=False)
    try:
        return open_link(id)
    except ValueError as error:  # it was deleted meanwhile
        _cannot_follow(error)
        return None


def _cannot_follow(why: ValueError) -> None:
    st.warning(f"The link cannot be followed: {literal(why)}")


@held.fragment
def offer() -> None:
    """Draw the button beside the title, and what is behind it once it is open."""
    settings: dict[str, Any] = {"icon": ":material/share:", "type": "tertiary", "key": "share", "on_change": "rerun"}
    menu = st.popover("Share", help="A link to this view, for others", **settings)
    if menu.open:
        with menu:
            make()


def make() -> None:
    """Draw what is behind the button: what a reader may do with each choice, the words, and the link."""
    page, values = st.session_state.get(shown.PAGE, ""), dict(shown.view())
    if LINK in values:
        st.caption("This view came by a link. What it has settled stays settled in a copy of its address.")
        address.copy_button()
        return
    st.markdown("**The link opens exactly this view.** What may its reader change?")
    rules = {name: _rule(name, label, values[name]) for name, label in shown.labels().items()}
    words = st.text_area(
        "Words beside it", max_chars=LONGEST_WORDS, key=f"share words {page}", placeholder="What should they look at?"
    )
    settled: dict[str, Rule] = {name: rule for name, rule in rules.items() if rule != "free"}
    if not settled and not words.strip() and seated.is_open_to_all(page):
        _hand_over(_address(page, values))
        return
    try:
        _hand_over(_address(page, {LINK: keep(Link(page=page, values=values, rules=settled, words=words.strip()))}))
    except (ValueError, OSError) as error:
        st.error(literal_lines(error), icon=":material/front_hand:")


def _rule(name: str, label: str, value: str) -> Rule:
    """Let it be chosen what a reader may do with a choice."""
    text = f"{literal(label)}: **{literal(shortened(value, 40)[1:-1])}**"
    key = f"share {name}"
    settings: dict[str, Any] = {"default": "free", "format_func": RULES.get, "required": True, "key": key}
    chosen: Rule = st.segmented_control(text, list(RULES), **settings)
    return chosen


def _hand_over(link: str) -> None:
    """Show an address to copy, and as a picture for the projector."""
    st.code(link, language=None, wrap_lines=True)
    if len(link) > LONGEST_CODE:
        st.caption("Too long for a picture that a phone could read: lock something, and the link becomes short.")
        return
    picture = io.BytesIO()
    segno.make(link, error="m").save(picture, kind="svg", scale=6, border=3, light="#fff", dark="#000", xmldecl=False)
    st.image(picture.getvalue().decode(), width=260, caption="For phones: point the camera here.", alt=link)


def _address(page: str, values: dict[str, str]) -> str:
    """Return the address of a page on this server, as the browser knows it."""
    here = urlsplit(st.context.url or "")
    root = here.path.rsplit("/", 1)[0] if st.session_state.get(shown.PAGE) else here.path.rstrip("/")
    return urlunsplit((here.scheme, here.netloc, f"{root}/{page}", urlencode(values), ""))
