"""Layer by layer on a page: a row of channels a layer, one channel large, what comes out, and the file."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from ddlab.analyses.layers.rows import chosen_rows
from ddlab.analyses.layers.stored import Activations
from ddlab.figures.composition.blocks import feature_map
from ddlab.figures.decisions.probabilities import decision_bars
from ddlab.figures.layers.rows import SHOWN, channels_figure, rows_figure
from ddlab.figures.layers.tiles import flat_maps
from pages.ui import charts, selection
from pages.ui.literal import literal
from pages.ui.words import explained

EXTENTS = {"few": "Rectified, pooled and blocks", "every": "Every layer"}
ALL = "all"
SCALES = (
    "**One scale a layer**, written above its row. Behind a rectifier it begins at 0, dark blue; elsewhere it is "
    "signed, red below 0 and blue above. A channel's strength is its mean absolute activation; the strongest come "
    "first. **Dead** is a channel that is 0 everywhere in this image: it adds nothing here, and may to others."
)


def pick_rows() -> str:
    """Let the extent of the rows be chosen: the layers that leave a rectifier or a pooling, or every one."""
    return selection.pick_one_of(EXTENTS, "Layers", "layers_shown")


def pick_channel(found: Activations) -> tuple[str, int | None]:
    """Let a layer with maps and one of its channels be chosen, or all; no layer where none has maps."""
    names = [row.name for row in found.rows if row.has_maps]
    if not names:
        return "", None
    left, right = st.columns(2)
    with left:
        layer = selection.pick("Maps of the layer", names, "maps", names[-1])
    with right:
        kept = [str(channel) for channel in found.channels(layer)]
        channel = selection.pick("Channel", [ALL, *kept], "channel", help=explained("channel"))
    return layer, None if channel == ALL else int(channel)


def show_rows(found: Activations, extent: str, depth: float, chosen: tuple[str, int | None], key: str) -> None:
    """Draw the layers of a network; a click on a channel chooses it."""
    rows = chosen_rows(found.rows, extent == "every")
    where = f"on image {found.about['image']}{_part(found)}"
    title = f"{name_of(found)} {where}: the {SHOWN} strongest channels of every layer"
    figure = rows_figure(found, rows, title, depth, chosen)
    charts.show(figure, found.table, key, _file(found), **charts.on_click(key, _choose))
    if extent == "every" and len(rows) < len(found.rows):
        st.caption(f"{len(rows)} of {len(found.rows)} layers, evenly chosen; the table has all of them.")


def show_channel(found: Activations, depth: float, chosen: tuple[str, int | None], key: str) -> None:
    """Draw one channel of a layer large, or all of them, with a table of all channels."""
    layer, channel = chosen
    if layer not in [row.name for row in found.rows]:
        st.caption(f"{literal(name_of(found))} has no layer {literal(layer)}.")
        return

    def table() -> pd.DataFrame:
        return found.channel_table(layer)

    kept = found.channels(layer)
    if channel is None:
        count = found.row(layer).shape[0]
        of = f"All {count}" if len(kept) == count else f"The strongest {len(kept)} of {count}"
        title = f"{of} channels of {layer}, {name_of(found)}{_part(found)}; the strongest first"
        figure = channels_figure(found, layer, title, depth)
        charts.show(figure, table, key, f"{_file(found)}-{layer}", **charts.on_click(key, _choose))
    elif channel in kept:
        flat = flat_maps(found.map_of(layer, channel)[None], depth)
        values = np.asarray(flat[0] if flat.ndim == 3 else flat, float)  # a signal is a picture of one row
        title = f"Channel {channel} of {layer}, {name_of(found)}{_part(found)}"
        figure = feature_map(values, found.limits(layer), title)
        charts.show(figure, table, key, f"{_file(found)}-{layer}-{channel}")
    else:
        st.caption(f"{literal(name_of(found))} keeps no channel {channel} of {literal(layer)}.")


def show_decision(found: Activations, key: str) -> None:
    """Draw the probabilities that come out."""
    classes, truth = found.about["classes"], found.about["label"]
    values = found.arrays["probabilities"]
    title = f"What comes out of {_lowered(name_of(found))}"
    figure = decision_bars(values, classes, found.decided, -1 if truth is None else truth, title)
    table = pd.DataFrame({"class": classes, "logit": found.arrays["logits"], "probability": values})
    charts.show(figure, table, key, f"{_file(found)}-probabilities")


def offer_file(found: Activations) -> None:
    """Offer the activations as a file."""
    st.download_button(
        f"Activations of {_lowered(name_of(found))} (npz)",
        found.packed,
        f"{_file(found)}.npz",
        icon=":material/download:",
        on_click="ignore",
        key=f"file {found.about['network']}",
    )


def name_of(found: Activations) -> str:
    """The network, for people."""
    title: str = found.about["title"]
    return title


def _part(found: Activations) -> str:
    """Say that only what lies over the subdomain is shown, where that is so."""
    return ", over the subdomain" if "cut" in found.about else ""


def _choose(point: dict[str, Any]) -> None:
    layer, channel = point["customdata"]
    selection.choose("maps", str(layer))
    selection.choose("channel", str(channel))


def _lowered(title: str) -> str:
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def _file(found: Activations) -> str:
    return f"{found.about['run']}-layers-{found.about['image']}-{found.about['network']}"
