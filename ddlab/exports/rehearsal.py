"""Exports of a network that is thrown away: what torch imports for them is then known, or there already."""

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

from ddlab.exports import FORMATS
from ddlab.exports.networks import Exported

IMAGE = (1, 8, 8)


def rehearse() -> None:
    """Write a small network in every format."""
    torch.set_num_threads(1)
    layers = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 2)
    facts = {"title": "rehearsal", "run": "none"}
    network = Exported(nn.Sequential(*layers).eval().requires_grad_(False), IMAGE, facts)
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, entry in FORMATS.items():
            entry.load()(network, Path(folder) / f"{name}{entry.suffix}")
