"""Reading a verification: how many images to ask it for, which layer tells most, and the verdict in a sentence."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ddlab.analyses.composition.stored import SIDES, Verified
from ddlab.problem import Problem

MOST_IMAGES, LEAST_IMAGES = 256, 16
WORK = 4e11  # operations that somebody may wait for


def affordable_images(problem: Problem) -> int:
    """Count the images that a verification takes so that its answer does not have to be waited for long."""
    return round(min(MOST_IMAGES, max(LEAST_IMAGES, WORK / problem.global_network.flops())))


def verdict(about: Mapping[str, Any]) -> str:
    """Say in a sentence that everything holds that must; empty where something does not.

    Parameters
    ----------
    about
        As :class:`ddlab.analyses.composition.stored.Verified` holds it.
    """
    if not about["holds"]:
        return ""
    whose = "The run's own composed network" if about["network"] != "composed here" else "The network composed here"
    exact = all(row["promised"] == 1 for row in about["layers"])
    what = "reproduces its local networks everywhere" if exact else "equals its local networks wherever it must"
    return f"{whose} {what} ({about['images']} validation images, {about['precision']})."


def telling_layer(found: Verified) -> str:
    """Choose the last layer with maps of which some positions must be equal and some not, or else the last one."""
    names = found.named("difference")
    shares = found.layers().set_index("layer").loc[names, "promised"].tolist()
    partly = [name for name, share in zip(names, shares, strict=True) if 0 < share < 1]
    return partly[-1] if partly else names[-1]


def block_layers(found: Verified) -> list[str]:
    """List the layers that have weights between the local networks, in the order of the network."""
    return [name.partition(":")[2] for name in found.named("blocks") if name.startswith("untrained:")]


def blocks_of(found: Verified, layer: str) -> dict[str, np.ndarray]:
    """The norms of a layer's blocks before further training (``untrained``) and after it, where there was any."""
    return {side: found.arrays[key] for side in SIDES if (key := f"blocks:{side}:{layer}") in found.arrays}


def channel_maps(
    found: Verified, layer: str, image: int, channel: int, network: int | None
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Collect the maps of one channel on all sides, and the activation field to outline in them.

    Parameters
    ----------
    channel
        Its place among the channels that are kept.
    network
        The local network whose channel is meant, from 0; None: all, each on its own field, so that none is outlined.
    """
    if network is None:
        return {side: found.assembled_map(side, layer, image, channel) for side in found.sides()}, None
    maps = {side: found.whole_map(side, layer, image, network, channel) for side in found.sides()}
    return maps, ~np.isnan(maps["local"])


def as_picture(values: np.ndarray, place: int | None) -> np.ndarray:
    """Rows and columns of a map: a line as one row, and of a volume the slice at ``place``."""
    if values.ndim == 1:
        return values[None]
    return values if place is None else values[..., place]
