"""The set-up of an experiment beside the paper's, in words: data, networks, training."""

from ddlab.data.cache import describe
from ddlab.data.cifar import OfficialCifar10
from ddlab.data.source import Relayed
from ddlab.decomposition import times
from ddlab.experiment import DatasetSettings, Experiment
from ddlab.experiment.parts import AUGMENTATIONS
from ddlab.registry.datasets import DATASETS
from ddlab.registry.strategies import used_parts

Row = tuple[str, str, str]  # setting, here, there
UNPUBLISHED = "not published"
PAPER_IMAGES = {
    "CIFAR-10": ("50,000", "10,000", "32×32"),
    "TF-Flowers": ("2,936", "734", "180×180"),
    "Chest CT scans": ("140 (probably)", "60 (probably)", "128×128×64"),
}
JUDGES = "the validation images"
PAPER_FILES = {"CIFAR-10": "the official ones", "TF-Flowers": "TF-Flowers", "Chest CT scans": "MosMedData"}


def setup_table(experiment: Experiment, dataset: str) -> list[Row]:
    """Every setting that we know to matter, as it is here and in the paper; equal words mean equal settings.

    Parameters
    ----------
    dataset
        The paper's name of the data set.
    """
    return [*_data(experiment, dataset), *_networks(experiment), *training_rows(experiment)]


def _data(experiment: Experiment, dataset: str) -> list[Row]:
    num_train, num_validation, shape = PAPER_IMAGES[dataset]
    rows = [("Files", _files(experiment.dataset, PAPER_FILES[dataset]), PAPER_FILES[dataset])]
    try:
        about = describe(experiment.dataset)
    except ValueError:  # a run outlives its data
        return rows
    here = (_count(about.num_train, num_train), _count(about.num_validation, num_validation), times(about.shape))
    names = ("Training images", "Validation images", "Size")
    judge = "test images, which chose nothing" if about.num_test else JUDGES
    return [*rows, *zip(names, here, (num_train, num_validation, shape), strict=True), ("Judged by", judge, JUDGES)]


def _count(number: int, there: str) -> str:
    """A number of images, in the paper's words if it is the paper's."""
    return there if there.split()[0] == f"{number:,}" else f"{number:,}"


def _files(settings: DatasetSettings, there: str) -> str:
    """Say where the images come from, in the paper's words if they are the paper's."""
    if settings.name == "ct_phantom":
        return "drawn chest volumes"
    if settings.name == "folder":
        return f"own images in {settings.path}"
    return recoded(settings) or there


def recoded(settings: DatasetSettings) -> str:
    """Say where the images come from if not from the data set's official files; empty if they do."""
    source = DATASETS[settings.name].load()()
    if settings.name == "cifar10" and isinstance(source, Relayed):
        official = isinstance(source.source(settings), OfficialCifar10)
        return "" if official else "image files in class folders (accuracy suffers if they are JPEG)"
    return ""


def _networks(experiment: Experiment) -> list[Row]:
    model, dnn = experiment.model, experiment.aggregator
    rows = [
        ("Overlap", f"{_overlap(experiment.decomposition.overlap)} px", "0 px"),
        ("Channels", f"{model.width:g} × ours", UNPUBLISHED),
        ("Local networks", f"{model.reduction} of the channels", "“proportionally smaller”"),
        ("DNN", "-".join(map(str, dnn.hidden)), "four hidden layers"),
        ("DNN learns from", f"{dnn.folds} folds" if dnn.folds > 1 else "training images", "training images"),
    ]
    if "coherent" in used_parts(experiment.strategies):
        rows.append(("One model's DNN gets", experiment.coherent.outputs, "probabilities"))
    return rows


def _overlap(overlap: int | tuple[int, ...]) -> str:
    """Write the overlap along every axis; one number where all axes have the same."""
    along = (overlap,) if isinstance(overlap, int) else overlap
    return times(along if len(set(along)) > 1 else along[:1])


def training_rows(experiment: Experiment) -> list[Row]:
    """Settings of the training as they are here and in the paper, a row each."""
    training, transfer = experiment.training, experiment.transfer
    words = dict(zip(AUGMENTATIONS, ("flips", "shifts", "zooms", "turns"), strict=True))
    augmented = [word for field, word in words.items() if getattr(training, field)]
    stops = f"after {training.early_stopping} epochs without progress" if training.early_stopping else "not early"
    optimizer = f"{training.optimizer.capitalize()}, rate {training.learning_rate:g}"
    plateaus = f"×{training.plateau_factor:g} after {training.plateau_patience} epochs"
    rows = [
        ("Epochs", str(training.epochs), "150"),
        ("Training stops", stops, "not early"),
        ("Optimizer", optimizer, "Adam, rate 0.001"),
        ("Rate on plateaus", plateaus, "×0.5 after 20 epochs"),
        ("Batch", f"{training.batch_size} images", UNPUBLISHED),
        ("Augmentation", ", ".join(augmented) or "none", UNPUBLISHED),
        ("Trainings", f"{len(experiment.seeds)}", UNPUBLISHED),
    ]
    if "transfer" in used_parts(experiment.strategies):
        rows.insert(1, ("Epochs of transfer", f"{transfer.start or training.epochs} + {transfer.epochs}", "150 + 50"))
    return rows
