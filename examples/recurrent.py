"""Digits read line by line: two recurrent networks see the left and the right half of every line, and are composed.

``python -m examples.recurrent``. A digit of 8×8 pixels is a sequence of 8 time steps with 8 features.
"""

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from ddlab.extensions.recurrent import RecurrentNetwork, compose_recurrent
from examples.steps import tell, train

HALVES = [range(0, 4), range(4, 8)]
UNITS = (16, 16)  # of a sub-network; the composed network has as many as both together
FURTHER, RATE, FURTHER_RATE = 0.3, 3e-3, 1e-3  # share of the epochs after composing; learning rates


def main(epochs: int = 15) -> dict[str, float]:
    """Train, compose, train on; gives the errors on digits that were not trained on."""
    torch.manual_seed(0)
    (lines, labels), (new_lines, new_labels) = digits()
    halves = [RecurrentNetwork(4, UNITS, 10) for _ in HALVES]
    for network, half in zip(halves, HALVES, strict=True):
        train(network, (lines[..., half], labels), nn.functional.cross_entropy, epochs, RATE)
    errors = {
        f"sub-network {number}": error(network, new_lines[..., half], new_labels)
        for number, (network, half) in enumerate(zip(halves, HALVES, strict=True), 1)
    }
    wide = [2 * units for units in UNITS]
    composed, random = RecurrentNetwork(8, wide, 10), RecurrentNetwork(8, wide, 10)
    composed.load_state_dict(compose_recurrent([network.state_dict() for network in halves], HALVES))
    errors["composed, untrained"] = error(composed, new_lines, new_labels)
    further = round(FURTHER * epochs)
    train(composed, (lines, labels), nn.functional.cross_entropy, further, FURTHER_RATE)
    errors["composed, trained on"] = error(composed, new_lines, new_labels)
    train(random, (lines, labels), nn.functional.cross_entropy, epochs, RATE)
    train(random, (lines, labels), nn.functional.cross_entropy, further, FURTHER_RATE)
    errors["random start, as many epochs"] = error(random, new_lines, new_labels)
    tell("Recurrent networks: digits, line by line", "wrong of new digits", list(errors.items()))
    return errors


def digits() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Digits ``(B, 8, 8)`` between 0 and 1 and their labels: four fifths to train on, and the rest."""
    images, labels = load_digits(return_X_y=True)
    lines, targets = torch.from_numpy(images / 16).float().reshape(-1, 8, 8), torch.from_numpy(labels)
    new = torch.arange(len(lines)) % 5 == 0
    return (lines[~new], targets[~new]), (lines[new], targets[new])


@torch.no_grad()
def error(network: nn.Module, lines: Tensor, labels: Tensor) -> float:
    """Share of digits that the network gets wrong."""
    return float((network(lines).argmax(1) != labels).float().mean())


if __name__ == "__main__":
    main()
