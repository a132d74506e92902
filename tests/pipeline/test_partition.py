"""A network cut on paper: sub-layers, their grouping in modules, and what modules cost; no torch is needed."""

import math
import subprocess
import sys
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddlab.models.architecture import Conv, Network, ReLU, Residual
from ddlab.pipeline.partition import GROUPINGS, balanced, equal, partition, sub_layers
from tests.pipeline.networks import every_network, network_of

CNN = network_of("cnn")
LAYERS = ("conv1", "conv2", "conv3", "hidden", "classifier")


def groupings(count, modules):
    """All ways to cut ``count`` in consecutive groups, by their sizes."""
    for cuts in combinations(range(1, count), modules - 1):
        yield tuple(stop - start for start, stop in pairwise((0, *cuts, count)))


def costs_of(costs, sizes):
    stops = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    return [math.fsum(costs[stop - size : stop]) for stop, size in zip(stops, sizes, strict=True)]


def cut(costs, modules):
    return costs_of(costs, balanced(costs, modules))


# ---- groupings


def test_equal_counts_are_the_papers():
    """Akintoye et al., Section 3.2: seven layers over three devices."""
    assert equal([1] * 7, 3) == (2, 2, 3)
    assert [equal([1] * 8, modules) for modules in (1, 2, 3, 5, 8)] == [
        (8,),
        (4, 4),
        (2, 2, 4),
        (1, 1, 1, 1, 4),
        (1,) * 8,
    ]


@given(st.lists(st.integers(0, 20), min_size=1, max_size=9), st.data())
def test_balanced_is_the_best_of_all_groupings(costs, data):
    """Against every grouping there is: least largest cost, then least squares, then the longest last modules."""
    modules = data.draw(st.integers(1, len(costs)))

    def rank(sizes):
        parts = costs_of(costs, sizes)
        return max(parts), sum(part**2 for part in parts), [-size for size in reversed(sizes)]

    assert balanced(costs, modules) == min(groupings(len(costs), modules), key=rank)


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=8), st.data())
def test_balanced_is_optimal_for_measured_seconds(costs, data):
    modules = data.draw(st.integers(1, len(costs)))
    assert max(cut(costs, modules)) == min(max(costs_of(costs, sizes)) for sizes in groupings(len(costs), modules))


def test_of_equally_good_groupings_always_the_same_one_is_taken():
    assert balanced([1] * 7, 3) == (2, 2, 3)
    assert balanced([1] * 10, 4) == (2, 2, 3, 3)
    assert balanced([0, 0, 0, 0], 2) == (1, 3)
    assert balanced([5, 1, 1, 1, 1], 3) == (1, 2, 2)  # any cut of the ones would do: even ones are taken


# ---- sub-layers


def test_a_sub_layer_begins_where_something_is_computed():
    found = sub_layers(CNN)
    assert tuple(piece.name for piece in found) == LAYERS
    assert [name for name, _ in found[0].network.layers] == ["conv1", "conv1_norm", "conv1_relu", "pool1"]
    assert found[0].network.cam_layer == "" and found[2].network.cam_layer == "conv3_relu"


def test_a_residual_block_is_one_sub_layer():
    names = [piece.name for piece in sub_layers(network_of("resnet20"))]
    assert len(names) == 11 and names[:2] == ["stem", "stage1_block1"] and names[-1] == "classifier"


def test_self_attention_is_a_sub_layer_of_its_own():
    """A cut may stand before it and behind it: it changes nothing in place, and keeps what it got."""
    found = {piece.name: piece for piece in sub_layers(network_of("resattnet18", "volume"))}
    assert list(found)[1:4] == ["stage1_block1", "stage1_block2", "stage1_attention"]
    assert [name for name, _ in found["stage1_attention"].network.layers] == ["stage1_attention"]
    assert found["stage4_attention"].network.cam_layer == "stage4_attention"
    assert [name for name, _ in found["stage4_attention"].network.layers] == ["stage4_attention", "pool"]


def test_what_stands_before_the_first_that_computes_belongs_to_it():
    found = sub_layers(network_of("mlp"))
    assert [piece.name for piece in found] == ["hidden", "hidden2", "classifier"]
    assert found[0].network.layers[0][0] == "flatten"


@every_network
def test_modules_are_the_network(name, kind):
    network = network_of(name, kind)
    most = len(sub_layers(network))
    for modules in {*range(1, min(4, most) + 1), most}:
        for grouping in GROUPINGS:
            made = partition(network, modules, grouping)
            assert len(made.modules) == modules
            assert sum((module.network.layers for module in made.modules), ()) == network.layers
            assert sum(made.costs) == network.flops() == sum(module.flops for module in made.modules)
            assert sum(module.parameters for module in made.modules) == network.parameters()
            shapes = [module.output for module in made.modules[:-1]]
            assert [module.input for module in made.modules] == [network.input, *shapes]
            assert made.bytes_between() == tuple(4 * math.prod(shape) for shape in shapes)
            kept = sum(module.activations for module in made.modules)
            assert kept == network.activations() + sum(map(math.prod, shapes))  # what is sent is kept on both ranks
            assert 0 < made.balance <= 1


def test_balanced_is_never_worse_than_equal_counts():
    network = network_of("vgg16")
    for modules in range(1, 9):
        better, plain = (partition(network, modules, grouping) for grouping in ("balanced", "equal"))
        assert max(better.costs) <= max(plain.costs) and better.balance >= plain.balance
    assert [len(module.sub_layers) for module in partition(network, 3, "equal").modules] == [5, 5, 6]


def test_measured_seconds_take_the_place_of_operations():
    seconds = dict(zip(LAYERS, (1.0, 1.0, 1.0, 1.0, 4.0), strict=True))
    made = partition(CNN, 2, seconds=seconds)
    assert made.costs == (4.0, 4.0) and made.balance == 1
    assert [piece.name for piece in made.modules[1].sub_layers] == ["classifier"]
    assert partition(CNN, 2, seconds=dict.fromkeys(LAYERS, 0)).balance == 1


# ---- refusals


@pytest.mark.parametrize(
    ("modules", "said"),
    [
        (0, r"modules: must be at least 1, got 0; choices: 1 to 5"),
        (-2, r"modules: must be at least 1, got -2"),
        (6, r"modules: must be at most the model's 5 sub-layers, got 6; choices: 1 to 5"),
    ],
)
def test_a_number_of_modules_that_cannot_be_is_refused(modules, said):
    with pytest.raises(ValueError, match=said):
        partition(CNN, modules)


def test_a_model_that_cannot_be_cut_is_refused():
    block = Network((("block", Residual((("conv", Conv(1, 1)),))), ("relu", ReLU())), (1, 8, 8))
    assert len(partition(block, 1).modules) == 1
    with pytest.raises(ValueError, match="model: cannot be cut in 2 modules: all of it is one sub-layer, 'block'"):
        partition(block, 2)
    for layers in ((), (("relu", ReLU()),)):
        with pytest.raises(ValueError, match="model: cannot be cut across its layers: none of them computes"):
            partition(Network(layers, (1, 8, 8)), 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"conv9": 1.0}, r"nothing else; missing \[\], unknown \[\"conv9\"\]; choices: conv1, conv2"),
        ({"conv1": -1.0}, r"seconds: must be finite and not negative, got \{\"conv1\": -1.0\}"),
        ({"conv1": math.nan}, "seconds: must be finite"),
        ({"conv1": math.inf}, "seconds: must be finite"),
    ],
)
def test_times_that_are_not_the_sub_layers_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        partition(CNN, 2, seconds=dict.fromkeys(LAYERS, 1.0) | change)


def test_a_missing_time_and_an_unknown_grouping_are_refused():
    with pytest.raises(ValueError, match=r"missing \[\"conv2\", \"conv3\", \"hidden\", \"classifier\"\]"):
        partition(CNN, 2, seconds={"conv1": 1.0})
    with pytest.raises(ValueError, match="grouping: unknown 'balancd'; did you mean 'balanced'"):
        partition(CNN, 2, "balancd")


def test_a_page_needs_no_torch():
    code = "import sys, ddlab.pipeline.partition, ddlab.pipeline.split, ddlab.pipeline.row_split\n"
    done = subprocess.run([sys.executable, "-c", code + "assert 'torch' not in sys.modules"], capture_output=True)
    assert done.returncode == 0, done.stderr


def test_a_deep_network_is_cut_in_no_time():
    network = network_of("resnet110")
    assert len(partition(network, 56).modules) == 56
