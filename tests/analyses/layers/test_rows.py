"""The layers of a network as rows: from its description alone."""

import pytest

from ddlab.analyses.layers.rows import chosen_rows, layer_rows
from ddlab.models import architecture as a
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS


def network(name, shape=(3, 32, 32)):
    return MODELS[name].load()(NetworkSpec(shape, 4))


def test_a_stack_of_convolutions_on_paper():
    layers = (
        ("conv1", a.Conv(1, 6, padding="valid")),
        ("relu1", a.ReLU()),
        ("pool1", a.MaxPool()),
        ("dropout", a.Dropout(0.5)),
        ("conv2", a.Conv(6, 2, kernel=1, stride=2)),
        ("flatten", a.Flatten()),
        ("classifier", a.Linear(8, 3)),
    )
    rows = layer_rows(a.Network(layers, (1, 10, 10), classifier="classifier"))
    told = [(row.name, row.kind, row.shape, row.rectified) for row in rows]
    assert told == [
        ("conv1", "convolution 3×3", (6, 8, 8), False),
        ("relu1", "rectifier", (6, 8, 8), True),
        ("pool1", "max pooling 2×2", (6, 4, 4), True),
        ("conv2", "convolution 1×1, stride 2", (2, 2, 2), False),
        ("classifier", "fully connected", (3,), False),
    ]
    assert [row.name for row in chosen_rows(rows, every=False)] == ["relu1", "pool1", "classifier"]
    assert chosen_rows(rows, every=True) == rows


@pytest.mark.parametrize("name", MODELS.own)
def test_shapes_are_those_of_the_counting(name):
    """The counting's shapes are held against torch's own; residual blocks are one row, of the shape they leave."""
    described = network(name)
    placed = {step.name: step.output for step in described.placed_layers()}
    rows = layer_rows(described)
    for row in rows:
        inside = [output for part, output in placed.items() if part.startswith(f"{row.name}.body.")]
        assert row.shape == (placed[row.name] if row.name in placed else inside[-1])
        assert row.kind != type(dict(described.layers)[row.name]).__name__, f"{row.name} has no words"
    assert rows[-1].shape == (4,)


def test_of_a_deep_network_rows_are_chosen_evenly():
    rows = layer_rows(network("resnet110"))
    few = chosen_rows(rows, every=False, most=10)
    assert len(few) == 10 and few[0].name == "stem_relu" and few[-1].name == "classifier"
    assert [row for row in rows if row in few] == list(few)
