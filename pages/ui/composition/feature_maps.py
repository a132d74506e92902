"""Feature maps of the local networks beside those of the composed network, before and after further training."""

import streamlit as st

from ddlab.analyses.composition.reading import as_picture, channel_maps
from ddlab.analyses.composition.stored import Verified
from ddlab.figures import images as pictures
from ddlab.figures.composition import blocks as figures
from ddlab.runs import RunFolder
from pages.ui import charts, held, results, selection
from pages.ui.literal import literal

ASSEMBLED = "all, each on its own field"


@held.fragment
def show(run: RunFolder, found: Verified, first_layer: str) -> None:
    """Let an image, a layer, a channel and a network be chosen, and draw their maps side by side with one scale.

    Parameters
    ----------
    first_layer
        Chosen until another one is.
    """
    of_layer, of_image, of_channel, of_whom = st.columns(4)
    with of_layer:
        layer = selection.pick("Maps of the layer", found.named("channels"), "maps", first_layer)
    shape = found.arrays[f"maps:local:{layer}"].shape
    channels = [int(channel) for channel in found.arrays[f"channels:{layer}"]]
    with of_image:
        image = selection.pick("Image", list(range(shape[0])), "map", widget=st.segmented_control)
    with of_channel:
        channel = selection.pick("Channel", channels, "channel")
    with of_whom:
        network = selection.pick_subdomain(shape[1], ASSEMBLED)
        whose = ASSEMBLED if network is None else f"local network {network + 1}"
    index = channels.index(channel)
    at = _slice(shape[-1]) if len(shape) == 6 else None
    maps, box = channel_maps(found, layer, image, index, network)
    limits = figures.shared_limits(list(maps.values()))
    data, _ = results.images(run)
    seen, truth = data.validation.image(image)[0], int(data.validation.labels[image])
    places = st.columns(1 + len(maps))
    with places[0]:
        name = f"Image {image}: {data.description.classes[truth]}"
        st.image(pictures.enlarged(seen, 160), width="stretch", alt=name)
        st.caption(literal(name))
    for place, (side, values) in zip(places[1:], maps.items(), strict=True):
        with place:
            outlined = None if box is None else as_picture(box, at)
            figure = figures.feature_map(as_picture(values, at), limits, found.sides()[side], outlined)
            charts.show(figure, None, f"map {side}", f"{run.id}-{layer}-{channel}-{side}")
    st.caption(
        f"Channel {channel} of {layer}, {whose}; one scale for all. The local networks' maps lie on their activation "
        "fields, the last one where fields overlap. Of one local network alone, the composed network's channel is "
        f"shown everywhere and its field outlined. {len(channels)} channels of each local network are kept."
    )


def _slice(depth: int) -> int:
    slices = list(range(depth))
    return selection.pick("Slice of the map", slices, "slice", depth // 2, widget=st.select_slider) if depth > 1 else 0
