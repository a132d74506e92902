"""Files of one's own that lie on the server: their path, and a look through them before anything is trained."""

from pathlib import Path
from typing import Any

import streamlit as st

from ddlab.data import own
from ddlab.data.offered import refuse_elsewhere
from ddlab.experiment import DatasetSettings
from ddlab.home import data_name, data_path
from pages.ui import shell
from pages.ui.making import own_report

LOOKED = "own path looked through"


def pick(label: str, value: str | None, dataset: str, settings: dict[str, Any]) -> str | None:
    """Let a path be typed, and looked through; below the folder of data sets it is relative, so that links are, too.

    Parameters
    ----------
    dataset
        The data set of the registry that reads it.
    settings
        Further arguments of the text field.
    """
    text = st.text_input(label, value or "", **settings).strip()
    if not text:
        return None
    if st.button("Look through these files", icon=":material/fact_check:", key=f"{settings['key']} look"):
        st.session_state[LOOKED] = text, _inspected(text, dataset)
    looked, found = st.session_state.get(LOOKED, ("", None))
    if looked == text:
        if isinstance(found, own.Report):
            own_report.show(found, f"{settings['key']} report")
        else:
            shell.refuse(found)
    return _relative(text)


def _inspected(text: str, dataset: str) -> own.Report | str:
    """Look at every file below a path that this server offers; a text says why that cannot be done."""
    try:
        refuse_elsewhere(DatasetSettings(name=dataset, path=text))
        with st.spinner("Looks at every file …"):
            return own.inspect(data_path(text)).report
    except (OSError, ValueError) as error:
        return str(error).removeprefix("path: ")


def _relative(text: str) -> str:
    try:
        return data_name(data_path(text)) if Path(text).is_absolute() else text
    except ValueError:  # the page tells why, elsewhere
        return text
