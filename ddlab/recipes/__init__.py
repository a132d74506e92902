"""Named experiments, by family. A recipe is a function whose docstring says its command and what to expect."""

from collections.abc import Callable
from types import FunctionType

from ddlab.experiment import Experiment
from ddlab.recipes import apts, classroom, extensions, gu, gu_cifar100, gu_photographs, klawonn, pipelines, volumes
from ddlab.registry.entry_points import Registry

__all__ = ["RECIPES", "title"]

_OWN: dict[str, Callable[[], Experiment]] = {
    "classroom": classroom.classroom,
    "demo": classroom.demo,
    "every_way": classroom.every_way,
    "pairs": classroom.pairs,
    "relation": classroom.relation,
    "memorised": classroom.memorised,
    "digits": classroom.digits,
    "theorem": gu.theorem,
    "composed": gu.composed,
    "ct_phantom": volumes.ct_phantom,
    "lesions": volumes.lesions,
    "adrenal": volumes.adrenal,
    "trust_region_demo": apts.trust_region_demo,
    "pipeline_demo": pipelines.pipeline_demo,
    "resattnet_mri": pipelines.resattnet_mri,
    "pipeline_cifar10": pipelines.pipeline_cifar10,
    "apts_mnist_full": apts.apts_mnist_full,
    "apts_mnist_mini": apts.apts_mnist_mini,
    "apts_cifar10_mini": apts.apts_cifar10_mini,
    "signals": extensions.signals,
    "dense": extensions.dense,
    "klawonn_cifar10_vgg9": klawonn.klawonn_cifar10_vgg9,
    "klawonn_cifar10_vgg9_small": klawonn.klawonn_cifar10_vgg9_small,
    "klawonn_cifar10_resnet20": klawonn.klawonn_cifar10_resnet20,
    "klawonn_cifar10_resnet20_small": klawonn.klawonn_cifar10_resnet20_small,
    "klawonn_flowers_vgg9_2x2": klawonn.klawonn_flowers_vgg9_2x2,
    "klawonn_flowers_vgg9_2x2_small": klawonn.klawonn_flowers_vgg9_2x2_small,
    "klawonn_flowers_vgg9_4x4": klawonn.klawonn_flowers_vgg9_4x4,
    "klawonn_flowers_vgg9_4x4_small": klawonn.klawonn_flowers_vgg9_4x4_small,
    "klawonn_flowers_resnet20_2x2": klawonn.klawonn_flowers_resnet20_2x2,
    "klawonn_flowers_resnet20_2x2_small": klawonn.klawonn_flowers_resnet20_2x2_small,
    "klawonn_flowers_resnet20_4x4": klawonn.klawonn_flowers_resnet20_4x4,
    "klawonn_flowers_resnet20_4x4_small": klawonn.klawonn_flowers_resnet20_4x4_small,
    "klawonn_ct_vgg9_2x2x1": klawonn.klawonn_ct_vgg9_2x2x1,
    "klawonn_ct_vgg9_2x2x1_small": klawonn.klawonn_ct_vgg9_2x2x1_small,
    "klawonn_ct_vgg9_4x4x2": klawonn.klawonn_ct_vgg9_4x4x2,
    "klawonn_ct_vgg9_4x4x2_small": klawonn.klawonn_ct_vgg9_4x4x2_small,
    "gu_cifar10_resnet32": gu.gu_cifar10_resnet32,
    "gu_cifar10_resnet32_overlap": gu.gu_cifar10_resnet32_overlap,
    "gu_cifar10_resnet56": gu.gu_cifar10_resnet56,
    "gu_cifar10_resnet56_overlap": gu.gu_cifar10_resnet56_overlap,
    "gu_cifar10_resnet110": gu.gu_cifar10_resnet110,
    "gu_cifar10_resnet110_overlap": gu.gu_cifar10_resnet110_overlap,
    "gu_cifar10_resnet20_small": gu.gu_cifar10_resnet20_small,
    "gu_cifar10_resnet20_overlap_small": gu.gu_cifar10_resnet20_overlap_small,
    "gu_cifar100_resnet32": gu_cifar100.gu_cifar100_resnet32,
    "gu_cifar100_resnet32_overlap": gu_cifar100.gu_cifar100_resnet32_overlap,
    "gu_cifar100_resnet56": gu_cifar100.gu_cifar100_resnet56,
    "gu_cifar100_resnet56_overlap": gu_cifar100.gu_cifar100_resnet56_overlap,
    "gu_cifar100_resnet110": gu_cifar100.gu_cifar100_resnet110,
    "gu_cifar100_resnet110_overlap": gu_cifar100.gu_cifar100_resnet110_overlap,
    "gu_food101_resnet50_4": gu_photographs.gu_food101_resnet50_4,
    "gu_food101_resnet50_8": gu_photographs.gu_food101_resnet50_8,
    "gu_food101_resnet50_16": gu_photographs.gu_food101_resnet50_16,
    "gu_food101_resnet101_4": gu_photographs.gu_food101_resnet101_4,
    "gu_food101_resnet101_8": gu_photographs.gu_food101_resnet101_8,
    "gu_food101_resnet101_16": gu_photographs.gu_food101_resnet101_16,
    "gu_dogs_cats_cnn11": gu_photographs.gu_dogs_cats_cnn11,
}

RECIPES: Registry[Callable[[], Experiment]] = Registry("ddlab.recipes", _OWN, FunctionType)
"""Ours, and those that other packages add (:mod:`ddlab.registry.entry_points`): functions that give an experiment."""


def title(name: str) -> str:
    """The first line of what a recipe says of itself."""
    return (RECIPES[name].__doc__ or "").partition("\n")[0]
