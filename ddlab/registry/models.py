"""The networks that are offered: a line each."""

from ddlab.registry import Entry
from ddlab.registry.entry_points import Registry

__all__ = ["MODELS"]

_OWN: dict[str, Entry] = {
    "cnn": Entry(
        "Small CNN",
        "Three convolutions of 16, 32 and 64 channels with pooling; trains in seconds on a processor.",
        "ddlab.models.cnn:cnn",
        "ours, for the classroom",
    ),
    "vgg3": Entry(
        "VGG3",
        "Three blocks of two 3×3 convolutions (32, 64, 128 channels) with pooling, and a hidden layer of 128.",
        "ddlab.models.vgg:vgg3",
        "Klawonn, Lanser, Weber, Fig. 1; Simonyan and Zisserman 2014",
    ),
    "vgg9": Entry(
        "VGG9",
        "Nine 3×3 convolutions (32 to 256 channels), pooled after the 2nd, 4th, 6th and 8th, and a hidden layer.",
        "ddlab.models.vgg:vgg9",
        "Klawonn, Lanser, Weber, Section 3; widths are ours",
    ),
    "resnet20": Entry(
        "ResNet20",
        "Nine residual blocks of two 3×3 convolutions (16, 32, 64 channels) with projection shortcuts.",
        "ddlab.models.resnet:resnet20",
        "He, Zhang, Ren, Sun 2016, Section 4.2",
    ),
    "resnet32": Entry(
        "ResNet32",
        "15 residual blocks of two 3×3 convolutions (64, 128, 256 channels), projections without normalisation.",
        "ddlab.models.resnet:resnet32",
        "Gu, Zhang, Liu, Cai, Section 3.1.1",
    ),
    "resnet56": Entry(
        "ResNet56",
        "As ResNet32, with 27 blocks.",
        "ddlab.models.resnet:resnet56",
        "Gu, Zhang, Liu, Cai, Section 3.1.1",
    ),
    "resnet110": Entry(
        "ResNet110",
        "As ResNet32, with 54 blocks.",
        "ddlab.models.resnet:resnet110",
        "Gu, Zhang, Liu, Cai, Section 3.1.1",
    ),
    "resnet18": Entry(
        "ResNet18",
        "Eight residual blocks of two 3×3 convolutions (64 to 512 channels) behind a 3×3 stem, made for 32 px.",
        "ddlab.models.resnet:resnet18",
        "He, Zhang, Ren, Sun 2016, Table 1; Akintoye et al. 2023, Section 4.1.2",
    ),
    "resnet34": Entry(
        "ResNet34",
        "As ResNet18, with 16 blocks.",
        "ddlab.models.resnet:resnet34",
        "He, Zhang, Ren, Sun 2016, Table 1; Akintoye et al. 2023, Section 4.1.2",
    ),
    "resnet50": Entry(
        "ResNet50",
        "16 bottlenecks for photographs of about 224 px; the last block of a stage halves the maps.",
        "ddlab.models.bottleneck:resnet50",
        "He, Zhang, Ren, Sun 2016, Table 1; Gu, Zhang, Liu, Cai, Table 2.2",
    ),
    "resnet50_cifar": Entry(
        "ResNet50 for small images",
        "16 bottlenecks (64 to 512 channels inside, four times as many outside) behind a 3×3 stem, made for 32 px.",
        "ddlab.models.bottleneck:resnet50_cifar",
        "He, Zhang, Ren, Sun 2016, Table 1; Akintoye et al. 2023, Section 4.1.2",
    ),
    "resnet101": Entry(
        "ResNet101",
        "As ResNet50, with 33 bottlenecks.",
        "ddlab.models.bottleneck:resnet101",
        "He, Zhang, Ren, Sun 2016, Table 1; Gu, Zhang, Liu, Cai, Table 2.2",
    ),
    "resnet50_fc": Entry(
        "ResNet50 with a hidden layer",
        "16 bottlenecks, the first of a stage halves the maps; a hidden layer of 1024 before the classifier.",
        "ddlab.models.bottleneck:resnet50_fc",
        "Gu, Zhang, Liu, Cai, Section 3.1.2",
    ),
    "resnet101_fc": Entry(
        "ResNet101 with a hidden layer",
        "As ResNet50 with a hidden layer, with 33 bottlenecks.",
        "ddlab.models.bottleneck:resnet101_fc",
        "Gu, Zhang, Liu, Cai, Section 3.1.2",
    ),
    "vgg16": Entry(
        "VGG16",
        "13 convolutions (64 to 512 channels) in five pooled blocks and two hidden layers of 4096, made for 224 px.",
        "ddlab.models.vgg:vgg16",
        "Simonyan and Zisserman 2014, Table 1 D; Gu, Zhang, Liu, Cai, Table 2.2",
    ),
    "vgg16_cifar": Entry(
        "VGG16 for small images",
        "The 13 convolutions of VGG16, whose 512 maps' means go straight to the classifier, made for 32 px.",
        "ddlab.models.vgg:vgg16_cifar",
        "Simonyan and Zisserman 2014, Table 1 D; Akintoye et al. 2023, Section 4.1.2",
    ),
    "resattnet18": Entry(
        "3D-ResAttNet18",
        "Eight residual blocks (64 to 512 channels) with self-attention behind each stage of at most 4096 positions.",
        "ddlab.models.resattnet:resattnet18",
        "Zhang et al. 2022; Akintoye et al. 2023, Section 4.1.1; details are ours",
    ),
    "resattnet34": Entry(
        "3D-ResAttNet34",
        "As 3D-ResAttNet18, with 16 blocks.",
        "ddlab.models.resattnet:resattnet34",
        "Zhang et al. 2022; Akintoye et al. 2023, Section 4.1.1; details are ours",
    ),
    "cnn11": Entry(
        "11-layer CNN",
        "Ten 3×3 convolutions (32 to 512 channels), pooled after every second one, then global average pooling.",
        "ddlab.models.cnn:cnn11",
        "Gu, Zhang, Liu, Cai, Section 3.1.3; widths are ours",
    ),
    "mlp": Entry(
        "Fully connected",
        "All pixels through hidden layers of 512 and 256 units: no convolution, no feature maps.",
        "ddlab.models.mlp:mlp",
        "Gu, Zhang, Liu, Cai, Section 2.4; widths are ours",
    ),
    "mlp_sigmoid": Entry(
        "Fully connected, sigmoid",
        "As fully connected, with a sigmoid before the softmax, which keeps the loss of ten classes above 1.461.",
        "ddlab.models.mlp:mlp_sigmoid",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Section 3 and released code (MNIST)",
    ),
    "mlp512": Entry(
        "Fully connected, 512 and 512",
        "All pixels through two hidden layers of 512 units.",
        "ddlab.models.mlp:mlp512",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Section 3 (CIFAR-10)",
    ),
}

MODELS = Registry("ddlab.models", _OWN, Entry)
"""Ours, and those that other packages add (:mod:`ddlab.registry.entry_points`)."""
