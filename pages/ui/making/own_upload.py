"""Files of one's own from the browser: sent, looked through, and kept under a name, or not."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from ddlab.data import own
from ddlab.data.own import incoming
from ddlab.data.own.shelf import LONGEST_NAME, proposed_name
from ddlab.data.source import Progress
from pages.ui import shell
from pages.ui.literal import literal
from pages.ui.making import own_report

ARCHIVE, FOLDER = "archive", "directory"
WAYS = {ARCHIVE: "One file: zip, tar or npz", FOLDER: "A folder"}
LAYOUTS = (
    "**Images**: a folder for every class, such as `cats/1.jpg` and `dogs/1.jpg`, if wanted below `train/` and `val/`. "
    "**Volumes**: NIfTI files in such folders, or with a `labels.csv` (columns `file`, `label` and, if wanted, `split` "
    "and `mask`). **Arrays**: an npz with `images` and `labels`."
)
HELD, EDITION, NAMED = "own inspection", "own edition", "own name"
SECONDS = 0.2  # between two steps of the bar


def show(choose: Callable[[str], None], key: str) -> None:
    """Let files be sent; report on what was, and keep it if that is wanted.

    Parameters
    ----------
    choose
        Is called with the name of what was kept.
    key
        Of the widgets; another page's are others.
    """
    with st.container(border=True):
        titles = WAYS.__getitem__
        settings: dict[str, Any] = {"default": ARCHIVE, "format_func": titles, "required": True, "key": f"{key} way"}
        way = st.segmented_control("Send from this device", list(WAYS), **settings)
        edition = st.session_state.setdefault(EDITION, 0)
        sent = _sent(way or ARCHIVE, f"{key} {way} {edition}")
        st.caption(f"{LAYOUTS} It stays on this server, and nothing is trained yet.")
        if not sent:
            return
        found = _inspected(sent)
        if isinstance(found, str):
            shell.refuse(found)
            return
        own_report.show(found.report, key)
        _decide(found, choose, key)


def _sent(way: str, key: str) -> list[Any]:
    """The files that were sent."""
    if way == FOLDER:
        return list(st.file_uploader("A folder of images or volumes", accept_multiple_files="directory", key=key))
    ends = [end.rpartition(".")[2] for end in incoming.SINGLE]
    file = st.file_uploader("A zip, tar or npz", list(dict.fromkeys(ends)), key=key)
    return [] if file is None else [file]


def _inspected(sent: Sequence[Any]) -> own.Inspection | str:
    """Look at what was sent, once; a text says why nothing can be made of it."""
    key = " ".join(file.file_id for file in sent)
    held = st.session_state.get(HELD)
    if held is not None and held[0] == key:
        found: own.Inspection | str = held[1]
        return found
    path = None
    try:
        most = st.get_option("server.maxUploadSize") * 2**20
        path = incoming.receive(key, [(file.name, file) for file in sent], most)
        with _Bar("Looking at every file") as progress:
            found = own.inspect(path, progress)
    except (OSError, ValueError) as error:
        found = str(error).removeprefix("path: ")
        if path is not None:
            incoming.forget(path)
    st.session_state[HELD] = key, found
    st.session_state[NAMED] = proposed_name(sent[0].name.lstrip("./").split("/")[0])
    return found


def _decide(found: own.Inspection, choose: Callable[[str], None], key: str) -> None:
    """Offer to keep what can be read, under a name, or to stop."""
    report = found.report
    name = st.text_input(
        "Keep it as", st.session_state[NAMED], LONGEST_NAME, key=f"{key} name {found.path.parent.name}"
    )
    unreadable, usable = report.num_found - report.num_usable, report.num_usable
    files = "file" if unreadable == 1 else "files"
    label = f"Skip {unreadable:,} {files} and keep {usable:,}" if unreadable else f"Keep these {usable:,}"
    with st.container(horizontal=True):
        no = bool(report.obstacle)
        is_kept = st.button(label, type="primary", icon=":material/save:", disabled=no, key=f"{key} keep")
        st.button("Stop: do not keep it", on_click=_stop, args=(found,), key=f"{key} stop")
    if is_kept:
        _keep(found, name.strip(), choose)


def _keep(found: own.Inspection, name: str, choose: Callable[[str], None]) -> None:
    try:
        with _Bar("Copying") as progress:
            entry = own.keep(found, name, progress)
    except (OSError, ValueError) as error:
        shell.refuse(error)
        return
    _stop(found)
    choose(entry.name)
    st.toast(literal(f"“{entry.name}” is among the data sets now."), icon=":material/check:")
    st.rerun()


def _stop(found: own.Inspection) -> None:
    """Forget what was sent."""
    incoming.forget(found.path)
    st.session_state.pop(HELD, None)
    st.session_state[EDITION] += 1


class _Bar:
    """A bar on the page while files are looked at; it moves a few times a second."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __enter__(self) -> Progress:
        self.bar = st.progress(0.0, f"{self.text} …")
        self.last = time.monotonic()
        return self._move

    def __exit__(self, *error: object) -> None:
        self.bar.empty()

    def _move(self, done: int, total: int) -> None:
        if time.monotonic() - self.last > SECONDS:
            self.last = time.monotonic()
            self.bar.progress(done / max(1, total), f"{self.text}: {done:,} of {total:,}")
