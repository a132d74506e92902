"""The current run, seed, image and settings on screen. The URL names them, so a link shows the same again."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError

from ddlab.analyses.comparison.identity import made, what_distinguishes
from ddlab.registry import MOST_SHOWN
from ddlab.runs import EXAMPLE, RunFolder, list_examples, list_runs, open_run
from ddlab.written import percent
from pages.ui import held, shell, shown
from pages.ui.classroom import seated
from pages.ui.literal import literal

RUN, SUBDOMAIN, ALL = "run", "subdomain", "all"
CHOSEN = "run was chosen"  # by a link or by hand: it stays, whatever a page would rather show
SECONDS = 3.0  # between two looks at the state of runs
MOST_OFFERED = 200  # runs in a picker

Choice = TypeVar("Choice")


def pick(
    label: str,
    options: Sequence[Choice],
    name: str,
    default: object = None,
    widget: Callable[..., Any] = st.selectbox,
    **settings: Any,
) -> Choice:
    """Let one of ``options`` be chosen; the choice is in the URL as ``name`` and is remembered from page to page.

    Parameters
    ----------
    options
        At least one; their text is what the URL holds.
    default
        The first choice, where the URL names none of the options; the first option if it is not one of them either.
    widget
        ``st.selectbox``, ``st.segmented_control``, ``st.radio``, ``st.select_slider`` and their like.
    settings
        Further arguments of the widget, such as ``format_func`` or ``help``.
    """
    if held.is_held(name):
        return held.show(label, options, name, default, settings.get("format_func", str))
    key, before = f"{name} picker", st.session_state.get(f"{name} shown")
    by_text = {str(option): option for option in options}
    default = by_text.get(held.value(name) or "", default)
    asked, is_news = shown.news(name)
    if asked and is_news and asked not in by_text:
        text = literal(asked[:MOST_SHOWN])
        st.warning(f"The link asks for {label.lower()} “{text}”, which is not here. Another one is shown.")
    is_chosen = key in st.session_state and st.session_state[key] in options and not is_news
    is_chosen |= shown.fulfil(name, options)
    if not is_chosen:
        start = default if default in options else options[0]
        kept = "" if is_news and asked is None else before  # back to where nothing was chosen
        text = str(asked if asked in by_text and is_news else kept)
        st.session_state[key] = by_text[text] if text in by_text else start
    shown.relabel(name, settings.get("format_func"))
    answer: Choice | None = widget(label, options, key=key, **settings)
    chosen = options[0] if answer is None else answer
    shown.call(name, label)
    shown.show(name, str(chosen), is_chosen and before != str(chosen))
    return chosen


def pick_one_of(titles: Mapping[str, str], label: str, name: str) -> str:
    """One of a few named things, all of them in sight; the URL holds the key, people read the title."""
    options, widget = list(titles), st.segmented_control
    return pick(label, options, name, widget=widget, required=True, format_func=titles.get)


def pick_percent(label: str, options: range, name: str, default: int, **settings: Any) -> int:
    """Let a share be chosen in whole percents; the only one is given without a slider, which needs two."""
    if len(options) == 1:
        return options[0]
    return pick(label, options, name, default, st.select_slider, format_func=_percent, **settings)


def _percent(whole: int) -> str:
    return percent(whole / 100, 0)


def choose(name: str, value: Any, is_noted: bool = True) -> None:
    """Change what :func:`pick` shows for ``name`` at the next rerun: for buttons and clicks on charts.

    Parameters
    ----------
    is_noted
        Whether the browser's back button leads back behind it; False for what plays by itself.
    """
    st.session_state[f"{name} wanted"] = value
    st.session_state[f"{name} not noted"] = not is_noted


# ---- runs


def runs() -> dict[str, RunFolder]:
    """The runs that can be picked, by id: the newest, then older ones that are asked for, then the shipped examples.

    Every option of a picker is read at each rerun and sent to the browser: of thousands of runs these are enough, and
    the table of the Runs page opens the others.
    """
    everything = {run.id: run for run in list_runs()}
    wanted = [
        held.value(RUN),
        st.query_params.get(RUN),
        *(st.session_state.get(f"{RUN} {when}") for when in ("wanted", "shown")),
        *(held.value("with") or "").split(","),
    ]
    wanted += [*st.query_params.get("with", "").split(","), *st.session_state.get("with picker", ())]
    ids = dict.fromkeys([*list(everything)[:MOST_OFFERED], *(id for id in wanted if id in everything)])
    found = {id: everything[id] for id in ids} | {run.id: run for run in list_examples()}
    for id in wanted:  # a run of a shipped sweep
        if id and id.startswith(EXAMPLE) and id not in found:
            try:
                found[id] = open_run(id)
            except ValueError:  # the picker says that it is not here
                continue
    return found


def run_labels(known: Mapping[str, RunFolder]) -> dict[str, str]:
    """Runs as people know them: name, what tells a run from others of its name, when it was made, state if not done."""
    apart = what_distinguishes(list(known.values()))
    return {id: _label(run, apart[run.id]) for id, run in known.items()}


def _label(run: RunFolder, apart: str) -> str:
    if run.read_only:
        return f"{run.name} · example"  # what tells it from others comes first: a picker cuts the end off
    row, time = run.summary(), made(run.id)
    parts = [row["name"], apart, "" if time in apart else time, "" if row["state"] == "finished" else row["state"]]
    return " · ".join(filter(None, parts))


def pick_run() -> None:
    """The run picker: app.py draws it above every page, and the pages ask :func:`current_run`.

    While a run works, the picker alone is drawn again and again: a run that ends is told there, on every page.
    """
    drawn: list[str] = []  # the run of the page
    listed = [runs()]  # at first; then the picker looks again
    works = any(run.summary()["state"] in ("queued", "running") for run in listed[0].values())

    @held.fragment(run_every=SECONDS if works else None)
    def picker() -> None:
        known = listed.pop() if listed else runs()
        if not known:
            st.caption("No run yet.")
            return
        if is_asked(known):
            _remember_choice()
        label, help = run_labels(known), "What Runs, Compare and Probabilities show."
        chosen = pick("Run", list(known), RUN, format_func=label.get, help=help, on_change=_remember_choice)
        if drawn and drawn[0] != chosen:
            st.rerun()
        drawn[:] = [chosen]

    picker()


def is_asked(known: Mapping[str, RunFolder]) -> bool:
    """Whether a link asks for one of the runs, or the browser's back button."""
    asked = st.query_params.get(RUN)
    return asked in known and asked != st.session_state.get(f"{RUN} shown")


def _remember_choice() -> None:
    st.session_state[CHOSEN] = True


def is_chosen() -> bool:
    """Whether this visitor asked for the current run, by a link or in the picker."""
    return CHOSEN in st.session_state or held.value(RUN) is not None or (not has_picker() and RUN in st.query_params)


def has_picker() -> bool:
    """Whether the run picker is drawn: a page that is opened alone has none."""
    return f"{RUN} picker" in st.session_state


def current_run() -> RunFolder | None:
    """The run in the picker, else the one that the URL names, the newest, the example; None if there is none at all."""
    known = runs()
    asked = held.value(RUN) or st.session_state.get(f"{RUN} shown") or st.query_params.get(RUN, "")
    return known.get(asked) or next(iter(known.values()), None)


def pick_seed(run: RunFolder) -> int:
    """A seed of the run; drawn only where there are several."""
    seeds = list(run.experiment.seeds)
    return seeds[0] if len(seeds) == 1 else pick("Seed", seeds, "seed", widget=st.segmented_control)


def seed_of(run: RunFolder, seed: int) -> dict[str, int]:
    """Return the seed for the address of another page; nothing where the run has one alone."""
    return {"seed": seed} if len(run.experiment.seeds) > 1 else {}


def pick_others(run: RunFolder) -> list[RunFolder]:
    """Further runs to compare with; the URL holds their ids as ``with``."""
    if held.is_held("with"):
        ids = held.value("with") or ""
        held.show_text("Compare with", "with", ids)
        return [other for id, other in runs().items() if id in ids.split(",") and other.path != run.path]
    key, before = "with picker", st.session_state.get("with shown", "")
    others = {id: other for id, other in runs().items() if other.path != run.path}
    asked, is_news = shown.news("with")
    is_chosen = key in st.session_state and not is_news
    if not is_chosen:
        st.session_state[key] = [id for id in ((asked or "") if is_news else before).split(",") if id in others]
    label = run_labels(others)
    chosen = st.multiselect(
        "Compare with", list(others), key=key, format_func=lambda id: label.get(id, id), placeholder="no other run"
    )
    shown.call("with", "Compare with")
    shown.show("with", ",".join(chosen), is_chosen and before != ",".join(chosen))
    return [others[id] for id in chosen]


def pick_image(indices: Iterable[int], default: int | None = None, label: str = "Image", name: str = "image") -> int:
    """One of the images of a split, step by step or at random; the URL holds its index as ``name``.

    Parameters
    ----------
    default
        The first to show, as in :func:`pick`.
    """
    return pick(label, [int(index) for index in indices], name, default, widget=_stepper)


def _stepper(label: str, options: list[int], key: str) -> int:
    place, name = options.index(st.session_state[key]), key.removesuffix(" picker")
    steps = (
        ("chevron_left", "The image before", options[place - 1]),
        ("chevron_right", "The next image", options[(place + 1) % len(options)]),
        ("casino", "Another", random.choice(options)),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        for icon, text, image in steps:  # shell.css hides the words of the arrows, for which there is no room
            st.button(
                text,
                on_click=choose,
                args=(name, image),
                icon=f":material/{icon}:",
                disabled=len(options) == 1,
                key=f"{key} {icon}",
            )
        st.caption(f"{label} {options[place]}: {place + 1} of {len(options)}")
    return options[place]


def pick_subdomain(count: int, otherwise: str = "all") -> int | None:
    """Index of the chosen subdomain, from 0; None for none of them. The URL holds its number as ``subdomain``, from 1.

    Parameters
    ----------
    otherwise
        What the page shows where none is chosen, for people.
    """
    options = [ALL, *map(str, range(1, count + 1))]
    chosen = pick("Subdomain", options, SUBDOMAIN, format_func=lambda name: otherwise if name == ALL else name)
    return None if chosen == ALL else int(chosen) - 1


# ---- links


def link(label: str, page: str, **parameters: Any) -> None:
    """Link to another page of the app, such as ``pages/train.py``, keeping the run and handing ``parameters`` over.

    A page that is opened alone has no others to link to: then the link is left out, as it is where a room closed it.
    """
    if not seated.is_open(page):
        return
    try:
        st.page_link(page, label=label, query_params=_query(parameters))
    except StreamlitPageNotFoundError:
        return


def go(label: str, page: str, **parameters: Any) -> None:
    """Offer the next step as a button; otherwise as :func:`link`."""
    if not seated.is_open(page):
        return
    if shell.button(label, f"go to {page}", type="primary", icon=":material/arrow_forward:", width="stretch"):
        st.switch_page(page, query_params=_query(parameters))


def _query(parameters: dict[str, Any]) -> dict[str, str]:
    run = held.value(RUN) or st.session_state.get(f"{RUN} shown") or st.query_params.get(RUN)
    kept = {RUN: run} if run else {}
    return {**kept, **{name: str(value) for name, value in parameters.items()}}
