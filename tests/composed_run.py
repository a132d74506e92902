"""A small run whose local networks were trained, composed and trained on, in this process, in two seconds."""

from ddlab.experiment import Experiment
from ddlab.ranks import Ranks
from ddlab.runs import RunFolder
from ddlab.strategies.execute import execute

SETTINGS = {
    "name": "small",
    "strategies": ["average", "composed"],
    "dataset.name": "digits",
    "dataset.size": 16,
    "dataset.train_images": 200,
    "dataset.validation_images": 60,
    "model.width": 0.5,
    "model.reduction": "1/N",
    "training.epochs": 1,
    "training.batch_size": 50,
    "training.learning_rate": 5e-3,
    "composed.epochs": 2,
}


def composed_run(**changes) -> RunFolder:
    """Train an experiment to its end; ``changes`` are settings by dotted path."""
    run = RunFolder.create(Experiment().with_settings({**SETTINGS, **changes}))
    execute(run, Ranks(), lambda record: run.append_metrics(0, record), lambda: None)
    run.end("finished")
    return run
