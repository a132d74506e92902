"""The current run, seed, image and settings on screen. The URL names them, so a link shows the same again."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError

from ddlab.registry import MOST_SHOWN
from ddlab.runs import EXAMPLE, RunFolder, list_examples, list_runs, open_run
from pages.ui.literal import literal

RUN = "run"
CHOSEN = "run was chosen"  # by a link or by hand: it stays, whatever a page would rather show
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
    key, written, wanted = f"{name} picker", f"{name} in the URL", f"{name} wanted"
    by_text = {str(option): option for option in options}
    asked = st.query_params.get(name)
    if asked and asked not in by_text and asked != st.session_state.get(written):
        text = literal(asked[:MOST_SHOWN])
        st.warning(f"The link asks for {label.lower()} “{text}”, which is not here. Another one is shown.")
    if (wish := st.session_state.pop(wanted, None)) in options:
        st.session_state[key] = wish
    elif asked in by_text and asked != st.session_state.get(written):  # a link, or the browser's back button
        st.session_state[key] = by_text[asked]
    elif st.session_state.get(key) not in options:
        start = default if default in options else options[0]
        st.session_state[key] = by_text.get(st.session_state.get(written, ""), start)
    answer: Choice | None = widget(label, options, key=key, **settings)
    chosen = options[0] if answer is None else answer
    put_in_url(name, str(chosen))
    st.session_state[written] = str(chosen)
    return chosen


def pick_one_of(titles: Mapping[str, str], label: str, name: str) -> str:
    """One of a few named things, all of them in sight; the URL holds the key, people read the title."""
    options, widget = list(titles), st.segmented_control
    return pick(label, options, name, widget=widget, required=True, format_func=titles.get)


def pick_percent(label: str, options: range, name: str, default: int, **settings: Any) -> int:
    """Let a share be chosen in whole percents; the only one is given without a slider, which needs two."""
    if len(options) == 1:
        return options[0]
    return pick(label, options, name, default, st.select_slider, format_func="{} %".format, **settings)


def pick_several(
    label: str, options: Sequence[str], name: str, default: Sequence[str], of: str = "", **settings: Any
) -> list[str]:
    """Let several of ``options`` be chosen, maybe none; the URL holds them as ``name``, joined by commas.

    Parameters
    ----------
    default
        What is chosen at first.
    of
        What they are options of: of something else, the choice begins anew.
    settings
        Further arguments of ``st.pills``, such as ``format_func``.
    """
    key, written = f"{name} picker", f"{name} in the URL"
    asked, before = st.query_params.get(name), st.session_state.get(written)
    if asked and asked != before:  # a link, or the browser's back button
        st.session_state[key] = [option for option in options if option in asked.split(",")]
    elif before is None or st.session_state.get(f"{name} of") != of:
        st.session_state[key] = list(default)
    elif key not in st.session_state:  # back from another page
        st.session_state[key] = [option for option in options if option in before.split(",")]
    st.session_state[f"{name} of"] = of
    chosen = st.pills(label, options, selection_mode="multi", wrap=True, key=key, **settings)
    chosen = [option for option in options if option in chosen]
    st.session_state[written] = ",".join(chosen)
    put_in_url(name, ",".join(chosen))
    return chosen


def choose(name: str, value: Any) -> None:
    """Change what :func:`pick` shows for ``name`` at the next rerun: for buttons and clicks on charts."""
    st.session_state[f"{name} wanted"] = value


def put_in_url(name: str, text: str) -> None:
    """Set one parameter of the URL; the browser hears of it only when it changes."""
    if st.query_params.get(name) != text:
        st.query_params[name] = text


# ---- runs


def runs() -> dict[str, RunFolder]:
    """The runs that can be picked, by id: the newest, then older ones that are asked for, then the shipped examples.

    Every option of a picker is read at each rerun and sent to the browser: of thousands of runs these are enough, and
    the table of the Runs page opens the others.
    """
    everything = {run.id: run for run in list_runs()}
    wanted = [st.query_params.get(RUN), *(st.session_state.get(f"{RUN} {when}") for when in ("wanted", "in the URL"))]
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


def run_label(run: RunFolder) -> str:
    """A run as people know it: its name, when it was made, and its state unless it is finished."""
    if run.read_only:
        return f"Example: {run.name}"
    row = run.summary()
    return " · ".join(filter(None, [row["name"], made(run), "" if row["state"] == "finished" else row["state"]]))


def made(run: RunFolder) -> str:
    """Return when a run was made, read off its id: day, month, hour and minute; empty where the id does not say."""
    day, time = run.id[:8], run.id[9:15]
    return f"{day[6:8]}.{day[4:6]}. {time[:2]}:{time[2:4]}" if (day + time).isdigit() else ""


def pick_run() -> None:
    """The run picker: app.py draws it above every page, and the pages ask :func:`current_run`."""
    known = runs()
    if not known:
        st.caption("No run yet.")
        return
    label = {id: run_label(run) for id, run in known.items()}
    asked = st.query_params.get(RUN)
    if asked in known and asked != st.session_state.get(f"{RUN} in the URL"):
        _remember_choice()
    help = "What Runs, Compare and Probabilities show."
    pick("Run", list(known), RUN, format_func=label.get, help=help, on_change=_remember_choice)


def _remember_choice() -> None:
    st.session_state[CHOSEN] = True


def is_chosen() -> bool:
    """Whether this visitor asked for the current run, by a link or in the picker."""
    return CHOSEN in st.session_state or (not has_picker() and RUN in st.query_params)


def has_picker() -> bool:
    """Whether the run picker is drawn: a page that is opened alone has none."""
    return f"{RUN} picker" in st.session_state


def current_run() -> RunFolder | None:
    """The run that the URL names, else the newest, else the example; None if there is none at all."""
    known = runs()
    asked = st.query_params.get(RUN, "")
    return known.get(asked) or next(iter(known.values()), None)


def pick_seed(run: RunFolder) -> int:
    """A seed of the run; drawn only where there are several."""
    seeds = list(run.experiment.seeds)
    return seeds[0] if len(seeds) == 1 else pick("Seed", seeds, "seed", widget=st.segmented_control)


def pick_others(run: RunFolder) -> list[RunFolder]:
    """Further runs to compare with; the URL holds their ids as ``with``."""
    key, written = "with picker", "with in the URL"
    others = {id: other for id, other in runs().items() if other.path != run.path}
    if key not in st.session_state:
        asked = st.query_params.get("with", st.session_state.get(written, "")).split(",")
        st.session_state[key] = [id for id in asked if id in others]
    label = {id: run_label(other) for id, other in others.items()}
    chosen = st.multiselect(
        "Compare with", list(others), key=key, format_func=lambda id: label.get(id, id), placeholder="no other run"
    )
    st.session_state[written] = ",".join(chosen)
    if chosen or "with" in st.query_params:
        put_in_url("with", ",".join(chosen))
    return [others[id] for id in chosen]


def pick_image(indices: Iterable[int]) -> int:
    """One of the images of a split, step by step or at random; the URL holds its index as ``image``."""
    return pick("Image", [int(index) for index in indices], "image", widget=_stepper)


def _stepper(label: str, options: list[int], key: str) -> int:
    place = options.index(st.session_state[key])
    steps = {"chevron_left": options[place - 1], "chevron_right": options[(place + 1) % len(options)]}
    steps["casino"] = random.choice(options)
    with st.container(horizontal=True, vertical_alignment="center"):
        for icon, image in steps.items():
            text = "Another" if icon == "casino" else ""
            st.button(
                text,
                on_click=choose,
                args=("image", image),
                icon=f":material/{icon}:",
                disabled=len(options) == 1,
                key=f"{key} {icon}",
            )
        st.caption(f"{label} {options[place]}: {place + 1} of {len(options)}")
    return options[place]


# ---- links


def link(label: str, page: str, **parameters: Any) -> None:
    """Link to another page of the app, such as ``pages/train.py``, keeping the run and handing ``parameters`` over.

    A page that is opened alone has no others to link to: then the link is left out.
    """
    try:
        st.page_link(page, label=label, query_params=_query(parameters))
    except StreamlitPageNotFoundError:
        return


def go(label: str, page: str, **parameters: Any) -> None:
    """Offer the next step as a button; otherwise as :func:`link`."""
    if st.button(label, type="primary", icon=":material/arrow_forward:", width="stretch"):
        st.switch_page(page, query_params=_query(parameters))


def _query(parameters: dict[str, Any]) -> dict[str, str]:
    kept = {RUN: st.query_params[RUN]} if RUN in st.query_params else {}
    return {**kept, **{name: str(value) for name, value in parameters.items()}}
