"""Experiments: their settings, validated before any process starts."""

from ddlab.experiment.parts import (
    DatasetSettings,
    DecompositionSettings,
    ModelSettings,
    TrainingSettings,
)
from ddlab.experiment.placement import PLACE, PlacementSettings, SlurmSettings
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
    "PLACE",
    "PlacementSettings",
    "SCHEMA",
    "SlurmSettings",
    "TrainingSettings",
    "TransferSettings",
    "TrustRegionSettings",
    "load_experiment",
    "parse_experiment",
    "upgraded",
]
