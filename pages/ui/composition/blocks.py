"""The effect of further training: the weights as blocks, and the energy between them."""

import streamlit as st

from ddlab.analyses.composition import reading
from ddlab.analyses.composition.block_energy import block_table, cross_share, energy_table
from ddlab.analyses.composition.stored import SIDES, Verified
from ddlab.figures.composition import blocks as figures
from ddlab.runs import RunFolder
from ddlab.written import percent
from pages.ui import charts, held, selection


@held.fragment
def show(run: RunFolder, seed: int, found: Verified) -> None:
    """Draw the blocks of a layer before and after further training, and the energy between them by epoch."""
    layers = reading.block_layers(found)
    if not layers:
        st.caption("No layer has weights between local networks: there is but one.")
        return
    layer = selection.pick("Weights of the layer", layers, "weights", layers[-1])
    norms = reading.blocks_of(found, layer)
    most = max(float(values.max()) for values in norms.values())
    for place, (side, values) in zip(st.columns(2), norms.items(), strict=False):
        with place:
            title = (
                f"{SIDES[side]}: weights of {layer}, {percent(cross_share(values), 2)} of the energy off the diagonal"
            )
            figure = figures.block_map(values, most, title)
            charts.show(figure, block_table(values), f"blocks {side}", f"{run.id}-{layer}-{side}")
    energies = energy_table(run, seed)
    if energies.empty:
        st.caption("This run trains no composed network further: all its energy stays in the blocks of the diagonal.")
        return
    left, right = st.columns(2)
    with left:
        title = "How much energy moves between the local networks' blocks, by epoch (dark: first layers)"
        charts.show(figures.energy_curves(energies, title), energies, "energy", f"{run.id}-energy")
    with right:
        last = energies["epoch"].max()
        title = f"Share of every layer's energy between the blocks after epoch {last}"
        rows = energies[energies["epoch"] == last]
        charts.show(figures.energy_bars(energies, title), rows, "last energy", f"{run.id}-energy-last")
    st.caption(
        "Energy is the squared Frobenius norm. Convolutions of the image and the last layer have no blocks between "
        "networks. Inputs of a fully connected layer outside all activation fields are from no network."
    )
