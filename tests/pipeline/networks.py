"""Narrow networks of the registry on small inputs of one, two and three axes, and how two trainings are compared."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from torch.nn.functional import cross_entropy

from ddlab.models.architecture import Residual
from ddlab.models.build import build
from ddlab.models.folded import NORMS
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS

SPECS = {
    "signal": NetworkSpec((2, 37), 3, width=1 / 32),
    "colour": NetworkSpec((3, 18, 15), 4, width=1 / 32),
    "volume": NetworkSpec((1, 10, 8, 7), 2, width=1 / 32),
}
LARGER = {  # for those that are made for photographs: less would leave one position to normalise over
    "signal": NetworkSpec((2, 131), 3, width=1 / 32),
    "colour": NetworkSpec((3, 42, 37), 4, width=1 / 32),
    "volume": NetworkSpec((1, 34, 19, 18), 2, width=1 / 32),
}
WIDER = {kind: replace(spec, width=1 / 16) for kind, spec in SPECS.items()}  # two channels in a bottleneck are too few
BATCH = 4
EXACT = {"rtol": 1e-12, "atol": 1e-12}
every_network = pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in MODELS for kind in SPECS])


@cache
def network_of(name, kind="colour"):
    return MODELS[name].load()(SPECS[kind])


@cache
def conditioned(name, kind="colour"):
    """The network on an input that is large enough for its statistics to be of some positions, of some channels."""
    network = network_of(name, kind)
    if not any(isinstance(layer, Residual) and "conv3" in dict(layer.body) for _, layer in network.layers):
        return network
    return MODELS[name].load()((LARGER if "stem_pool" in dict(network.layers) else WIDER)[kind])


def built(network, seed=0):
    """In training and float64, with batch normalisation that does something in evaluation, too."""
    torch.manual_seed(seed)
    module = build(network).double()
    for name, value in module.named_parameters():
        if value.dim() == 1:
            torch.nn.init.normal_(value, 1.0 if name.endswith("weight") else 0.0, 0.1)
    return module


def batch_of(network, size=BATCH):
    torch.manual_seed(1)
    return torch.randn(size, *network.input, dtype=torch.float64), torch.arange(size) % network.outputs


def trained(module, forward, inputs, labels):
    """Outputs, loss, and the gradients and statistics that a training leaves in ``module``."""
    module.zero_grad()
    outputs = forward(inputs)
    loss = cross_entropy(outputs, labels)
    loss.backward()
    return outcome(module, outputs, loss)


def outcome(module, outputs, loss):
    gradients = {f"{name} gradient": parameter.grad.clone() for name, parameter in module.named_parameters()}
    buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
    return {"outputs": outputs.detach(), "loss": loss.detach()} | gradients | buffers


def difference(found, expected):
    """The largest difference of two outcomes, of numbers above 1 relative to the largest of their tensor."""
    assert found.keys() == expected.keys()
    parts = [(found[name] - value).abs().max() / value.abs().max().clamp(min=1) for name, value in expected.items()]
    return max(part.item() for part in parts)


def rounding(module, inputs, labels, expected):
    """How much the outcome changes with the last digit of the inputs: no other order of sums can be held to less.

    Only the networks of bottlenecks magnify a last digit to more than 1e-13.
    """
    return difference(trained(module, module, inputs * (1 + 2**-52), labels), expected)


def assert_equal(found, expected):
    assert difference(found, expected) <= 1e-12


def with_statistics(module, inputs):
    """Put the module in evaluation, with the statistics of a batch."""
    for part in module.modules():
        if isinstance(part, NORMS):
            part.momentum = 1.0
    with torch.no_grad():
        module.train()(inputs)
    return module.eval()
