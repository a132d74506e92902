"""Theorems 2.1 and 2.2 on compositions of all kinds, against where they must hold; and that nothing is left behind."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ddlab.analyses.composition.block_energy import block_norms, cross_share
from ddlab.analyses.composition.feature_maps import feature_maps
from ddlab.analyses.composition.logits import Logits, bound_table, cost_bound, cross_entropy, statements
from ddlab.analyses.composition.theory import Networks, examine, side_by_side
from ddlab.composition.blocks import cross_energy
from ddlab.composition.compose import Composition
from ddlab.decomposition import Decomposition
from ddlab.models.architecture import Conv, GlobalAveragePool, Linear, MaxPool, Network, Residual
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS
from tests.composition.test_compose import composition, family, trained_like

EXACT = 1e-12  # of the largest number of a map, in float64


def networks(made: Composition, spoil=lambda state: None) -> Networks:
    """Sub-networks with drawn weights and their composed network, whose state ``spoil`` may change; float64."""
    states = [trained_like(network, seed) for seed, network in enumerate(made.local_networks)]
    composed = made.compose(states)
    spoil(composed)
    return Networks.of(made, states, composed, torch.float64)


def batches(made: Composition, count=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(2):
        images = torch.randn((count, *made.global_network.input), generator=generator, dtype=torch.float64)
        yield images, np.arange(count) % made.global_network.outputs


def reduced(name: str, shape, grid) -> Composition:
    return composition(MODELS[name].load(), shape, grid)


def convolutions(spec: NetworkSpec) -> Network:
    """Three 3×3 layers of the padding that is asked for, without rectifiers, which could hide a difference."""
    layers = ()
    for number in range(1, 4):
        inputs = spec.input[0] if number == 1 else spec.scaled(32)
        layers += ((f"conv{number}", Conv(inputs, spec.scaled(32), padding=spec.padding)),)
    layers += (("pool", GlobalAveragePool()), ("classifier", Linear(spec.scaled(32), spec.num_classes)))
    return Network(layers, spec.input, classifier="classifier")


# ---- Theorem 2.1


def holds_everywhere(made: Composition) -> tuple[list, dict]:
    layers, logits = examine(networks(made), batches(made))
    for layer in layers:
        if layer.has_map:
            assert layer.promised_share == 1 and layer.largest <= EXACT * layer.scale, layer.name
        assert layer.broken <= EXACT * layer.scale
    return layers, statements(logits, EXACT)


@settings(max_examples=20, deadline=None)
@given(
    depth=st.integers(1, 3),
    pools=st.integers(0, 2),
    grid=st.sampled_from([(1, 2), (2, 2), (3, 1), (2,), (3,), (2, 1, 2)]),
    head=st.sampled_from(["dense", "pool"]),
    overlap=st.sampled_from([0, 4]),
)
def test_valid_padding_and_cuts_between_positions_make_all_equal(depth, pools, grid, head, overlap):
    """1-D, 2-D and 3-D; overlap is no obstacle to the maps, as every sub-network has channels of its own."""
    made = composition(family(depth, min(pools, depth), head), tuple(20 * n for n in grid), grid, overlap=overlap)
    layers, numbers = holds_everywhere(made)
    assert numbers["sum_masked"] <= EXACT * numbers["scale"]
    assert (numbers["sum"] <= EXACT * numbers["scale"]) == (head == "dense")
    assert layers[-1].promised_share == (head == "dense")
    assert numbers["obey_of_sum"] == 1 and (head == "pool" or numbers["obey"] == 1)


@pytest.mark.parametrize(
    ("name", "shape", "grid"),
    [("cnn", (64, 64), (2, 2)), ("cnn", (48, 24, 24), (2, 1, 1)), ("resnet20", (352,), (2,)), ("cnn11", (1024,), (4,))],
)
def test_families_agree_with_valid_padding(name, shape, grid):
    _, numbers = holds_everywhere(reduced(name, shape, grid))
    assert numbers["sum_masked"] <= EXACT * numbers["scale"]


def test_three_padded_layers_leave_81_of_144_positions():
    made = composition(convolutions, (24, 24), (2, 2), padding="same")
    *_, last, pooled = examine(networks(made), batches(made))[0]
    assert last.name == "conv3" and last.fields[0].reach.radius == 3
    for field, values in zip(last.fields, last.differences, strict=True):
        equal = values <= EXACT * last.scale
        assert values.size == 144 and equal.sum() == 81 and np.array_equal(equal, field.promised)
    assert last.equal_share(EXACT) == last.promised_share == 81 / 144
    picture = last.picture()
    assert picture.shape == (24, 24) and (picture <= EXACT).sum() == 4 * 81 and not np.isnan(picture).any()
    assert (picture[9:15] > EXACT).all() and (picture[:9, :9] <= EXACT).all()  # broken along the cuts alone
    assert pooled.promised_share == 0 and pooled.equal_share(EXACT) == 0


@pytest.mark.parametrize(
    ("shape", "boxes", "padding"),
    [
        ((24, 24), [((0, 14), (0, 14)), ((8, 24), (10, 24))], "same"),  # overlap, an uncovered corner
        ((36,), [((0, 12),), ((12, 24),), ((24, 36),)], "same"),  # a subdomain with two cuts
        ((20, 20), [((2, 12), (0, 20)), ((12, 20), (0, 20))], "valid"),
        ((8, 8, 16), [((0, 8), (0, 8), (0, 8)), ((0, 8), (0, 8), (8, 16))], "same"),
    ],
)
def test_equal_is_what_sees_the_same_pixels_and_nothing_else(shape, boxes, padding):
    decomposition = Decomposition.from_boxes(shape, boxes)
    spec = NetworkSpec((2, *shape), 3, width=0.75 * len(boxes) / 2, padding=padding)
    parts = tuple(convolutions(spec.for_subimage(box.shape, len(boxes), "1/N")) for box in decomposition)
    made = Composition(parts, convolutions(spec), decomposition)
    layers = [layer for layer in examine(networks(made), batches(made))[0] if layer.has_map]
    assert len(layers) == 3 and (padding == "valid" or 0 < layers[-1].promised_share < layers[0].promised_share < 1)
    for layer in layers:
        for field, values in zip(layer.fields, layer.differences, strict=True):
            assert np.array_equal(values <= EXACT * layer.scale, field.promised), layer.name


def stack(kinds):
    """A builder of networks of these layers, one after the other, and a pooled head."""

    def builder(spec: NetworkSpec) -> Network:
        layers, at, width = (), spec.input, spec.scaled(32)
        for number, kind in enumerate(kinds):
            body = (("a", Conv(at[0], width, stride=2, padding=spec.padding)), ("b", Conv(width, width)))
            layer = {
                "conv": Conv(at[0], width, padding=spec.padding),
                "wide": Conv(at[0], width, kernel=5, stride=2, padding=spec.padding),
                "pool": MaxPool(2),
                "overlapping": MaxPool(3, 2, spec.padding),
                "residual": Residual(body, (("s", Conv(at[0], width, kernel=1, stride=2)),)),
            }[kind]
            layers, at = (*layers, (f"layer{number}", layer)), layer.output(at)
        layers += (("pool", GlobalAveragePool()), ("classifier", Linear(at[0], spec.num_classes)))
        return Network(layers, spec.input, classifier="classifier")

    return builder


intervals = st.tuples(st.integers(0, 14), st.integers(16, 30)).map(lambda ends: (ends[0], max(ends[1], ends[0] + 14)))


@settings(max_examples=40, deadline=None)
@given(
    kinds=st.lists(st.sampled_from(["conv", "wide", "pool", "overlapping", "residual"]), min_size=1, max_size=3),
    padding=st.sampled_from(["same", "valid"]),
    boxes=st.lists(st.tuples(intervals, intervals), min_size=2, max_size=2),
)
def test_no_promise_is_broken_wherever_subdomains_lie(kinds, padding, boxes):
    decomposition = Decomposition.from_boxes((30, 30), boxes)
    spec = NetworkSpec((2, 30, 30), 3, width=0.25, padding=padding)
    try:
        parts = tuple(stack(kinds)(spec.for_subimage(box.shape, 2, "1/N")) for box in decomposition)
        made = Composition(parts, stack(kinds)(spec), decomposition)
    except ValueError:
        assume(False)
    for layer in examine(networks(made), batches(made, 2))[0]:
        assert layer.broken <= EXACT * layer.scale, layer.name
        assert layer.equal_share(EXACT) >= layer.promised_share


def test_batches_count_together():
    made = composition(family(2, 1, "pool"), (20, 20), (2, 2), padding="same")
    both, found = networks(made), list(batches(made))
    for order in (found, found[::-1]):
        layers, logits = examine(both, order)
        together = tuple(
            map(torch.cat, zip(*((images, torch.from_numpy(labels)) for images, labels in order), strict=True))
        )
        for layer, expected in zip(layers, examine(both, [(together[0], together[1].numpy())])[0], strict=True):
            assert layer.largest == pytest.approx(expected.largest) and layer.scale == pytest.approx(expected.scale)
        assert len(logits.labels_M) == 6


def test_positions_beside_the_composed_networks_promise_nothing():
    """Cuts at 10 px and maps of stride 4: the second sub-network's last map lies on other pixels."""
    made = composition(family(2, 2, "dense"), (20,), (2,), padding="same")
    layers = {layer.name: layer for layer in examine(networks(made), batches(made))[0]}
    assert not layers["pool2"].fields[1].promised.any() and layers["pool2"].fields[0].promised.any()
    assert layers["conv1"].fields[1].promised.sum() == 9
    assert all(layer.broken <= EXACT * layer.scale for layer in layers.values())


@pytest.mark.parametrize(
    ("key", "index"),
    [
        ("conv2.weight", (0, -1)),
        ("conv1_norm.bias", (0,)),
        ("hidden.weight", (slice(None), -1)),
        ("classifier.bias", 0),
    ],
)
def test_a_broken_composition_is_noticed(key, index):
    """One weight between the blocks, or one of a block: the layers from there on differ, or the sum alone."""

    def spoil(state):
        state[key][index] += 3.0

    made = composition(family(2, 1, "dense"), (20, 40), (1, 2))
    layers, logits = examine(networks(made, spoil), batches(made))
    broken = [layer.name for layer in layers if layer.broken > 1e-6 * layer.scale]
    assert (broken[0] if broken else "classifier") == key.partition(".")[0]
    assert statements(logits, EXACT)["sum"] > 1e-3


def test_statistics_that_were_taken_anew_promise_nothing():
    made = composition(family(2, 0, "pool"), (20, 20), (2, 2))
    base = networks(made)
    layers, _ = examine(Networks(made, base.local, base.composed, recalibrated=True), batches(made))
    assert [layer.name for layer in layers if layer.promised_share] == ["conv1"]


# ---- eq. (2.16), (2.17), Theorem 2.2


def test_means_over_the_fields_make_the_sum_exact_and_plain_ones_do_not():
    made = composition(family(2, 0, "pool"), (20, 20), (2, 2))
    both, (images, _) = networks(made), next(batches(made))
    parts = sum(module(images[box.slices]) for module, box in zip(both.local, made.decomposition, strict=True))
    *_, last = side_by_side(both, images)
    torch.testing.assert_close(last.masked, parts, rtol=EXACT, atol=EXACT)
    assert (both.composed(images) - parts).abs().max() > 1e-3


@pytest.mark.parametrize(("num_networks", "num_classes"), [(4, 5), (2, 2), (16, 10)])
def test_the_bound_holds_in_ten_thousand_cases(num_networks, num_classes):
    rng = np.random.default_rng(num_networks)
    scale = 10 ** rng.uniform(-2, 2, (10_000, 1, 1))
    logits = scale * rng.standard_normal((10_000, num_networks, num_classes))
    labels = rng.integers(num_classes, size=10_000)
    logits[np.arange(10_000), :, labels] += scale[:, 0] * rng.uniform(-2, 4, (10_000, 1))
    cost, bound = cost_bound(logits, labels)
    assert (cost <= bound * (1 + 1e-12) + 1e-12).all()
    torch_cost = torch.nn.functional.cross_entropy(
        torch.from_numpy(logits.sum(1)), torch.from_numpy(labels), reduction="none"
    )
    np.testing.assert_allclose(cost, torch_cost.numpy(), rtol=1e-9, atol=1e-9)
    right = (logits.argmax(2) == labels[:, None]).sum(1)
    assert {0, num_networks} <= set(right)  # cases of all kinds
    assert (logits.sum(1).argmax(1) == labels)[right == num_networks].all()


def test_the_bound_is_the_papers():
    """The least cost of those that are right, plus the costs of those that are wrong; tight for one network.

    A network that is wrong may cost less than one that is right: the first image's last two.
    """
    logits = np.array(
        [[[3.0, 0, 0], [1.0, 0.9, 0.9], [1.0, 1.1, -9.0]], [[0, 1.0, 0], [0, 2.0, 0], [0, 0, 3.0]]]
        + [[[1.0, 0.9, 0.9], [0.9, 0.8, 0.8], [1.0, 1.1, -9.0]]]
    )
    labels = np.zeros(3, dtype=int)
    costs = -np.log(np.exp(logits[..., 0]) / np.exp(logits).sum(2))
    _, bound = cost_bound(logits, labels)
    assert costs[2, 2] < costs[2, 0]
    np.testing.assert_allclose(bound, [costs[0, 0] + costs[0, 2], costs[1].sum(), costs[2, 0] + costs[2, 2]])
    np.testing.assert_allclose(*cost_bound(logits[:, :1], labels))
    table = bound_table(Logits(logits, logits[:, 2], logits[:, 2], labels))
    assert list(table["right"]) == [2, 0, 2] and not table["composed_right"].any()
    np.testing.assert_allclose(table["cost"], cross_entropy(logits[:, 2], labels))


# ---- blocks and maps


def test_blocks_of_a_composed_network_are_its_sub_networks():
    made = composition(family(2, 0, "dense"), (20, 20), (2, 2))
    states = [trained_like(network, seed) for seed, network in enumerate(made.local_networks)]
    composed = made.compose(states)
    norms = block_norms(made, composed)
    assert set(norms) == {"conv2", "hidden"}
    for layer, values in norms.items():
        own = [float(state[f"{layer}.weight"].norm()) for state in states]
        np.testing.assert_allclose(values[:, :4], np.diag(own))
        assert cross_share(values) == 0
    assert norms["conv2"].shape == (4, 4) and norms["hidden"].shape == (4, 5)  # positions between the valid maps
    composed["conv2.weight"][:2, -2:] = 0.5  # to the first sub-network's channels from the last one's
    norms = block_norms(made, composed)
    assert norms["conv2"][0, 3] == pytest.approx(0.5 * np.sqrt(2 * 2 * 9)) and norms["conv2"][3, 0] == 0
    composed["hidden.weight"] += 0.1
    found = {layer: cross_share(values) for layer, values in block_norms(made, composed).items()}
    assert found == pytest.approx(cross_energy(composed, made.cross_masks())) and found["hidden"] > 0.1


def test_feature_maps_lie_on_their_fields():
    made = composition(family(2, 1, "pool"), (20, 20), (2, 2), padding="same")
    both, (images, _) = networks(made), next(batches(made))
    found = feature_maps(both, {"trained": both.composed}, images)
    assert [name for name in found if "relu" not in name] == ["conv1", "conv1_norm", "pool1", "conv2", "conv2_norm"]
    maps = found["conv2"].maps
    assert maps["local"].shape == (3, 4, len(found["conv2"].channels), 10, 10)
    assert np.isnan(maps["local"]).mean() == 0.75 and not np.isnan(maps["untrained"]).any()
    np.testing.assert_array_equal(maps["untrained"], maps["trained"])
    far = maps["local"][:, 0, :, :3, :3]  # sees nothing beyond the cut
    np.testing.assert_array_equal(far, maps["untrained"][:, 0, :, :3, :3])
    assert np.nanmax(np.abs(maps["local"] - maps["untrained"])) > 0.1
    for most, num_images, whole in ((210_000, 2, True), (60_000, 1, False)):
        few = feature_maps(both, {}, images, most)
        assert sum(values.size for layer in few.values() for values in layer.maps.values()) <= most
        assert {len(layer.maps["local"]) for layer in few.values()} == {num_images}
        assert all((len(layer.channels) == len(found[name].channels)) == whole for name, layer in few.items())


def test_networks_and_images_are_left_as_found():
    made = composition(family(2, 1, "pool"), (20, 20), (2, 2))
    both, (images, labels) = networks(made), next(batches(made))
    before, pixels = copy.deepcopy(both.composed.state_dict()), images.clone()
    examine(both, [(images, labels)])
    feature_maps(both, {"trained": both.composed}, images)
    assert torch.equal(images, pixels)
    for module in (both.composed, *both.local):
        for part in module.modules():
            assert not (part._forward_hooks or part._forward_pre_hooks or part._backward_hooks or part.training)
        assert all(parameter.grad is None for parameter in module.parameters())
    assert all(torch.equal(value, before[key]) for key, value in both.composed.state_dict().items())
