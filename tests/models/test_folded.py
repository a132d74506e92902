"""The forward pass that only evaluates, layer by layer; that of every network is in ``tests/contracts``."""

import pytest
import torch
from torch import nn

from ddlab.models.architecture import Conv, Network, ReLU, Residual
from ddlab.models.build import build
from ddlab.models.folded import evaluate


def evaluated(module):
    """In evaluation and float64, with statistics that do something."""
    for part in module.double().modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.running_mean.normal_(0, 0.2)
            part.running_var.uniform_(0.5, 2)
            nn.init.normal_(part.weight)
            nn.init.normal_(part.bias)
    return module.eval()


@pytest.mark.parametrize("size", [6, 7])
@pytest.mark.parametrize("pool", [nn.MaxPool2d(2), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(2, 1), nn.MaxPool2d((2, 1))])
def test_every_maximum_is_the_layers(pool, size):
    maps = torch.randn(2, 3, size, 5)
    assert torch.equal(evaluate(nn.Sequential(pool), maps), pool(maps))
    assert torch.equal(evaluate(nn.Sequential(nn.ReLU(), pool), maps), pool(maps.relu()))


def test_a_block_adds_to_neither_its_input_nor_a_smaller_shortcut():
    valid = (("conv", Conv(2, 2, padding="valid")), ("relu", ReLU()))
    inputs = torch.randn(1, 2, 6, 6)
    for body in (valid, ()):
        module = build(Network((("block", Residual(body)),), (2, 6, 6))).eval()
        expected, copy = module(inputs.clone()), inputs.clone()
        torch.testing.assert_close(evaluate(module, inputs), expected)
        assert torch.equal(inputs, copy)


def test_large_weights_are_not_multiplied_for_small_maps():
    module = evaluated(nn.Sequential(nn.Conv2d(2, 64, 3, padding=1), nn.BatchNorm2d(64)))
    small, large = (torch.randn(1, 2, side, side, dtype=torch.float64) for side in (4, 32))
    for inputs, stands in ((small, True), (large, False)):
        calls = []
        handle = module[0].register_forward_hook(lambda *_, calls=calls: calls.append(1))
        torch.testing.assert_close(evaluate(module, inputs), nn.Sequential.forward(module, inputs))
        handle.remove()
        assert bool(len(calls) - 1) == stands  # the comparison calls it once


def test_batch_statistics_are_refused():
    module = nn.Sequential(nn.Conv2d(2, 2, 3), nn.BatchNorm2d(2))
    with pytest.raises(AssertionError, match="batch statistics"):
        evaluate(module, torch.randn(2, 2, 8, 8))
