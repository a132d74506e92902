"""A report in plain language, for pages and the command line."""

from ddlab.data.own.report import Report
from ddlab.decomposition import times

THINGS = {"images": "image files", "volumes": "volumes", "arrays": "images"}


def headline(report: Report) -> str:
    """Say how many of the files can be used: ``"40 of 43 image files of 2 classes can be used."``."""
    things, num_classes = THINGS[report.kind], len(report.classes)
    of_classes = f"of {num_classes} class{'es' * (num_classes != 1)}"
    if not report.num_found:
        return f"There are no {things} in folders of their classes."
    if report.num_usable == report.num_found:
        return f"All {report.num_found:,} {things} {of_classes} can be used."
    return f"{report.num_usable:,} of {report.num_found:,} {things} {of_classes} can be used."


def sizes_in_words(report: Report) -> str:
    """Say how large the images are: ``"From 8×8 to 64×48 px, half of them up to 32×32."``; empty if there are none."""
    if not report.sizes:
        return ""
    smallest, middle, largest = (times(_as_said(size)) for size in report.sizes)
    unit = "voxels" if len(report.sizes[0]) == 3 else "px"
    if smallest == largest:
        return f"All are of {smallest} {unit}."
    return f"From {smallest} to {largest} {unit}, half of them up to {middle}."


def _as_said(size: tuple[int, ...]) -> tuple[int, ...]:
    """Width first, as people say it of pictures; volumes as their axes are."""
    return size[::-1] if len(size) == 2 else size
