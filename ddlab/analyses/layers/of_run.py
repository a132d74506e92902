"""The activations of a network of a run: what ``ddlab layers`` computes. B images, C channels, K classes."""

from dataclasses import asdict
from math import prod

import numpy as np
import torch

from ddlab.analyses.layers.networks import network_of
from ddlab.analyses.layers.outputs import layer_outputs
from ddlab.analyses.layers.rows import LayerRow, layer_rows
from ddlab.analyses.layers.stored import Activations, statistics
from ddlab.analyses.maps.of_run import asked_images
from ddlab.data.cache import load
from ddlab.runs import RunFolder

MOST = 4_000_000  # numbers of all maps together


def activations(run: RunFolder, seed: int, image: str, network: str, most: int = MOST) -> Activations:
    """Compute what every layer of a network makes of an image.

    Parameters
    ----------
    image
        A validation image such as ``7``, ``train:7``, ``test:7``, or a picture or volume of one's own.
    network
        Such as ``global`` or ``local-3``.
    most
        Numbers to keep: if all maps together had more, only the strongest channels of every layer are kept. Their
        statistics are kept of all.

    Raises
    ------
    ValueError
        If there is no such image or network, or more than one image is asked for.
    """
    trained, asked = network_of(run, seed, network), asked_images(run, image)
    if len(asked.names) > 1:
        raise ValueError(f"image: the layers of one image are shown, got {len(asked.names)}: {image}")
    rows = {row.name: row for row in layer_rows(trained.network)}
    arrays: dict[str, np.ndarray] = {"input": asked.pixels[0][trained.box.slices]}
    logits = None
    for name, outputs in layer_outputs(trained.network, trained.module(), asked.inputs[trained.box.slices]):
        logits = outputs[0].double()
        if name in rows:
            limit = _channels_kept(rows[name], list(rows.values()), most)
            arrays |= {f"{part}:{name}": values for part, values in _of_layer(outputs[0].numpy(), limit).items()}
    assert logits is not None, "a network has layers"
    arrays |= {"logits": logits.numpy(), "probabilities": torch.softmax(logits, 0).numpy()}
    about = {"run": run.id, "seed": seed, "network": network, "title": trained.title, "image": asked.names[0]} | {
        "label": None if asked.labels is None else int(asked.labels[0]),
        "classes": list(load(run.experiment.dataset).description.classes),
        "box": [trained.box.start, trained.box.stop],
        "layers": [asdict(row) for row in rows.values()],
    }
    return Activations(about, arrays)


def _of_layer(outputs: np.ndarray, limit: int) -> dict[str, np.ndarray]:
    """Statistics of all channels ``(C, *map)``, and the maps of the strongest."""
    strength = np.abs(outputs.reshape(len(outputs), -1)).mean(1, dtype=np.float64)
    kept = np.sort(np.argsort(-strength, kind="stable")[:limit])
    return {"channels": kept, "maps": outputs[kept]} | statistics(outputs)


def _channels_kept(row: LayerRow, rows: list[LayerRow], most: int) -> int:
    """Channels of a layer to keep, so that all layers together have at most ``most`` numbers, but one channel each."""
    whole = sum(prod(other.shape) for other in rows)
    return max(1, min(row.shape[0], int(row.shape[0] * most / whole)))
