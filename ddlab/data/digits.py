"""scikit-learn's handwritten digits: 1,797 real ones of 8×8 pixels, enlarged. Part of scikit-learn, no download."""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ddlab.data.source import Description, Source, Split, SplitName
from ddlab.data.splits import limit, stratified_split

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

SIZE = 32  # pixels of a side unless the settings say otherwise
INK = 16  # grey levels of the original


class Digits(Source):
    """Test part of the Optical Recognition of Handwritten Digits, enlarged to ``size`` by bicubic interpolation.

    The split is fixed and stratified: 1,438 images for training and 359 for validation.

    References
    ----------
    Alpaydin, Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998.
    """

    def describe(self, settings: "DatasetSettings") -> Description:
        """Describe ten classes of grey images."""
        _, labels, train, validation = _digits()
        size = settings.size or SIZE
        return Description(
            classes=tuple(str(digit) for digit in range(10)),
            channels=1,
            shape=(size, size),
            num_train=limit(len(train), settings.train_images),
            num_validation=limit(len(validation), settings.validation_images),
            source="Optical Recognition of Handwritten Digits (UCI), as shipped with scikit-learn; fixed 80/20 split",
            licence="CC BY 4.0",
        )

    def read(self, settings: "DatasetSettings", split: SplitName) -> Iterator[Split]:
        """Yield all images of the split in one block: it is small."""
        images, labels, train, validation = _digits()
        wanted = settings.train_images if split == "train" else settings.validation_images
        indices = train if split == "train" else validation
        indices = indices[: limit(len(indices), wanted)]
        size = settings.size or SIZE
        enlarged = [_enlarge(image, size) for image in images[indices]]
        yield Split(np.stack(enlarged)[:, None], labels[indices])


@cache
def _digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits  # imported here: it takes a second

    digits = load_digits()
    labels = digits.target.astype(np.int64)
    return digits.images, labels, *stratified_split(labels, seed=0)


def _enlarge(image: np.ndarray, size: int) -> np.ndarray:
    grey = Image.fromarray(np.round(image * (255 / INK)).astype(np.uint8))
    return np.asarray(grey.resize((size, size), Image.Resampling.BICUBIC))
