"""What the training loop costs over bare forward, backward and step: batches, losses, measures, checks, records.

Run: ``python -m benchmarks.loop_overhead``; about a minute on two cores.
"""

import statistics
from collections.abc import Callable

import torch
from torch.nn.functional import cross_entropy

from benchmarks.made import CLASSES, SHAPE, alternate, images, loop
from ddlab.decomposition import Decomposition, Subdomain
from ddlab.experiment import TrainingSettings
from ddlab.models.build import build
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS

BATCH, STEPS, ROUNDS = 128, 12, 7


def bare(
    module: torch.nn.Module, inputs: torch.Tensor, labels: torch.Tensor, number: int = STEPS
) -> Callable[[], None]:
    """The least that training can be: forward, loss, backward, step, on one batch that is already there."""
    optimizer = torch.optim.Adam(module.parameters(), fused=True)
    module.train()

    def steps() -> None:
        for _ in range(number):
            cross_entropy(module(inputs), labels).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)

    return steps


def main() -> None:
    """Compare the loop with the bare steps, for a network on whole images and for a bank on four subimages."""
    settings = TrainingSettings(epochs=1, batch_size=BATCH)
    dataset = images(STEPS * BATCH)
    spec = NetworkSpec((3, *SHAPE), CLASSES)
    quarters = Decomposition.from_grid(SHAPE, (2, 2)).subdomains
    cases = {
        "global, vgg3": (MODELS["vgg3"].load()(spec), (Subdomain((0, 0), SHAPE),)),
        "bank of 4, vgg3, channels / 2": (MODELS["vgg3"].load()(spec.for_subimage((16, 16), 4, "1/sqrt(N)")), quarters),
    }
    print(f"{torch.get_num_threads()} threads, batches of {BATCH}, {STEPS} steps, median of {ROUNDS} rounds")
    for name, (network, boxes) in cases.items():
        module = build(network, len(boxes)).to(memory_format=torch.channels_last)
        inputs = torch.randn(BATCH, len(boxes) * 3, *boxes[0].shape)
        labels = torch.randint(CLASSES, (BATCH * len(boxes),))
        logits = torch.nn.Sequential(module, torch.nn.Unflatten(1, (len(boxes), CLASSES)), torch.nn.Flatten(0, 1))
        ours, theirs = alternate(
            [
                lambda network=network, boxes=boxes: loop(network, boxes, dataset, settings).run,
                lambda logits=logits, inputs=inputs, labels=labels: bare(logits, inputs, labels),
            ],
            ROUNDS,
        )
        overhead = statistics.median(a / b for a, b in zip(ours, theirs, strict=True)) - 1
        print(
            f"{name:32} loop {1e3 * statistics.median(ours) / STEPS:6.1f} ms a step, "
            f"bare {1e3 * statistics.median(theirs) / STEPS:6.1f}: overhead {100 * overhead:+.1f} %"
        )


if __name__ == "__main__":
    main()
