"""A problem for images of any shape, without a data set: its networks, and its image cut in boxes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from ddlab.data.source import Description
from ddlab.experiment import parse_experiment
from ddlab.models.architecture import Shape
from ddlab.problem import Problem, assemble


def assumed(
    asked: Mapping[str, Any],
    sample: Shape,
    num_classes: int,
    num_boxes: int = 1,
    num_images: int = 1,
    num_validation: int = 0,
) -> Problem:
    """Pose a problem for images that nobody has, cut in nearly equal boxes.

    Parameters
    ----------
    asked
        Parts of an experiment, such as ``model``.
    sample
        Shape of an image, ``(channels, *spatial)``.
    num_images, num_validation
        Training and validation images; there are no others.

    Raises
    ------
    ExperimentError
        If the parts do not fit together; names the field, the rule and the value.
    ValueError
        If the image has fewer pixels along an axis than boxes.
    """
    channels, *shape = sample
    classes = tuple(map(str, range(num_classes)))
    described = Description(classes, channels, tuple(shape), num_images, num_validation, "", "")
    tree = {**asked, "decomposition": {"boxes": even_boxes(shape, num_boxes)}}
    return assemble(parse_experiment(tree), described)


def even_boxes(shape: Sequence[int], number: int) -> list[list[list[int]]]:
    """Cut an image in ``number`` boxes of nearly equal size, as near to cubes as can be.

    Returns
    -------
    list
        Of every box, ``[start, stop]`` along every axis, as an experiment's ``decomposition.boxes``.

    Raises
    ------
    ValueError
        If the image has fewer pixels along an axis than boxes.
    """
    grid = min(_grids(number, len(shape)), key=lambda cells: sum(k / n for k, n in zip(cells, shape, strict=True)))
    for extent, cells in zip(shape, grid, strict=True):
        if cells > extent:
            raise ValueError(f"machines: must be at most {extent} along an axis of {extent} px, got {cells}")
    intervals = [
        [[k * extent // cells, (k + 1) * extent // cells] for k in range(cells)]
        for extent, cells in zip(shape, grid, strict=True)
    ]
    return [list(box) for box in product(*intervals)]


def _grids(number: int, axes: int) -> Iterator[tuple[int, ...]]:
    """All ways to write a number as a product, an ordered factor an axis."""
    if axes == 1:
        yield (number,)
        return
    for first in range(1, number + 1):
        if number % first == 0:
            yield from ((first, *rest) for rest in _grids(number // first, axes - 1))
