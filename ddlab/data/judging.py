"""Splits that choose and splits that judge: test images beside those that choose the epoch, as views of the cache.

A source gives training images and held-out ones. In the papers the held-out images both choose the best epoch and judge
it. Here a setting keeps apart what chooses from what judges. Training images come in an order in which any slice is a
stratified sample (:mod:`ddlab.data.splits`), so a split is a slice: nothing is copied, and the decoded cache serves all
choices.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ddlab.data.moments import moments_of_first
from ddlab.data.source import Dataset, Description, Split
from ddlab.data.splits import VALIDATION_SHARE
from ddlab.written import percent

if TYPE_CHECKING:
    from ddlab.experiment.parts import Judges

VALIDATION = "validation"
OFFICIAL = "official"


def judged(description: Description, test: "Judges") -> Description:
    """A description whose counts are those of the splits.

    Parameters
    ----------
    description
        As a source gives it.
    test
        Which images judge: ``dataset.test``.

    Raises
    ------
    ValueError
        If a split would hold fewer images than there are classes.
    """
    if test == VALIDATION:
        return description
    share = test if isinstance(test, float) else VALIDATION_SHARE
    taken, held_out = round(share * description.num_train), description.num_validation
    last = f"the last {percent(share, 0)} of its training images"
    if test == OFFICIAL:
        validation, tested, told = taken, held_out, f"{last} choose the epoch, its held-out images judge"
    else:
        validation, tested, told = held_out, taken, f"{last} judge"
    kept = description.num_train - taken
    fewest = min(kept, validation, tested)
    if fewest < description.num_classes:
        raise ValueError(
            f"test: every split needs an image of each of the {description.num_classes} classes; {test!r} leaves one "
            f"with {fewest} images: use more training images, or 'validation'"
        )
    source = f"{description.source}; {told}"
    return replace(description, num_train=kept, num_validation=validation, num_test=tested, source=source)


def judge(dataset: Dataset, test: "Judges", train_images: Path) -> Dataset:
    """A data set with its splits, as views; mean and deviation are those of the training images that are left.

    Parameters
    ----------
    dataset
        As the cache holds it.
    test
        Which images judge: ``dataset.test``.
    train_images
        The file that holds the source's training images.
    """
    description = judged(dataset.description, test)
    if description is dataset.description:
        return dataset
    kept, taken = _split_at(dataset.train, description.num_train)
    validation, judges = (taken, dataset.validation) if test == OFFICIAL else (dataset.validation, taken)
    mean, std = moments_of_first(train_images, len(kept))
    return Dataset(description, kept, validation, mean, std, judges)


def _split_at(split: Split, count: int) -> tuple[Split, Split]:
    """The first ``count`` images, and the others."""
    first, last = slice(None, count), slice(count, None)
    return _view(split, first), _view(split, last)


def _view(split: Split, part: slice) -> Split:
    masks = None if split.masks is None else split.masks[part]
    return Split(split.images[part], split.labels[part], masks)
