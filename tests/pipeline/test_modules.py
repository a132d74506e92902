"""Cut modules in turn are the whole network: outputs, loss, gradients, statistics; and what micro-batches change."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.functional import cross_entropy

from ddlab.models.build import build
from ddlab.models.folded import NORMS
from ddlab.models.spec import NetworkSpec
from ddlab.pipeline.modules import cut, module_state, whole_state
from ddlab.pipeline.partition import GROUPINGS, partition, sub_layers
from ddlab.registry.models import MODELS
from tests.pipeline.networks import assert_equal, batch_of, built, every_network, network_of, outcome, trained

pytestmark = pytest.mark.slow


def partitions(network):
    """Every grouping in one to four modules."""
    counts = range(1, min(4, len(sub_layers(network))) + 1)
    return dict.fromkeys(partition(network, modules, grouping) for modules in counts for grouping in GROUPINGS)


def forward(modules, inputs):
    """Compute module by module as ranks do, each on a copy of what came: the inputs and outputs of every module."""
    ways = []
    for number, module in enumerate(modules):
        received = inputs.detach().clone().requires_grad_(number > 0)
        inputs = module(received)
        ways.append((received, inputs))
    return ways


def backward(ways, gradient):
    """Send the gradient of the last outputs back, module by module."""
    for received, outputs in reversed(ways):
        outputs.backward(gradient)
        gradient = received.grad


def in_modules(modules, inputs, labels, micro_batches=1):
    """Gradients of the mean loss over micro-batches, accumulated in the modules; the outputs and the loss."""
    outputs, total = [], torch.zeros((), dtype=inputs.dtype)
    for some, right in zip(inputs.tensor_split(micro_batches), labels.tensor_split(micro_batches), strict=True):
        ways = forward(modules, some)
        logits = ways[-1][1].detach().requires_grad_()
        loss = cross_entropy(logits, right) * len(right) / len(labels)
        (gradient,) = torch.autograd.grad(loss, logits)
        backward(ways, gradient)
        outputs.append(logits.detach())
        total += loss.detach()
    return torch.cat(outputs), total


@every_network
def test_modules_are_the_whole_network(name, kind):
    network = network_of(name, kind)
    batch, whole = batch_of(network), built(network)
    start = {name: value.clone() for name, value in whole.state_dict().items()}
    expected = trained(whole, whole, *batch)
    for made in partitions(network):
        whole.load_state_dict(start)
        whole.zero_grad()
        assert_equal(outcome(whole, *in_modules(cut(whole, made), *batch)), expected)


@pytest.mark.parametrize("name", MODELS)
def test_the_state_of_a_module_is_a_part_of_the_whole_ones(name, tmp_path):
    network = network_of(name)
    other, whole, made = built(network, seed=1), built(network), partition(network, 3, "equal")
    save_file(other.state_dict(), tmp_path / "weights.safetensors")
    kept = load_file(tmp_path / "weights.safetensors")
    modules = cut(whole, made)
    for module, described in zip(modules, made.modules, strict=True):
        assert module.state_dict().keys() == module_state(kept, described).keys()
        module.load_state_dict(module_state(kept, described))
        alone = build(described.network)  # a rank that knows of no other module
        alone.load_state_dict(module_state(kept, described))
        assert sum(parameter.numel() for parameter in alone.parameters()) == described.parameters
    for state in (whole.state_dict(), whole_state(module.state_dict() for module in modules)):
        assert state.keys() == kept.keys() and all(torch.equal(state[key], kept[key]) for key in kept)
    found = [parameter for module in modules for parameter in module.parameters()]
    assert all(one is two for one, two in zip(found, whole.parameters(), strict=True))


def test_dropout_draws_the_masks_of_the_whole_network():
    network = MODELS["cnn"].load()(NetworkSpec((3, 16, 16), 4, width=0.25, dropout=0.5))
    whole, (inputs, _) = built(network), batch_of(network)
    torch.manual_seed(3)
    expected = whole(inputs)
    torch.manual_seed(3)
    for module in cut(whole, partition(network, 3)):
        inputs = module(inputs)
    assert torch.equal(inputs, expected)


def test_what_is_not_the_partitioned_network_is_refused():
    network = network_of("cnn")
    for other in (build(network_of("vgg3")), nn.ModuleDict(dict(build(network).named_children()))):
        with pytest.raises(ValueError, match="model: cannot be cut, as its layers are not those of the partition"):
            cut(other, partition(network, 2))


# ---- micro-batches


def without_norms(name):
    """The network without batch normalisation, or None where it has it always."""
    network = MODELS[name].load()(NetworkSpec((2, 12, 11), 3, width=1 / 32, batch_norm=False))
    return None if any(isinstance(module, NORMS) for module in build(network).modules()) else network


@pytest.mark.parametrize("name", [name for name in MODELS if without_norms(name)])
def test_gradients_of_micro_batches_add_up_to_the_batchs(name):
    network = without_norms(name)
    batch, whole = batch_of(network, 9), built(network)
    expected = trained(whole, whole, *batch)
    made = partition(network, 2)
    for micro_batches in range(1, 9):
        whole.zero_grad()
        assert_equal(outcome(whole, *in_modules(cut(whole, made), *batch, micro_batches)), expected)


def test_batch_normalisation_sees_micro_batches():
    """Statistics are those of a micro-batch: the gradient is another one, and they are averaged twice as often."""
    network = network_of("resnet20")
    batch, whole, module = batch_of(network, 8), built(network), built(network)
    expected = trained(whole, whole, *batch)
    found = outcome(module, *in_modules(cut(module, partition(network, 2)), *batch, 2))
    assert found["stem_norm.num_batches_tracked"] == 2 == 2 * expected["stem_norm.num_batches_tracked"]
    for name in ("outputs", "stem.weight gradient", "stem_norm.running_mean", "stem_norm.running_var"):
        assert (found[name] - expected[name]).abs().max() > 1e-4, name
    first = batch[0][:4]
    torch.testing.assert_close(found["outputs"][:4], built(network)(first).detach(), rtol=1e-12, atol=1e-12)


def test_in_evaluation_micro_batches_change_nothing():
    network = network_of("resnet20")
    (inputs, labels), whole = batch_of(network, 8), built(network).eval()
    expected = trained(whole, whole, inputs, labels)
    whole.zero_grad()
    modules = cut(whole, partition(network, 3))
    assert_equal(outcome(whole, *in_modules(modules, inputs, labels, 4)), expected)
