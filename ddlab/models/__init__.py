"""Networks: one file a family, each a function from a :class:`NetworkSpec` to a description."""

from ddlab.models.spec import NetworkSpec
from ddlab.registry import Entry

__all__ = ["MODELS", "NetworkSpec"]

MODELS: dict[str, Entry] = {
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
}
