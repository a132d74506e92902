"""Keras' constants: momentum and ε of batch normalisation, first weights, through banks, composition and files."""

import json
import math

import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from ddlab.composition.compose import composition_of
from ddlab.data.source import Description
from ddlab.experiment import Experiment
from ddlab.models.architecture import BatchNorm
from ddlab.models.bank import Bank
from ddlab.models.build import build
from ddlab.models.constants import with_constants
from ddlab.models.spec import NetworkSpec
from ddlab.models.written import from_tree, to_tree
from ddlab.problem import assemble
from ddlab.registry.models import MODELS

DATA = Description(("a", "b", "c"), 3, (16, 16), 10, 10, "made", "")


def posed(constants="keras", model="resnet20"):
    asked = {"model.name": model, "model.constants": constants, "model.reduction": "1/N", "dataset.name": "cifar10"}
    return assemble(Experiment().with_settings(asked), DATA)


def norms(module):
    return [(layer.momentum, layer.eps) for layer in module.modules() if isinstance(layer, _BatchNorm)]


def test_the_setting_reaches_every_network_and_torchs_is_what_it_was():
    for constants, expected in (("keras", (0.01, 1e-3)), ("torch", (0.1, 1e-5))):
        problem = posed(constants)
        for network in (problem.global_network, *problem.local_networks):
            found = norms(build(network))
            assert found == norms(build(network, copies=2)) == [expected] * 21
    assert posed("torch").global_network == MODELS["resnet20"].load()(NetworkSpec((3, 16, 16), 3))


@pytest.mark.parametrize("copies", [1, 2])
def test_first_weights_are_cut_normals_of_hes_variance(copies):
    """Keras: no weight beyond two deviations of the normal, yet the variance 2 / fan-in; biases 0."""
    network = with_constants(MODELS["vgg3"].load()(NetworkSpec((3, 32, 32), 10, width=2)), "keras")
    torch.manual_seed(0)
    module = build(network, copies)
    for name, weight in module.named_parameters():
        if weight.dim() < 2:
            assert name.endswith("bias") == bool((weight == 0).all()), name
            continue
        wanted = math.sqrt(2 / weight[0].numel())
        assert float(weight.detach().std()) == pytest.approx(wanted, rel=0.06), name
        largest = float(weight.detach().abs().max()) / wanted
        assert 1.9 < largest <= 2 / 0.8796 + 1e-6, f"{name}: a uniform distribution ends at 1.73 deviations"


def test_files_that_name_no_constants_are_torchs():
    tree = json.loads(json.dumps(to_tree(MODELS["cnn"].load()(NetworkSpec((3, 48, 48), 4)))))
    (read,) = from_tree({**tree, "layers": [["norm", {"kind": "BatchNorm", "channels": 3}]]}).layers
    assert read == ("norm", BatchNorm(3, momentum=0.1, eps=1e-5))


def test_a_bank_of_them_computes_and_counts_as_one_by_one():
    network = posed().local_networks[0]
    bank = Bank(network, 2)
    modules = [build(network).double() for _ in range(2)]
    bank.prepare("cpu", torch.float64)
    for index, module in enumerate(modules):
        bank.load_state_of(index, module.state_dict())
    inputs = 3 * torch.randn(4, 2, *network.input, dtype=torch.float64) + 1
    for train in (True, False):
        together = bank.train(train)(inputs.flatten(1, 2))
        for index, module in enumerate(modules):
            torch.testing.assert_close(together[:, index], module.train(train)(inputs[:, index]), rtol=1e-9, atol=1e-9)
    mean = inputs[:, 0].mean((0, 2, 3))
    first = torch.nn.functional.conv2d(inputs[:, 0], modules[0].stem.weight, padding=1).mean((0, 2, 3))
    torch.testing.assert_close(modules[0].stem_norm.running_mean, 0.01 * first, rtol=1e-9, atol=1e-12)
    assert mean.abs().max() > 0


def test_composed_they_say_the_sum_of_what_they_say():
    """With networks without padding the composed network repeats its parts, whatever ε is; a wrong ε would not."""
    asked = {"model.name": "cnn", "model.padding": "valid", "model.reduction": "1/N", "model.constants": "keras"}
    problem = assemble(Experiment().with_settings(asked), Description(("a", "b"), 1, (48, 48), 10, 10, "made", ""))
    made = composition_of(problem)
    torch.manual_seed(0)
    modules = [build(network).double().eval() for network in problem.local_networks]
    for module in modules:
        for layer in module.modules():
            if isinstance(layer, _BatchNorm):
                layer.running_var.copy_(1e-3 * torch.rand(layer.num_features))  # so small that ε counts
    composed = build(problem.global_network).double().eval()
    composed.load_state_dict(made.compose([module.state_dict() for module in modules]))
    images = torch.randn(2, 1, 48, 48, dtype=torch.float64)
    with torch.no_grad():
        said = [module(images[box.slices]) for module, box in zip(modules, problem.decomposition, strict=True)]
        torch.testing.assert_close(composed(images), sum(said), rtol=1e-9, atol=1e-9)
