"""How much faster class activation maps of a batch are than captum's LayerGradCam, one image at a time.

64 images of 32×32 px: the maps of one class, and of all ten. ResNet20 and ``cnn11`` end in global average pooling and
take the analytic map, which gives all classes at once; ``vgg3`` and ``cnn`` take Grad-CAM. Equal values are checked
first. One thread, channels last; all ways take turns in every round. Times are processor time, which others on the
machine do not lengthen.

Run: ``python -m benchmarks.cam``; about a minute.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable

import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn

from benchmarks.made import CLASSES, SHAPE
from ddlab.analyses.cam import class_maps, grad_cam
from ddlab.analyses.map_layers import is_analytic
from ddlab.models import MODELS, NetworkSpec
from ddlab.models.architecture import Network
from ddlab.models.build import build

NAMES = ("resnet20", "cnn11", "vgg3", "cnn")
CLASS = 3


def one_by_one(network: Network, module: nn.Module, images: Tensor, classes: range) -> Tensor:
    """Captum's maps ``(B, classes, *map)``, in our unit."""
    explain = LayerGradCam(module, module.get_submodule(network.cam_layer))
    maps = [torch.cat([explain.attribute(image[None], target=c).detach() for c in classes], dim=1) for image in images]
    joined = torch.cat(maps)
    return joined * math.prod(joined.shape[2:])


def of_one_class(network: Network, module: nn.Module, images: Tensor) -> Tensor:
    """Our maps of one class ``(B, *map)``."""
    if is_analytic(network, network.cam_layer):
        return class_maps(network, module, images).maps[:, CLASS]
    return grad_cam(module, images, network.cam_layer, [CLASS]).maps[:, 0]


def processor_seconds(work: Callable[[], object]) -> float:
    """Processor time of one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def measure(name: str, num_images: int, rounds: int) -> tuple[float, ...]:
    """Median seconds: ours and captum's for one class, ours and captum's for all."""
    network = MODELS[name].load()(NetworkSpec((3, *SHAPE), CLASSES))
    torch.manual_seed(0)
    module = build(network).eval().requires_grad_(False).to(memory_format=torch.channels_last)
    images = torch.randn(num_images, 3, *SHAPE).contiguous(memory_format=torch.channels_last)
    one, every = range(CLASS, CLASS + 1), range(CLASSES)
    expected = one_by_one(network, module, images, every)
    rounding = 1e-5 * float(expected.abs().max())
    torch.testing.assert_close(class_maps(network, module, images).maps, expected, rtol=0, atol=rounding)
    ways: tuple[Callable[[], object], ...] = (
        lambda: of_one_class(network, module, images),
        lambda: one_by_one(network, module, images, one),
        lambda: class_maps(network, module, images),
        lambda: one_by_one(network, module, images, every),
    )
    times = [[processor_seconds(way) for way in ways] for _ in range(rounds)]
    return tuple(statistics.median(column) for column in zip(*times, strict=True))


def main() -> None:
    """Measure every network; print medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{arguments.images} images, {CLASSES} classes, {arguments.rounds} rounds; equal values")
    for name in NAMES:
        measured = measure(name, arguments.images, arguments.rounds)
        for what, ours, captums in (("one class", *measured[:2]), ("all classes", *measured[2:])):
            ratio = f"{captums / ours:5.1f} times"
            print(f"{name:9s} {what:11s} ours {1000 * ours:6.1f} ms, captum {1000 * captums:7.1f} ms: {ratio}")


if __name__ == "__main__":
    main()
