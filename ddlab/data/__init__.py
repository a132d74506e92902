"""Data sets: one file a kind of source, decoded once into a memory-mapped cache of bytes."""

from ddlab.registry import Entry

__all__ = ["DATASETS"]

DATASETS: dict[str, Entry] = {
    "digits": Entry(
        "Digits", "Real handwritten digits, 8×8 px enlarged to 32×32.", "ddlab.data.digits:Digits", "UCI; scikit-learn"
    ),
    "shapes_local": Entry(
        "Shapes: one object", "One object inside one random subdomain.", "ddlab.data.shapes:ShapesLocal", "drawn"
    ),
    "shapes_pairs": Entry(
        "Shapes: a pair",
        "The class is the pair of a left and a right object.",
        "ddlab.data.shapes:ShapesPairs",
        "drawn",
    ),
    "shapes_relation": Entry(
        "Shapes: a relation", "Same or different colour of two objects.", "ddlab.data.shapes:ShapesRelation", "drawn"
    ),
    "mnist": Entry("MNIST", "70,000 handwritten digits, 28×28.", "ddlab.data.mnist:Mnist", "LeCun et al. 1998"),
    "cifar10": Entry(
        "CIFAR-10", "60,000 photographs in 10 classes, 32×32.", "ddlab.data.cifar:Cifar10", "Krizhevsky 2009"
    ),
    "cifar100": Entry(
        "CIFAR-100", "60,000 photographs in 100 classes, 32×32.", "ddlab.data.cifar:Cifar100", "Krizhevsky 2009"
    ),
    "folder": Entry(
        "Your own images", "A folder or archive of class folders, or an npz.", "ddlab.data.folder:Folder", ""
    ),
}
