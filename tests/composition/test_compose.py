"""Composition against the sub-networks it is made of, in float64: Theorem 2.1, eq. (2.16), and the way back."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlab.composition.compose import Composition
from ddlab.decomposition import Decomposition
from ddlab.models.architecture import Conv, Flatten, GlobalAveragePool, Linear, MaxPool, Network, ReLU
from ddlab.models.build import build
from ddlab.models.layers import conv_block
from ddlab.models.resnet import resnet20
from ddlab.models.spec import NetworkSpec
from ddlab.models.vgg import vgg3


def family(depth: int, pools: int, head: str):
    """A builder of small networks: ``depth`` convolutions, the first ``pools`` followed by pooling."""

    def builder(spec: NetworkSpec) -> Network:
        layers, at = (), spec.input
        for number in range(1, depth + 1):
            block = conv_block(f"conv{number}", spec, at[0], spec.scaled(32))
            block += ((f"pool{number}", MaxPool()),) if number <= pools else ()
            for _, layer in block:
                at = layer.output(at)
            layers += block
        if head == "pool":
            layers += (("pool", GlobalAveragePool()), ("classifier", Linear(at[0], spec.num_classes)))
        else:
            (features,), units = Flatten().output(at), spec.scaled(12)
            layers += (("flatten", Flatten()), ("hidden", Linear(features, units)), ("hidden_relu", ReLU()))
            layers += (("classifier", Linear(units, spec.num_classes)),)
        return Network(layers, spec.input, classifier="classifier")

    return builder


def composition(builder, shape, grid, padding="valid", overlap=0, channels=2) -> Composition:
    decomposition = Decomposition.from_grid(shape, grid, overlap)
    spec = NetworkSpec((channels, *shape), 3, width=len(decomposition) / 4, padding=padding)
    local = tuple(builder(spec.for_subimage(box.shape, len(decomposition), "1/N")) for box in decomposition)
    return Composition(local, builder(spec), decomposition)


def trained_like(network: Network, seed: int) -> dict:
    """A state with nothing at its first value: biases, and the statistics of batch normalisation."""
    torch.manual_seed(seed)
    state = build(network).double().state_dict()
    for name, value in state.items():
        if name.endswith("running_var"):
            value.copy_(torch.rand(value.shape) + 0.5)
        elif value.dim() == 1:
            value.copy_(torch.randn(value.shape))
    return state


def networks(made: Composition):
    """The sub-networks and the network composed of them, in evaluation mode, and the states of the former."""
    states = [trained_like(network, seed) for seed, network in enumerate(made.local_networks)]
    local = [build(network).double().eval() for network in made.local_networks]
    for module, state in zip(local, states, strict=True):
        module.load_state_dict(state)
    composed = build(made.global_network).double().eval()
    composed.load_state_dict(made.compose(states))
    return local, composed, states


def maps_of(module, name: str, images):
    """What a layer puts out."""
    seen = []
    handle = module.get_submodule(name).register_forward_hook(lambda m, i, output: seen.append(output.clone()))
    with torch.no_grad():
        module(images)
    handle.remove()
    return seen[0]


@settings(max_examples=25, deadline=None)
@given(
    depth=st.integers(1, 3),
    pools=st.integers(0, 2),
    grid=st.sampled_from([(1, 2), (2, 2), (3, 1), (2,), (2, 1, 2)]),
    seed=st.integers(0, 1000),
)
def test_composed_network_sums_what_sub_networks_say(depth, pools, grid, seed):
    """Eq. (2.16), F(x) = sum of F_k(x_k): valid padding, disjoint boxes, the head's weights placed by position."""
    pools = min(pools, depth)
    made = composition(family(depth, pools, "dense"), tuple(20 * n for n in grid), grid)
    local, composed, _ = networks(made)
    images = torch.from_numpy(np.random.default_rng(seed).standard_normal((2, *made.global_network.input)))
    with torch.no_grad():
        parts = [module(images[box.slices]) for module, box in zip(local, made.decomposition, strict=True)]
        torch.testing.assert_close(composed(images), sum(parts), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("builder", "shape"), [(vgg3, (80, 80)), (resnet20, (176, 176)), (family(3, 1, "pool"), (24, 24))]
)
def test_feature_maps_agree_on_the_activation_fields(builder, shape):
    """Theorem 2.1, layer by layer: valid padding in every family."""
    made = composition(builder, shape, (2, 2), channels=3)
    local, composed, _ = networks(made)
    torch.manual_seed(0)
    images = torch.randn(1, 3, *shape, dtype=torch.float64)
    at, names = made.global_network.input, []
    for name, layer in made.global_network.layers:
        at = layer.output(at)
        names += [name] * (len(at) == 3)
    assert len(names) > 5
    for name in names:
        whole = maps_of(composed, name, images)
        for index, (module, box) in enumerate(zip(local, made.decomposition, strict=True)):
            part = maps_of(module, name, images[box.slices])
            field = made.field(index, name)
            torch.testing.assert_close(whole[:, field.channels][field.slices], part, rtol=1e-10, atol=1e-10)


def test_same_padding_breaks_equality_near_the_cuts_alone():
    """Three 3×3 layers on 12×12, cut out of 24×24: 9×9 of the 12×12 positions are equal, counted on paper."""

    def three(spec: NetworkSpec) -> Network:
        layers = ()
        for number in range(1, 4):
            inputs = spec.input[0] if number == 1 else spec.scaled(32)
            layers += ((f"conv{number}", Conv(inputs, spec.scaled(32))), (f"relu{number}", ReLU()))
        layers += (("pool", GlobalAveragePool()), ("classifier", Linear(spec.scaled(32), spec.num_classes)))
        return Network(layers, spec.input, classifier="classifier")

    made = composition(three, (24, 24), (2, 2), padding="same")
    local, composed, _ = networks(made)
    images = torch.randn(1, 2, 24, 24, dtype=torch.float64)
    for index, (module, box) in enumerate(zip(local, made.decomposition, strict=True)):
        field = made.field(index, "conv3")
        difference = maps_of(composed, "conv3", images)[:, field.channels][field.slices] - maps_of(
            module, "conv3", images[box.slices]
        )
        assert int((difference.abs().amax((0, 1)) < 1e-12).sum()) == 81


@pytest.mark.parametrize("builder", [vgg3, resnet20, family(2, 1, "dense")])
def test_decompose_is_the_way_back(builder):
    made = composition(builder, (32, 32), (2, 2), padding="same", overlap=4)
    _, _, states = networks(made)
    composed = made.compose(states)
    again = made.decompose(composed)
    for state, cut in zip(states, again, strict=True):
        assert state.keys() == cut.keys()
        for name, value in state.items():
            if name != "classifier.bias":
                assert torch.equal(value, cut[name]), name
    torch.testing.assert_close(sum(cut["classifier.bias"] for cut in again), composed["classifier.bias"])
    for name, value in made.compose(again).items():
        torch.testing.assert_close(value, composed[name], rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("local", "whole", "fault"),
    [
        (family(2, 0, "pool"), family(3, 0, "pool"), "one family and depth"),
        (vgg3, resnet20, "one family and depth"),
    ],
)
def test_networks_that_do_not_belong_together_are_refused(local, whole, fault):
    decomposition = Decomposition.from_grid((32, 32), (2, 2))
    spec = NetworkSpec((3, 32, 32), 3, width=4.0)
    parts = tuple(local(spec.for_subimage((16, 16), 4, "1/N")) for _ in range(4))
    with pytest.raises(ValueError, match=fault):
        Composition(parts, whole(spec), decomposition)


def test_faults_name_the_layer_and_the_numbers():
    decomposition = Decomposition.from_grid((32, 32), (2, 2))
    spec = NetworkSpec((3, 32, 32), 3, width=4.0)
    parts = tuple(vgg3(spec.for_subimage((16, 16), 4, "1/sqrt(N)")) for _ in range(4))
    with pytest.raises(ValueError, match=r"layer 'conv1' has 128 outputs, those of the sub-networks add up to 256"):
        Composition(parts, vgg3(spec), decomposition)
    with pytest.raises(ValueError, match="3 sub-networks do not fit 4 subdomains"):
        Composition(parts[:3], vgg3(spec), decomposition)
    small = tuple(vgg3(spec.for_subimage((8, 8), 4, "1/N")) for _ in range(4))
    with pytest.raises(ValueError, match="sees 8×8 px, its subdomain has 16×16"):
        Composition(small, vgg3(spec), decomposition)
