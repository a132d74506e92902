"""CIFAR-100: the second half of Table 3.3, trained as CIFAR-10 is.

References
----------
Gu, Zhang, Liu, Cai, "Decomposition and composition of deep convolutional neural networks and training acceleration via
sub-network transfer learning", ETNA 56, 2022: Section 3.1.1.
"""

from ddlab.experiment import Experiment
from ddlab.recipes.gu import OVERLAP, table_3_3


def gu_cifar100_resnet32() -> Experiment:
    """CIFAR-100 with ResNet32 on 2×2 subimages of 16×16 px, as in Table 3.3 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_cifar100_resnet32``: made for GPUs. The paper: local networks 0.4004 to 0.4401,
    ``composed_untrained`` 0.4274, ``composed`` 0.7313, ``random`` 0.7368. Needs CIFAR-100 in ``DDLAB_DATA``.
    """
    return table_3_3("cifar100", "resnet32", overlap=0)


def gu_cifar100_resnet32_overlap() -> Experiment:
    """CIFAR-100 with ResNet32 on 2×2 subimages of 20×20 px, as in Table 3.3 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_cifar100_resnet32_overlap``: made for GPUs. The paper: local networks 0.5155 to 0.5258,
    ``composed_untrained`` 0.5770, ``composed`` 0.7424, ``random`` 0.7368. Needs CIFAR-100 in ``DDLAB_DATA``.
    """
    return table_3_3("cifar100", "resnet32", overlap=OVERLAP)


def gu_cifar100_resnet56() -> Experiment:
    """CIFAR-100 with ResNet56 on 2×2 subimages of 16×16 px, as in Table 3.3 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_cifar100_resnet56``: made for GPUs. The paper: local networks 0.3923 to 0.4035,
    ``composed_untrained`` 0.4370, ``composed`` 0.7294, ``random`` 0.7253. Needs CIFAR-100 in ``DDLAB_DATA``.
    """
    return table_3_3("cifar100", "resnet56", overlap=0)


def gu_cifar100_resnet56_overlap() -> Experiment:
    """CIFAR-100 with ResNet56 on 2×2 subimages of 20×20 px, as in Table 3.3 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_cifar100_resnet56_overlap``: made for GPUs. The paper: local networks 0.5216 to 0.5340,
    ``composed_untrained`` 0.6044, ``composed`` 0.7449, ``random`` 0.7253. Needs CIFAR-100 in ``DDLAB_DATA``.
    """
    return table_3_3("cifar100", "resnet56", overlap=OVERLAP)


def gu_cifar100_resnet110() -> Experiment:
    """CIFAR-100 with ResNet110 on 2×2 subimages of 16×16 px, as in Table 3.3 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_cifar100_resnet110``: made for GPUs. The paper: local networks 0.3655 to 0.3973,
    ``composed_untrained`` 0.3885, ``composed`` 0.7072, ``random`` 0.7068. Needs CIFAR-100 in ``DDLAB_DATA``.
    """
    return table_3_3("cifar100", "resnet110", overlap=0)


def gu_cifar100_resnet110_overlap() -> Experiment:
    """CIFAR-100 with ResNet110 on 2×2 subimages of 20×20 px, as in Table 3.3 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_cifar100_resnet110_overlap``: made for GPUs. The paper: local networks 0.5146 to 0.5321,
    ``composed_untrained`` 0.5600, ``composed`` 0.7191, ``random`` 0.7068. Needs CIFAR-100 in ``DDLAB_DATA``.
    """
    return table_3_3("cifar100", "resnet110", overlap=OVERLAP)
