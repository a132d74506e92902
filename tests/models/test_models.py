"""Facts about single networks and layers; what all networks promise is in ``tests/contracts``."""

import pytest
import torch

from ddlab.models.architecture import Conv, Flatten, Linear, Network, Residual
from ddlab.models.build import build
from ddlab.models.counting import parameters_keras_trainable
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS


@pytest.mark.parametrize(
    ("name", "spec", "parameters"),
    [
        ("resnet20", NetworkSpec((3, 32, 32), 10), 272_474),  # He et al.'s 0.27 M, with projection shortcuts
        ("resnet18", NetworkSpec((3, 32, 32), 10), 11_173_962),  # the widely used one for CIFAR-10, 3×3 stem
        ("resnet34", NetworkSpec((3, 32, 32), 10), 21_282_122),
        ("resnet50_cifar", NetworkSpec((3, 32, 32), 10), 23_520_842),  # so is this one
        ("vgg3", NetworkSpec((3, 32, 32), 10, batch_norm=False), 550_570),  # the widely used three-block CIFAR network
    ],
)
def test_parameter_counts_to_the_unit(name, spec, parameters):
    assert MODELS[name].load()(spec).parameters() == parameters


def test_vgg16_for_small_images_has_the_published_parameters_but_biases_before_normalisation():
    """The widely used one for CIFAR-10 has 14,728,266, with one linear layer from 512 features and useless biases."""
    network = MODELS["vgg16_cifar"].load()(NetworkSpec((3, 32, 32), 10))
    assert parameters_keras_trainable(network) == 14_728_266 == network.parameters() + 4_224
    assert [step.input for step in network.placed_layers()][-1] == (512,)


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
