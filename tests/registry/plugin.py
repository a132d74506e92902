"""A package of somebody else, written into a folder that may stand on ``sys.path``: what pip would have installed."""

from pathlib import Path

METADATA = "Metadata-Version: 2.1\nName: their-package\nVersion: 1.5\n"
ENTRY_POINTS = """
[ddlab.datasets]
stripes = their_package.entries:STRIPES
digits = their_package.entries:STRIPES

[ddlab.models]
tiny = their_package.entries:TINY
gone = their_package.nowhere:GONE
untyped = their_package.entries:UNTYPED
Bad-Name = their_package.entries:TINY

[ddlab.strategies]
surest = their_package.entries:SUREST
plain = their_package.entries:TINY
local = their_package.entries:SUREST

[ddlab.analyses]
epochs = their_package.entries:EPOCHS
homeless = their_package.entries:HOMELESS

[ddlab.views]
count = their_package.entries:COUNT
local = their_package.entries:COUNT
tall = their_package.entries:TINY

[ddlab.recipes]
striped = their_package.recipes:striped
demo = their_package.recipes:striped
missing = their_package.recipes:missing
entry = their_package.entries:TINY
"""
LEFT_OUT = {  # by registry: the names that add nothing, and what is said of them
    "datasets": {"'digits'": "ddlab itself has that name"},
    "models": {
        "'gone'": "ModuleNotFoundError",
        "'untyped'": "is of type dict, needs Entry",
        "'Bad-Name'": "a name has small letters",
    },
    "strategies": {"'plain'": "is of type Entry, needs StrategyEntry", "'local'": "ddlab itself has that name"},
    "analyses": {
        "'homeless'": "page: unknown 'comparison'; did you mean 'compare'? choices: compare, probabilities, cam, "
        "layers, what_if, composition, trust_region, scale; must be one of them, or empty",
    },
    "views": {"'local'": "ddlab itself has that name", "'tall'": "is of type Entry, needs ViewEntry"},
    "recipes": {
        "'demo'": "ddlab itself has that name",
        "'missing'": "AttributeError",
        "'entry'": "is of type Entry, needs function",
    },
}
ENTRIES = """
from ddlab import AnalysisEntry, Entry, StrategyEntry
from ddlab.registry.views import ViewEntry

STRIPES = Entry("Stripes", "Rows or columns?", "their_package.stripes:Stripes")
TINY = Entry("Tiny", "One convolution.", "their_package.tiny:tiny")
SUREST = StrategyEntry(
    "The surest", "Whoever is surest decides.", "their_package.surest:stages", own="their_package.surest:SurestSettings"
)
EPOCHS = AnalysisEntry(
    "Epochs",
    "How many epochs every network took.",
    "their_package.epochs:epochs",
    applies="their_package.epochs:why_not",
    page="compare",
    figure="their_package.epochs:bars",
)
COUNT = ViewEntry("Count", "How many images.", "their_package.count:draw", page="compare", choices=("image",))
HOMELESS = AnalysisEntry("Homeless", "On no page.", "their_package.epochs:epochs", page="comparison")
UNTYPED = {"title": "Untyped"}
"""
STRIPES = '''
import numpy as np

from ddlab.data.source import Description, Source, Split

SIDE = 16


class Stripes(Source):
    """Rows or columns, with noise."""

    relevant = ("train_images", "validation_images")

    def describe(self, settings):
        counts = settings.train_images or 80, settings.validation_images or 40
        return Description(("rows", "columns"), 1, (SIDE, SIDE), *counts, "drawn", "none")

    def read(self, settings, split):
        count = self.describe(settings).num_train if split == "train" else self.describe(settings).num_validation
        rng = np.random.default_rng(split == "train")
        labels = np.arange(count) % 2
        images = rng.integers(0, 100, (count, 1, SIDE, SIDE))
        for image, label in zip(images, labels, strict=True):
            lines = image if label == 0 else image.transpose(0, 2, 1)
            lines[:, ::2] += 120
        yield Split(images.astype(np.uint8), labels)
'''
TINY = """
from ddlab.models.architecture import Network
from ddlab.models.layers import dense_head, pooled_stack, shape_after


def tiny(spec):
    body = pooled_stack(spec, (8,), pool_after=(1,))
    head = dense_head(spec, shape_after(body, spec.input), hidden=(8,))
    return Network((*body, *head), spec.input, classifier="classifier")
"""
SUREST = '''
import time

from ddlab.experiment.base import Settings, setting
from ddlab.strategies.local import local_stage
from ddlab.strategies.results import write_combination
from ddlab.strategies.stage import LOCAL, Stage


class SurestSettings(Settings):
    """How much surer than the others one must be."""

    power: float = setting(1.0, "The probabilities are raised to it.", gt=0, le=9)


def stages(problem):
    yield local_stage(problem)
    yield Stage("surest", "The surest", "single", combine, needs=(LOCAL,))


def combine(context):
    began = time.monotonic()
    power = context.problem.experiment.own(SurestSettings).power
    scores = {split: local.max(axis=1) ** power for split, local in context.needed(LOCAL).predictions().items()}
    decisions = {split: values.argmax(1) for split, values in scores.items()}
    write_combination(context, scores, decisions, scores, began)
'''
EPOCHS = '''
import pandas as pd


def epochs(run, *, least=0):
    """Epochs of every network of the run."""
    found = pd.DataFrame(run.metrics()).groupby("stage")["epoch"].max()
    return found[found >= least].reset_index()


def why_not(run):
    return "" if len(run.metrics()) else "Nothing was trained."


def bars(table):
    import plotly.express as px

    return px.bar(table, x="stage", y="epoch", title="Epochs")
'''

RECIPES = '''
from ddlab import Experiment


def striped() -> Experiment:
    """Stripes, decided by whoever is surest.

    ``ddlab train striped`` takes a second.
    """
    return Experiment().with_settings(
        {
            "name": "striped",
            "dataset.name": "stripes",
            "dataset.train_images": 80,
            "dataset.validation_images": 40,
            "model.name": "tiny",
            "strategies": ["average", "surest"],
            "training.epochs": 1,
            "training.batch_size": 20,
        }
    )
'''


COUNT = """
import streamlit as st


def draw(run):
    st.write(f"{run.id} is theirs")
"""


def install(site: Path) -> Path:
    """Write the package and what its installer says of it; gives the folder back."""
    info, package = site / "their_package-1.5.dist-info", site / "their_package"
    for folder in (info, package):
        folder.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    modules = {"__init__": "", "entries": ENTRIES, "recipes": RECIPES}
    modules |= {"stripes": STRIPES, "tiny": TINY, "surest": SUREST, "epochs": EPOCHS, "count": COUNT}
    for name, text in modules.items():
        (package / f"{name}.py").write_text(text)
    return site
