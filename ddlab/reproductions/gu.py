"""The cells of Gu, Zhang, Liu and Cai's Tables 3.3 and 3.5.

The random start knows no overlap and no number of partitions: it is trained in one experiment, whose number stands in
every row where the paper repeats it.
"""

from collections.abc import Iterator
from typing import Any

from ddlab.layouts import windows
from ddlab.reproductions.cells import ACCURACY, TOP_5, Cell, Quantity, Training
from ddlab.strategies.stage import LOCAL

OVERLAP = 4  # pixels: subimages of 20×20
PARTS = ("composed_untrained", "composed")
WHOLE = (*PARTS, "random")
COLUMNS = {"composed_untrained": "GNet-T", "composed": "GNet-T-trained", "random": "GNet-R-trained"}

# By data and network: the local networks, composed, composed and trained on, in percent; then the same with overlap,
# and the random start.
_Side = tuple[float, ...]
_TABLE_33: dict[tuple[str, str], tuple[_Side, _Side, float]] = {
    ("cifar10", "resnet32"): (
        (68.92, 68.18, 68.68, 68.40, 81.11, 94.24),
        (80.49, 80.33, 80.63, 78.97, 88.33, 94.40),
        93.26,
    ),
    ("cifar10", "resnet56"): (
        (69.27, 68.64, 68.79, 68.18, 80.65, 94.08),
        (81.02, 80.08, 81.08, 79.52, 88.28, 94.76),
        93.12,
    ),
    ("cifar10", "resnet110"): (
        (69.08, 68.09, 68.69, 67.92, 80.54, 94.27),
        (81.50, 81.53, 80.10, 79.81, 87.87, 94.44),
        92.37,
    ),
    ("cifar100", "resnet32"): (
        (40.11, 44.01, 40.04, 40.47, 42.74, 73.13),
        (52.30, 51.55, 52.58, 52.21, 57.70, 74.24),
        73.68,
    ),
    ("cifar100", "resnet56"): (
        (40.35, 39.23, 39.65, 39.73, 43.70, 72.94),
        (53.40, 52.91, 52.74, 52.16, 60.44, 74.49),
        72.53,
    ),
    ("cifar100", "resnet110"): (
        (39.73, 37.49, 36.55, 37.97, 38.85, 70.72),
        (52.36, 52.00, 53.21, 51.46, 56.00, 71.91),
        70.68,
    ),
}
TITLES = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "resnet32": "ResNet32", "resnet56": "ResNet56"}
TITLES |= {"resnet110": "ResNet110", "resnet50": "ResNet50", "resnet101": "ResNet101"}
PARTITIONS = 4

# Top-1 and top-5 accuracy in percent, by network; composed of 4, 8 and 16, the same trained on, and the random start.
_TABLE_35 = {
    "resnet50": (
        (49.09, 25.59, 13.65, 75.31, 75.08, 74.34, 75.72),
        (74.58, 51.11, 37.03, 91.67, 91.67, 91.82, 91.77),
    ),
    "resnet101": (
        (54.69, 26.80, 10.76, 75.39, 76.56, 70.55, 74.40),
        (79.43, 54.45, 31.85, 91.90, 92.68, 91.82, 90.86),
    ),
}
ROWS_35 = tuple((strategy, count) for strategy in PARTS for count in (4, 8, 16)) + (("random", 4),)
SMALL_SIDE = 64  # pixels in place of 224
SEEDS = {"seeds": [0]}


def table_33() -> tuple[Cell, ...]:
    """CIFAR-10 and CIFAR-100, three networks, without overlap and with it."""
    return tuple(
        cell
        for (data, model), (apart, overlapping, random) in _TABLE_33.items()
        for overlap, numbers in ((0, apart), (OVERLAP, overlapping))
        for cell in _row_33(data, model, overlap, (*numbers, random))
    )


def _row_33(data: str, model: str, overlap: int, numbers: _Side) -> Iterator[Cell]:
    row = f"{TITLES[data]}, {TITLES[model]}" + (", overlap" if overlap else "")
    locals_ = [(f"SNet-{number}", Quantity(LOCAL, subdomain=number - 1)) for number in range(1, PARTITIONS + 1)]
    quantities = [*locals_, *((column, Quantity(strategy)) for strategy, column in COLUMNS.items())]
    for (column, quantity), number in zip(quantities, numbers, strict=True):
        own = 0 if quantity.strategy == "random" else overlap
        yield Cell(row, column, number / 100, quantity, _cifar(data, model, own), _small_cifar(data, model, own))


def _cifar(data: str, model: str, overlap: int) -> Training:
    name = f"gu_{data}_{model}" + ("_overlap" if overlap else "")
    settings = {"name": name, "dataset.name": data, "model.name": model, "decomposition.overlap": overlap}
    return Training("gu_cifar10_resnet32", settings | {"strategies": list(PARTS if overlap else WHOLE)})


def _small_cifar(data: str, model: str, overlap: int) -> Training | None:
    """A narrow ResNet20 stands for ResNet32; of the deeper ones there is no small variant."""
    if model != "resnet32":
        return None
    recipe = "gu_cifar10_resnet20" + ("_overlap" if overlap else "") + "_small"
    settings: dict[str, Any] = {"strategies": list(PARTS if overlap else WHOLE)}
    if data != "cifar10":
        settings |= {"name": recipe.replace("cifar10", data), "dataset.name": data}
    return Training(recipe, settings)


def table_35() -> tuple[Cell, ...]:
    """Food-101 in 4, 8 and 16 partitions."""
    cells = []
    for index, (strategy, count) in enumerate(ROWS_35):
        row = COLUMNS[strategy] if strategy == "random" else COLUMNS[strategy].replace("GNet-T", f"GNet-T-{count}")
        for model, sides in _TABLE_35.items():
            full, small = _food101(model, count)
            for measure, words, numbers in zip((ACCURACY, TOP_5), ("Top-1", "Top-5"), sides, strict=True):
                quantity = Quantity(strategy, measure)
                cells.append(Cell(row, f"{TITLES[model]} {words}", numbers[index] / 100, quantity, full, small))
    return tuple(cells)


def _food101(model: str, count: int) -> tuple[Training, Training]:
    """Return trainings at the paper's size, and at 1/4 of the channels, 64 px, 100 images a class, 6 + 6 epochs."""
    recipe = f"gu_food101_{model}_{count}"
    strategies = {"strategies": list(WHOLE if count == PARTITIONS else PARTS)}
    cut = {4: {"decomposition.overlap": SMALL_SIDE // 8}}
    cut |= {number: _windows(name) for number, name in ((8, "eight"), (16, "sixteen"))}
    small = {"name": f"{recipe}_small", "dataset.size": SMALL_SIDE, "dataset.train_images": 10_100}
    small |= {"dataset.validation_images": 2_020, "model.width": 0.25, "training.epochs": 6, "composed.epochs": 6}
    small |= {"training.rate_steps": [], "composed.rate_steps": [], "composed.random_steps": [], **SEEDS}
    return Training(recipe, strategies), Training(recipe, strategies | small | cut[count])


def _windows(name: str) -> dict[str, Any]:
    return {"decomposition.boxes": windows(name, (SMALL_SIDE, SMALL_SIDE)).model_dump(mode="json")["boxes"]}
