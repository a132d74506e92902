"""What every network promises, entry by entry and in every dimension: described, built, cut, composed, kept.

An entry of another package is tested here as soon as it is installed.
"""

import json
from dataclasses import replace
from functools import cache

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ddlab.analyses.composition.premises import why_not_composed
from ddlab.composition.compose import Composition
from ddlab.data.source import Description
from ddlab.experiment import Experiment
from ddlab.models.architecture import Conv
from ddlab.models.attention import SelfAttention
from ddlab.models.bank import Bank
from ddlab.models.build import build
from ddlab.models.constants import with_constants
from ddlab.models.folded import evaluate
from ddlab.models.spec import NetworkSpec
from ddlab.models.written import from_tree, to_tree
from ddlab.problem import assemble
from ddlab.registry.models import MODELS
from tests.composition.test_compose import maps_of, networks, trained_like
from tests.models.test_folded import evaluated

SPECS = {
    "signal": NetworkSpec((2, 96), 3),
    "colour": NetworkSpec((3, 32, 32), 10),
    "grey, odd size": NetworkSpec((1, 23, 19), 3),
    "volume": NetworkSpec((1, 12, 12, 8), 2),
    "no norm, dropout": NetworkSpec((3, 16, 16), 4, batch_norm=False, dropout=0.3),
}
MOST = 3e4  # parameters: a narrow network tells the same sooner
EXACT = {"rtol": 1e-12, "atol": 1e-12}
every_name = pytest.mark.parametrize("name", MODELS)
every_network = pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in MODELS for kind in SPECS])


@cache
def narrow(name, kind):
    """The network, narrowed until it is small; some cannot be."""
    builder, spec = MODELS[name].load(), SPECS[kind]
    network = builder(spec)
    while network.parameters() > MOST and spec.width > 1 / 64:
        spec = replace(spec, width=spec.width / 2)
        network = builder(spec)
    return network


def posed(name, shape, cut=None, **settings):
    """The problem of a narrow network on images of two channels and ``shape``, cut in two along every axis."""
    model = {"name": name, "width": 0.25, **settings}
    asked = {"decomposition.grid": (2,) * len(shape), **(cut or {})}
    data = Description(("a", "b", "c"), 2, shape, 10, 10, "made", "")
    return assemble(Experiment().with_settings(asked | {f"model.{key}": model[key] for key in model}), data)


# ---- described and built


@every_network
def test_its_description_is_what_is_built(name, kind):
    """Parameters and operations are those that torch itself counts, and every parameter has a gradient."""
    network = narrow(name, kind)
    module, samples = build(network), torch.rand(3, *network.input)
    assert network.parameters() == sum(parameter.numel() for parameter in module.parameters())
    assert (
        network.activations() > 0
        and {network.classifier, network.cam_layer} - {""} <= dict(module.named_modules()).keys()
    )
    logits = module.train()(samples)
    assert logits.shape == (3, network.outputs) == (3, SPECS[kind].num_classes) and torch.isfinite(logits).all()
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        assert module.eval()(samples[:1]).shape == (1, network.outputs)
    assert counter.get_total_flops() == network.flops()


@every_network
def test_a_bank_of_it_is_its_networks_one_by_one(name, kind):
    torch.manual_seed(0)
    network, copies = narrow(name, kind), 2
    bank, modules = Bank(network, copies), [build(network).double() for _ in range(copies)]
    bank.prepare("cpu", torch.float64).eval()
    for index, module in enumerate(modules):
        bank.load_state_of(index, module.state_dict())
    inputs = torch.randn(2, copies, *network.input, dtype=torch.float64)
    with torch.no_grad():
        together = bank(inputs.flatten(1, 2))
        for index, module in enumerate(modules):
            torch.testing.assert_close(together[:, index], module.eval()(inputs[:, index]), **EXACT)
            module.load_state_dict(bank.state_of(index))


@every_network
def test_evaluation_without_gradients_gives_its_own_numbers(name, kind):
    torch.manual_seed(0)
    network = narrow(name, kind)
    module, inputs = evaluated(build(network)), torch.randn(2, *network.input, dtype=torch.float64)
    before, copy = {key: value.clone() for key, value in module.state_dict().items()}, inputs.clone()
    found = evaluate(module, inputs)
    assert not found.requires_grad and torch.equal(inputs, copy)
    torch.testing.assert_close(found, module(inputs), rtol=1e-9, atol=1e-12)
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


@every_name
def test_its_state_and_description_are_kept_in_files(name, tmp_path):
    network = with_constants(narrow(name, "colour"), "keras")
    again = from_tree(json.loads(json.dumps(to_tree(network))))
    assert again == network and network.weights == "keras"
    module, other, inputs = build(network), build(again), torch.rand(2, *network.input)
    with torch.no_grad():
        module.train()(inputs)  # moves the running statistics from where they begin
        save_file(module.state_dict(), tmp_path / "weights.safetensors")
        other.load_state_dict(load_file(tmp_path / "weights.safetensors"))
        assert torch.equal(other.eval()(inputs), module.eval()(inputs))


# ---- decomposed and composed


@every_name
@pytest.mark.parametrize("shape", [(64,), (32, 34), (16, 16, 16)], ids=len)
def test_it_is_decomposed_into_local_networks(name, shape):
    problem = posed(name, shape, reduction="1/N")
    assert len(problem.local_networks) == 2 ** len(shape)
    for network, box in zip(problem.local_networks, problem.decomposition, strict=True):
        assert network.input == (2, *box.shape) and network.outputs == 3
        assert network.parameters() < problem.global_network.parameters()
    module = build(problem.local_networks[-1]).eval()
    assert module(torch.zeros(1, *problem.local_networks[-1].input)).shape == (1, 3)


@every_name
@pytest.mark.parametrize("reduction", ["1/N", "1/sqrt(N)", "1"])
def test_its_channels_shrink_by_the_rule(name, reduction):
    """All channels but those of the image and the classes."""
    spec = NetworkSpec((3, 32, 32), 10, width=2)
    whole, local = (MODELS[name].load()(s) for s in (spec, spec.for_subimage((16, 16), 4, reduction)))
    factor = {"1/N": 4, "1/sqrt(N)": 2, "1": 1}[reduction]
    channels = [[s.layer.out_channels for s in n.placed_layers() if isinstance(s.layer, Conv)] for n in (whole, local)]
    assert channels[0] == [factor * number for number in channels[1]]


def composition(name, shape, cut=None, **settings):
    """The composition of its local networks, as narrow as they have one; skips where none is claimed.

    Of ours, networks with attention claim none.
    """
    for width in (0.25, 0.5, 1):
        problem = posed(name, shape, cut, reduction="1/N", width=width, **settings)
        why = why_not_composed(problem)
        if not why:
            return Composition(problem.local_networks, problem.global_network, problem.decomposition)
    attends = any(isinstance(step.layer, SelfAttention) for step in problem.global_network.placed_layers())
    assert name not in MODELS.own or attends, why
    pytest.skip(why)


@every_name
def test_composed_its_maps_agree_layer_by_layer(name):
    """Theorem 2.1 without padding, on long signals: deep networks leave nothing of a small image.

    Without any maps, what the composed network says is the sum of what its local networks say: eq. (2.16).
    """
    made = composition(name, (4096,), padding="valid")
    local, whole, _ = networks(made)
    torch.manual_seed(0)
    images = torch.randn(1, 2, 4096, dtype=torch.float64)
    maps, at = [images[box.slices] for box in made.decomposition], images
    rounding = 1e-11 if name.startswith("resnet101") else 1e-12  # a hundred layers come to 4e-12
    compared = 0
    with torch.no_grad():
        for layer_name, layer in whole.named_children():
            at = layer(at)
            if at.dim() < 3:  # the head
                break
            maps = [module.get_submodule(layer_name)(part) for module, part in zip(local, maps, strict=True)]
            for index, part in enumerate(maps):
                field = made.field(index, layer_name)
                there = at[:, field.channels][field.slices]
                torch.testing.assert_close(there, part, rtol=rounding, atol=1e-12)
                maps[index] = there  # the next layer begins alike: fifty layers would add up what processors round
                compared += 1
    if not compared:
        last = made.global_network.classifier
        parts = [
            maps_of(module, last, images[box.slices]) for module, box in zip(local, made.decomposition, strict=True)
        ]
        torch.testing.assert_close(maps_of(whole, last, images), sum(parts), **EXACT)


@every_name
def test_to_decompose_is_the_way_back_from_composing(name):
    made = composition(name, (32, 32), {"decomposition.grid": (2, 1), "decomposition.overlap": 4})
    states = [trained_like(network, seed) for seed, network in enumerate(made.local_networks)]
    whole = made.compose(states)
    again = made.decompose(whole)
    for state, cut in zip(states, again, strict=True):
        assert state.keys() == cut.keys()
        shared = f"{made.global_network.classifier}.bias"  # of which a composed network knows the sum alone
        assert all(torch.equal(value, cut[key]) for key, value in state.items() if key != shared)
    for key, value in made.compose(again).items():
        torch.testing.assert_close(value, whole[key], rtol=0, atol=1e-14)


# ---- asked for


@every_name
def test_settings_of_an_experiment_reach_it(name):
    plain, wide = (posed(name, (32, 32), width=width).global_network for width in (0.25, 0.5))
    assert wide.parameters() > plain.parameters()
    dropped = build(posed(name, (32, 32), dropout=0.3).global_network)
    assert [layer.p for layer in dropped.modules() if isinstance(layer, nn.Dropout)] == [0.3]
    assert posed(name, (32, 32), constants="keras").global_network.weights == "keras"


@every_name
def test_the_command_line_counts_it_and_lists_it(name, ddlab):
    options = ("--input", "3x32x32", "--classes", "7", "--width", "0.25", "--reduction", "1/N", "--json")
    code, out, said = ddlab("cost", "--model", name, *options)
    assert code == 0, said
    whole, *local = json.loads(out)["networks"]
    network = MODELS[name].load()(NetworkSpec((3, 32, 32), 7, width=0.25))
    assert (whole["parameters"], whole["flops"]) == (network.parameters(), network.flops()) and len(local) == 4
    (told,) = (entry for entry in json.loads(ddlab("models", "--json")[1]) if entry["name"] == name)
    assert told["title"] == MODELS[name].title and told["description"]
