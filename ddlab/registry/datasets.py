"""The data sets that are offered: a line each."""

from ddlab.registry import Entry
from ddlab.registry.entry_points import Registry

__all__ = ["DATASETS"]

_OWN: dict[str, Entry] = {
    "shapes_local": Entry(
        "Shapes: one object",
        "One object in one random place: most local networks see nothing, so the vote errs; average and DNN do not.",
        "ddlab.data.shapes:ShapesLocal",
        "drawn by ddlab",
    ),
    "shapes_pairs": Entry(
        "Shapes: a pair",
        "The class is a pair of objects, left and right: each local network knows half; votes lose what averages keep.",
        "ddlab.data.shapes:ShapesPairs",
        "drawn by ddlab",
    ),
    "shapes_relation": Entry(
        "Shapes: a relation",
        "Do two objects have the same colour? No local network can know: the limit of combining local decisions.",
        "ddlab.data.shapes:ShapesRelation",
        "drawn by ddlab",
    ),
    "signals": Entry(
        "Signals: one wave",
        "A short wave somewhere in a noisy signal of one axis: which form has it? Cut into segments of time.",
        "ddlab.data.signals:Signals",
        "drawn by ddlab",
    ),
    "digits": Entry(
        "Digits",
        "1,797 real handwritten digits, 8×8 px enlarged to 32×32; small enough for a minute's training.",
        "ddlab.data.digits:Digits",
        "Alpaydin, Kaynak 1998",
    ),
    "mnist": Entry(
        "MNIST", "70,000 handwritten digits, 28×28 px, grey.", "ddlab.data.mnist:Mnist", "LeCun et al. 1998"
    ),
    "cifar10": Entry(
        "CIFAR-10",
        "60,000 small photographs of animals and vehicles in 10 classes, 32×32 px: the papers' first test.",
        "ddlab.data.cifar:Cifar10",
        "Krizhevsky 2009",
    ),
    "cifar100": Entry(
        "CIFAR-100",
        "60,000 small photographs in 100 classes, 32×32 px.",
        "ddlab.data.cifar:Cifar100",
        "Krizhevsky 2009",
    ),
    "flowers": Entry(
        "TF-Flowers",
        "3,670 photographs of five kinds of flowers, cut to squares of 180 px.",
        "ddlab.data.folder:Flowers",
        "The TensorFlow Team 2019",
    ),
    "ct_phantom": Entry(
        "CT phantom",
        "Drawn CT scans of chests, 128×128×64; half of them have lesions of known place in the lungs.",
        "ddlab.data.ct_phantom:CtPhantom",
        "drawn by ddlab",
    ),
    "mri_phantom": Entry(
        "MRI phantom",
        "Drawn MRI scans of heads, 40×32×32; half of them have lost tissue of known place: a shrunken hippocampus.",
        "ddlab.data.mri_phantom:MriPhantom",
        "drawn by ddlab",
    ),
    "mosmed": Entry(
        "MosMedData",
        "CT scans of chests, healthy (CT-0) or with pneumonia (CT-1 to CT-4, CT-23), at 128×128×64.",
        "ddlab.data.mosmed:Mosmed",
        "Morozov et al. 2020",
    ),
    "adrenalmnist3d": Entry(
        "AdrenalMNIST3D",
        "1,486 shapes of adrenal glands from CT scans, 64×64×64, healthy or enlarged: judge by balanced accuracy.",
        "ddlab.data.arrays:AdrenalMnist",
        "Yang et al. 2023",
    ),
    "hippocampus": Entry(
        "Hippocampus",
        "260 hippocampi from MRI scans with masks; the class is derived, a volume above the median: no diagnosis.",
        "ddlab.data.hippocampus:Hippocampus",
        "Antonelli et al. 2022",
    ),
    "adni": Entry(
        "ADNI",
        "Your download of MRI scans of heads, healthy (CN) or with Alzheimer's disease (AD); one scan a subject.",
        "ddlab.data.adni:Adni",
        "Jack et al. 2008",
    ),
    "folder": Entry(
        "Your own images",
        "A folder of class folders, a zip or tar of them, or an npz of images or volumes; send it, or give its path.",
        "ddlab.data.folder:Folder",
    ),
    "nifti": Entry(
        "Your own volumes",
        "A folder of NIfTI files with a labels.csv (columns file, label, if wanted split); send it, or give its path.",
        "ddlab.data.nifti:Nifti",
    ),
}

DATASETS = Registry("ddlab.datasets", _OWN, Entry)
"""Ours, and those that other packages add (:mod:`ddlab.registry.entry_points`)."""
