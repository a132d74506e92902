"""Section 2.4 of Gu et al., in float64: what composed networks say against what their sub-networks say."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlab.composition.blocks import average_logits
from ddlab.composition.compose import Composition
from ddlab.decomposition import Decomposition
from ddlab.extensions.dense import compose_dense, dense_network
from ddlab.extensions.recurrent import RecurrentNetwork, compose_recurrent
from ddlab.models.build import build
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS

EXACT = {"rtol": 1e-12, "atol": 1e-12}
HALVES = [[0, 1, 2, 3, 4], [5, 6, 7]]
MIXED = [[6, 0], [1, 4, 7], [3, 2, 5]]  # every feature once, in no order
SHARED = [[0, 1, 2, 3, 4], [3, 4, 5, 6, 7]]


def module_of(network):
    """With no bias at its first value."""
    module = network.double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape))
    return module


def loaded(network, state):
    module = network.double().eval()
    module.load_state_dict(state)
    return module


def states_of(modules):
    return [module.state_dict() for module in modules]


@settings(max_examples=20, deadline=None)
@given(
    features=st.sampled_from([HALVES, MIXED, SHARED]),
    hidden=st.lists(st.integers(1, 5), max_size=3),
    outputs=st.sampled_from(["sum", "mean"]),
    seed=st.integers(0, 1000),
)
@torch.no_grad()
def test_dense_networks_add_up_or_average(features, hidden, outputs, seed):
    """Eq. (2.16) for classifiers and (2.22), (2.23) for regression: sub-networks of different widths."""
    torch.manual_seed(seed)
    parts = [module_of(dense_network([len(seen), *(n + k for n in hidden), 3])) for k, seen in enumerate(features)]
    widths = [sum(n + k for k in range(len(features))) for n in hidden]
    whole = loaded(dense_network([8, *widths, 3]), compose_dense(states_of(parts), features, outputs))
    inputs = torch.randn(4, 8, dtype=torch.float64)
    said = torch.stack([part(inputs[:, seen]) for part, seen in zip(parts, features, strict=True)])
    torch.testing.assert_close(whole(inputs), said.sum(0) if outputs == "sum" else said.mean(0), **EXACT)
    if outputs == "mean":  # the cost is bounded by the mean of the costs
        truth = torch.randn(4, 3, dtype=torch.float64)
        assert (whole(inputs) - truth).norm(dim=1).mean() <= (said - truth).norm(dim=2).mean(1).mean(0) + 1e-12


@pytest.mark.parametrize("features", [HALVES, MIXED])
@torch.no_grad()
def test_auto_encoders_stand_side_by_side(features):
    """Every feature is what the sub-network that sees it says, and the error is at most the sum of the errors."""
    torch.manual_seed(0)
    parts = [module_of(dense_network([len(seen), 4, 2, 4, len(seen)])) for seen in features]
    hidden = [size * len(features) for size in (4, 2, 4)]
    state = compose_dense(states_of(parts), features, "concatenate")
    whole = loaded(dense_network([8, *hidden, 8]), state)
    inputs = torch.randn(5, 8, dtype=torch.float64)
    bound = 0
    for part, seen in zip(parts, features, strict=True):
        torch.testing.assert_close(whole(inputs)[:, seen], part(inputs[:, seen]), **EXACT)
        bound = bound + (part(inputs[:, seen]) - inputs[:, seen]).norm(dim=1)
    assert ((whole(inputs) - inputs).norm(dim=1) <= bound + 1e-12).all()


@pytest.mark.parametrize("features", [HALVES, MIXED, SHARED])
@pytest.mark.parametrize("blocks", [1, 3])
@torch.no_grad()
def test_recurrent_networks_add_up_at_every_time(features, blocks):
    """Eq. (2.29): states and outputs of every block are those of the sub-networks, and the logits their sum."""
    torch.manual_seed(blocks)
    parts = [module_of(RecurrentNetwork(len(seen), [3 + k] * blocks, 4)) for k, seen in enumerate(features)]
    units = sum(3 + k for k in range(len(features)))
    whole = loaded(RecurrentNetwork(8, [units] * blocks, 4), compose_recurrent(states_of(parts), features))
    sequences = torch.randn(2, 6, 8, dtype=torch.float64)
    seen = [sequences[..., index] for index in features]
    said = sum(part(sequence) for part, sequence in zip(parts, seen, strict=True))
    torch.testing.assert_close(whole(sequences), said, **EXACT)
    outputs = torch.cat([part.blocks(sequence) for part, sequence in zip(parts, seen, strict=True)], dim=-1)
    torch.testing.assert_close(whole.blocks(sequences), outputs, **EXACT)


@pytest.mark.parametrize(
    ("shape", "grid", "overlap"), [((12,), (3,), 0), ((8, 6), (2, 2), 1), ((4, 4, 2), (2, 2, 1), 0)]
)
@torch.no_grad()
def test_the_labs_fully_connected_network_adds_up(shape, grid, overlap):
    """Without padding eq. (2.16) holds for any boxes, those that overlap included."""
    decomposition = Decomposition.from_grid(shape, grid, overlap)
    count = len(decomposition)
    spec, builder = NetworkSpec((2, *shape), 3, width=count / 64), MODELS["mlp"].load()
    made = Composition(
        tuple(builder(spec.for_subimage(box.shape, count, "1/N")) for box in decomposition),
        builder(spec),
        decomposition,
    )
    torch.manual_seed(0)
    parts = [module_of(build(network)) for network in made.local_networks]
    whole = loaded(build(made.global_network), made.compose(states_of(parts)))
    images = torch.randn(3, 2, *shape, dtype=torch.float64)
    said = sum(part(images[box.slices].contiguous()) for part, box in zip(parts, decomposition, strict=True))
    torch.testing.assert_close(whole(images), said, **EXACT)
    for state, again in zip(states_of(parts), made.decompose(made.compose(states_of(parts))), strict=True):
        assert all(torch.equal(value, again[key]) for key, value in state.items() if key != "classifier.bias")


@pytest.mark.parametrize(("shape", "grid"), [((128,), (4,)), ((64, 64), (2, 2))])
@torch.no_grad()
def test_regression_with_convolutions_averages(shape, grid):
    """Eq. (2.22): valid padding, and 1/K in the last layer."""
    decomposition = Decomposition.from_grid(shape, grid)
    spec, builder = NetworkSpec((1, *shape), 2, width=0.5, padding="valid", batch_norm=False), MODELS["cnn"].load()
    made = Composition(
        tuple(builder(spec.for_subimage(box.shape, 4, "1/N")) for box in decomposition), builder(spec), decomposition
    )
    torch.manual_seed(0)
    parts = [module_of(build(network)) for network in made.local_networks]
    whole = loaded(build(made.global_network), average_logits(made, made.compose(states_of(parts))))
    images = torch.randn(2, 1, *shape, dtype=torch.float64)
    said = torch.stack([part(images[box.slices]) for part, box in zip(parts, decomposition, strict=True)])
    torch.testing.assert_close(whole(images), said.mean(0), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("sizes", "features", "outputs", "message"),
    [
        ([[5, 2], [3, 2], [3, 2]], HALVES, "sum", "3 sub-networks do not fit 2 shares"),
        ([[5, 2], [3, 4, 2]], HALVES, "sum", "sub-network 2 has other layers"),
        ([[5, 5], [3, 2]], HALVES, "concatenate", "sub-network 2 sees 3 features and has 2 outputs"),
        ([[5, 5], [5, 5]], SHARED, "concatenate", "some are shared"),
    ],
)
def test_networks_that_do_not_belong_together_are_refused(sizes, features, outputs, message):
    with pytest.raises(ValueError, match=message):
        compose_dense(states_of(map(dense_network, sizes)), features, outputs)
