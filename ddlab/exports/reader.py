"""Read back what was exported as safetensors: the network is built from its description, wherever its run is."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import nn

from ddlab.decomposition import Subdomain
from ddlab.exports import SCHEMA
from ddlab.models.build import build
from ddlab.models.cnn_dnn import CNNDNN
from ddlab.models.written import from_tree

TEXTS = ("name", "title", "run", "outputs")  # facts that are text; the others are written as JSON


def read_network(path: Path) -> tuple[nn.Module, dict[str, Any]]:
    """The network of a safetensors file, ready for evaluation, and the facts about it.

    Raises
    ------
    ValueError
        If the file is not there, damaged, not one of ours, or of a newer ddlab.
    """
    try:
        with safe_open(path, "pt") as file:
            texts = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (not a mapping)
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{path}: cannot be read as safetensors ({error})") from None
    if "ddlab" not in texts or "network" not in texts:
        raise ValueError(f"{path}: says nothing of its network; was it written by 'ddlab export-network'?")
    facts = {name: text if name in TEXTS else json.loads(text) for name, text in texts.items()}
    if facts["ddlab"] > SCHEMA:
        raise ValueError(f"{path}: comes from a newer ddlab (schema {facts['ddlab']}, this one reads {SCHEMA})")
    module = built(facts["network"])
    module.load_state_dict(state)
    return module.eval().requires_grad_(False), facts


def built(described: dict[str, Any]) -> Any:
    """The module of a described network or CNN-DNN, freshly initialised.

    Raises
    ------
    ValueError
        If it is of another kind.
    """
    if described["kind"] == "network":
        return build(from_tree(described))
    if described["kind"] == "cnn_dnn":
        boxes = [Subdomain(tuple(start), tuple(stop)) for start, stop in described["boxes"]]
        local = [from_tree(part) for part in described["local"]]
        return CNNDNN(local, boxes, from_tree(described["dnn"]), described["outputs"])
    raise ValueError(f"network: unknown kind {described['kind']!r}; choices: network, cnn_dnn")
