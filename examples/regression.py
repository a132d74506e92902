"""How fine are the stripes? Four networks guess from a quarter of a drawn image each; composed, they average.

``python -m examples.regression``. These are the lab's own convolutional networks with one output, composed as
classifiers are, with the last layer's weights and bias times 1/K.
"""

import math

import torch
from torch import Tensor, nn

from ddlab.composition.blocks import average_logits
from ddlab.composition.compose import Composition
from ddlab.decomposition import Decomposition
from ddlab.models.architecture import Network
from ddlab.models.build import build
from ddlab.models.layers import dense_head, pooled_stack, shape_after
from ddlab.models.spec import NetworkSpec
from examples.steps import tell, train

SIDE, NUM_TRAIN, NUM_NEW = 40, 600, 300
WAVES = (2.0, 6.0)  # stripes across the image
NOISE = 1.0
FURTHER, RATE, FURTHER_RATE = 0.5, 3e-3, 3e-4


def main(epochs: int = 8) -> dict[str, float]:
    """Train, compose, train on; gives the errors on images that were not trained on."""
    torch.manual_seed(0)
    (images, stripes), (new, new_stripes) = drawn(NUM_TRAIN), drawn(NUM_NEW)
    made = composition()
    parts = [build(network) for network in made.local_networks]
    for network, box in zip(parts, made.decomposition, strict=True):
        train(network, (images[box.slices], stripes), nn.functional.l1_loss, epochs, RATE)
    said = [error(part, new[box.slices], new_stripes) for part, box in zip(parts, made.decomposition, strict=True)]
    errors = {"sub-networks, mean: the bound": sum(said) / len(said)}
    composed, random = build(made.global_network), build(made.global_network)
    composed.load_state_dict(average_logits(made, made.compose([part.state_dict() for part in parts])))
    errors["composed, untrained"] = error(composed, new, new_stripes)
    further = round(FURTHER * epochs)
    train(composed, (images, stripes), nn.functional.l1_loss, further, FURTHER_RATE)
    errors["composed, trained on"] = error(composed, new, new_stripes)
    train(random, (images, stripes), nn.functional.l1_loss, epochs, RATE)
    train(random, (images, stripes), nn.functional.l1_loss, further, FURTHER_RATE)
    errors["random start, as many epochs"] = error(random, new, new_stripes)
    tell("Regression: how many stripes?", "|y − ŷ| (stripes)", list(errors.items()))
    return errors


def composition() -> Composition:
    """A small network with one output, on quarters of the image; valid padding, so that the bound is one."""
    decomposition = Decomposition.from_grid((SIDE, SIDE), (2, 2))
    spec = NetworkSpec((1, SIDE, SIDE), 1, padding="valid", batch_norm=False)
    local = tuple(described(spec.for_subimage(box.shape, len(decomposition), "1/N")) for box in decomposition)
    return Composition(local, described(spec), decomposition)


def described(spec: NetworkSpec) -> Network:
    """Two convolutions of 16 and 32 channels, pooled after each, and a hidden layer of 64."""
    body = pooled_stack(spec, (16, 32), pool_after=(1, 2))
    head = dense_head(spec, shape_after(body, spec.input), hidden=(64,))
    return Network((*body, *head), spec.input, classifier="classifier")


def drawn(count: int) -> tuple[Tensor, Tensor]:
    """Noisy stripes in any direction ``(B, 1, side, side)``, and how many there are across the image ``(B, 1)``."""
    waves, angle, phase = torch.rand(3, count, 1, 1)
    stripes = WAVES[0] + (WAVES[1] - WAVES[0]) * waves
    rows, columns = torch.meshgrid(*[torch.arange(SIDE) / SIDE] * 2, indexing="ij")
    along = torch.cos(math.pi * angle) * rows + torch.sin(math.pi * angle) * columns
    images = torch.sin(2 * math.pi * (stripes * along + phase)) + NOISE * torch.randn(count, SIDE, SIDE)
    return images[:, None], stripes[:, 0]


@torch.no_grad()
def error(network: nn.Module, images: Tensor, stripes: Tensor) -> float:
    """Mean absolute error, in stripes."""
    return float((network(images) - stripes).abs().mean())


if __name__ == "__main__":
    main()
