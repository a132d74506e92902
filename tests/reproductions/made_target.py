"""A table of two rows that trains in seconds; one of its cells has data that are nowhere."""

from ddlab.reproductions.cells import LOSS, Cell, Quantity, Training

SMALL = {"dataset.size": 16, "dataset.train_images": 300, "dataset.validation_images": 60, "training.batch_size": 50}
SMALL |= {"strategies": ["global"], "placement.workers": 1, "placement.devices": "cpu"}
MADE = Training("digits", {**SMALL, "name": "made", "training.epochs": 12, "seeds": [0, 1]})
OTHER = Training("digits", {**SMALL, "name": "other", "training.epochs": 1})
MISSING = Training("digits", {"dataset.name": "folder", "dataset.path": "no-such-folder"})


def cells():
    return (
        Cell("first row_1", "accuracy", 0.9, Quantity("global"), MISSING, MADE),
        Cell("first row_1", "loss 2", 1.25, Quantity("global", "loss", epoch=2), MISSING, MADE),
        Cell("second row", "accuracy", 0.8, Quantity("global"), OTHER, OTHER),
        Cell("third row", "accuracy", 0.7, Quantity("average"), MISSING, MISSING),
        Cell("third row", "loss 2", 1.5, Quantity("global", LOSS, epoch=2), MISSING),
    )
