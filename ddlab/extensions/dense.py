"""Stacks of fully connected layers: classifiers, regression, auto-encoders.

A layer is a convolution whose kernel is one pixel and whose channels are units, so all rules of composition hold; only
the first layer's inputs are split too, as the features are.

References
----------
Gu, Zhang, Liu, Cai, ETNA 56, 2022: Section 2.4 (fully connected networks, regression tasks, auto-encoders).
"""

from collections.abc import Sequence

from torch import nn

from ddlab.extensions.placing import (
    Outputs,
    State,
    count,
    feature_indices,
    last_rows,
    layer_names,
    place,
    place_vector,
    side_by_side,
)


def dense_network(sizes: Sequence[int]) -> nn.Sequential:
    """Linear layers with biases from ``sizes[0]`` features to ``sizes[-1]`` outputs, rectifiers between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def compose_dense(states: Sequence[State], features: Sequence[Sequence[int]], outputs: Outputs = "sum") -> State:
    """The state of the network that holds all sub-networks: its hidden layers have as many units as all of them.

    Parameters
    ----------
    states
        One a sub-network, of :func:`dense_network` or any stack of linear layers and elementwise functions.
    features
        Which of the inputs each sub-network sees; the composed network has as many as the largest number says.
    outputs
        ``"sum"``: the composed network says the sum of what they say (classification, eq. 2.16); ``"mean"``: the mean,
        by 1/K in the last layer's weights and bias (regression, eq. 2.22); ``"concatenate"``: each gives the outputs
        of the features that it sees (auto-encoder).

    Raises
    ------
    ValueError
        If the states do not belong together, or outputs cannot be concatenated; says why.
    """
    inputs = feature_indices(features)
    names = layer_names(states, inputs)
    composed, columns, width = {}, inputs, count(inputs)
    for name in names:
        last = name == names[-1]
        weights, biases = ([state[f"{name}.{kind}"] for state in states] for kind in ("weight", "bias"))
        rows = last_rows(weights, inputs, outputs) if last else side_by_side(weights)
        height = count(rows)
        factor = 1 / len(states) if last and outputs == "mean" else 1
        composed[f"{name}.weight"] = factor * place(weights, rows, (height, width), columns)
        composed[f"{name}.bias"] = factor * place_vector(biases, rows, height)
        columns, width = rows, height
    return composed
