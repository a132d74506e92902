"""Our training loop against a textbook's, on the same network, images, augmentation and cores.

The textbook's is what PyTorch's tutorials teach: a ``Dataset`` of pictures, torchvision's transforms (crop, flip,
tensor, normalise), a ``DataLoader`` that shuffles, float32, Adam, loss and accuracy read in every step. It is given the
better of no loading processes and of as many as there are cores. Ours is what a strategy runs, on one process with all
cores. Both begin with the same weights; they take turns, an epoch each, so that noise hits both alike, and what they
reach on images that neither saw stands beside the times.

Run: ``python -m benchmarks.textbook [--write]``; about five minutes on two quiet cores.
"""

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from benchmarks import stored
from benchmarks.made import loop, seconds
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
    """One family: seconds of an epoch, and the accuracies, of ours and of the textbook's."""

    ours: list[float]
    textbook: list[float]
    processes: int
    accuracy: tuple[float, float]

    @property
    def ratio(self) -> float:
        """How many times faster ours is; the median over epochs that followed each other."""
        return statistics.median(b / a for a, b in zip(self.ours, self.textbook, strict=True))


def ours(family: str, spec: NetworkSpec, dataset: Dataset, epochs: int) -> Loop:
    """Our loop, with the same augmentation and rate."""
    shape = dataset.description.shape
    settings = TrainingSettings(
        epochs=epochs, batch_size=BATCH, learning_rate=RATE, warm_up=0, flip=True, shift=SHIFT / shape[-1]
    )
    return loop(MODELS[family].load()(spec), (Subdomain((0,) * len(shape), shape),), dataset, settings)


def compare(family: str, dataset: Dataset, epochs: int) -> Compared:
    """Train both for ``epochs``, in turns."""
    data = dataset.description
    spec = NetworkSpec((data.channels, *data.shape), data.num_classes, width=FAMILIES[family])
    torch.manual_seed(0)
    mine = ours(family, spec, dataset, epochs)
    candidates = []
    for processes in (0, torch.get_num_threads()):
        module = build(MODELS[family].load()(spec), 1)
        module.load_state_dict(mine.trainees[0].owner.state_of(0))
        candidates.append(Textbook(module, dataset, processes))
    first = [seconds(candidate.epoch) for candidate in candidates]  # with the start of the loading processes
    second = [seconds(candidate.epoch) for candidate in candidates]
    theirs = candidates[second.index(min(second))]
    mine_times, their_times = [], []
    for epoch in range(1, epochs + 1):
        mine_times.append(seconds(lambda epoch=epoch: mine.back_propagate(epoch, mine.trainees)))
        if epoch > 2:  # it had two already
            their_times.append(seconds(theirs.epoch))
    del first
    accuracy = mine.evaluate("validation")[1][0], theirs.accuracy()
    return Compared(mine_times[2:], their_times, theirs.processes, accuracy)


def main() -> None:
    """Compare the families, print a row each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="cifar10", help="a data set of images in the plane; default: cifar10")
    parser.add_argument("--images", type=int, default=5120, help="training images; default: 5120")
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--write", action="store_true", help=f"keep the numbers in {FILE.name}")
    asked = parser.parse_args()
    dataset = load(DatasetSettings(name=asked.data, train_images=asked.images, validation_images=2000))
    print(
        f"{asked.data}, {asked.images} images, batch {BATCH}, {torch.get_num_threads()} threads, {asked.epochs} epochs"
    )
    print("| network | ours, s an epoch | textbook, s | loading processes | ratio | accuracy, ours | textbook |")
    print("|---|---|---|---|---|---|---|")
    tree = {}
    for family in FAMILIES:
        found = compare(family, dataset, asked.epochs)
        mine, theirs = statistics.median(found.ours), statistics.median(found.textbook)
        accuracies = " | ".join(f"{100 * value:.1f} %" for value in found.accuracy)
        print(
            f"| {family} | {mine:.2f} | {theirs:.2f} | {found.processes} | {found.ratio:.2f} | {accuracies} |",
            flush=True,
        )
        tree[family] = {"ours": found.ours, "textbook": found.textbook, "processes": found.processes}
        tree[family] |= {"ratio": found.ratio, "accuracy": found.accuracy}
    if asked.write:
        stored.write(FILE, {"data": asked.data, "images": asked.images, "families": tree})


if __name__ == "__main__":
    main()
