"""The cells of Cruz Alegría, Trotti, Kopaničáková and Krause's Figures 1 and 2: their curves after some epochs."""

from collections.abc import Iterator
from typing import Any

from ddlab.reproductions.cells import ACCURACY, LOSS, Cell, Quantity, Training

EPOCHS = (1, 5, 10, 25, 50, 100)
SMALL_EPOCHS = 10  # of which every number is also one of 100 epochs, since no rate depends on how many there are
ADAM = "Adam"

_Curve = tuple[tuple[float, ...], tuple[float, ...]]  # accuracy in percent and loss after EPOCHS
_MNIST_FULL: dict[str, _Curve] = {
    ADAM: ((65.75, 79.58, 85.76, 90.87, 94.07, 96.76), (2.302, 1.773, 1.639, 1.555, 1.514, 1.486)),
    "N = 2, order 1": ((53.06, 83.83, 87.05, 93.00, 95.32, 97.05), (2.252, 1.633, 1.584, 1.532, 1.503, 1.483)),
    "N = 4, order 1": ((52.82, 77.62, 82.54, 85.84, 91.62, 94.98), (2.253, 1.918, 1.626, 1.571, 1.539, 1.505)),
    "N = 6, order 1": ((52.73, 77.39, 81.61, 84.67, 89.58, 94.08), (2.254, 1.924, 1.696, 1.586, 1.548, 1.514)),
    "N = 2, order 2": ((38.38, 84.09, 88.13, 93.90, 96.45, 97.67), (2.267, 1.640, 1.572, 1.520, 1.490, 1.474)),
    "N = 4, order 2": ((39.61, 74.86, 82.06, 87.11, 93.55, 96.35), (2.267, 1.758, 1.646, 1.579, 1.522, 1.491)),
    "N = 6, order 2": ((41.30, 75.41, 79.36, 85.20, 90.51, 94.23), (2.264, 1.905, 1.689, 1.600, 1.554, 1.514)),
}
_MNIST_MINI: dict[str, _Curve] = {
    ADAM: ((80.58, 91.64, 94.68, 97.31, 97.88, 98.03), (1.979, 1.550, 1.510, 1.479, 1.469, 1.466)),
    "N = 2, order 1": ((84.93, 94.32, 96.57, 97.89, 98.14, 98.24), (1.801, 1.517, 1.488, 1.470, 1.466, 1.465)),
    "N = 4, order 1": ((78.28, 85.68, 91.17, 94.43, 96.06, 97.11), (1.994, 1.600, 1.553, 1.512, 1.494, 1.482)),
    "N = 6, order 1": ((78.11, 84.13, 87.34, 93.21, 94.77, 95.98), (1.999, 1.612, 1.572, 1.526, 1.508, 1.495)),
    "N = 2, order 2": ((84.48, 94.00, 96.25, 97.75, 98.06, 98.20), (1.822, 1.521, 1.492, 1.473, 1.467, 1.465)),
    "N = 4, order 2": ((76.54, 86.53, 90.64, 94.19, 96.01, 97.33), (1.914, 1.594, 1.556, 1.516, 1.495, 1.479)),
    "N = 6, order 2": ((74.23, 84.47, 86.65, 91.08, 93.44, 95.97), (1.977, 1.620, 1.590, 1.549, 1.521, 1.496)),
}
_CIFAR10_MINI: dict[str, _Curve] = {
    ADAM: ((34.59, 46.71, 51.13, 53.85, 53.95, 53.78), (2.076, 1.531, 1.305, 0.884, 0.436, 0.084)),
    "N = 2, order 1": ((42.49, 49.73, 52.52, 54.14, 54.65, 53.96), (1.838, 1.349, 1.175, 0.910, 0.677, 0.436)),
    "N = 4, order 1": ((27.21, 34.07, 41.49, 48.48, 51.58, 53.22), (2.130, 1.931, 1.694, 1.425, 1.277, 1.081)),
    "N = 6, order 1": ((28.11, 32.80, 38.07, 46.88, 49.29, 51.96), (2.107, 1.954, 1.791, 1.491, 1.391, 1.238)),
    "N = 2, order 2": ((40.74, 49.50, 51.88, 53.83, 54.50, 54.11), (1.860, 1.372, 1.213, 0.975, 0.772, 0.519)),
    "N = 4, order 2": ((32.39, 42.43, 45.59, 49.26, 52.02, 53.70), (2.071, 1.648, 1.541, 1.390, 1.239, 1.083)),
    "N = 6, order 2": ((30.53, 40.25, 43.80, 47.49, 50.28, 52.32), (2.058, 1.716, 1.607, 1.469, 1.351, 1.221)),
}


def figure_1() -> tuple[Cell, ...]:
    """MNIST: all digits in every step, and minibatches of 10,000."""
    full = _cells("all digits in a step", "apts_mnist_full", "apts", _MNIST_FULL)
    return (*full, *_cells("minibatches", "apts_mnist_mini", "sapts", _MNIST_MINI))


def figure_2() -> tuple[Cell, ...]:
    """CIFAR-10 in minibatches of 10,000; of full batches no result of APTS was published."""
    return tuple(_cells("minibatches", "apts_cifar10_mini", "sapts", _CIFAR10_MINI))


def _cells(batches: str, recipe: str, method: str, curves: dict[str, _Curve]) -> Iterator[Cell]:
    for label, (accuracies, losses) in curves.items():
        strategy = "adam" if label == ADAM else method
        settings: dict[str, Any] = {"name": f"{recipe} {label}", "strategies": [strategy]}
        if strategy == method:
            num_subdomains, order = (int(part.split()[-1]) for part in label.split(", "))
            settings |= {"apts.subdomains": num_subdomains, "trust_region.order": order}
        full = Training(recipe, settings)
        small = Training(recipe, {**settings, "training.epochs": SMALL_EPOCHS, "seeds": [0]})
        for measure, numbers, unit in ((ACCURACY, accuracies, 100.0), (LOSS, losses, 1.0)):
            for epoch, number in zip(EPOCHS, numbers, strict=True):
                words = f"epoch {epoch}" if measure == ACCURACY else f"loss {epoch}"
                quantity = Quantity(strategy, measure, epoch)
                within = small if epoch <= SMALL_EPOCHS else None
                yield Cell(f"{batches}, {label}", words, number / unit, quantity, full, within)
