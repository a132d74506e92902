"""Networks cut across their layers: what micro-batches and old gradients cost in accuracy.

References
----------
Akintoye, Han, Lloyd, Zhang, Dancey, Chen, Zhang, "Layer-wise partitioning and merging for efficient and scalable deep
learning", FGCS 149, 2023.
"""

from ddlab.experiment import DatasetSettings, DecompositionSettings, Experiment, ModelSettings, TrainingSettings
from ddlab.experiment.strategies import LayerwiseSettings, PipelineSettings
from ddlab.registry.strategies import CUT_LAYERS


def pipeline_demo() -> Experiment:
    """Shapes by a small network in three modules: a pipeline beside exact and old gradients.

    ``ddlab train pipeline_demo``: under a minute on two cores.
    """
    return Experiment(
        name="pipeline_demo",
        dataset=DatasetSettings(name="shapes_local", test="official"),
        model=ModelSettings(name="vgg3", width=0.25),
        strategies=("global", *CUT_LAYERS),
        training=TrainingSettings(epochs=6, batch_size=64),
        pipeline=PipelineSettings(modules=3),
        layerwise=LayerwiseSettings(micro_batches=8),
    )


def pipeline_cifar10() -> Experiment:
    """A narrow ResNet20 on a part of CIFAR-10, in four modules: exact gradients, micro-batches, and old gradients.

    ``ddlab train pipeline_cifar10``: ten epochs, in which old gradients cost more than in the hundreds of the papers.

    Measured on test images (3 seeds, 42 min 22 s on two busy cores, image files in class folders):
    ``global`` 0.533 ± 0.008, ``layerwise`` 0.544 ± 0.017, ``ddg`` 0.490 ± 0.051, ``fdg`` 0.475 ± 0.016,
    ``dsp`` 0.493 ± 0.041.
    """
    return Experiment(
        name="pipeline_cifar10",
        dataset=DatasetSettings(name="cifar10", train_images=8000, validation_images=2000, test="official"),
        model=ModelSettings(name="resnet20", width=0.5),
        strategies=("global", *CUT_LAYERS),
        training=TrainingSettings(epochs=10, batch_size=64, flip=True, shift=0.125),
        pipeline=PipelineSettings(modules=4),
        layerwise=LayerwiseSettings(micro_batches=4),
        seeds=(0, 1, 2),
    )


def resattnet_mri() -> Experiment:
    """3D-ResAttNet18 on drawn heads: half of them have lost tissue at a known place, which Grad-CAM is to point at.

    ``ddlab train resattnet_mri``: six and a half minutes on one core. Balanced accuracy on test images 1.000 with both
    of two seeds. ``ddlab maps latest --layer stage3_attention --score atrophy``: Grad-CAM points at the place in nine
    of ten heads. Without flips and shifts it does so with one seed and not with another: nothing asks the network to
    find the place again elsewhere.
    """
    return Experiment(
        name="resattnet_mri",
        dataset=DatasetSettings(name="mri_phantom", test="official"),
        decomposition=DecompositionSettings(grid=(1, 1, 1)),
        model=ModelSettings(name="resattnet18", width=0.25),
        strategies=("global",),
        training=TrainingSettings(epochs=12, batch_size=16, rate_steps=((7, 3e-4), (10, 1e-4)), flip=True, shift=0.1),
    )
