"""Every model of the registry: its description is what is built, in two and three dimensions, alone and as a bank."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ddlab.models.architecture import Conv, Flatten, Linear, Network, Residual
from ddlab.models.bank import Bank
from ddlab.models.build import build
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS

SPECS = {
    "rgb": NetworkSpec((3, 32, 32), 10),
    "grey, odd size": NetworkSpec((1, 23, 19), 3, width=0.5),
    "volume": NetworkSpec((1, 12, 12, 8), 2, width=0.25),
    "no norm, dropout": NetworkSpec((3, 16, 16), 4, width=0.5, batch_norm=False, dropout=0.3),
}


LARGE = 4e6  # parameters for 3×32×32; beyond them a narrow network tells the same sooner


def narrow(name, spec):
    builder = MODELS[name].load()
    is_large = builder(SPECS["rgb"]).parameters() > LARGE
    return builder(replace(spec, width=spec.width / 16) if is_large else spec)


def networks():
    return [pytest.param(narrow(name, spec), id=f"{name}, {kind}") for name in MODELS for kind, spec in SPECS.items()]


@pytest.mark.parametrize("network", networks())
def test_description_is_what_is_built(network):
    module = build(network).eval()
    assert network.parameters() == sum(parameter.numel() for parameter in module.parameters())
    names = dict(module.named_modules())
    assert network.classifier in names and network.cam_layer in names
    counter = FlopCounterMode(display=False)
    with counter:
        logits = module(torch.zeros(1, *network.input))
    assert logits.shape == (1, network.outputs)
    assert counter.get_total_flops() == network.flops()


@pytest.mark.parametrize("network", networks())
def test_bank_equals_its_networks_one_by_one(network):
    torch.manual_seed(0)
    copies = 3
    bank = Bank(network, copies)
    modules = [build(network).double() for _ in range(copies)]
    bank.prepare("cpu", torch.float64).eval()
    for index, module in enumerate(modules):
        bank.load_state_of(index, module.state_dict())
    inputs = torch.randn(2, copies, *network.input, dtype=torch.float64)
    with torch.no_grad():
        together = bank(inputs.flatten(1, 2))
        for index, module in enumerate(modules):
            torch.testing.assert_close(together[:, index], module.eval()(inputs[:, index]), rtol=1e-12, atol=1e-12)
            module.load_state_dict(bank.state_of(index))


@pytest.mark.parametrize(
    ("name", "spec", "parameters"),
    [
        ("resnet20", NetworkSpec((3, 32, 32), 10), 272_474),  # He et al.'s 0.27 M, with projection shortcuts
        ("vgg3", NetworkSpec((3, 32, 32), 10, batch_norm=False), 550_570),  # the widely used three-block CIFAR network
    ],
)
def test_parameter_counts_to_the_unit(name, spec, parameters):
    assert MODELS[name].load()(spec).parameters() == parameters


@pytest.mark.parametrize("reduction", ["1/N", "1/sqrt(N)", "1"])
@pytest.mark.parametrize("name", MODELS)
def test_reduction_rules(name, reduction):
    """All channels but those of the image and the classes shrink by the rule."""
    spec = NetworkSpec((3, 32, 32), 10, width=2)
    whole, local = (MODELS[name].load()(s) for s in (spec, spec.for_subimage((16, 16), 4, reduction)))
    factor = {"1/N": 4, "1/sqrt(N)": 2, "1": 1}[reduction]
    channels = [[s.layer.out_channels for s in n.placed_layers() if isinstance(s.layer, Conv)] for n in (whole, local)]
    assert channels[0] == [factor * number for number in channels[1]]


def test_a_local_network_keeps_two_channels():
    spec = NetworkSpec((1, 16, 16), 2).for_subimage((4, 4), 256, "1/N")
    convolutions = [step.layer for step in MODELS["cnn"].load()(spec).placed_layers() if isinstance(step.layer, Conv)]
    assert min(conv.out_channels for conv in convolutions) == 2


def test_too_small_an_input_names_the_layer():
    with pytest.raises(ValueError, match=r"input 8×8 px is too small: layer 'conv\d'"):
        MODELS["vgg9"].load()(NetworkSpec((3, 8, 8), 10, padding="valid"))


def test_valid_padding_crops_the_shortcut():
    body = (("a", Conv(2, 2, padding="valid", bias=False)), ("b", Conv(2, 2, padding="valid", bias=False)))
    network = Network((("block", Residual(body)), ("flatten", Flatten()), ("head", Linear(2 * 4 * 4, 3))), (2, 8, 8))
    module = build(network)
    for parameter in module.block.parameters():
        torch.nn.init.zeros_(parameter)
    maps = torch.randn(1, 2, 8, 8)
    torch.testing.assert_close(module.block(maps), maps[:, :, 2:6, 2:6])
