"""Trained networks as files for other programs: one entry a format."""

from dataclasses import dataclass
from pathlib import Path

from ddlab.registry import Entry

__all__ = ["FORMATS", "SCHEMA", "Format", "format_of"]

SCHEMA = 2  # of the facts; a larger number comes from a newer ddlab. 2: constants of batch normalisation


@dataclass(frozen=True)
class Format(Entry):
    """A format; ``suffix`` is how its files end."""

    suffix: str = ""


FORMATS: dict[str, Format] = {
    "safetensors": Format(
        "safetensors",
        "The weights by name; ddlab builds the network again from what is written beside them.",
        "ddlab.exports.writers:write_safetensors",
        suffix=".safetensors",
    ),
    "onnx": Format(
        "ONNX",
        "The network as a graph of operations, for onnxruntime, Netron and most other tools.",
        "ddlab.exports.writers:write_onnx",
        suffix=".onnx",
    ),
    "torch.export": Format(
        "torch.export",
        "The network as a program that torch runs without ddlab.",
        "ddlab.exports.writers:write_program",
        suffix=".pt2",
    ),
}


def format_of(path: Path) -> str:
    """The format whose files end as this one does.

    Raises
    ------
    ValueError
        If there is none; names the endings.
    """
    found = [name for name, entry in FORMATS.items() if entry.suffix == path.suffix]
    if not found:
        endings = ", ".join(entry.suffix for entry in FORMATS.values())
        raise ValueError(f"out: {path.name!r} ends unlike any format; choose one of {endings}, or say --format")
    return found[0]
