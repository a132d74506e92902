"""MNIST, read by torchvision from ``data_home()/MNIST/raw``."""

from typing import Any

from ddlab.data import vision
from ddlab.data.official import Official
from ddlab.data.source import SplitName
from ddlab.home import data_home


class Mnist(Official):
    """Handwritten digits: 60,000 for training; the 10,000 of the official test set are held out.

    References
    ----------
    LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 86(11), 1998.
    """

    name = "mnist"
    classes = tuple(str(digit) for digit in range(10))
    side, channels, counts = 28, 1, (60_000, 10_000)
    source = "MNIST, LeCun, Cortes, Burges"
    licence = "CC BY-SA 3.0"
    files = tuple(
        f"MNIST/raw/{part}-ubyte"
        for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    )

    def open(self, split: SplitName, download: bool = False) -> Any:
        """``torchvision.datasets.MNIST``."""
        return vision.datasets().MNIST(data_home(), train=split == "train", download=download)
