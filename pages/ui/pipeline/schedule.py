"""The schedule as a Gantt chart, action by action, by hand or playing."""

import math
from typing import Any

import streamlit as st

from ddlab.analyses.pipeline.plan import PipelinePlan, time_unit
from ddlab.analyses.pipeline.step_words import tell
from ddlab.figures.pipeline.schedule import gantt
from ddlab.pipeline.simulation import Simulation
from pages.ui import charts, held, selection, shell

NAME, ALL, PLAYING = "action", "all", "schedule plays"
SECONDS = 0.6  # between two pictures
PICTURES = 48  # of a whole schedule, at most


def show(plan: PipelinePlan) -> None:
    """Draw the schedule up to an action, with buttons to go on and back."""
    unit, a_second = time_unit(plan.simulation.makespan)
    found = plan.simulated_in(a_second)

    @held.fragment(run_every=SECONDS if st.session_state.get(PLAYING) else None)
    def part() -> None:
        _draw(found, unit)

    part()
    ends = "" if plan.machines.number == 1 else " Hatched: the machine waits, which is the **bubble**."
    st.caption(
        "Every machine (rank) has a row. **F** is the forward pass of a micro-batch through the machine's module, "
        f"**B** its backward pass; the number is the micro-batch, counted from 0.{ends} A transfer delays who waits "
        "for it and occupies nobody. After the last action all weights are updated at once, with the gradient of the "
        "whole batch: the same as without a cut, but that batch normalisation sees micro-batches."
    )


def _draw(found: Simulation, unit: str) -> None:
    count = len(found.starts)
    if st.session_state.get(PLAYING):
        _go_on(count)
    options: list[int | str] = [*range(count), ALL]
    shown = selection.pick("Actions", options, NAME, ALL, _player)
    done = count if shown == ALL else int(shown)
    st.markdown(tell(found, done, unit))
    key = f"schedule {found.schedule.name} {found.schedule.num_ranks} {count}"
    charts.show(gantt(found, done, unit), found.action_table(), key, f"schedule-{found.schedule.name}")


def _go_on(count: int) -> None:
    """Show some more actions; stop behind the last one."""
    now = st.session_state.get(f"{NAME} picker", ALL)
    after = (0 if now == ALL else int(now)) + math.ceil(count / PICTURES)
    selection.choose(NAME, after if after < count else ALL, is_noted=False)
    if after >= count:
        st.session_state[PLAYING] = False
        st.rerun()


def _player(label: str, options: list[int | str], key: str) -> int | str:
    """Buttons for the beginning, a step back, playing, a step on and the end, and a slider."""
    place, last = options.index(st.session_state[key]), len(options) - 1
    playing = st.session_state.get(PLAYING, False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for icon, there, name in (
            ("first_page", 0, "To the beginning"),
            ("chevron_left", place - 1, "A step back"),
            ("chevron_right", place + 1, "A step on"),
            ("last_page", last, "All"),
        ):
            target = options[min(max(there, 0), last)]
            disabled = playing or target == options[place]
            look: dict[str, Any] = {"icon": f":material/{icon}:", "key": f"{key} {icon}", "help": name}
            st.button(name, on_click=selection.choose, args=(NAME, target), disabled=disabled, **look)
        icon = "pause" if playing else "play_arrow"
        if shell.button("Pause" if playing else "Play", f"{key} play", icon=f":material/{icon}:"):
            st.session_state[PLAYING] = not playing
            st.rerun()
        chosen: int | str = st.select_slider(f"{label}, of {last}", options, key=key, disabled=playing)
    return chosen
