"""Experiments: their settings, validated before any process starts."""

from ddlab.experiment.parts import (
    DatasetSettings,
    DecompositionSettings,
    ModelSettings,
    PlacementSettings,
    TrainingSettings,
)
from ddlab.experiment.strategies import (
    AggregatorSettings,
    AptsSettings,
    CoherentSettings,
    ComposedSettings,
    DelayedSettings,
    DescentSettings,
    GabraSettings,
    LayerwiseSettings,
    PipelineSettings,
    TransferSettings,
    TrustRegionSettings,
)
from ddlab.experiment.tree import (
    SCHEMA,
    Experiment,
    ExperimentError,
    load_experiment,
    parse_experiment,
    upgraded,
)

__all__ = [
    "AggregatorSettings",
    "AptsSettings",
    "CoherentSettings",
    "ComposedSettings",
    "DelayedSettings",
    "DatasetSettings",
    "DecompositionSettings",
    "DescentSettings",
    "GabraSettings",
    "LayerwiseSettings",
    "PipelineSettings",
    "Experiment",
    "ExperimentError",
    "ModelSettings",
    "PlacementSettings",
    "SCHEMA",
    "TrainingSettings",
    "TransferSettings",
    "TrustRegionSettings",
    "load_experiment",
    "parse_experiment",
    "upgraded",
]
