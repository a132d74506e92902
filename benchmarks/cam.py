"""Class activation maps of a batch against captum's LayerGradCam and pytorch-grad-cam, and against what is possible.

64 images of 32×32 px: the maps of one class, and of all ten. ResNet20 and ``cnn11`` end in global average pooling and
take the analytic map, which gives all classes at once; ``vgg3`` and ``cnn`` take Grad-CAM. Captum gets one image at a
time and all images at once, pytorch-grad-cam all at once (``not installed`` where it is not: ddlab does not need it);
its time is that of the raw maps, without scaling and resizing. Equal values are checked first, of every way.

What is possible: the forward pass has to be done. ``forward`` is the network as it stands without gradients,
``convolutions`` its convolutions alone, on the inputs that they get: nobody is faster than these in float32.

One thread, channels last; all ways take turns in every round. Times are processor time, which others on the machine
lengthen less than wall time; ratios are medians over the rounds, each of times of one round.

Run: ``python -m benchmarks.cam --write``; about two minutes.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable, Mapping
from copy import deepcopy

import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn

from benchmarks import stored
from benchmarks.made import CLASSES, SHAPE
from ddlab.analyses.maps.cam import class_maps, grad_cam
from ddlab.analyses.maps.layers import is_analytic
from ddlab.data import vision
from ddlab.models.architecture import Conv, Network
from ddlab.models.build import CONV, build
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS

try:
    vision.datasets()  # whichever build of torchvision there is, it can be imported afterwards
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
except ImportError:
    GradCAM = None

NAMES = ("resnet20", "cnn11", "vgg3", "cnn")
CLASS = 3
RESULTS = stored.RESULTS / "cam.json"
OURS, FORWARD, CONVOLUTIONS = "ours", "forward", "convolutions"
ONE_BY_ONE, BATCH, OTHER = "captum, one image at a time", "captum, in batches", "pytorch-grad-cam, in batches"
Way = Callable[[range], Tensor]
"""Classes to their maps ``(B, classes, *map)``, in our unit."""


# ---- ways to the same maps


def ours(network: Network, module: nn.Module, images: Tensor) -> Way:
    """The analytic map where there is one, Grad-CAM elsewhere."""
    layer = network.cam_layer

    def way(classes: range) -> Tensor:
        if is_analytic(network, layer):
            return class_maps(network, module, images).maps[:, classes.start : classes.stop]
        maps = grad_cam(module, images, layer, classes).maps
        return maps * math.prod(maps.shape[2:])

    return way


def captums(network: Network, module: nn.Module, images: Tensor, batch: int) -> Way:
    """Captum's maps, ``batch`` images at once."""
    explain = LayerGradCam(module, module.get_submodule(network.cam_layer))

    def way(classes: range) -> Tensor:
        parts = images.split(batch)
        maps = [torch.cat([explain.attribute(part, target=c).detach() for c in classes], dim=1) for part in parts]
        joined = torch.cat(maps)
        return joined * math.prod(joined.shape[2:])

    return way


def others(network: Network, module: nn.Module, images: Tensor) -> Way:
    """The raw maps of pytorch-grad-cam: its own steps up to where it scales them."""
    asking = deepcopy(module).requires_grad_()  # it hooks gradients of the layer, which frozen weights would not give
    layer = asking.get_submodule(network.cam_layer)
    explain = GradCAM(asking, [layer])

    def way(classes: range) -> Tensor:
        maps = []
        for c in classes:
            targets = [ClassifierOutputTarget(c)] * len(images)
            logits = explain.activations_and_grads(images)
            asking.zero_grad()
            sum(target(own) for target, own in zip(targets, logits, strict=True)).backward(retain_graph=True)
            (outputs,), (gradients,) = (
                explain.activations_and_grads.activations,
                explain.activations_and_grads.gradients,
            )
            map_ = explain.get_cam_image(images, layer, targets, outputs.numpy(), gradients.numpy())
            maps.append(torch.from_numpy(map_) * math.prod(map_.shape[1:]))
        return torch.stack(maps, dim=1)

    return way


def all_ways(network: Network, module: nn.Module, images: Tensor) -> dict[str, Way]:
    """Every way by name, ours first."""
    ways = {
        OURS: ours(network, module, images),
        BATCH: captums(network, module, images, len(images)),
        ONE_BY_ONE: captums(network, module, images, 1),
    }
    return ways | ({OTHER: others(network, module, images)} if GradCAM else {})


def floors(module: nn.Module, images: Tensor) -> dict[str, Callable[[], object]]:
    """The forward pass, and its convolutions alone."""
    met: list[tuple[nn.Module, Tensor]] = []
    found = [part for part in module.modules() if isinstance(part, tuple(CONV.values()))]
    hooks = [
        part.register_forward_pre_hook(lambda part, inputs: met.append((part, inputs[0].clone()))) for part in found
    ]
    module(images)
    for hook in hooks:
        hook.remove()
    return {
        FORWARD: torch.no_grad()(lambda: module(images)),
        CONVOLUTIONS: torch.no_grad()(lambda: [part(inputs) for part, inputs in met]),
    }


# ---- measuring


def processor_seconds(work: Callable[[], object]) -> float:
    """Processor time of one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def turned(names: list[str], turn: int) -> list[str]:
    """The names, another one first in every turn: what ran before leaves caches and memory in another state."""
    first = turn % len(names)
    return names[first:] + names[:first]


def check(ways: Mapping[str, Way]) -> None:
    """All ways give the same maps of all classes, but for rounding."""
    expected = ways[ONE_BY_ONE](range(CLASSES))
    for way in ways.values():
        found = way(range(CLASSES))
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))
        torch.testing.assert_close(way(range(CLASS, CLASS + 1)), found[:, CLASS : CLASS + 1])


def measure(name: str, num_images: int, rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Of one class and of all, of each way: ``milliseconds``, and how many ``times`` ours; medians over the rounds."""
    network = made(name)
    torch.manual_seed(0)
    module = build(network).eval().requires_grad_(False).to(memory_format=torch.channels_last)
    images = torch.randn(num_images, 3, *SHAPE).contiguous(memory_format=torch.channels_last)
    ways, found = all_ways(network, module, images), {}
    check(ways)
    for what, classes in (("one class", range(CLASS, CLASS + 1)), ("all classes", range(CLASSES))):
        works = {name: lambda way=way, classes=classes: way(classes) for name, way in ways.items()}
        works |= floors(module, images)
        times = [{name: processor_seconds(works[name]) for name in turned(list(works), turn)} for turn in range(rounds)]
        found[what] = {
            name: {
                "milliseconds": round(1000 * statistics.median(one[name] for one in times), 2),
                "times": round(statistics.median(one[name] / one[OURS] for one in times), 3),
            }
            for name in works
        }
    return found


def made(name: str) -> Network:
    """The network of a name, for the images that everything is measured with."""
    return MODELS[name].load()(NetworkSpec((3, *SHAPE), CLASSES))


def counted(network: Network, num_images: int) -> dict[str, float]:
    """What a forward pass comes to: operations, and bytes that its layers read and write, in billions."""
    moved = {True: 0, False: 0}
    for step in network.placed_layers():
        moved[isinstance(step.layer, Conv)] += 4 * (math.prod(step.input) + math.prod(step.output))
    counts = {"operations": network.flops(), "bytes of convolutions": moved[True], "bytes of the rest": moved[False]}
    return {what: round(count * num_images / 1e9, 3) for what, count in counts.items()}


def table(name: str, count: Mapping[str, float], measured: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Lines for one network."""
    lines = [f"{name}: a forward pass is " + ", ".join(f"{number:.2f}·10⁹ {what}" for what, number in count.items())]
    for what, ways in measured.items():
        shown = {OTHER: None, **ways} if OTHER not in ways else ways
        for way, facts in shown.items():
            said = (
                "not installed"
                if facts is None
                else f"{facts['milliseconds']:9.1f} ms {facts['times']:7.2f} times ours"
            )
            lines.append(f"  {what:12s}{way:30s}{said}")
    return "\n".join(lines)


def main() -> None:
    """Measure every network; print medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true", help=f"keep the results in {RESULTS.name}")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{arguments.images} images, {CLASSES} classes, {arguments.rounds} rounds; equal values")
    results = {}
    for name in NAMES:
        count = counted(made(name), arguments.images)
        results[name] = {"counted": count, **measure(name, arguments.images, arguments.rounds)}
        print(table(name, count, {what: results[name][what] for what in ("one class", "all classes")}), flush=True)
    if arguments.write:
        facts = {"images": arguments.images, "classes": CLASSES, "rounds": arguments.rounds, "torch": torch.__version__}
        stored.write(RESULTS, facts | {"networks": results})


if __name__ == "__main__":
    main()
