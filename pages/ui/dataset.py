"""A data set on a page: what it is, how its classes are spread, and a sample of each."""

from typing import Any

import streamlit as st

from ddlab.data.cache import describe, is_ready, load
from ddlab.data.source import Dataset, Description
from ddlab.experiment import DatasetSettings, ExperimentError, parse_experiment

ANY = "any"


def described(settings: dict[str, Any]) -> Description | None:
    """What the settings would give; where they cannot be used, say why and give None."""
    try:
        return describe(parse_experiment({"dataset": settings}).dataset)
    except (ExperimentError, ValueError) as error:
        st.error(str(error))
        return None


def loaded(settings: DatasetSettings) -> Dataset:
    """The decoded data set; the first time takes a while, and the page says so. Stops the page where it cannot be read."""
    try:
        if is_ready(settings):
            return load(settings)
        with st.spinner("Decoding the images, once for all …"):
            return load(settings)
    except ValueError as error:
        st.error(str(error))
        st.stop()
