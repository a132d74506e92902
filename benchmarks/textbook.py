"""Our training loop against a textbook's, on the same network, images, augmentation and cores.

The textbook's is what PyTorch's tutorials teach: a ``Dataset`` of pictures, torchvision's transforms (crop, flip,
tensor, normalise), a ``DataLoader`` that shuffles, float32, Adam, loss and accuracy read in every step. It is given the
better of no loading processes and of as many as there are cores. Ours is what a strategy runs, on one process with all
cores. Both begin with the same weights; they take turns, an epoch each, so that noise hits both alike.

How fast: rows of ``make bench`` (:mod:`benchmarks.rows.textbook`), on made images. How accurate: this study, over
seeds, on images of CIFAR-10 that neither saw. Ours warms up as long as the textbook's does: not at all.

Run: ``python -m benchmarks.textbook --seeds 0 1 2 [--write]``; about a minute and a half a seed on two quiet cores.
"""

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from benchmarks import stored
from benchmarks.made import loop, seconds
from benchmarks.table import mean_and_sd
from ddlab.data import vision
from ddlab.data.cache import load
from ddlab.data.source import Dataset, Split
from ddlab.decomposition import Subdomain
from ddlab.experiment import DatasetSettings, TrainingSettings
from ddlab.models.build import build
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS
from ddlab.training.loop import Loop

FILE = stored.RESULTS / "textbook.json"
FAMILIES = {"cnn": 1.0, "vgg3": 1.0, "resnet20": 0.5}  # family: width
BATCH, RATE, SHIFT = 128, 1e-3, 4  # images, Adam's rate, pixels


class Pictures(TorchDataset[tuple[Tensor, int]]):
    """Pictures as a tutorial keeps them: an array ``(M, H, W, C)``, transformed when one is asked for."""

    def __init__(self, split: Split, transform: Callable[[np.ndarray], Tensor]) -> None:
        self.images, self.labels = np.ascontiguousarray(split.images.transpose(0, 2, 3, 1)), split.labels
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.images[index]), int(self.labels[index])


@dataclass
class Textbook:
    """The textbook's loop over one network.

    Parameters
    ----------
    processes
        That load pictures beside this one.
    """

    module: nn.Module
    dataset: Dataset
    processes: int
    optimizer: torch.optim.Optimizer = field(init=False)
    pictures: DataLoader[tuple[Tensor, Tensor]] = field(init=False)

    def __post_init__(self) -> None:
        vision.datasets()  # whichever build of torchvision there is, it can be imported afterwards
        from torchvision import transforms

        side = self.dataset.description.shape[-1]
        transform = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.RandomCrop(side, padding=SHIFT, padding_mode="edge"),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(self.dataset.mean, self.dataset.std),
            ]
        )
        self.optimizer = torch.optim.Adam(self.module.parameters(), lr=RATE)
        self.pictures = DataLoader(
            Pictures(self.dataset.train, transform),
            batch_size=BATCH,
            shuffle=True,
            num_workers=self.processes,
            persistent_workers=self.processes > 0,
        )

    def epoch(self) -> None:
        """Train for one epoch, and look at the loss and the accuracy of every step, as a progress bar does."""
        self.module.train()
        loss_sum, right = 0.0, 0
        for inputs, labels in self.pictures:
            self.optimizer.zero_grad()
            logits = self.module(inputs)
            loss = cross_entropy(logits, labels)
            loss.backward()
            self.optimizer.step()
            loss_sum += loss.item() * len(labels)
            right += (logits.argmax(1) == labels).sum().item()

    @torch.no_grad()
    def accuracy(self) -> float:
        """The share of the validation images that it names rightly."""
        self.module.eval()
        split = self.dataset.validation
        shape = (-1, *[1] * len(self.dataset.description.shape))
        both = self.dataset.mean, self.dataset.std
        mean, std = (torch.tensor(each, dtype=torch.float32).reshape(shape) for each in both)
        inputs = (torch.from_numpy(np.array(split.images)).float() / 255 - mean) / std
        said = torch.cat([self.module(part).argmax(1) for part in inputs.split(512)]).numpy()
        return float((said == np.asarray(split.labels)).mean())


@dataclass
class Compared:
    """One family with one seed: the accuracies of ours and of the textbook's, and how many times faster ours was."""

    ours: float
    textbook: float
    ratio: float


def ours(family: str, spec: NetworkSpec, dataset: Dataset, epochs: int, seed: int = 0) -> Loop:
    """Our loop, with the same augmentation and rate."""
    shape = dataset.description.shape
    settings = TrainingSettings(
        epochs=epochs, batch_size=BATCH, learning_rate=RATE, warm_up=0, flip=True, shift=SHIFT / shape[-1]
    )
    made = loop(MODELS[family].load()(spec), (Subdomain((0,) * len(shape), shape),), dataset, settings)
    return replace(made, seed=seed)


def compare(family: str, dataset: Dataset, epochs: int, seed: int) -> Compared:
    """Train both for ``epochs``, in turns, from the same weights."""
    data = dataset.description
    spec = NetworkSpec((data.channels, *data.shape), data.num_classes, width=FAMILIES[family])
    torch.manual_seed(seed)
    mine = ours(family, spec, dataset, epochs, seed)
    module = build(MODELS[family].load()(spec), 1)
    module.load_state_dict(mine.trainees[0].owner.state_of(0))
    theirs, ratios = Textbook(module, dataset, torch.get_num_threads()), []
    for epoch in range(1, epochs + 1):
        own = seconds(lambda epoch=epoch: mine.back_propagate(epoch, mine.trainees))
        ratios.append(seconds(theirs.epoch) / own)
    accuracy = mine.evaluate("validation")[1][0]
    return Compared(accuracy, theirs.accuracy(), statistics.median(ratios))


def main() -> None:
    """Compare the families over seeds, print a row each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="cifar10", help="a data set of images in the plane; default: cifar10")
    parser.add_argument("--images", type=int, default=2560, help="training images; default: 2560")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--write", action="store_true", help=f"keep the accuracies in {FILE.name}")
    asked = parser.parse_args()
    dataset = load(DatasetSettings(name=asked.data, train_images=asked.images, validation_images=2000))
    print(f"{asked.data}, {asked.images} images, batch {BATCH}, {asked.epochs} epochs, seeds {asked.seeds}")
    print("| network | accuracy, ours | textbook's | seeds | times faster |\n|---|---|---|---|---|")
    facts = {"data": asked.data, "images": asked.images, "epochs": asked.epochs, "seeds": asked.seeds}
    kept = stored.read(FILE)
    tree = kept["accuracy"] if {**kept, "accuracy": None} == {**facts, "accuracy": None} else {}
    for family in asked.families:
        found = [compare(family, dataset, asked.epochs, seed) for seed in asked.seeds]
        mine, theirs = [each.ours for each in found], [each.textbook for each in found]
        ratio = statistics.median(each.ratio for each in found)
        print(f"| {family} | {mean_and_sd(mine)} | {mean_and_sd(theirs)} | {len(found)} | {ratio:.2f} |", flush=True)
        tree[family] = {"ours": mine, "textbook": theirs}
    if asked.write:
        stored.write(FILE, facts | {"accuracy": tree})


if __name__ == "__main__":
    main()
