"""Self-attention: its formula by hand, N networks apart, what it counts and keeps; and the networks that have it."""

import math

import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from ddlab.models.architecture import Network, activations
from ddlab.models.attention import SelfAttention
from ddlab.models.bank import Bank
from ddlab.models.build import build
from ddlab.models.counting import num_outputs, parameters_keras_trainable
from ddlab.models.resattnet import MOST_POSITIONS
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS

SHAPES = {1: (16, 7), 2: (16, 4, 3), 3: (16, 2, 3, 2)}
EXACT = {"rtol": 1e-12, "atol": 1e-12}
every_dimension = pytest.mark.parametrize("dimensions", SHAPES)
ours = pytest.mark.parametrize("name", ["resattnet18", "resattnet34"])


def alone(dimensions):
    """A network of one attention, its module in float64 with a gamma that is not 0, and two maps."""
    shape = SHAPES[dimensions]
    network = Network((("attention", SelfAttention(shape[0])),), shape)
    torch.manual_seed(dimensions)
    module = build(network).double()
    nn.init.constant_(module.attention.gamma, 0.7)
    return network, module, torch.randn(2, *shape, dtype=torch.float64)


def attended(name, shape, **settings):
    """Names of the attentions of a narrow network, with the extents of their maps."""
    network = MODELS[name].load()(NetworkSpec(shape, 2, width=1 / 16, **settings))
    return {step.name: step.input[1:] for step in network.placed_layers() if isinstance(step.layer, SelfAttention)}


# ---- the layer


@every_dimension
def test_it_is_what_the_formula_says_position_by_position(dimensions):
    _, module, maps = alone(dimensions)
    part = module.attention.requires_grad_(False)
    query, key, value, output = (getattr(part, n).weight.flatten(1) for n in ("query", "key", "value", "output"))
    assert query.shape == key.shape == (2, 16) and value.shape == output.shape == (16, 16)  # C/8 channels, C channels
    for sample, result in zip(maps.flatten(2), module(maps).flatten(2), strict=True):
        positions = list(sample.T)
        for place, x in enumerate(positions):
            scores = [math.exp((query @ x) @ (key @ other) / math.sqrt(2)) for other in positions]
            mean = sum(score * (value @ other) for score, other in zip(scores, positions, strict=True)) / sum(scores)
            torch.testing.assert_close(result[:, place], x + 0.7 * (output @ mean), **EXACT)


@every_dimension
def test_it_begins_as_the_identity_and_learns_first_how_much_to_add(dimensions):
    network, _, maps = alone(dimensions)
    module = build(network).double()
    outputs = module(maps)
    assert torch.equal(outputs, maps)
    outputs.square().sum().backward()
    moved = {name: bool(parameter.grad.any()) for name, parameter in module.attention.named_parameters()}
    assert moved == {"gamma": True} | {f"{part}.weight": False for part in ("query", "key", "value", "output")}


@every_dimension
def test_networks_of_a_bank_attend_to_themselves_alone(dimensions):
    """Every network's outputs and gradients are those that it has by itself, each with its own gamma."""
    network, copies = alone(dimensions)[0], 3
    torch.manual_seed(5)
    modules = [build(network).double() for _ in range(copies)]
    bank = Bank(network, copies).prepare("cpu", torch.float64)
    for index, module in enumerate(modules):
        nn.init.constant_(module.attention.gamma, index + 0.5)
        bank.load_state_of(index, module.state_dict())
    inputs = torch.randn(2, copies, *network.input, dtype=torch.float64)
    together = bank.networks(inputs.flatten(1, 2)).unflatten(1, (copies, -1))
    together.square().sum().backward()
    for index, module in enumerate(modules):
        own = module(inputs[:, index])
        own.square().sum().backward()
        torch.testing.assert_close(together[:, index], own, **EXACT)
        for parameter, view in zip(module.parameters(), bank.parameters_of(index), strict=True):
            torch.testing.assert_close(view.grad, parameter.grad, **EXACT)


@every_dimension
def test_it_keeps_for_the_backward_pass_what_it_says(dimensions):
    """All storages that autograd saves, but for the layer's input, the weights, and gamma; and its output, counted."""
    network, module, maps = alone(dimensions)
    maps.requires_grad_()
    kept = {}

    def pack(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes() // 8
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        outputs = module(maps)
    for tensor in (maps, *module.parameters()):
        kept.pop(tensor.untyped_storage().data_ptr(), None)
    assert sum(kept.values()) + outputs.numel() == 2 * activations(network.layers, network.input)


def test_sums_of_products_are_counted_on_paper():
    """Of 12 positions and 16 channels: 2 + 2 + 16 + 16 convolved channels, scores and means; in Keras, biases."""
    network = alone(2)[0]
    assert num_outputs(network) == 12 * (2 + 2 + 16 + 16) + 12 * 12 + 12 * 16
    assert network.parameters() == 2 * 16 * 2 + 2 * 16 * 16 + 1
    assert parameters_keras_trainable(network) == network.parameters() + 2 + 2 + 16 + 16


# ---- the networks


@pytest.mark.parametrize("attends_in_stage_1", [True, False])
def test_resattnet18_has_the_parameters_of_its_parts(attends_in_stage_1):
    """A kernel a channel pair (1×1×1 in projections), 2 numbers a normalised channel; attention: 2C²/8 + 2C² + 1."""
    side = 32 if attends_in_stage_1 else 40
    network = MODELS["resattnet18"].load()(NetworkSpec((1, side, side, side), 2))
    blocks = 4 * (27 * 64 * 64 + 2 * 64)
    blocks += sum(27 * (c // 2 * c + 3 * c * c) + c // 2 * c + 5 * 2 * c for c in (128, 256, 512))
    stem, classifier = 27 * 64 + 2 * 64, 512 * 2 + 2
    assert stem + blocks + 512 * 400 + 400 == 33_371_472 - 3 * 64 * (7 * 7 * 3) + 27 * 64  # torchvision's r3d_18
    channels = (64,) * attends_in_stage_1 + (128, 256, 512)
    attention = sum(2 * c * c // 8 + 2 * c * c + 1 for c in channels)
    assert network.parameters() == stem + blocks + attention + classifier


def test_resattnet34_has_16_blocks_and_attention_behind_each_stage():
    names = [name for name, _ in MODELS["resattnet34"].load()(NetworkSpec((1, 24, 24, 24), 2)).layers]
    blocks = [sum(name.startswith(f"stage{stage}") and name[-1].isdigit() for name in names) for stage in range(1, 5)]
    assert blocks == [3, 4, 6, 3]
    behind = [names[names.index(f"stage{stage}_attention") - 1] for stage in range(1, 5)]
    assert behind == [f"stage{stage}_block{count}_relu" for stage, count in enumerate(blocks, 1)]


@ours
def test_attention_stands_where_the_map_is_small_enough(name):
    assert attended(name, (1, 32, 40, 32)) == {
        "stage2_attention": (8, 10, 8),
        "stage3_attention": (8, 10, 8),
        "stage4_attention": (8, 10, 8),
    }
    assert MOST_POSITIONS == 16**3 and attended(name, (1, 32, 32, 32))["stage1_attention"] == (16, 16, 16)
    assert list(attended(name, (1, 96, 112, 96))) == ["stage3_attention", "stage4_attention"]
    assert not attended(name, (1, 512, 512, 256))


@ours
@pytest.mark.parametrize("shape", [(1, 96), (3, 32, 32), (1, 10, 8, 7), (1, 64, 64, 5), (1, 4, 4, 4)], ids=str)
def test_maps_are_halved_while_enough_positions_remain(name, shape):
    network = MODELS[name].load()(NetworkSpec(shape, 2, width=1 / 16))
    places = [math.prod(step.output[1:]) for step in network.placed_layers() if step.name == network.cam_layer]
    least = 4 ** (len(shape) - 1)
    assert min(math.prod(shape[1:]), least) <= places[0] < 9 * least
