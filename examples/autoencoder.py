"""Digits through a bottleneck: four auto-encoders of the quarters of an image are composed to one of the whole.

``python -m examples.autoencoder``. The composed network draws every quarter as its sub-network does; trained on, its
weights between the blocks let a quarter profit from what the others show.
"""

import torch
from torch import Tensor, nn

from ddlab.decomposition import Decomposition
from ddlab.extensions.dense import compose_dense, dense_network
from examples.recurrent import digits
from examples.steps import tell, train

GRID = Decomposition.from_grid((8, 8), (2, 2))
QUARTERS = [part.ravel() for part in GRID.split(torch.arange(64).reshape(8, 8))]
HIDDEN = (32, 4, 32)  # units of a sub-network: a quarter of 16 pixels goes through 4 numbers
FURTHER, RATE, FURTHER_RATE = 0.5, 3e-3, 1e-3


def main(epochs: int = 15) -> dict[str, float]:
    """Train, compose, train on; gives the errors on digits that were not trained on."""
    torch.manual_seed(0)
    (images, _), (new, _) = digits()
    images, new = images.flatten(1), new.flatten(1)
    parts = [dense_network([len(pixels), *HIDDEN, len(pixels)]) for pixels in QUARTERS]
    for network, pixels in zip(parts, QUARTERS, strict=True):
        train(network, (images[:, pixels], images[:, pixels]), nn.functional.mse_loss, epochs, RATE)
    errors = {
        "sub-networks together: the bound": sum(
            error(network, new[:, pixels]) for network, pixels in zip(parts, QUARTERS, strict=True)
        )
    }
    sizes = [64, *(4 * units for units in HIDDEN), 64]
    composed, random = dense_network(sizes), dense_network(sizes)
    states = [network.state_dict() for network in parts]
    composed.load_state_dict(compose_dense(states, QUARTERS, "concatenate"))
    errors["composed, untrained"] = error(composed, new)
    further = round(FURTHER * epochs)
    train(composed, (images, images), nn.functional.mse_loss, further, FURTHER_RATE)
    errors["composed, trained on"] = error(composed, new)
    train(random, (images, images), nn.functional.mse_loss, epochs, RATE)
    train(random, (images, images), nn.functional.mse_loss, further, FURTHER_RATE)
    errors["random start, as many epochs"] = error(random, new)
    tell("Auto-encoders: digits through a bottleneck", "|x − x̂|", list(errors.items()))
    return errors


@torch.no_grad()
def error(network: nn.Module, images: Tensor) -> float:
    """Mean Euclidean distance of the images to what the network makes of them."""
    return float((network(images) - images).norm(dim=1).mean())


if __name__ == "__main__":
    main()
