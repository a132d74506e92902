"""The paper's Tables 3 to 7 beside what its own model of costs allows.

Nothing of them can be repeated here: the paper had eight V100 GPUs. What can be checked is whether its speed-ups are
within its own limit, n²/(2n - 1) where transfers take no time, and within n.

References
----------
Akintoye et al., "Layer-wise partitioning and merging for efficient and scalable deep learning", 2023, Section 4.4.
"""

import pandas as pd

from ddlab.pipeline.theory import overlap_limit
from ddlab.written import listed

GPUS = tuple(range(1, 9))
HALF = 0.5  # minutes: times are printed in whole ones

_Row = tuple[tuple[float, ...], tuple[int, ...]]  # accuracies and minutes of training, by number of GPUs
# By table, network and task; accuracies as printed, in shares of 1.
_TRAININGS: dict[tuple[int, str, str], _Row] = {
    (3, "3D-ResAttNet18", "sMCI vs. pMCI"): (
        (0.79, 0.80, 0.81, 0.80, 0.80, 0.79, 0.79, 0.80),
        (29, 11, 9, 7, 6, 5, 4, 3),
    ),
    (3, "3D-ResAttNet18", "AD vs. NC"): (
        (0.93, 0.92, 0.92, 0.93, 0.94, 0.93, 0.93, 0.93),
        (55, 22, 20, 15, 13, 11, 8, 7),
    ),
    (3, "3D-ResAttNet34", "sMCI vs. pMCI"): (
        (0.81, 0.81, 0.82, 0.83, 0.81, 0.82, 0.83, 0.82),
        (34, 14, 12, 11, 9, 7, 5, 4),
    ),
    (3, "3D-ResAttNet34", "AD vs. NC"): (
        (0.94, 0.94, 0.95, 0.93, 0.93, 0.95, 0.94, 0.94),
        (61, 24, 21, 17, 15, 12, 10, 8),
    ),
    (4, "ResNet18", "CIFAR-100"): ((0.94, 0.93, 0.94, 0.94, 0.93, 0.94, 0.94, 0.93), (26, 14, 13, 11, 10, 8, 6, 4)),
    (4, "ResNet34", "CIFAR-100"): ((0.94, 0.94, 0.94, 0.93, 0.94, 0.93, 0.93, 0.94), (34, 19, 16, 15, 13, 10, 8, 6)),
    (4, "ResNet50", "CIFAR-100"): ((0.94, 0.94, 0.94, 0.94, 0.93, 0.94, 0.94, 0.94), (41, 23, 20, 16, 14, 12, 9, 8)),
    (4, "VGG16", "CIFAR-100"): ((0.93, 0.93, 0.93, 0.94, 0.93, 0.93, 0.93, 0.93), (44, 25, 22, 18, 15, 14, 12, 10)),
    (5, "ResNet18", "CIFAR-10"): ((0.93, 0.94, 0.94, 0.93, 0.94, 0.93, 0.93, 0.94), (25, 12, 11, 10, 9, 7, 5, 3)),
    (5, "ResNet34", "CIFAR-10"): ((0.94, 0.94, 0.93, 0.94, 0.94, 0.94, 0.94, 0.94), (32, 18, 15, 14, 11, 10, 7, 5)),
    (5, "ResNet50", "CIFAR-10"): ((0.93, 0.94, 0.94, 0.93, 0.93, 0.94, 0.93, 0.93), (39, 22, 18, 15, 12, 11, 8, 6)),
    (5, "VGG16", "CIFAR-10"): ((0.93, 0.94, 0.93, 0.93, 0.94, 0.93, 0.93, 0.94), (42, 24, 20, 17, 13, 12, 10, 8)),
}
_SPLITTING = {  # Table 6: seconds by number of GPUs, from 2 on
    "3D-ResAttNet18": (0.0002548, 0.0002602, 0.0002814, 0.0002879, 0.0002915, 0.0002983, 0.0003011),
    "ResNet50, CIFAR-100": (0.0002382, 0.0002410, 0.0002604, 0.0002697, 0.0002741, 0.0002815, 0.0002879),
}
_MEMORY = {  # Table 7: share of the system's memory, 3D-ResAttNet34 (AD vs. NC) and ResNet50 (CIFAR-100)
    "proposed": (0.66, 0.58),
    "FDG": (0.78, 0.73),
    "DDG": (0.89, 0.81),
    "DSP": (0.69, 0.62),
    "GABRA": (0.73, 0.66),
}


def training_table() -> pd.DataFrame:
    """Tables 3, 4 and 5, a row a number of GPUs, with the speed-ups that follow from their minutes.

    Returns
    -------
    pandas.DataFrame
        ``table``, ``model``, ``task``, ``gpus``, ``accuracy`` (share of 1), ``minutes``; ``speed_up`` over one GPU, and
        ``least_speed_up`` if both times were rounded in its favour; ``limit``, n²/(2n - 1); ``above_limit`` and
        ``above_gpus``, whether the speed-up is above the limit and above n.
    """
    rows = []
    for (number, model, task), (accuracies, minutes) in _TRAININGS.items():
        for gpus, accuracy, taken in zip(GPUS, accuracies, minutes, strict=True):
            least = 1.0 if gpus == 1 else (minutes[0] - HALF) / (taken + HALF)
            rows.append((number, model, task, gpus, accuracy, taken, minutes[0] / taken, least, overlap_limit(gpus)))
    columns = ["table", "model", "task", "gpus", "accuracy", "minutes", "speed_up", "least_speed_up", "limit"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(
        above_limit=table["speed_up"] > table["limit"] + 1e-9, above_gpus=table["speed_up"] > table["gpus"]
    )


def splitting_table() -> pd.DataFrame:
    """Table 6: ``case``, ``gpus`` and ``seconds`` of splitting and merging, a row a number of GPUs from 2 on."""
    rows = [
        (case, gpus, time) for case, times in _SPLITTING.items() for gpus, time in zip(GPUS[1:], times, strict=True)
    ]
    return pd.DataFrame(rows, columns=["case", "gpus", "seconds"])


def memory_shares() -> pd.DataFrame:
    """Table 7: ``method``, and the share of the system's memory for ``3D-ResAttNet34`` and ``ResNet50``.

    The paper's text says ResNet34 where its table says ResNet50, and nothing of how many GPUs.
    """
    rows = [(method, *shares) for method, shares in _MEMORY.items()]
    return pd.DataFrame(rows, columns=["method", "3D-ResAttNet34", "ResNet50"])


def excess(table: pd.DataFrame) -> list[str]:
    """Say where speed-ups are above what the paper's own model allows, and above the number of GPUs.

    Parameters
    ----------
    table
        As :func:`training_table` gives it.
    """
    parallel = table[table["gpus"] > 1]
    above, beyond = parallel[parallel["above_limit"]], parallel[parallel["above_gpus"]]
    everywhere = [str(gpus) for gpus, rows in parallel.groupby("gpus") if rows["above_limit"].all()]
    said = [
        f"{len(above)} of the {len(parallel)} speed-ups are above n²/(2n − 1), the most that the paper's m = n "
        "micro-batches allow over one GPU; with more micro-batches it would be n at most."
    ]
    if everywhere:
        said.append(f"At {listed(everywhere)} GPUs that is so for every network.")
    if len(beyond):
        highest = beyond.groupby("gpus")["speed_up"].max()
        told = [f"{speed_up:.2f} at {gpus} GPUs" for gpus, speed_up in highest.items()]
        sure = int((beyond["least_speed_up"] > beyond["gpus"]).sum())
        said.append(
            f"{len(beyond)} are above n itself ({listed(told)} at most), {sure} of them however the minutes were "
            "rounded. No schedule can do that; the authors suspect that one GPU alone was slowed down by its cache."
        )
    return said
