"""Decisions of a run's strategies: tables, and the figures of the page Probabilities. Images are of validation."""

from collections.abc import Collection

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ddlab.analyses.decisions import probabilities as analysis
from ddlab.analyses.decisions.local_vs_coherent import change_of_accuracy
from ddlab.analyses.decisions.visibility import sight_table, subdomain_accuracy
from ddlab.face.material import Material, chosen, title_of
from ddlab.figures.comparison.accuracy import confusion_matrix
from ddlab.figures.decisions import probabilities as figures
from ddlab.figures.images import subdomain_map

UNKNOWN = "the evidence of this image is not known: drawn data sets and masks tell, and not of healthy bodies"

# ---- tables


def confusion(of: Material, *, strategy: str | None = None) -> pd.DataFrame:
    """Validation images by true class (row) and by the class that a strategy decides for (column)."""
    counts = analysis.confusion(of.outcomes, _decided(of, strategy))
    return pd.DataFrame(counts, index=pd.Index(of.outcomes.classes, name="true class"), columns=[*of.outcomes.classes])


def local_probabilities(of: Material, *, image: int = 0) -> pd.DataFrame:
    """List the local probabilities of an image: a row a subdomain, a column a class."""
    return analysis.local_table(of.explanation(image))


def subdomain_accuracies(of: Material) -> pd.DataFrame:
    """List how often every local network alone is right, over all validation images and over those of each class."""
    return subdomain_accuracy(of.outcomes)


def sight(of: Material, *, image: int = 0) -> pd.DataFrame:
    """List how much of an image's evidence every subdomain holds, and how sure its network is."""
    mask = of.image(image)[1]
    if mask is None:
        raise ValueError(f"image {image}: {UNKNOWN}")
    return sight_table(of.explanation(image), of.problem.decomposition, mask)


def change(of: Material, *, strategy: str | None = None) -> pd.DataFrame:
    """List how often local networks are right on their own, and as parts of a coherent model."""
    return change_of_accuracy(of.outcomes, _coherent(of, strategy))


# ---- figures


def confusion_figure(of: Material, *, strategy: str | None = None) -> go.Figure:
    """Count which class a strategy takes for which."""
    name = _decided(of, strategy)
    counts = analysis.confusion(of.outcomes, name)
    return confusion_matrix(counts, of.outcomes.classes, f"{title_of(name)}: which class is taken for which?")


def local_probabilities_figure(of: Material, *, image: int = 0) -> go.Figure:
    """All local probabilities of an image, as a heat map."""
    told = of.explanation(image)
    title = f"Image {image}: local probabilities; what each local network names is framed"
    return figures.local_heat_map(told.local_NK, told.classes, told.truth, title)


def decision_figure(of: Material, *, image: int = 0, strategy: str | None = None) -> go.Figure:
    """Draw the scores of a strategy for an image, the decision and the truth marked."""
    told = of.explanation(image)
    name = chosen("strategy", strategy, told.decisions)
    values, unit = analysis.weighed(told, name)
    title = f"{title_of(name)}, image {image}: {unit}"
    return figures.decision_bars(values, told.classes, told.decisions[name], told.truth, title, unit)


def attributions_figure(of: Material, *, image: int = 0, strategy: str | None = None) -> go.Figure:
    """Draw the outputs that the DNN of a strategy listens to in an image (integrated gradients)."""
    told = of.explanation(image)
    name = chosen("strategy", strategy, told.attributions, "no strategy with a DNN is done")
    decided = told.classes[told.decisions[name]]
    title = f"What {title_of(name)} listens to: blue speaks for {decided}, red against it"
    return figures.attribution_map(told.attributions[name], told.classes, title)


def subdomain_accuracies_figure(of: Material, *, image: int = 0, of_class: str | None = None) -> go.Figure:
    """Draw over an image how often every local network alone is right, of all images or of those of a class."""
    table, pixels = subdomain_accuracies(of), of.image(image)[0]
    column = "accuracy" if of_class is None else chosen("of_class", of_class, of.outcomes.classes)
    title = f"Accuracy of every local network alone, over {of_class or 'all'} validation images"
    return subdomain_map(of.problem.decomposition, table[column].to_numpy(), title, pixels)


def sight_figure(of: Material, *, image: int = 0) -> go.Figure:
    """Draw the subdomains that saw the evidence of an image, and how sure each is."""
    table = sight(of, image=image)
    title = f"Image {image}: who saw the evidence, and who is sure?"
    return figures.sight_bars(table["evidence"].to_numpy(), table["confidence"].to_numpy(), title)


def change_figure(of: Material, *, strategy: str | None = None) -> go.Figure:
    """Accuracy of each local network alone, before and after a coherent model trained it."""
    name = _coherent(of, strategy)
    table = change_of_accuracy(of.outcomes, name)
    before, after = (np.asarray(table[column]) for column in ("before", "after"))
    return figures.change_bars(before, after, name, f"Accuracy of each local network alone, by {title_of(name)}")


def _decided(of: Material, strategy: str | None) -> str:
    return chosen("strategy", strategy, of.outcomes.decisions, "no strategy has decided yet")


def _coherent(of: Material, strategy: str | None) -> str:
    models: Collection[str] = of.outcomes.own_local if of.outcomes.local is not None else ()
    return chosen("strategy", strategy, models, "needs a coherent model, and local networks trained on their own")
