"""The playground of the Trust region page: a function of two parameters, and every step of a method on it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ddlab.analyses.trust_region.landscapes import LANDSCAPES, Landscape
from ddlab.analyses.trust_region.plane_steps import METHODS, PlaneStep, Walk, history
from ddlab.analyses.trust_region.playground import walk, walk_all
from ddlab.analyses.trust_region.step_words import path_title, step_title, surfaces, tell, timeline_title
from ddlab.figures.trust_region import playground as figures
from ddlab.figures.trust_region.playground_history import timeline
from ddlab.registry import shortened
from pages.ui import charts, held, selection
from pages.ui.literal import literal

RADII = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
SUBDOMAINS = (1, 2, 4)
MODELS = {
    "first": "First order",
    "diamond": "First order, 1-norm",
    "square": "First order, ∞-norm",
    "second": "Second order",
}
ORDER_AND_NORM = {"first": (1, "2"), "diamond": (1, "1"), "square": (1, "inf"), "second": (2, "2")}
TELLING = {"function": "sine", "start": "at the hill", "radius": 1.0, "subdomains": 2, "step": 2}  # at first
KEPT = 300  # walks in memory, of all sessions together
CHART = "playground path"

SYMBOLS = """
| | |
|---|---|
| θ, f | the point (the parameters), and the loss: the mean over eight samples |
| f₁ … f_N | the loss of each subdomain: its share of the samples, tilted so that its gradient at θ is that of f (3) |
| Δ | the radius: no step is longer than it (5) |
| m | the model of f in the ball: its slope, with second order its curvature, too (2) |
| ρ | what the loss lost, over what was predicted (6) |
| η₁, η₂ | 0.25 and 0.75: below η₁ a step is rejected and Δ halves, above η₂ Δ doubles (7) |
| ν | steps that a subdomain may try |

Numbers in brackets are the equations of Cruz Alegría, Trotti, Kopaničáková and Krause. Filled points are taken, open
ones rejected. Each subdomain stays within Δ/N of θ, so that the sum of all stays in the ball.
"""


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _walk(asked: Walk) -> list[PlaneStep]:
    return walk(asked)


@held.fragment
def show() -> None:
    """Draw the controls, the step that is looked at, and all steps at a glance."""
    asked = _pick()
    landscape = LANDSCAPES[asked.landscape]
    paths = walk_all(asked, _walk)
    steps = paths[asked.method]
    if not steps:
        st.info("Here the gradient is zero: no method sees where it goes down. Start elsewhere, if only a little.")
        return
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        shown = selection.pick("Step", list(range(1, len(steps) + 1)), "step", TELLING["step"], widget=_stepper)
    step = steps[shown - 1]
    with right:
        surface = _pick_surface(step)
    st.markdown("\n".join(f"- **{part}.** {sentence}" for part, sentence in tell(step).items()))
    left, right = st.columns(2)
    with left:
        _path(landscape, asked, paths, shown)
    with right:
        figure = figures.step_figure(landscape, step, asked.method, asked.norm, surface, step_title(step, shown))
        charts.show(figure, None, f"playground step {asked.landscape}", f"{asked.landscape}-step-{shown}")
        st.caption(_about_surface(surface, asked))
    figure = timeline(paths, shown, timeline_title(asked.method), landscape.wide)
    charts.show(figure, history(steps), "playground timeline", f"{asked.landscape}-{asked.method}")
    st.caption(
        "The radius follows from how well the last steps were predicted; nobody sets a rate. Gradient descent's steps "
        "follow from its rate alone: try a few, and see how much depends on it. A step of APTS computes more than one "
        "of the others (all subdomains at the same time), so compare what it reaches, not how soon."
    )
    with st.expander("What the symbols mean"):
        st.markdown(SYMBOLS)


# ---- what is asked


def _pick() -> Walk:
    cells: Sequence[DeltaGenerator] = st.columns(3)
    with cells[0]:
        titles = {name: landscape.title for name, landscape in LANDSCAPES.items()}
        name = selection.pick("Function", list(titles), "function", TELLING["function"], format_func=titles.get)
        landscape = LANDSCAPES[name]
    with cells[1]:
        start = _pick_start(landscape)
    with cells[2]:
        slider: dict[str, Any] = {"widget": st.select_slider}
        radius = selection.pick("First radius Δ", RADII, "radius", TELLING["radius"], **slider)
    st.caption(landscape.about)
    cells = st.columns([3, 2])
    with cells[0]:
        method = selection.pick_one_of(METHODS, "Method", "method")
    with cells[1]:
        settings: dict[str, Any] = {"widget": st.segmented_control, "required": True}
        settings["help"] = "Of APTS: to how many the eight samples are dealt."
        subdomains = selection.pick("Subdomains N", SUBDOMAINS, "subdomains", TELLING["subdomains"], **settings)
    with st.expander("Model and ball, local steps, rate of gradient descent"):
        cells = st.columns([2, 1, 1])
        with cells[0]:
            order, norm = ORDER_AND_NORM[selection.pick_one_of(MODELS, "Model and ball", "model_and_ball")]
        with cells[1]:
            local_steps = selection.pick("Local steps ν", range(1, 6), "local", 5, **slider)
        with cells[2]:
            rate = selection.pick("Rate of gradient descent", RATES, "rate", 0.1, **slider)
    return Walk(name, start, method, radius, order, norm, subdomains, local_steps, rate)


def _pick_start(landscape: Landscape) -> tuple[float, float]:
    """Let a start be chosen: a named point, one that was typed, or one that was clicked."""
    typed = st.session_state.get("start picker")
    wishes = [held.value("start"), st.session_state.get("start wanted"), typed, st.query_params.get("start")]
    points = {wish: point for wish in wishes if wish and (point := landscape.point_of(wish))}
    known = {**landscape.starts, **points}
    if typed and typed not in known and not any(typed in other.starts for other in LANDSCAPES.values()):
        left, right, bottom, top = landscape.window
        rule = f"two numbers with a comma, {left:g} to {right:g} and {bottom:g} to {top:g}"
        st.warning(f"Start: must be {rule}, got {literal(shortened(typed))}.")
    settings: dict[str, Any] = {"accept_new_options": True, "help": "Or type two numbers, or click on the landscape."}
    return known[selection.pick("Start", list(known), "start", TELLING["start"], **settings)]


def _stepper(label: str, options: list[int], key: str) -> int:
    """Draw a slider between two buttons; where there is one step, return it."""
    place = options.index(st.session_state[key])
    if len(options) == 1:
        st.caption("Step 1 of 1")
        return options[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for icon, there, name in (
            ("chevron_left", place - 1, "A step back"),
            ("chevron_right", place + 1, "A step on"),
        ):
            inside = 0 <= there < len(options)
            settings: dict[str, Any] = {"icon": f":material/{icon}:", "key": f"{key} {icon}", "disabled": not inside}
            target = options[there] if inside else options[place]
            st.button(name, on_click=selection.choose, args=("step", target), **settings)
        return st.select_slider(f"{label}, of {len(options)}", options, key=key)


def _pick_surface(step: PlaneStep) -> str:
    """Let the function whose contours the close-up shows be chosen."""
    return selection.pick_one_of(surfaces(step), "Contours of the close-up", "contours")


def _about_surface(surface: str, asked: Walk) -> str:
    if surface == "model":
        bend = "a plane, which can be trusted only nearby" if asked.order == 1 else "bent as the last steps taught it"
        return f"The model of the last trial on f, inside its ball: {bend}. The trial step goes to its lowest point."
    if surface == "f":
        return (
            "The function itself. "
            + {
                "apts": "Every subdomain walks on its own loss; the steps are added, and the sum is judged by f.",
                "trust_region": "The step goes to the lowest point of the model in the ball, and is judged by f.",
                "descent": "The step goes down the slope, as far as the rate says, and is not judged at all.",
            }[asked.method]
        )
    return (
        f"What subdomain {surface} alone sees: at θ as steep as f, elsewhere bent as its own samples want it. "
        "Where it differs from f, its steps mislead."
    )


# ---- what is drawn


def _path(landscape: Landscape, asked: Walk, paths: dict[str, list[PlaneStep]], shown: int) -> None:
    figure = figures.path_figure(landscape, paths, shown, asked.norm, path_title(landscape, shown))
    key = f"{CHART} {asked.landscape} {asked.start}"
    st.session_state[CHART] = key
    charts.show(figure, None, key, f"{asked.landscape}-path", **charts.on_click(key, partial(_begin_at, key)))
    st.caption("The stronger the colour of the ground, the lower f. A click on it starts from there.")


def _begin_at(key: str, point: dict[str, Any]) -> None:
    """Start at the point that was clicked; a chart that is gone sends its last click again, which is not a click."""
    if st.session_state.get(CHART) == key:
        selection.choose("start", f"{point['x']:.3g},{point['y']:.3g}")
        selection.choose("step", 1)
