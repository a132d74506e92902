"""CIFAR-10 and CIFAR-100: a local copy as class folders, or the official files read by torchvision."""

from typing import TYPE_CHECKING, Any

from ddlab.data import vision
from ddlab.data.class_folders import ClassFolders
from ddlab.data.official import HELD_OUT_IS_TEST, Official
from ddlab.data.source import Relayed, Source, SplitName
from ddlab.home import data_home

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

LICENCE = "not stated by its authors; free for research"
CIFAR10_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck"
CIFAR100_CLASSES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree
wolf woman worm
"""


class OfficialCifar10(Official):
    """CIFAR-10 as torchvision reads it from ``data_home()/cifar-10-batches-py``."""

    name = "cifar10"
    classes = tuple(CIFAR10_CLASSES.split())
    side, channels, counts = 32, 3, (50_000, 10_000)
    source = "CIFAR-10, Krizhevsky, Nair, Hinton"
    licence = LICENCE
    files = tuple(
        f"cifar-10-batches-py/{name}"
        for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta")
    )

    def open(self, split: SplitName, download: bool = False) -> Any:
        """``torchvision.datasets.CIFAR10``."""
        return vision.datasets().CIFAR10(data_home(), train=split == "train", download=download)


class Cifar100(Official):
    """CIFAR-100 with its 100 fine classes, as torchvision reads it from ``data_home()/cifar-100-python``.

    References
    ----------
    Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """

    name = "cifar100"
    classes = tuple(CIFAR100_CLASSES.split())
    side, channels, counts = 32, 3, (50_000, 10_000)
    source = "CIFAR-100, Krizhevsky, Nair, Hinton"
    licence = LICENCE
    files = tuple(f"cifar-100-python/{name}" for name in ("train", "test", "meta"))

    def open(self, split: SplitName, download: bool = False) -> Any:
        """``torchvision.datasets.CIFAR100``."""
        return vision.datasets().CIFAR100(data_home(), train=split == "train", download=download)


class Cifar10(Relayed):
    """CIFAR-10: class folders ``cifar10/{train,test}/<class>/`` where they are there, the official files otherwise.

    The held-out images are the official test set.

    References
    ----------
    Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """

    def source(self, settings: "DatasetSettings") -> Source:
        """Class folders, or the official files, which torchvision can also fetch."""
        if not (data_home() / "cifar10").is_dir():
            return OfficialCifar10()
        return ClassFolders("cifar10", 32, f"{OfficialCifar10.source}{HELD_OUT_IS_TEST}", LICENCE, seed=0)
