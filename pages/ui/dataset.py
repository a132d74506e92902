"""A data set on a page: what it is, how its classes are spread, and a sample of each."""

from typing import Any

import numpy as np
import streamlit as st

from ddlab.data.cache import describe, is_ready, load
from ddlab.data.source import Dataset, Description
from ddlab.experiment import ExperimentError, parse_experiment
from pages.ui import selection

ANY = "any"


def described(settings: dict[str, Any]) -> Description | None:
    """What the settings would give; where they cannot be used, say why and give None."""
    try:
        return describe(parse_experiment({"dataset": settings}).dataset)
    except (ExperimentError, ValueError) as error:
        st.error(str(error))
        return None


def loaded(asked: dict[str, Any]) -> Dataset:
    """The decoded data set; the page says so where that takes a while, and stops where it cannot be read."""
    settings = parse_experiment({"dataset": asked}).dataset
    try:
        if is_ready(settings):
            return load(settings)
        with st.spinner("Decoding the images, once for all …"):
            return load(settings)
    except ValueError as error:
        st.error(str(error))
        st.stop()


def pick_image(data: Dataset) -> int:
    """Index of a validation image, of any class or of one."""
    classes, labels = data.description.classes, np.asarray(data.validation.labels)
    name = selection.pick("Class", [ANY, *classes], "class")
    found = np.arange(len(labels)) if name == ANY else np.flatnonzero(labels == classes.index(name))
    if not len(found):
        st.info(f"No validation image is of the class {name}; here are all.")
        found = np.arange(len(labels))
    return selection.pick_image(found)


def show(data: Dataset) -> None:
    """Draw what is known of a data set."""
    about = data.description
    st.markdown(f"{about.num_train:,} training and {about.num_validation:,} validation images. Source: {about.source}.")
