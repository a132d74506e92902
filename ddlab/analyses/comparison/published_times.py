"""Gu et al.'s measured times beside the roofline of their GPUs: what a step and an image cost, whatever is computed.

Their Table 3.2 has the times of ten epochs of ResNet32 on CIFAR-10 for several batch sizes. Two costs tell them to a
few percent: ``time = steps · a + images · b``. Operations and bytes are in b alone; a is what a step costs however
small its batch, such as starting operations and exchanging gradients.

References
----------
Gu, Zhang, Liu, Cai, ETNA 56, 2022: Table 3.2, without data augmentation and without overlap; Section 3: TensorFlow 1.2
on four V100, the global network data parallel on all of them, each of the four sub-networks on one.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from ddlab.analyses.comparison.roofline import layer_times
from ddlab.analyses.pipeline.assumed import assumed
from ddlab.machine.rates import DATA_SHEETS
from ddlab.models.work import network_work
from ddlab.written import percent

MACHINE, GPUS = "v100", 4
EPOCHS, IMAGES = 10, 50_000
SECONDS = {  # batch size: global network, four sub-networks
    32: (1395, 565),
    128: (461, 170),
    512: (228, 83),
    2048: (182, 67),
    8192: (173, 60),
}
LARGEST = max(SECONDS)


@dataclass(frozen=True)
class Costs:
    """The costs that tell measured times, and the least an image may cost.

    Parameters
    ----------
    step
        Seconds a step.
    image
        Seconds an image.
    least
        Seconds an image by the roofline.
    error
        Largest relative error of the times that the two costs tell.
    """

    step: float
    image: float
    least: float
    error: float


@cache
def published_costs() -> dict[str, Costs]:
    """Costs of the ``global`` network on all GPUs, and of the ``local`` ones on one each."""
    least = _least()
    return {part: _fitted(column, least[part]) for column, part in enumerate(("global", "local"))}


def _fitted(column: int, least: float) -> Costs:
    """Least squares of the relative errors, so that short times count as much as long ones."""
    steps_images = np.array([(EPOCHS * math.ceil(IMAGES / batch), EPOCHS * IMAGES) for batch in SECONDS], float)
    measured = np.array([times[column] for times in SECONDS.values()], float)
    (step, image), *_ = np.linalg.lstsq(steps_images / measured[:, None], np.ones(len(measured)), rcond=None)
    error = float(np.abs(steps_images @ (step, image) / measured - 1).max())
    return Costs(float(step), float(image), least, error)


def _least() -> dict[str, float]:
    """Seconds an image by the roofline, with the largest batch, of which each GPU has its share or all."""
    model = {"name": "resnet32", "reduction": "1/N"}
    problem = assumed({"model": model}, (3, 32, 32), 10, num_boxes=4)
    found = {}
    for part, network, batch in (
        ("global", problem.global_network, LARGEST // GPUS),
        ("local", problem.local_networks[0], LARGEST),
    ):
        times = layer_times(network_work(network, batch), DATA_SHEETS[MACHINE])
        found[part] = sum(each.seconds for each in times) / LARGEST
    return found


def costs_table(costs: dict[str, Costs]) -> pd.DataFrame:
    """Columns ``what``, ``global``, ``local`` and ``ratio``; milliseconds."""
    rows = {
        "a step, whatever its batch": [each.step for each in costs.values()],
        "an image": [each.image for each in costs.values()],
        "an image, at least (roofline)": [each.least for each in costs.values()],
    }
    return pd.DataFrame(
        [
            {"what": what, "global": 1e3 * whole, "local": 1e3 * local, "ratio": whole / local}
            for what, (whole, local) in rows.items()
        ]
    )


def costs_in_words(costs: dict[str, Costs]) -> str:
    """Say why the papers measured ratios of 2.3 to 2.9, in a few sentences."""
    whole, local = costs["global"], costs["local"]
    ratios = [times[0] / times[1] for times in SECONDS.values()]
    return (
        f"On four V100, Gu et al. measured {min(ratios):.1f} to {max(ratios):.1f} for ResNet32, with batches of "
        f"{min(SECONDS)} as of {LARGEST:,}. Two costs tell all their times to "
        f"{percent(max(whole.error, local.error), 0)}: a step costs {1e3 * whole.step:.0f} ms "
        f"and an image {1e3 * whole.image:.2f} ms with the global network, "
        f"{1e3 * local.step:.0f} ms and {1e3 * local.image:.2f} ms with the local ones. The cost of a step has nothing "
        f"to do with operations or bytes: it makes small batches {whole.step / local.step:.1f} times faster, not more. "
        f"Of the cost of an image, the roofline explains {percent(whole.least / whole.image, 0)} with the global "
        f"and {percent(local.least / local.image, 0)} with the local ones. So memory lowers the ratio to "
        f"{whole.least / local.least:.1f} on these GPUs; the rest is lost because networks that small leave them idle."
    )
