"""An experiment's subdomains, data and costs, trained or not: tables, and the figures of the page Decompose."""

import pandas as pd
import plotly.graph_objects as go

from ddlab.analyses.comparison.cost import cost_table, ways_table
from ddlab.analyses.decisions.visibility import subdomain_table, subdomains_title, subimage_labels, subimages_title
from ddlab.data.overview import class_balance
from ddlab.face.material import Posed, chosen
from ddlab.figures import images as pictures
from ddlab.figures.comparison import cost as costs
from ddlab.models.counting import WAYS, Counting

# ---- tables


def subdomains(of: Posed, *, image: int | None = None) -> pd.DataFrame:
    """The subdomains in pixels and, of a validation image with known evidence, the share that each holds."""
    return subdomain_table(of.problem.decomposition, None if image is None else of.image(image)[1])


def classes(of: Posed) -> pd.DataFrame:
    """Images of every class in every split of the data set, and their shares of it."""
    return class_balance(of.dataset)


def cost(of: Posed, *, quantity: str | None = None, counted: str | None = None) -> pd.DataFrame:
    """Parameters, operations (of one image, forward) and memory (bytes) of the global and of every local network."""
    return cost_table(of.problem, counting=Counting.of(*_counted(quantity, counted)))


def counting(of: Posed) -> pd.DataFrame:
    """Parameters and operations of the global and the first local network, counted in all ways."""
    return ways_table(of.problem)


# ---- figures


def subdomains_figure(of: Posed, *, image: int = 0) -> go.Figure:
    """The subdomains drawn on a validation image; of a volume, see ``subimages``."""
    pixels, mask = of.image(image)
    if pixels.ndim == 4:
        raise ValueError("figure: 'subdomains' draws images and signals, these are volumes; 'subimages' draws them")
    decomposition = of.problem.decomposition
    return pictures.subdomains_figure(pixels, decomposition, subdomains_title(of.dataset, image, decomposition), mask)


def subimages_figure(of: Posed, *, image: int = 0) -> go.Figure:
    """The subimages of a validation image, in place."""
    (pixels, mask), decomposition = of.image(image), of.problem.decomposition
    title, labels = subimages_title(decomposition, mask), subimage_labels(decomposition, mask)
    return pictures.subimages_figure(pixels, decomposition, title, labels, mask=mask)


def classes_figure(of: Posed) -> go.Figure:
    """Images of every class, in the training and the validation split."""
    table = classes(of)
    return costs.class_balance(table, costs.balance_title(table))


def cost_figure(of: Posed, *, quantity: str | None = None, counted: str | None = None) -> go.Figure:
    """Parameters or operations of the global and the local networks, counted as torch or a paper does."""
    name, way = _counted(quantity, counted)
    return costs.cost_bars(cost(of, quantity=name, counted=way), name, costs.cost_title(name, way))


def memory_figure(of: Posed) -> go.Figure:
    """Memory that training holds, with the experiment's optimizer and batches."""
    training = of.experiment.training
    return costs.memory_bars(cost(of), costs.memory_title(training.optimizer, training.batch_size))


def _counted(quantity: str | None, counted: str | None) -> tuple[str, str]:
    name = chosen("quantity", quantity, costs.QUANTITIES)
    return name, chosen("counted", counted, WAYS[name])
