"""Class activation maps: exact where they can be, equal to captum's, and the model is left as it was."""

import numpy as np
import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch.nn.functional import interpolate

from ddlab.analyses.maps.cam import analytic_cam, assemble_maps, class_maps, composed_cam, grad_cam
from ddlab.analyses.maps.layers import cam_layer, common_layers, map_layers
from ddlab.decomposition import Decomposition
from ddlab.models.architecture import Conv, Flatten, GlobalAveragePool, Linear, MaxPool, Network, ReLU
from ddlab.models.build import AttentionBlock, build
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS

SHAPES = {1: (64,), 2: (32, 32), 3: (16, 16, 16)}


def made(name, dimensions=2, width=0.25, seed=0):
    """A network and its module with random weights and statistics, for evaluation, in float64; attention takes part."""
    network = MODELS[name].load()(NetworkSpec((2, *SHAPES[dimensions]), 3, width))
    torch.manual_seed(seed)
    module = build(network).double()
    for part in module.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            part.running_mean.normal_(0, 0.2)
            part.running_var.uniform_(0.5, 2)
        elif isinstance(part, AttentionBlock):
            torch.nn.init.constant_(part.gamma, 0.05)
    return network, module.eval().requires_grad_(False)


def images(network, count=3):
    return torch.randn(count, *network.input, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def captums(module, inputs, layer, num_classes=3):
    explain = LayerGradCam(module, module.get_submodule(layer))
    asked = inputs.clone().requires_grad_()
    return torch.cat([explain.attribute(asked, target=c).detach() for c in range(num_classes)], dim=1)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("name", ["cnn11", "resnet20", "resattnet18", "vgg16_cifar"])
def test_the_mean_of_an_analytic_map_and_the_bias_are_the_logit(name, dimensions):
    network, module = made(name, dimensions)
    module.classifier.bias.normal_()
    found = analytic_cam(network, module, images(network))
    assert len(found.maps.shape) == 2 + dimensions
    assert (found.maps < 0).any()  # signed
    torch.testing.assert_close(found.maps.flatten(2).mean(2) + module.classifier.bias, module(images(network)))


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("cnn", "conv3_relu"),
        ("vgg3", "conv3"),  # a rectifier that works in place comes behind
        ("vgg3", "conv6_relu"),
        ("cnn11", "conv10_relu"),
        ("resnet20", "stage3_block3_relu"),
        ("resnet20", "stage2_block1"),
        ("resnet20", "stage2_block1.body.conv1"),
        ("resattnet18", "stage2_block2"),  # attention comes behind
        ("resattnet18", "stage3_attention"),
        ("resattnet18", "stage4_attention"),
    ],
)
def test_every_map_is_captums(name, layer, dimensions):
    network, module = made(name, dimensions)
    inputs = images(network)
    expected = captums(module, inputs, layer)
    if "." not in layer:
        own = grad_cam(module, inputs, layer)
        torch.testing.assert_close(own.maps, expected, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(own.logits, module(inputs))
    positions = expected[0, 0].numel()
    torch.testing.assert_close(class_maps(network, module, inputs, layer).maps, positions * expected)


@pytest.mark.parametrize("layer", ["stage2_block2_relu", "stage3_attention", "stage4_attention"])
def test_of_a_volume_what_speaks_for_a_class_is_3d_grad_cam(layer):
    """The mean of a map's gradients over x, y and z weights it; rectified, and stretched over the volume."""
    network, module = made("resattnet18", 3)
    volumes, whole = images(network, 2), Decomposition.from_grid(SHAPES[3], (1, 1, 1))
    kept = []
    hook = module.get_submodule(layer).register_forward_hook(lambda part, inputs, outputs: kept.append(outputs))
    logits = module(volumes.clone().requires_grad_())
    hook.remove()
    found = class_maps(network, module, volumes, layer).maps
    explain, asked = LayerGradCam(module, module.get_submodule(layer)), volumes.clone().requires_grad_()
    for c in range(3):
        (gradients,) = torch.autograd.grad(logits[:, c].sum(), kept[0], retain_graph=True)
        alphas = gradients.mean((2, 3, 4), keepdim=True)
        coarse = (alphas * kept[0]).sum(1, keepdim=True).relu().detach()
        published = interpolate(coarse, SHAPES[3], mode="trilinear")
        captum = explain.attribute(asked, target=c, relu_attributions=True).detach()
        captum = LayerAttribution.interpolate(captum, SHAPES[3], "trilinear")
        ours = assemble_maps([found[:, [c]].relu()], whole) / coarse[0, 0].numel()
        assert published.max() > 0
        torch.testing.assert_close(ours, published, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(ours, captum, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("width", [None, 5])
def test_maxima_that_overlap_or_leave_a_rest_hand_every_gradient_on(width):
    """A shift of a whole map is followed behind the maxima; with a hidden layer and without, as captum has it."""
    hidden = () if width is None else (("hidden", Linear(4 * 9, width)), ("hidden_relu", ReLU()))
    layers = (
        ("conv", Conv(2, 4)),
        ("wide", MaxPool(3, 2, "same")),  # 9 × 9 to 5 × 5: a position is in several windows
        ("narrow", MaxPool(2, 1)),
        ("rest", MaxPool(2, 1)),
        ("flatten", Flatten()),
        *hidden,
        ("classifier", Linear(width or 4 * 9, 3)),
    )
    network = Network(layers, (2, 9, 9), cam_layer="conv", classifier="classifier")
    torch.manual_seed(0)
    module = build(network).double().eval()
    for layer in ("conv", "wide", "narrow", "rest"):
        found = grad_cam(module, images(network), layer)
        torch.testing.assert_close(found.maps, captums(module, images(network), layer), rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(found.logits, module(images(network)).detach())
    assert all(parameter.grad is None for parameter in module.parameters())


def test_a_few_classes_can_be_asked_for():
    network, module = made("cnn")
    every = grad_cam(module, images(network), "conv3_relu").maps
    assert torch.equal(grad_cam(module, images(network), "conv3_relu", [2]).maps, every[:, 2:])


@pytest.mark.parametrize("layer", ["", "stage2_block1", "stage2_block1.body.conv1"])
def test_the_model_and_the_images_are_left_as_found(layer):
    network, module = made("resnet20")
    module.train()
    module.stage1_block1.eval()
    for index, parameter in enumerate(module.parameters()):
        parameter.requires_grad_(index % 2 == 0)
    inputs = images(network)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    modes = [part.training for part in module.modules()]
    asked = [parameter.requires_grad for parameter in module.parameters()]
    copy = inputs.clone()

    class_maps(network, module, inputs, layer)

    assert [part.training for part in module.modules()] == modes
    assert [parameter.requires_grad for parameter in module.parameters()] == asked
    assert all(parameter.grad is None for parameter in module.parameters())
    assert not any(part._forward_hooks or part._forward_pre_hooks or part._backward_hooks for part in module.modules())
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert torch.equal(inputs, copy) and inputs.grad is None and not inputs.requires_grad
    module.eval()  # batch statistics would have made another map
    torch.testing.assert_close(class_maps(network, module, inputs, layer).logits, module(inputs))


def test_what_does_not_exist_gets_a_sentence_with_the_choices():
    network, module = made("cnn")
    with pytest.raises(ValueError, match=r"layer: unknown 'conv9_relu'; did you mean .*choices: conv1, .*pool3$"):
        class_maps(network, module, images(network), "conv9_relu")
    with pytest.raises(ValueError, match="class: the network knows the classes 0 to 2, got 3"):
        grad_cam(module, images(network), "conv3_relu", [3])
    with pytest.raises(ValueError, match="analytic class activation maps need .* use Grad-CAM"):
        analytic_cam(network, module, images(network))
    dense, module = made("mlp")
    with pytest.raises(ValueError, match="no maps: all of its layers are fully connected"):
        class_maps(dense, module, images(dense))


def test_layers_with_maps():
    network, _ = made("resnet20", width=0.1)
    found = map_layers(network)
    assert found[0] == "stem" and found[-1] == cam_layer(network) == "stage3_block3_relu"
    assert {"stage1_block1", "stage1_block1.body.conv2", "stage2_block1.shortcut.conv"} <= set(found)
    assert not {"pool", "classifier"} & set(found)
    build_cnn, spec = MODELS["cnn"].load(), NetworkSpec((3, 16, 16), 4)
    small = build_cnn(NetworkSpec((3, 4, 4), 4))  # too small to be pooled three times
    assert common_layers([build_cnn(spec), small]) == tuple(n for n in map_layers(small))
    assert "pool3" not in map_layers(small)


# ---- on the image


def test_maps_are_stretched_over_their_boxes_and_overlaps_are_averaged():
    decomposition = Decomposition.from_boxes((4, 10), [[(0, 4), (0, 6)], [(0, 4), (4, 8)]])
    left = torch.full((1, 1, 2, 2), 1.0)
    right = torch.full((1, 1, 1, 3), 3.0)
    mean = assemble_maps([left, right], decomposition)[0, 0, 0].numpy()
    np.testing.assert_array_equal(mean, [1, 1, 1, 1, 2, 2, 3, 3, np.nan, np.nan])
    total = assemble_maps([left, right], decomposition, "sum")[0, 0, 0].numpy()
    np.testing.assert_array_equal(total, [1, 1, 1, 1, 4, 4, 3, 3, np.nan, np.nan])


@pytest.mark.parametrize(("shape", "grid"), [((16,), (4,)), ((8, 8), (2, 2)), ((8, 4, 4), (2, 1, 2))])
def test_a_map_of_pixels_comes_back_in_place(shape, grid):
    decomposition = Decomposition.from_grid(shape, grid)
    whole = torch.randn(2, 3, *shape)
    assert torch.equal(assemble_maps(decomposition.split(whole), decomposition), whole)


# ---- a CNN-DNN


def pooling_network(box):
    layers = (
        ("conv", Conv(2, 5)),
        ("relu", ReLU()),
        ("pool", GlobalAveragePool()),
        ("classifier", Linear(5, 3)),
    )
    return Network(layers, (2, *box.shape), cam_layer="relu", classifier="classifier")


def local_maps(decomposition, inputs):
    networks = [pooling_network(box) for box in decomposition]
    torch.manual_seed(2)
    modules = [build(network).double().requires_grad_(False) for network in networks]
    return [class_maps(*part) for part in zip(networks, modules, decomposition.split(inputs), strict=True)]


def test_of_a_linear_dnn_the_means_over_the_boxes_add_up_to_the_logit():
    decomposition = Decomposition.from_grid((8, 8), (2, 2), overlap=1)
    inputs = torch.randn(3, 2, 8, 8, dtype=torch.float64)
    local = local_maps(decomposition, inputs)  # their biases are 0
    dnn = torch.nn.Sequential(torch.nn.Linear(12, 3)).double()
    found = composed_cam(local, dnn, decomposition, "logits")
    size = decomposition.subdomains[0].shape
    torch.testing.assert_close(found.maps.sum((2, 3)) / (size[0] * size[1]) + dnn[0].bias, found.logits)
    assert dnn[0].weight.grad is None and dnn[0].weight.requires_grad


@pytest.mark.parametrize("outputs", ["probabilities", "logits"])
def test_local_maps_are_weighted_by_the_slope_of_the_global_score(outputs):
    decomposition = Decomposition.from_grid((8, 8), (2, 1))
    inputs = torch.randn(2, 2, 8, 8, dtype=torch.float64)
    local = local_maps(decomposition, inputs)
    dnn = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3)).double().train()
    found = composed_cam(local, dnn, decomposition, outputs)
    said = torch.cat([own.logits if outputs == "logits" else own.logits.softmax(1) for own in local], dim=1)
    torch.testing.assert_close(found.logits, dnn(said))
    step = 1e-6
    for k, box in enumerate(decomposition):
        expected = torch.zeros(2, 3, *box.shape, dtype=torch.float64)
        for j in range(3):
            moved = said.clone()
            moved[:, 3 * k + j] += step
            expected += ((dnn(moved) - dnn(said)) / step)[:, :, None, None] * local[k].maps[:, j, None]
        torch.testing.assert_close(found.maps[box.slices], expected, rtol=1e-4, atol=1e-5)
    assert dnn.training


def test_a_network_without_a_hidden_layer_is_not_pooled_by_flattening():
    layers = (("conv", Conv(1, 2)), ("flatten", Flatten()), ("classifier", Linear(2 * 16, 3)))
    network = Network(layers, (1, 4, 4), cam_layer="conv", classifier="classifier")
    module = build(network)
    inputs = torch.randn(2, 1, 4, 4)
    expected = captums(module, inputs, "conv")
    torch.testing.assert_close(class_maps(network, module, inputs).maps, 16 * expected)
