"""Controls of the lecturer's: the way in for the projector, the queue, predictions, caps, clearing up."""

import io
from typing import Any

import segno
import streamlit as st

from ddlab.classroom import Caps, Room, Seat, accounts, caps_now, lecturing
from ddlab.classroom.answers import predictions
from ddlab.classroom.caps import parse_caps
from ddlab.classroom.queue import at_work_and_waiting
from ddlab.classroom.seats import everyone, send_out
from ddlab.engine.control import cancel
from ddlab.engine.turns import rules
from ddlab.runs import open_run
from pages.ui import shell
from pages.ui.literal import literal
from pages.ui.runs.live import attempt

NONE = "none"
LONGEST = 300  # characters of a cap


def show(seat: Seat, room: Room) -> None:
    """Draw all controls."""
    st.header("For the lecturer")
    with st.expander("The way in, for the projector", icon=":material/qr_code_2:"):
        _way_in(room)
    with st.expander("Queue and runs", icon=":material/list_alt:"):
        _queue(seat)
    with st.expander("Answers to a prediction", icon=":material/bar_chart:"):
        _answers(seat, room)
    with st.expander("Caps of a student", icon=":material/speed:"):
        _caps(seat)
    with st.expander("Seats", icon=":material/chair:"):
        _seats(room)


def _way_in(room: Room) -> None:
    st.markdown(f"## {literal(room.address)}")
    settings = accounts.current()
    if settings:
        st.markdown(f"Sign in at **{literal(settings.title)}**.")
    if room.code:
        st.markdown(f"{'Room code for guests' if settings else 'Room code'}: **{literal(room.code)}**")
    if room.has_form and not room.code:
        st.markdown("No code is asked for.")
    picture = io.BytesIO()
    segno.make(room.link, error="m").save(picture, kind="png", scale=8, border=3)
    st.image(picture.getvalue(), caption="It opens the room with the code filled in.", width=320, alt=room.link)


def _queue(seat: Seat) -> None:
    is_paused = bool(rules().get("paused"))
    label, icon = ("Let the queue go on", "play_arrow") if is_paused else ("Pause the queue", "pause")
    if shell.button(label, "pause the queue", icon=f":material/{icon}:"):
        attempt(lecturing.pause, seat, not is_paused)
    titles = {row["run"]: f"{row['name']} · {row['who']} · {row['state']}" for row in at_work_and_waiting()}
    if titles:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = st.selectbox("A run", list(titles), format_func=lambda id: titles.get(id, id), key="run to end")
            if shell.button("End it", "end a run", icon=":material/stop_circle:"):
                attempt(lambda: cancel(open_run(chosen)))
    with st.popover("Clear the room", icon=":material/delete_sweep:"):
        count = len(lecturing.students_runs())
        st.write(f"End and delete the {count} runs of all students? They go to the trash of this server.")
        if shell.button("Yes, clear the room", "clear the room", type="primary", disabled=not count):
            attempt(lecturing.clear, seat)


def _answers(seat: Seat, room: Room) -> None:
    known = list(dict.fromkeys([NONE, *([room.prediction] if room.prediction else []), *predictions()]))
    at = known.index(room.prediction) if room.prediction in known else 0
    chosen = st.selectbox("The prediction at hand", known, at, key="prediction at hand")
    is_shown = st.toggle("All see the answers", room.answers_shown, key="answers shown")
    wanted = "" if chosen == NONE else chosen
    if (wanted, is_shown) != (room.prediction, room.answers_shown):
        attempt(lecturing.show_answers, seat, wanted, is_shown)


def _caps(seat: Seat) -> None:
    now = caps_now().model_dump()
    with st.form("caps", border=False):
        asked: dict[str, Any] = {}
        for name, field in Caps.model_fields.items():
            unit = (field.json_schema_extra or {}).get("unit", "") if isinstance(field.json_schema_extra, dict) else ""
            label = f"{name.capitalize()}{f' ({unit})' if unit not in ('', name) else ''}"
            told = f"{field.description} Empty: no cap."
            asked[name] = st.text_input(label, _written(now[name]), LONGEST, help=told, key=f"cap {name}")
        if st.form_submit_button("Let these hold", icon=":material/save:"):
            tree = {name: text.strip() or None for name, text in asked.items()}
            attempt(lambda: lecturing.set_caps(seat, parse_caps(tree, "caps")))


def _written(cap: Any) -> str:
    if cap is None:
        return ""
    return f"{cap:g}" if isinstance(cap, int | float) else ", ".join(cap)


def _seats(room: Room) -> None:
    names = {one.id: one.name for one in everyone(room) if not one.is_lecturer}
    if not names:
        st.caption("Nobody is here yet.")
        return
    st.caption(f"{len(names)} seats. Who is sent out can come in again with the code; the runs stay with you.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("A seat", list(names), format_func=lambda id: names.get(id, id), key="seat to free")
        if shell.button("Send out", "send out", icon=":material/logout:"):
            attempt(send_out, chosen)
