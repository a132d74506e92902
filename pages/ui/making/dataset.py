"""A data set on a page: what it is, how its classes are spread, and a sample of each."""

import io
import json
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from ddlab.data.cache import describe, load
from ddlab.data.offered import refuse_elsewhere
from ddlab.data.overview import class_balance, sample_of_every_class
from ddlab.data.source import Dataset, Description
from ddlab.experiment import DatasetSettings, parse_experiment
from ddlab.figures.comparison import cost as costs
from ddlab.figures.images import enlarged
from ddlab.home import data_path, home
from ddlab.words import counts, extents
from pages.ui import charts, held, selection, shell
from pages.ui.literal import literal

ANY = "any"
KEPT = 300  # seconds that a data set counts as unchanged
SHOWN = 16  # images of the sample, at least one a class
SAMPLES = 32  # in memory, of all sessions together
SIDE = 88  # of an image in the sample, in screen pixels


def described(settings: dict[str, Any]) -> Description | None:
    """Describe the data of a visitor's settings; where they cannot be used, say why and return None."""
    try:
        return describe(_asked(settings))
    except ValueError as error:
        shell.refuse(error)
        return None


def loaded(settings: dict[str, Any]) -> Dataset:
    """Return the decoded data set; the page says so where that takes a while, and stops where it cannot be read."""
    try:
        return read(_asked(settings))
    except ValueError as error:
        shell.refuse(error)
        held.stop()


def _asked(settings: dict[str, Any]) -> DatasetSettings:
    """Return a visitor's data set settings, if this server offers the data."""
    asked = parse_experiment({"dataset": settings}).dataset
    refuse_elsewhere(asked)
    return asked


def read(settings: DatasetSettings) -> Dataset:
    """Read the decoded data set and keep it for a while: a check for changes takes a second where files are many."""
    own = data_path(settings.path) if settings.path else None
    return _read(str(home()), settings.model_dump_json(), own.stat().st_mtime_ns if own and own.exists() else None)


@st.cache_resource(ttl=KEPT, max_entries=8, show_spinner="Reading the images; the first time they are decoded …")
def _read(home: str, settings: str, changed: int | None) -> Dataset:
    return load(DatasetSettings.model_validate_json(settings))


def pick_image(data: Dataset, first: int | None = None) -> int:
    """Index of a validation image, of any class or of one; ``first`` is shown before another one is chosen."""
    classes, labels = data.description.classes, np.asarray(data.validation.labels)
    name = selection.pick("Class", [ANY, *classes], "class")
    found = np.arange(len(labels)) if name == ANY else np.flatnonzero(labels == classes.index(name))
    if not len(found):
        st.info(f"No validation image is of the class {literal(name)}; here are all.")
        found = np.arange(len(labels))
    return selection.pick_image(found, first)


def show(data: Dataset, asked: dict[str, Any]) -> None:
    """Draw what is known of a data set; ``asked`` are its settings."""
    about = data.description
    images = counts(about)
    size = f"{extents(about.shape)}, {'grey' if about.channels == 1 else 'colour'}"
    if about.unit:
        size += f" from {about.values[0]:g} to {about.values[1]:g} {about.unit}"
    st.markdown(
        literal(f"{images}, {size}, {about.num_classes} classes. Source: {about.source}. Licence: {about.licence}.")
    )
    balance, examples = st.columns(2)
    with balance:
        table = class_balance(data)
        charts.show(costs.class_balance(table, costs.balance_title(table)), table, "balance", "class-balance")
    with examples:
        middle = ", their middle slices" if len(about.shape) == 3 else ""
        st.markdown(f"**Training images of every class{middle}**")
        for pictures, names in _examples(json.dumps(asked, default=str, sort_keys=True), data):
            st.image(pictures, caption=names, width=SIDE, alt=names)


@st.cache_data(max_entries=SAMPLES, show_spinner=False)
def _examples(asked: str, _data: Dataset) -> list[tuple[list[bytes], list[str]]]:
    """Some training images of every class as files, with their classes: in a row those of a class."""
    about, rows = _data.description, []
    sample = sample_of_every_class(_data, max(1, SHOWN // about.num_classes))
    for row in sample if sample.shape[1] > 1 else sample.T:  # a class a row, or one of each in one
        shown = [int(index) for index in row if index >= 0]
        names = [literal(about.classes[_data.train.labels[index]]) for index in shown]
        rows.append(([_as_file(enlarged(_data.train.images[index], SIDE)) for index in shown], names))
    return rows


def _as_file(pixels: np.ndarray) -> bytes:
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    return held.getvalue()
