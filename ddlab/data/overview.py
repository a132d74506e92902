"""Overview of a data set for a page: how many images of each class there are, and some of each."""

import numpy as np
import pandas as pd

from ddlab.data.source import Dataset, SplitName


def class_balance(dataset: Dataset) -> pd.DataFrame:
    """Images of every class in every split.

    Returns
    -------
    pandas.DataFrame
        Columns ``class``, ``train``, ``validation`` and, if there are any, ``test`` (images), and of each
        ``train_share`` and so on (of the split).
    """
    classes = dataset.description.classes
    table = pd.DataFrame({"class": classes})
    for split in dataset.splits:
        table[split] = np.bincount(dataset.split(split).labels, minlength=len(classes))
    for split in dataset.splits:
        table[f"{split}_share"] = table[split] / table[split].sum()
    return table


def sample_of_every_class(dataset: Dataset, per_class: int, split: SplitName = "train") -> np.ndarray:
    """Indices of the first images of every class, ``(K, per_class)``; -1 where a class has fewer."""
    labels = dataset.split(split).labels
    sample = np.full((dataset.description.num_classes, per_class), -1)
    for label, row in enumerate(sample):
        members = np.flatnonzero(labels == label)[:per_class]
        row[: len(members)] = members
    return sample
