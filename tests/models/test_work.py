"""Operations and bytes of every layer: by hand, and against the operations that torch calls in a training step."""

import math

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ddlab.models.architecture import (
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Layer,
    Linear,
    MaxPool,
    Network,
    ReLU,
    Residual,
    Sigmoid,
)
from ddlab.models.attention import SelfAttention
from ddlab.models.build import build
from ddlab.models.spec import NetworkSpec
from ddlab.models.work import KINDS, Work, network_work
from ddlab.registry.models import MODELS

BATCH = 6
STEM = ("stem", Conv(3, 4, bias=False))  # of 3×8×8 it makes 4×8×8: 256 numbers


def work_of(name, layer, behind=(), **settings):
    """The work of one layer behind a stem, for a batch of six images of 3×8×8."""
    network = Network((STEM, *behind, (name, layer)), (3, 8, 8))
    return {row.name: row for row in network_work(network, BATCH, **settings)}[name]


def test_a_convolution_by_hand():
    """4×8×8 to 5×4×4 with a 3×3 kernel: 256 numbers in, 80 out, 180 weights and 5 biases."""
    row = work_of("conv", Conv(4, 5, stride=2))
    assert row.kind == "convolution"
    assert row.forward == Work(BATCH * 2 * 180 * 16, 4 * (BATCH * (256 + 80) + 185))
    assert row.backward == Work(BATCH * 4 * 180 * 16, 4 * (BATCH * (80 + 256 + 256) + 180 + 180 + 5))
    assert row.update == Work(0, 4 * 7 * 185)
    assert work_of("conv", Conv(4, 5, stride=2), states=1).update == Work(0, 4 * 5 * 185)


def test_the_first_layer_has_no_gradient_of_images():
    (row,) = network_work(Network((STEM,), (3, 8, 8)), BATCH)
    products, weights = 2 * 108 * 64, 108
    assert row.forward == Work(BATCH * products, 4 * (BATCH * (192 + 256) + weights))
    assert row.backward == Work(BATCH * products, 4 * (BATCH * (256 + 192) + 2 * weights))


def test_what_comes_before_all_weights_has_no_backward_pass():
    flattened = (("pool", MaxPool()), ("flatten", Flatten()), ("classifier", Linear(48, 10)))
    pool, classifier = network_work(Network(flattened, (3, 8, 8)), BATCH)
    assert pool.backward == Work() and pool.forward.bytes > 0
    assert classifier.backward == Work(BATCH * 2 * 480, 4 * (BATCH * (48 + 10 + 10) + 2 * 480 - 480 + 10))


def test_batch_normalisation_by_hand():
    row = work_of("norm", BatchNorm(4))
    assert row.forward == Work(0, 4 * (BATCH * 2 * 256 + 6 * 4))
    assert row.backward == Work(0, 4 * (BATCH * 3 * 256 + 7 * 4))
    assert row.update == Work(0, 4 * 7 * 8)


def test_rectifier_and_pooling_by_hand():
    """The rectifier reads and writes in place; a maximum out of 2×2 is noted in eight bytes."""
    relu = work_of("relu", ReLU())
    assert (relu.forward, relu.backward) == (Work(0, 4 * BATCH * 512), Work(0, 4 * BATCH * 768))
    pool = work_of("pool", MaxPool())
    assert pool.forward == pool.backward == Work(0, BATCH * (4 * (256 + 64) + 8 * 64))
    mean = work_of("mean", GlobalAveragePool())
    assert mean.forward == mean.backward == Work(0, 4 * BATCH * (256 + 4))


def test_a_linear_layer_by_hand():
    row = work_of("linear", Linear(256, 10), behind=(("flatten", Flatten()),), number_bytes=8)
    assert row.forward == Work(BATCH * 5120, 8 * (BATCH * 266 + 2560 + 10))
    assert row.backward == Work(BATCH * 10240, 8 * (BATCH * (266 + 266 + 10) + 2560 + 2560 + 10))


def test_a_residual_sum_by_hand():
    """Both ways are read and the sum is written; backwards, the two gradients of the block's input are added up."""
    row = work_of("block", Residual((("conv", Conv(4, 6, stride=2)),), (("conv", Conv(4, 6, 1, 2)),)))
    assert row.kind == "residual sum"
    assert (row.forward, row.backward) == (Work(0, 4 * BATCH * 3 * 96), Work(0, 4 * BATCH * 3 * 256))


def test_a_layer_of_another_package_reads_and_writes_its_maps():
    class Doubling(Layer):
        pass

    row = work_of("doubling", Doubling())
    assert row.kind == "other" and row.forward.bytes == 4 * BATCH * 512 and row.backward.bytes == 4 * BATCH * 768


# ---- against torch


class Called(TorchDispatchMode):
    """Bytes of all tensors that operations read and write, but for views and for memory that is only set aside."""

    ONLY_WRITTEN = ("bernoulli_",)
    SHAPE_ALONE = {"max_pool2d_with_indices_backward": 1}  # the argument of which nothing but the shape is used

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        results = operation(*args, **(kwargs or {}))
        name = operation.__name__.partition(".")[0]
        if operation.is_view or name.startswith("empty") or name == "add_":  # the count of batches of a norm
            return results
        skipped = self.SHAPE_ALONE.get(name)
        taken = [] if name in self.ONLY_WRITTEN else [arg for place, arg in enumerate(args) if place != skipped]
        self.bytes += sum(map(held, tree_leaves((taken, results))))
        return results


def held(tensor):
    """Bytes of a tensor in memory: axes that are only repeated count once."""
    if not isinstance(tensor, torch.Tensor) or not tensor.dim():
        return 0
    numbers = math.prod(n for n, stride in zip(tensor.shape, tensor.stride(), strict=True) if stride)
    return numbers * tensor.element_size()


def every_layer():
    """A network with a layer of every kind."""
    body = (("conv1", Conv(4, 6, stride=2)), ("norm", BatchNorm(6)), ("relu", ReLU()), ("conv2", Conv(6, 6)))
    layers = (
        ("conv", Conv(3, 4, bias=False)),
        ("norm", BatchNorm(4)),
        ("relu", ReLU()),
        ("pool", MaxPool()),
        ("block", Residual(body, (("conv", Conv(4, 6, 1, 2, bias=False)),))),
        ("block_relu", ReLU()),
        ("same", Residual((("conv", Conv(6, 6)),))),
        ("attention", SelfAttention(6)),
        ("sigmoid", Sigmoid()),
        ("mean", GlobalAveragePool()),
        ("dropout", Dropout(0.5)),
        ("hidden", Linear(6, 5)),
        ("hidden_relu", ReLU()),
        ("classifier", Linear(5, 3)),
    )
    assert {type(layer) for _, layer in layers} == set(KINDS)
    return Network(layers, (3, 16, 16), classifier="classifier")


def registered(name, **settings):
    return MODELS[name].load()(NetworkSpec((3, 16, 16), 10, width=0.25, **settings))


@pytest.mark.parametrize(
    "network",
    [every_layer(), registered("vgg3", dropout=0.3), registered("resnet20"), registered("resnet50")],
    ids=["every layer", "vgg3", "resnet20", "resnet50"],
)
def test_bytes_are_those_of_the_operations_that_torch_calls(network):
    module, images = build(network).train(), torch.randn(BATCH, *network.input)
    with Called() as forward:
        outputs = module(images)
    gradient = torch.randn(outputs.shape)
    with Called() as backward:
        outputs.backward(gradient)
    rows = network_work(network, BATCH)
    assert sum(row.forward.bytes for row in rows) == forward.bytes
    assert sum(row.backward.bytes for row in rows) == backward.bytes


def test_what_autograd_keeps_is_read_backwards():
    """By the hooks of torch: kept tensors, each once, are among what the backward pass reads, so they are fewer."""
    network, kept = registered("resnet20"), {}

    def pack(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        build(network).train()(torch.randn(BATCH, *network.input))
    assert 0 < sum(kept.values()) < sum(row.backward.bytes for row in network_work(network, BATCH))


@pytest.mark.parametrize("name", MODELS)
def test_operations_are_those_of_the_description(name):
    network = registered(name)
    assert sum(row.forward.operations for row in network_work(network, BATCH)) == BATCH * network.flops()
