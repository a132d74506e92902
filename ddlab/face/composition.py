"""The composed network beside its local networks: tables, and the figures of the page Composition."""

from functools import lru_cache
from typing import Literal

import pandas as pd
import plotly.graph_objects as go

from ddlab.analyses.composition import premises as premising
from ddlab.analyses.composition.block_energy import cross_share, energy_table
from ddlab.analyses.composition.logits import bound_table
from ddlab.analyses.composition.reading import as_picture
from ddlab.analyses.composition.stored import SIDES, Verified
from ddlab.face.material import Material, Posed, chosen
from ddlab.figures.composition import blocks as figures
from ddlab.figures.composition import theory
from ddlab.runs import RunFolder
from ddlab.written import percent

Precision = Literal["float32", "float64"]
KEPT = 4  # verifications in memory

# ---- tables


def premises(of: Posed) -> pd.DataFrame:
    """List the premises of the theorems of composition, and whether this experiment meets them."""
    return premising.premise_table(premising.premises(of.problem))


def layers(of: Material, *, precision: Precision = "float32") -> pd.DataFrame:
    """Theorem 2.1, a row a layer: largest difference, share of equal positions, and of those that must be equal."""
    return verified(of, precision).layers()


def bound(of: Material, *, precision: Precision = "float32") -> pd.DataFrame:
    """Theorem 2.2, a row an image: what it costs the composed network, and the bound by its local networks."""
    return bound_table(verified(of, precision).logits())


def block_energy(of: Material) -> pd.DataFrame:
    """Share of a layer's energy (squared Frobenius norm) between the local networks' blocks, by epoch."""
    return energy_table(of.run, of.seed)


# ---- figures


def layers_figure(of: Material, *, precision: Precision = "float32") -> go.Figure:
    """Largest difference between the composed and the local networks, by layer."""
    found = verified(of, precision)
    return theory.layer_differences(found.layers(), found.about["tolerance"], "Largest difference, by layer")


def equal_positions_figure(of: Material, *, precision: Precision = "float32") -> go.Figure:
    """Share of positions that must be equal, and that are, by layer."""
    return theory.equal_shares(layers(of, precision=precision), "Positions that must be equal, and that are")


def difference_figure(of: Material, *, layer: str | None = None, precision: Precision = "float32") -> go.Figure:
    """Draw where on its map a layer of the composed network differs from its local networks."""
    found = verified(of, precision)
    name = chosen("layer", layer, found.named("difference"), "this network has no maps")
    title = f"{name}: blue where the composed network equals its local networks"
    return theory.difference_map(found.arrays[f"difference:{name}"], found.about["tolerance"], title)


def logits_figure(of: Material, *, precision: Precision = "float32") -> go.Figure:
    """Logits of the composed network against the sum of the local ones, eq. (2.16)."""
    logits = verified(of, precision).logits()
    title = "Are the composed network's logits the sum of the local networks'?"
    return theory.sum_scatter(logits.total, logits.composed_MK, logits.masked_MK, title)


def bound_figure(of: Material, *, precision: Precision = "float32") -> go.Figure:
    """List the loss of the composed network for every image, and its bound by the local networks."""
    title = "What an image costs the composed network, and the bound by its local networks"
    return theory.bound_scatter(bound(of, precision=precision), len(of.problem.decomposition), title)


def blocks_figure(of: Material, *, layer: str | None = None, side: str = "untrained") -> go.Figure:
    """Norms of the blocks of a layer's weights, before (``untrained``) or after (``trained``) further training."""
    found = verified(of)
    sides = dict.fromkeys(name.partition(":")[0] for name in found.named("blocks"))
    prefix = f"{chosen('side', side, sides, 'no layer has weights between local networks')}:"
    names = [name.removeprefix(prefix) for name in found.named("blocks") if name.startswith(prefix)]
    name = chosen("layer", layer, names)
    values = found.arrays[f"blocks:{prefix}{name}"]
    title = f"{SIDES[side]}: weights of {name}, {percent(cross_share(values), 2)} of the energy off the diagonal"
    return figures.block_map(values, float(values.max()), title)


def block_energy_figure(of: Material) -> go.Figure:
    """List the energy between the local networks' blocks, by epoch of further training."""
    table = block_energy(of)
    if table.empty:
        raise ValueError("figure: 'block_energy' needs epochs of further training; add the strategy 'composed'")
    return figures.energy_curves(table, "Energy between the local networks' blocks, by epoch (dark: first layers)")


def feature_map_figure(
    of: Material, *, layer: str | None = None, image: int = 0, channel: int = 0, side: str = "local"
) -> go.Figure:
    """One channel of a layer's map of an image, of all local networks on their fields; ``side`` says whose."""
    found = verified(of)
    name = chosen("layer", layer, found.named("channels"), "this network has no maps")
    count = len(found.arrays[f"maps:local:{name}"])
    if not 0 <= image < count:
        raise ValueError(f"image: maps of the first {count} validation images are kept, got {image}")
    kept = [int(number) for number in found.arrays[f"channels:{name}"]]
    place = kept.index(chosen("channel", channel if channel in kept else None, kept))
    values = found.assembled_map(chosen("side", side, found.sides()), name, image, place)
    values = as_picture(values, values.shape[-1] // 2 if values.ndim == 3 else None)
    title = f"{found.sides()[side]}: {name}, channel {kept[place]}, image {image}"
    return figures.feature_map(values, figures.shared_limits([values]), title)


# ---- what they are made from


def verified(of: Material, precision: Precision = "float32") -> Verified:
    """The findings of ``ddlab verify``, computed once as long as no result of the run changes."""
    name = chosen("precision", precision, ("float32", "float64"))
    return _verified(str(of.run.path), of.seed, name == "float64", of.run.results_stamp())


@lru_cache(maxsize=KEPT)
def _verified(path: str, seed: int, double: bool, written: int) -> Verified:
    from ddlab.analyses.composition.verification import verify  # torch

    return verify(RunFolder(path), seed, double=double)
