"""ddlab: training convolutional networks by domain decomposition.

What is named here is promised to others; everything else may change. Nothing is imported before it is used, so that
``import ddlab`` takes no time and no torch::

    import ddlab

    run = ddlab.train("demo", training__epochs=2)    # in a process of its own, followed here
    run.accuracies()                                 # pandas
    run.figure("curves").show()                      # plotly
    run.network("global")                            # torch
    ddlab.preview("demo").figure("subimages").show() # without a run

Experiments: :class:`Experiment`, :func:`recipe`, ``RECIPES``; what they choose from: ``DATASETS``, ``MODELS``,
``STRATEGIES``. Runs: :func:`train`, :func:`run`, :func:`all_runs`, :class:`Run`. Tables and figures without a run:
:func:`preview` of an experiment, :func:`playground` of methods without a learning rate, :func:`pipeline_plan` of a
network cut across its layers, :func:`recorded` of what was measured once; :class:`Preview`, :class:`Playground`,
:class:`Pipeline`, :class:`Recorded`. Parts to build with:
:class:`Decomposition`, :func:`networks`, :func:`compose`, :func:`decompose`, and the optimizers ``ddlab.optim.APTS``,
``SAPTS`` and ``TrustRegion``, which work for any torch model.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ddlab import optim
    from ddlab.decomposition import Decomposition
    from ddlab.experiment import Experiment, ExperimentError
    from ddlab.face.found import all_runs, run
    from ddlab.face.networks import compose, decompose, networks
    from ddlab.face.pipeline import Pipeline, pipeline_plan
    from ddlab.face.playground import Playground, playground
    from ddlab.face.preview import Preview, preview
    from ddlab.face.recorded import Recorded, recorded
    from ddlab.face.run import Run
    from ddlab.face.training import recipe, train
    from ddlab.recipes import RECIPES
    from ddlab.registry import Entry
    from ddlab.registry.analyses import AnalysisEntry
    from ddlab.registry.datasets import DATASETS
    from ddlab.registry.models import MODELS
    from ddlab.registry.strategies import STRATEGIES, StrategyEntry

__all__ = [
    "DATASETS",
    "MODELS",
    "RECIPES",
    "STRATEGIES",
    "Decomposition",
    "Entry",
    "Experiment",
    "ExperimentError",
    "Pipeline",
    "Playground",
    "Preview",
    "Recorded",
    "Run",
    "AnalysisEntry",
    "StrategyEntry",
    "all_runs",
    "compose",
    "decompose",
    "networks",
    "optim",
    "pipeline_plan",
    "playground",
    "preview",
    "recipe",
    "recorded",
    "run",
    "train",
]

_WHERE = {
    "ddlab.decomposition": ("Decomposition",),
    "ddlab.experiment": ("Experiment", "ExperimentError"),
    "ddlab.face.found": ("all_runs", "run"),
    "ddlab.face.networks": ("compose", "decompose", "networks"),
    "ddlab.face.pipeline": ("Pipeline", "pipeline_plan"),
    "ddlab.face.playground": ("Playground", "playground"),
    "ddlab.face.preview": ("Preview", "preview"),
    "ddlab.face.recorded": ("Recorded", "recorded"),
    "ddlab.face.run": ("Run",),
    "ddlab.face.training": ("recipe", "train"),
    "ddlab.recipes": ("RECIPES",),
    "ddlab.registry": ("Entry",),
    "ddlab.registry.datasets": ("DATASETS",),
    "ddlab.registry.models": ("MODELS",),
    "ddlab.registry.analyses": ("AnalysisEntry",),
    "ddlab.registry.strategies": ("STRATEGIES", "StrategyEntry"),
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names}


if not TYPE_CHECKING:  # to a type checker, a name that is not above is an error

    def __getattr__(name: str) -> Any:
        if name == "optim":
            return import_module("ddlab.optim")
        if name not in _MODULES:
            raise AttributeError(f"module 'ddlab' has no attribute {name!r}; it has {', '.join(__all__)}")
        return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
