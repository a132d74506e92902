"""A run while it works: its state, its failure, its log; and what can be done with it."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import streamlit as st

from ddlab import access
from ddlab.analyses.comparison.identity import run_labels
from ddlab.data.offered import refuse_elsewhere
from ddlab.engine.batch_script import check_script
from ddlab.engine.control import cancel, queue_position, resume
from ddlab.engine.launch import launch
from ddlab.experiment import Experiment
from ddlab.runs import RunFolder, RunState, damaged_files, delete, restore
from ddlab.words import beware, sentence
from pages.ui import held, selection, shell
from pages.ui.literal import literal, literal_lines

SECONDS = 1.0  # between two looks at a run that works
LOG_LINES = 200
MOST_STUCK = 6  # networks named one by one; of 32 subdomains all may be stuck
Color = Literal["gray", "blue", "green", "red", "orange", "violet"]
LOOKS: dict[str, tuple[str, str, Color]] = {  # of every state: its sign, its word and its colour
    "queued": (":material/hourglass_top:", "Waiting", "gray"),
    "running": (":material/directions_run:", "Running", "blue"),
    "finished": (":material/check_circle:", "Finished", "green"),
    "failed": (":material/error:", "Failed", "red"),
    "cancelled": (":material/stop_circle:", "Cancelled", "orange"),
    "lost": (":material/help:", "Lost", "violet"),
}


def start(experiment: Experiment, command: str, script: str = "") -> RunFolder | None:
    """Make a run, start it in the background and make it the current one; says why where it cannot start.

    Parameters
    ----------
    script
        The batch script that SLURM is sent, where it was edited.
    """
    try:
        refuse_elsewhere(experiment.dataset)
        edited = check_script(script) if script else ""
        run = RunFolder.create(experiment, command)
        if edited:
            run.write_batch_script(edited)
        launch(run)
    except (ValueError, RuntimeError, OSError) as error:
        shell.refuse(error)
        return None
    selection.choose(selection.RUN, run.id)
    return run


def follow(run: RunFolder, draw: Callable[[RunFolder], Any], has: Callable[[RunFolder], Any] | None = None) -> None:
    """Call ``draw(run)`` again and again while the run works; the whole page anew when its state or content changes.

    Parameters
    ----------
    has
        What of the run the rest of the page shows, as a value that can be compared; None: nothing.
    """
    seen, had = run.state(), has and has(run)

    @held.fragment(run_every=SECONDS if seen.is_live else None)
    def part() -> None:
        draw(run)
        if run.state().state != seen.state or (has and has(run)) != had:
            st.rerun()

    part()


def status(run: RunFolder) -> None:
    """A sentence on where the run stands, and the bar of its progress."""
    state = run.state()
    icon, word, color = LOOKS[state.state]
    progress = run.progress()
    waits_for = queue_position(run)[1] if state.state == "queued" else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(word, icon=icon, color=color)
        facts = run.summary()
        told = sentence(state, progress, facts["accuracies"], waits_for)
        st.markdown(literal(told + ("" if state.is_live else beware(facts["stuck"]))))
    if state.is_live:
        st.progress(min(1.0, float(progress.get("done") or 0.0)))
    if state.state == "running" and state.message:  # where, if it is elsewhere
        st.caption(literal(state.message))
    failure = run.failure() if state.state == "failed" else None
    if failure:
        with st.expander("Technical details (traceback)"):
            st.code(failure.get("traceback") or "No traceback was kept.", language="text")


def damage(run: RunFolder) -> None:
    """Name the files of a run that are damaged; what they held is missing on every page, and Resume makes it anew."""
    if faults := damaged_files(run):
        st.warning("Some of this run's files are damaged.  \n" + literal_lines("\n".join(faults)))


def health(runs: Sequence[RunFolder]) -> None:
    """Name the networks of finished runs that say the same for every image: their numbers are not results."""
    told = [(run.id, sentence) for run in runs for sentence in run.summary()["stuck"]]
    if told:
        labels = run_labels(runs)
        lines = [f"{labels[id]}: {sentence}" if len(runs) > 1 else sentence for id, sentence in told[:MOST_STUCK]]
        if len(told) > MOST_STUCK:
            lines.append(f"And {len(told) - MOST_STUCK} more networks.")
        st.warning(literal_lines("\n".join(lines)), icon=":material/heart_broken:")


def actions(run: RunFolder) -> None:
    """Buttons for what can be done with a run in its state."""
    state, is_ours = run.state(), access.allows(run.path, "change")
    with st.container(horizontal=True, vertical_alignment="center"):
        if state.is_live and is_ours and shell.button("Cancel", icon=":material/stop_circle:", key=f"cancel {run.id}"):
            with st.spinner("Stops all processes of the run …"):
                attempt(cancel, run)
        if state.can_resume and is_ours and not run.read_only:
            if shell.button("Resume", icon=":material/play_arrow:", type="primary", key=f"resume {run.id}"):
                attempt(resume, run)
        selection.link(
            ":material/content_copy: Duplicate and change",
            "pages/train.py",
            **{"from": run.id},
        )
        if is_ours and not run.read_only:
            _rename(run)
            _delete(run, state)
            _share(run)
    if access.has_rules() and not is_ours and not run.read_only:
        st.caption(f"Shared by {literal(access.owner_name(run.path) or 'the lecturer')}.")


def _rename(run: RunFolder) -> None:
    with st.popover("Rename", icon=":material/edit:"):
        name = st.text_input("New name", run.name, max_chars=80, key=f"name of {run.id}")
        if shell.button("Rename", key=f"rename {run.id}", disabled=not name.strip()):
            attempt(run.rename, name)


def _delete(run: RunFolder, state: RunState) -> None:
    reason = "Cancel it before deleting it." if state.is_live else None
    with st.popover("Delete", icon=":material/delete:", disabled=state.is_live, help=reason):
        st.write(f"Delete “{literal(run.name)}” ({run.size / 1e6:.1f} MB)? It goes to the trash; you can undo it.")
        if shell.button("Yes, delete it", type="primary", key=f"delete {run.id}"):
            attempt(_throw_away, run)


def _share(run: RunFolder) -> None:
    """Offer to show it to the room, where there is one."""
    if not access.has_rules():
        return
    is_shared = access.is_shared(run.path)
    label, icon = ("Show it to nobody", "visibility_off") if is_shared else ("Share with the room", "groups")
    if shell.button(label, icon=f":material/{icon}:", key=f"share {run.id}"):
        attempt(access.share, run.path, not is_shared)


def _throw_away(run: RunFolder) -> None:
    name = run.name
    st.session_state["deleted"] = (delete(run), name)


def undo() -> None:
    """Offer to bring back the run that was deleted last."""
    deleted = st.session_state.get("deleted")
    if deleted is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(f"“{literal(deleted[1])}” is in the trash.", icon=":material/delete:")
        if shell.button("Undo", key="undo"):
            del st.session_state["deleted"]
            selection.choose(selection.RUN, deleted[0])
            attempt(restore, deleted[0])


def attempt(action: Callable[..., Any], *arguments: Any) -> None:
    """Do it and draw the page anew, or show the refusal. The engine's refusals are sentences for people."""
    try:
        action(*arguments)
    except (ValueError, RuntimeError, OSError) as error:
        shell.refuse(error)
    else:
        st.rerun()


def log(run: RunFolder) -> None:
    """The end of every rank's output and of the launcher's."""
    names: list[int | None] = [*range(run.state().workers), None]
    tabs = st.tabs(["launcher" if rank is None else f"rank {rank}" for rank in names])
    for rank, tab in zip(names, tabs, strict=True):
        lines = run.log(rank).splitlines()
        tab.code("\n".join(lines[-LOG_LINES:]) or "Nothing was written.", language="text", height=260)
