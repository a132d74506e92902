"""Split layers are the unsplit ones, by channels and by rows: outputs, gradients, statistics; and what halos cost."""

import math

import pytest
import torch

from ddlab.models.architecture import (
    BatchNorm,
    Conv,
    Flatten,
    GlobalAveragePool,
    Linear,
    MaxPool,
    Network,
    ReLU,
    Residual,
    Sigmoid,
)
from ddlab.models.attention import SelfAttention
from ddlab.models.build import build
from ddlab.pipeline.partition import sub_layers
from ddlab.pipeline.row_split import RowSplit, row_runs
from ddlab.pipeline.split import SPLITS, ChannelSplit, channel_runs, shares
from ddlab.pipeline.split_modules import SplitChannels, SplitRows, device_state, split_by_channels, split_by_rows
from ddlab.registry.models import MODELS
from tests.pipeline.networks import (
    EXACT,
    batch_of,
    built,
    conditioned,
    difference,
    network_of,
    rounding,
    trained,
    with_statistics,
)

pytestmark = pytest.mark.slow

DEVICES = (1, 2, 3, 4)
DEVICES_OF = {"signal": (2,), "colour": (2, 3, 4), "volume": (3,)}
SPLIT = [  # every network in two dimensions, and those of few layers in all
    (name, kind) for name in MODELS for kind in DEVICES_OF if kind == "colour" or len(sub_layers(network_of(name))) < 12
]


def convolutions(count, kernel, size=24, **settings):
    """Merged convolutions with a normalisation and a rectifier behind each."""
    layers = ()
    for number in range(count):
        conv = Conv(2, 2, kernel, **settings)
        layers = (*layers, (f"conv{number}", conv), (f"norm{number}", BatchNorm(2)), (f"relu{number}", ReLU()))
    return Network(layers, (2, size, 9))


def outcomes(network, module, forward):
    """What a training with squares as its loss gives, in training and in evaluation."""
    for training in (True, False):
        module.train(training).zero_grad()
        torch.manual_seed(2)
        inputs = torch.randn(3, *network.input, dtype=torch.float64, requires_grad=True)
        outputs = (forward.train(training))(inputs)
        outputs.square().mean().backward()
        yield outputs.detach()
        yield inputs.grad
        yield from (parameter.grad.clone() for parameter in module.parameters())
        yield from (buffer.clone() for buffer in module.buffers())


def assert_same_layers(network, split_of):
    """The split of a built network computes what it computes, its inputs' gradients included."""
    whole, module = built(network), built(network)
    for found, expected in zip(
        outcomes(network, module, split_of(module)), outcomes(network, whole, whole), strict=True
    ):
        torch.testing.assert_close(found, expected, **EXACT)


# ---- all networks


@pytest.mark.parametrize(("name", "kind"), SPLIT)
@pytest.mark.parametrize("split", SPLITS)
def test_a_split_network_is_the_unsplit_one(name, kind, split):
    """To 1e-12, or where a network magnifies the last digit of its inputs beyond that, to ten times as much."""
    network, split_by = conditioned(name, kind), SPLITS[split].load()
    batch, whole = batch_of(network), built(network)
    expected = trained(whole, whole, *batch)
    moved = rounding(built(network), *batch, expected)
    assert moved < (1e-13 if network is network_of(name, kind) else 1e-10)
    for devices in DEVICES_OF[kind]:
        module = built(network)
        found = trained(module, split_by(module, network, devices), *batch)
        assert difference(found, expected) <= max(1e-12, 10 * moved), devices


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("split", SPLITS)
def test_with_statistics_that_stand_it_is_split_too(name, split):
    network = conditioned(name)
    batch = batch_of(network)
    whole = with_statistics(built(network), batch[0])
    expected = trained(whole, whole, *batch)
    parts = SPLITS[split].load()(whole, network, 3).eval()
    found = trained(whole, parts, *batch)
    assert difference(found, expected) <= max(1e-12, 10 * rounding(whole, *batch, expected))


@pytest.mark.parametrize("pairs", [True, False])
@pytest.mark.parametrize("name", ["vgg3", "resnet20"])
def test_layers_are_split_in_pairs_or_one_by_one(name, pairs):
    network = network_of(name)
    assert_same_layers(network, lambda module: split_by_channels(module, network, 3, pairs=pairs))


@pytest.mark.parametrize("merged", [1, 2, 3, 99])
@pytest.mark.parametrize("name", ["vgg3", "resnet20"])
def test_any_number_of_layers_is_merged(name, merged):
    network = network_of(name)
    assert_same_layers(network, lambda module: split_by_rows(module, network, 3, merged=merged))


# ---- by channels


@pytest.mark.parametrize("devices", DEVICES)
@pytest.mark.parametrize(
    "layers",
    [
        (("a", Conv(2, 7)), ("norm", BatchNorm(7)), ("relu", ReLU()), ("pool", MaxPool()), ("b", Conv(7, 5, 1))),
        (("a", Conv(2, 7, bias=False)), ("flatten", Flatten()), ("b", Linear(7 * 6 * 5, 3))),
        (("a", Conv(2, 5)), ("mean", GlobalAveragePool()), ("s", Sigmoid()), ("b", Linear(5, 3))),
        (("a", Conv(2, 3, stride=2, padding="valid")), ("norm", BatchNorm(3))),
    ],
    ids=["convolutions", "flattened", "averaged", "alone"],
)
def test_pairs_are_the_unsplit_layers(layers, devices):
    network = Network(layers, (2, 6, 5))
    split = ChannelSplit(network, devices)
    assert_same_layers(network, lambda module: SplitChannels(split, module))


def test_a_device_holds_its_part_of_the_weights():
    """Built by itself from the unsplit layers' state, as on a rank, and its gradients are parts of theirs."""
    network = Network((("a", Conv(2, 7)), ("norm", BatchNorm(7)), ("b", Conv(7, 5))), (2, 6, 5))
    whole, split = built(network), ChannelSplit(network, 3)
    inputs = torch.randn(3, 2, 6, 5, dtype=torch.float64)
    expected = whole(inputs)
    (gradients,) = [torch.autograd.grad(expected.sum(), list(whole.parameters()))]
    named = dict(zip(dict(whole.named_parameters()), gradients, strict=True))
    parts = [build(split.part(device)).double() for device in range(3)]
    for device, part in enumerate(parts):
        part.load_state_dict(device_state(whole.state_dict(), split, device))
    outputs = sum(part(inputs) for part in parts)
    torch.testing.assert_close(outputs, expected, **EXACT)
    outputs.sum().backward()
    for device, part in enumerate(parts):
        theirs = device_state(named, split, device)
        for name, parameter in part.named_parameters():
            if name != "b.bias" or device == 0:  # of the others it is not trained
                torch.testing.assert_close(parameter.grad, theirs[name], **EXACT)
    assert not any(part.get_parameter("b.bias").any() for part in parts[1:])


def test_a_pair_costs_what_it_costs_unsplit():
    network = Network((("a", Conv(2, 7)), ("norm", BatchNorm(7)), ("b", Conv(7, 5))), (2, 6, 5))
    split = ChannelSplit(network, 3)
    assert [list(channels) for channels in split.channels] == [[0, 1], [2, 3], [4, 5, 6]]
    assert sum(split.part(device).flops() for device in range(3)) == network.flops()
    assert sum(split.part(device).parameters() for device in range(3)) == network.parameters() + 2 * 5  # zero biases
    assert split.sent == 5 * 6 * 5  # partial sums of the whole output
    alone = ChannelSplit(Network((("a", Conv(2, 7)), ("norm", BatchNorm(7))), (2, 6, 5)), 3)
    assert alone.sent == 3 * 6 * 5 and ChannelSplit(network, 1).sent == 0


def test_no_more_devices_than_channels_or_rows_are_used():
    """Algorithm 1: n_l = min(m, n), and the remaining devices are left unused."""
    assert [len(part) for part in shares(7, 3)] == [2, 2, 3] and len(shares(2, 5)) == 2
    assert len(ChannelSplit(Network((("a", Conv(1, 2)),), (1, 9)), 4).channels) == 2
    assert len(RowSplit(Network((("a", Conv(1, 2)),), (1, 3, 9)), 4).outputs) == 3


def test_neighbours_are_paired():
    runs = [[name for name, _ in run.layers] for run, splits in channel_runs(network_of("cnn")) if splits]
    assert runs[0] == ["conv1", "conv1_norm", "conv1_relu", "pool1", "conv2"]
    assert [run[0] for run in runs] == ["conv1", "conv3", "classifier"] and runs[1][-1] == "hidden"
    alone = [run for run, splits in channel_runs(network_of("cnn"), pairs=False) if splits]
    assert len(alone) == 5


# ---- by rows


@pytest.mark.parametrize("devices", DEVICES)
@pytest.mark.parametrize(
    "layers",
    [
        convolutions(3, 5).layers,
        convolutions(2, 3, padding="valid").layers,
        convolutions(2, 3, stride=2).layers,
        (("a", Conv(2, 3)), ("norm", BatchNorm(3)), ("b", Conv(3, 2, 1, stride=2))),  # the norm sees rows nobody reads
        (("a", Conv(2, 3)), ("norm", BatchNorm(3)), ("pool", MaxPool())),
        (("a", Conv(2, 3, bias=False)), ("pool", MaxPool(3, 2, "same")), ("s", Sigmoid()), ("b", Conv(3, 2))),
        (("r", Residual((("a", Conv(2, 2, padding="valid")), ("b", Conv(2, 2, padding="valid"))))), ("relu", ReLU())),
        (("r", Residual((("a", Conv(2, 3, stride=2)),), (("b", Conv(2, 3, 1, stride=2)), ("n", BatchNorm(3))))),),
        (("r", Residual((("a", Conv(2, 3, padding="valid")),), (("b", Conv(2, 3, 1)), ("n", BatchNorm(3))))),),
        (("r", Residual(())), ("c", Conv(2, 2))),
    ],
    ids=[
        "5",
        "valid",
        "stride",
        "pick",
        "norm, pool",
        "pool",
        "valid block",
        "projection",
        "valid projection",
        "empty block",
    ],
)
def test_rows_are_those_of_the_unsplit_layers(layers, devices):
    network = Network(layers, (2, 17, 9))  # seventeen rows divide by no number of devices
    split = RowSplit(network, devices)
    assert_same_layers(network, lambda module: SplitRows(split, module))


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("count", "kernel"), [(1, 3), (1, 5), (2, 3), (3, 3), (2, 5), (1, 1)])
def test_the_halo_is_half_the_kernel_a_side_and_layer(count, kernel, padding):
    """Akintoye et al.'s merged layers: L(E - 1)/2 rows a side; neighbours need both sides of it."""
    split = RowSplit(convolutions(count, kernel, padding=padding), 3)
    halo = count * (kernel - 1) // 2
    assert split.shared_rows == (2 * halo, 2 * halo)
    if padding == "same":
        assert [(rows.start, rows.stop) for rows in split.reads] == [
            (0, 8 + halo),
            (8 - halo, 16 + halo),
            (16 - halo, 24),
        ]


def test_what_is_computed_twice_is_counted():
    network = convolutions(2, 3)
    split, row = RowSplit(network, 3), network.layers[0][1].flops(network.input) // 24
    assert [split.flops(device) for device in range(3)] == [(9 + 8) * row, (10 + 8) * row, (9 + 8) * row]
    assert RowSplit(network, 1).flops(0) == network.flops()
    block = Network((("r", Residual(network.layers)),), network.input)
    assert RowSplit(block, 3).flops(1) == split.flops(1)


def test_the_head_is_not_split_by_rows():
    runs = [([name for name, _ in run.layers], splits) for run, splits in row_runs(network_of("cnn"), 2)]
    assert [names[0] for names, splits in runs if splits] == ["conv1", "conv3"]
    assert runs[0][0][-1] == "pool2" and [names for names, splits in runs if not splits][0] == ["flatten"]
    assert sum(len(names) for names, _ in runs) == len(network_of("cnn").layers)


def test_self_attention_stays_whole_between_split_layers():
    network = network_of("resattnet18")
    for runs in (row_runs(network, 2), channel_runs(network)):
        found = [([name for name, _ in run.layers], splits) for run, splits in runs]
        assert [names for names, splits in found if "stage2_attention" in names] == [["stage2_attention"]]
        assert (["stage2_attention"], False) in found


# ---- refusals


@pytest.mark.parametrize("split", SPLITS)
def test_no_device_is_refused(split):
    network = network_of("cnn")
    with pytest.raises(ValueError, match="devices: must be at least 1, got 0"):
        SPLITS[split].load()(build(network), network, 0)


def test_nothing_merged_is_refused():
    with pytest.raises(ValueError, match="merged: must be at least 1 layer, got 0"):
        list(row_runs(network_of("cnn"), 0))


@pytest.mark.parametrize("layers", [(), (("relu", ReLU()),), (("a", Conv(1, 1)), ("b", Conv(1, 1)), ("c", ReLU()))])
def test_layers_without_channels_to_give_away_are_refused(layers):
    with pytest.raises(ValueError, match="layers: a split by channels needs a convolution or linear layer, .* got"):
        ChannelSplit(Network(layers, (1, 8, 8)), 2)


@pytest.mark.parametrize(
    ("layers", "shape", "said"),
    [
        ((("a", Conv(1, 1)), ("mean", GlobalAveragePool())), (1, 8, 8), "layer 'mean'"),
        ((("r", Residual((("flatten", Flatten()),))),), (1, 8, 8), "layer 'r'"),
        ((("attention", SelfAttention(1)),), (1, 8, 8), "layer 'attention'"),
        ((("relu", ReLU()),), (8,), "an input without rows"),
    ],
)
def test_layers_that_need_all_rows_are_refused(layers, shape, said):
    with pytest.raises(ValueError, match=f"layers: a split by rows needs .* got {said}; choices: convolutions"):
        RowSplit(Network(layers, shape), 2)


def test_shares_cover_everything_once():
    for count in range(1, 12):
        for devices in range(1, 6):
            assert [index for part in shares(count, devices) for index in part] == list(range(count))
            sizes = [len(part) for part in shares(count, devices)]
            assert max(sizes) - min(sizes) <= 1 and math.prod(sizes) > 0
