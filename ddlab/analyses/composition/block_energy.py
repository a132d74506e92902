"""The weights of a composed network as a matrix of blocks, and how much of them lies between the sub-networks.

Energy is the squared Frobenius norm. In a network just composed all of it lies in the blocks on the diagonal.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ddlab.runs import RunFolder

if TYPE_CHECKING:
    from ddlab.composition.compose import Composition, State


def block_norms(composition: "Composition", state: "State") -> dict[str, np.ndarray]:
    """Frobenius norms of the blocks, ``(N, N)`` a layer: row the sub-network whose channels receive, column that send.

    The first layer, which all subimages share, and the last one, in which all add up, have no such blocks. Where a
    fully connected layer reads maps, some of its inputs lie outside all activation fields: they are one column more.
    """
    every = [composition.block_indices(index) for index in range(len(composition.local_networks))]
    norms = {}
    for of_layer in zip(*every, strict=True):
        key = f"{of_layer[0].name}.weight"
        columns = [place.columns for place in of_layer]
        if of_layer[0].shared or columns[0] is None or np.array_equal(columns[0], columns[-1]):
            continue
        weight = state[key].double()
        if len(others := np.setdiff1d(np.arange(weight.shape[1]), np.concatenate(columns))):
            columns.append(others)
        norms[of_layer[0].name] = np.array(
            [[float(weight[place.rows][:, since].norm()) for since in columns] for place in of_layer]
        )
    return norms


def block_table(norms: np.ndarray) -> pd.DataFrame:
    """The norms of one layer's blocks: ``to`` which sub-network, from 1, then a column a sub-network that sends."""
    senders = [*(f"from {number}" for number in range(1, len(norms) + 1)), "from no network"]
    table = pd.DataFrame(norms, columns=senders[: norms.shape[1]])
    table.insert(0, "to", range(1, len(table) + 1))
    return table


def cross_share(norms: np.ndarray) -> float:
    """Share of the energy of blocks that lies off the diagonal."""
    energy = np.square(norms)
    np.fill_diagonal(between := energy.copy(), 0)
    return float(between.sum() / energy.sum()) if between.any() else 0.0


def energy_table(run: RunFolder, seed: int) -> pd.DataFrame:
    """Share of the energy between the blocks by epoch of the further training; of epoch 0 it is nothing.

    Returns
    -------
    pandas.DataFrame
        ``epoch``, ``layer`` (in the order of the network), ``share``; empty before the first epoch.
    """
    shares: dict[tuple[int, str], float] = {}
    for record in run.metrics():
        if record.get("seed") == seed:
            for layer, share in record.get("cross_energy", {}).items():  # the composed network's records have it
                shares.setdefault((0, layer), 0.0)
                shares[record["epoch"], layer] = share  # an epoch that was trained again counts once
    rows = [(epoch, layer, share) for (epoch, layer), share in shares.items()]
    return pd.DataFrame(rows, columns=["epoch", "layer", "share"]).sort_values("epoch", kind="stable")
