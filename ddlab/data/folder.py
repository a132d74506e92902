"""The user's own images, and data sets that come as class folders."""

from typing import TYPE_CHECKING

from ddlab.data.arrays import Npz
from ddlab.data.class_folders import ClassFolders
from ddlab.data.files import own_path
from ddlab.data.messages import shown
from ddlab.data.source import DataMissing, Relayed, Source
from ddlab.home import data_home

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

OWN_LICENCE = "your own images"
OWN_SIZE = 64
FLOWERS_SIZE = 180  # as in TensorFlow's image classification tutorial and the CNN-DNN papers


class Folder(Relayed):
    """Class folders, a zip or tar of them, or an npz, at ``settings.path`` (absolute, or below ``data_home()``).

    Folders ``train`` and ``val`` (or ``validation``, ``test``) above the class folders are the splits; without them a
    fifth of every class, drawn by ``settings.seed``, is kept for validation.
    """

    relevant = (*Source.relevant, "volume", "path", "seed")

    def source(self, settings: "DatasetSettings") -> Source:
        """An npz, or class folders in a folder or an archive."""
        if not settings.path:
            raise ValueError("path: data set 'folder' needs the folder, archive or npz of your images, got none")
        path = own_path(settings.path)
        if path.suffix.lower() == ".npz":
            return Npz(path, OWN_LICENCE)
        return ClassFolders(settings.path, OWN_SIZE, shown(path, 1000), OWN_LICENCE)


class Flowers(Relayed):
    """TF-Flowers: 3,670 photographs of five kinds of flowers, in class folders under ``data_home()/tf_flowers``.

    References
    ----------
    The TensorFlow Team, "Flowers", 2019, http://download.tensorflow.org/example_images/flower_photos.tgz
    """

    def source(self, settings: "DatasetSettings") -> Source:
        """The class folders, if they are there."""
        if not (data_home() / "tf_flowers").is_dir():
            raise DataMissing(
                f"flowers: {data_home() / 'tf_flowers'} is not there; unpack TensorFlow's flower_photos.tgz as that "
                f"folder (DDLAB_DATA names the folder above it)"
            )
        return ClassFolders("tf_flowers", FLOWERS_SIZE, "TF-Flowers, The TensorFlow Team 2019", "CC BY 2.0", 0)
