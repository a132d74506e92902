"""Gu, Zhang, Liu and Cai's Tables 2.2, 3.1 and 3.4: parameters to the unit, operations to the printed digits."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ddlab.models.build import build
from ddlab.models.counting import (
    FLOPS,
    PARAMETERS,
    Counting,
    flops_eq210,
    flops_profiler_like,
    num_outputs,
    parameters,
    parameters_keras,
    parameters_keras_trainable,
)
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS

SIDE, CLASSES = {"resnet32": 32, "resnet56": 32, "resnet110": 32}, {"resnet50_fc": 101, "resnet101_fc": 101}


def network(name, num_subdomains=1, side=None):
    """The global network of a table, or a sub-network of it that sees ``side`` pixels a side."""
    whole = SIDE.get(name, 224)
    spec = NetworkSpec((3, whole, whole), 10 if whole == 32 else CLASSES.get(name, 1000), batch_norm=name != "vgg16")
    return MODELS[name].load()(spec.for_subimage((side or whole,) * 2, num_subdomains, "1/N"))


@pytest.mark.parametrize(
    ("name", "count", "expected"),  # the whole network's, then those of the sub-networks of 4, 8 and 16 subdomains
    [
        ("vgg16", parameters, [138_357_544, 4_176_056]),
        ("resnet50", parameters, [25_557_032, 1_993_976]),
        ("resnet101", parameters, [44_549_160, 3_190_776]),
        ("resnet32", parameters_keras, [7_441_162, 470_218]),
        ("resnet56", parameters_keras, [13_652_234, 861_770]),
        ("resnet110", parameters_keras, [27_627_146, 1_742_762]),
        ("resnet50_fc", parameters_keras, [25_789_413, 1_658_181, 430_037, 115_293]),
        ("resnet101_fc", parameters_keras, [44_859_877, 2_874_565, 742_293, 197_437]),
    ],
)
def test_parameters_to_the_unit(name, count, expected):
    sides = {224: [224, 112, 96, 70], 32: [32, 16]}[SIDE.get(name, 224)]
    found = [count(network(name, *part)) for part in zip((1, 4, 8, 16), sides, strict=False)]
    assert found[: len(expected)] == expected


TABLE_22 = {"vgg16": (5, 1, parameters), "resnet50": (5.2, 0, parameters), "resnet101": (5.2, 0, parameters)}
TABLE_31, TABLE_34, TABLE_22_SUB = (4.6, 2, parameters_keras), (2, 2, parameters_keras), (3, 0, parameters)


@pytest.mark.parametrize(
    ("name", "part", "eq210", "profiler", "likeness"),  # part: number of subdomains and side of a sub-network's input
    [
        ("resnet32", (1, 32), "2.2001", "2.2381", TABLE_31),
        ("resnet32", (4, 20), "0.0539", "0.0564", TABLE_31),
        ("resnet32", (4, 16), "0.0345", "0.0369", TABLE_31),
        ("resnet56", (1, 32), "4.0111", "4.0805", TABLE_31),
        ("resnet56", (4, 20), "0.0980", "0.1026", TABLE_31),
        ("resnet56", (4, 16), "0.0627", "0.0671", TABLE_31),
        ("resnet110", (1, 32), "8.0859", "8.2257", TABLE_31),
        ("resnet110", (4, 20), "0.1974", "0.2066", TABLE_31),
        ("resnet110", (4, 16), "0.1263", "0.1351", TABLE_31),
        ("vgg16", (1, 224), "30.9270", "31.646", TABLE_22["vgg16"]),
        ("vgg16", (4, 112), "0.4934", "0.516", TABLE_22["vgg16"]),
        ("resnet50", (1, 224), "6.9552", "7.097", TABLE_22["resnet50"]),
        ("resnet101", (1, 224), "14.3746", "14.621", TABLE_22["resnet101"]),
        ("resnet50", (4, 112), "0.1277", "0.13", TABLE_22_SUB),
        ("resnet101", (4, 112), "0.2433", "0.25", TABLE_22_SUB),
        ("resnet50_fc", (1, 224), "7.7057", "7.789", TABLE_34),
        ("resnet101_fc", (1, 224), "15.125", "15.262", TABLE_34),
        ("resnet50_fc", (4, 140), "0.2224", "0.2289", TABLE_34),
        ("resnet101_fc", (4, 140), "0.4136", "0.4242", TABLE_34),
        ("resnet50_fc", (8, 96), "0.026722", "0.028", TABLE_34),
        ("resnet101_fc", (8, 96), "0.047912", "0.050", TABLE_34),
        ("resnet50_fc", (16, 70), "0.005135", "0.00559", TABLE_34),
        ("resnet101_fc", (16, 70), "0.008794", "0.00953", TABLE_34),
    ],
)
def test_operations_to_the_printed_digits(name, part, eq210, profiler, likeness):
    """In 10⁹. The paper prints the profiler's numbers, with fewer digits: all but the last, of which it has 0.0096."""
    counted = network(name, *part)
    for found, printed in ((flops_eq210(counted), eq210), (flops_profiler_like(counted, *likeness), profiler)):
        assert f"{found / 1e9:.{len(printed.partition('.')[2])}f}" == printed


def test_maps_are_halved_in_the_last_block_of_a_stage_or_in_the_first():
    """By TF-slim in a 3×3 convolution, by Keras in a 1×1 convolution."""
    image = NetworkSpec((3, 224, 224), 1000)
    first, last = (MODELS[name].load()(image) for name in ("resnet50_fc", "resnet50"))
    shapes = [{step.name: step.output for step in network.placed_layers()} for network in (first, last)]
    for stage, side in ((1, 28), (2, 14), (3, 7)):
        blocks = {1: 3, 2: 4, 3: 6}[stage]
        assert shapes[1][f"stage{stage}_block{blocks}.body.conv2"][1:] == (side, side)
        assert shapes[0][f"stage{stage + 1}_block1.body.conv1"][1:] == (side, side)
        assert shapes[0][f"stage{stage}_block{blocks}.body.conv2"][1:] == (2 * side, 2 * side)


def test_torch_counts_one_operation_an_output_more_than_equation_210():
    counted = network("resnet50", 4, 112)
    with torch.device("meta"):
        module, image = build(counted).eval(), torch.zeros(1, *counted.input)
    seen = []
    for layer in module.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(lambda layer, inputs, output: seen.append(output.numel()))
    with FlopCounterMode(display=False) as counter:
        module(image)
    assert num_outputs(counted) == sum(seen)
    assert flops_eq210(counted) == counter.get_total_flops() - sum(seen)


def test_keras_trains_a_bias_a_convolution_and_keeps_two_running_means_a_normalised_channel():
    counted = network("resnet32")
    modules = list(build(network("resnet32", 16)).modules())  # a narrow one of the same depth
    assert sum(isinstance(layer, torch.nn.BatchNorm2d) for layer in modules) == 31
    biases = 64 * (1 + 10) + 128 * (10 + 1) + 256 * (10 + 1)
    assert parameters_keras_trainable(counted) == parameters(counted) + biases
    means = 64 * (1 + 10) + 128 * 10 + 256 * 10  # projections have none
    assert parameters_keras(counted) == parameters_keras_trainable(counted) + 2 * means


def test_every_convention_counts_and_others_are_refused():
    counted = network("resnet32", 4, 16)
    sizes = [Counting(by_parameters=name).parameters(counted) for name in PARAMETERS]
    works = [Counting(by_flops=name).flops(counted) for name in FLOPS]
    assert len(set(sizes)) == len(sizes) and len(set(works)) == len(works)
    with pytest.raises(ValueError, match="did you mean 'keras'"):
        Counting("kera")
    with pytest.raises(ValueError, match="did you mean 'eq210'"):
        Counting(by_flops="eq21")
