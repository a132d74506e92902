"""torchvision, imported in one place: the only door to the official files of MNIST and CIFAR.

The package index's build of torchvision is made for CUDA. Beside a processor-only torch its compiled operators do not
load, and the import fails over two missing schemas. Its data sets need none of them.
"""

import sys
from functools import cache
from types import ModuleType
from typing import Any


@cache
def datasets() -> ModuleType:
    """``torchvision.datasets``, whichever build of torch there is."""
    try:
        return _import()
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]  # half imported
    _define_missing_operators()
    return _import()


def _import() -> ModuleType:
    import torchvision.datasets

    datasets: ModuleType = torchvision.datasets
    return datasets


@cache
def _define_missing_operators() -> Any:
    """Declare the operators that the import looks up; the cache keeps the library, and so the declarations, alive."""
    from torch.library import Library

    library = Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library
