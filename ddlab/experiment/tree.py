"""The experiment: one frozen tree that is validated before any process starts.

Every field carries its description, unit and range; the form, the command line's help and the documentation are made
from them. Fields marked ``advanced`` are hidden in the form's basic view.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from ddlab.experiment.base import Settings, setting
from ddlab.experiment.parts import (
    DatasetSettings,
    DecompositionSettings,
    ModelSettings,
    TrainingSettings,
)
from ddlab.experiment.placement import PlacementSettings, SlurmSettings
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
from ddlab.home import LONGEST_NAME
from ddlab.plain import LONGEST, read_plain
from ddlab.registry import MOST_SHOWN, choose, load_target, shortened, unknown
from ddlab.registry.strategies import DEFAULT, STRATEGIES

SCHEMA = 2  # of experiment.json; a run folder with a larger number comes from a newer ddlab
_MEANT = {2: {"training": {"warm_up": 0}}}  # by the schema that brought a setting: what runs did that did not know it
Own = TypeVar("Own", bound=Settings)
MOST_FAULTS = 10  # told at once


class ExperimentError(ValueError):
    """An experiment that cannot be run: one line a fault, each naming the field, the rule and the value."""


def own_settings(strategies: Iterable[Any]) -> dict[str, type[Settings]]:
    """Load the settings that these strategies bring themselves, by the part of an experiment in which they stand.

    Those of no other strategy are loaded: what is wrong with a package harms who asks for it alone.

    Raises
    ------
    ValueError
        If they cannot be loaded; names the strategy and the reason.
    """
    found = {}
    for name in _with_own() & {name for name in strategies if isinstance(name, str)}:
        try:
            found[name] = load_target(STRATEGIES[name].own)
        except Exception as error:  # whatever a package of others does when it is imported
            raise ValueError(f"strategies: the settings of {name!r} cannot be loaded ({error})") from None
    return found


def _with_own() -> set[str]:
    return {name for name, entry in STRATEGIES.items() if entry.own}


class Experiment(Settings):
    """An experiment as it is asked for: data, decomposition, networks, strategies, training, place and seeds.

    A strategy with settings of its own (``own`` of its entry) has them under its own name, where it is asked for.
    """

    model_config = ConfigDict(extra="allow")

    name: str = setting("experiment", "A name for people.", max_length=80)
    sweep: str = setting("", "Name of the sweep it belongs to; empty: none.", advanced=True, max_length=60)
    dataset: DatasetSettings = Field(default=DatasetSettings(), description="Which images.")
    decomposition: DecompositionSettings = Field(default=DecompositionSettings(), description="How the image is cut.")
    model: ModelSettings = Field(default=ModelSettings(), description="The networks.")
    strategies: tuple[str, ...] = setting(DEFAULT, "Ways to get a classifier; they share their stages.", min_length=1)
    training: TrainingSettings = Field(default=TrainingSettings(), description="How the networks are trained.")
    aggregator: AggregatorSettings = Field(default=AggregatorSettings(), description="The DNN of CNN-DNN.")
    coherent: CoherentSettings = Field(default=CoherentSettings(), description="The CNN-DNN as one model.")
    transfer: TransferSettings = Field(default=TransferSettings(), description="One model from trained parts.")
    composed: ComposedSettings = Field(default=ComposedSettings(), description="One network put together.")
    trust_region: TrustRegionSettings = Field(default=TrustRegionSettings(), description="The ball of every step.")
    apts: AptsSettings = Field(default=AptsSettings(), description="Local trainings on parts of the data.")
    descent: DescentSettings = Field(default=DescentSettings(), description="Rates of Adam and SGD.")
    pipeline: PipelineSettings = Field(default=PipelineSettings(), description="How the network's layers are cut.")
    layerwise: LayerwiseSettings = Field(default=LayerwiseSettings(), description="The pipeline's schedule.")
    delayed: DelayedSettings = Field(default=DelayedSettings(), description="Old gradients of decoupled modules.")
    gabra: GabraSettings = Field(default=GabraSettings(), description="Replicas, and modules on devices.")
    placement: PlacementSettings = Field(default=PlacementSettings(), description="Where the run works.")
    slurm: SlurmSettings = Field(default=SlurmSettings(), description="Requests to SLURM, where it is the engine.")
    seeds: tuple[int, ...] = setting(
        (0,), "Seeds; several give mean ± standard deviation.", min_length=1, max_length=50
    )

    @model_validator(mode="before")
    @classmethod
    def _check_keys(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        known = _with_own()
        for key in values:
            if key not in cls.model_fields and key not in known:
                raise ValueError(unknown("key", key, [*cls.model_fields, *sorted(known)]))
        asked = values.get("strategies", DEFAULT)
        own = own_settings(asked if isinstance(asked, list | tuple) else ())
        kept = {key: value for key, value in values.items() if key not in known}
        return kept | {name: _validated(name, kind, values.get(name, {})) for name, kind in sorted(own.items())}

    def own(self, settings: type[Own]) -> Own:
        """Return the settings of a strategy's own class.

        Raises
        ------
        LookupError
            If no strategy that is asked for has settings of that class.
        """
        for value in (self.__pydantic_extra__ or {}).values():
            if isinstance(value, settings):
                return value
        raise LookupError(f"settings: no strategy of {', '.join(self.strategies)} has {settings.__name__}")

    @field_validator("strategies")
    @classmethod
    def _known(cls, strategies: tuple[str, ...]) -> tuple[str, ...]:
        for name in strategies:
            choose(STRATEGIES, name, "strategies")
        return tuple(dict.fromkeys(strategies))

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds) or min(seeds) < 0:
            raise ValueError("needs different numbers of at least 0")
        return seeds

    @model_validator(mode="after")
    def _computable(self) -> Self:
        if self.placement.devices == "mps" and self.training.precision == "float64":
            raise ValueError(
                "training.precision: Apple's GPU (placement.devices = 'mps') computes in 'float32' or 'bfloat16', got "
                "'float64'"
            )
        return self

    @model_validator(mode="after")
    def _transferable(self) -> Self:
        if "transfer" in self.strategies:
            if (self.transfer.start or 0) > self.training.epochs:
                most = self.training.epochs
                raise ValueError(f"transfer.start: must be at most training.epochs = {most}, got {self.transfer.start}")
            if self.transfer.dnn == "trained" and self.coherent.outputs == "logits":
                raise ValueError(
                    "transfer.dnn: 'trained' needs coherent.outputs = 'probabilities', which the DNN of CNN-DNN was "
                    "trained on, got 'logits'"
                )
        return self

    def with_settings(self, settings: dict[str, Any]) -> Self:
        """A copy with some fields replaced, named by dotted paths such as ``training.epochs``.

        Raises
        ------
        ExperimentError
            If a path or a value is wrong.
        """
        asked = settings.get("strategies")
        try:
            brought = own_settings(asked if isinstance(asked, list | tuple) else self.strategies)
        except ValueError as error:
            raise ExperimentError(str(error)) from None
        own = {name: kind().model_dump(mode="json") for name, kind in brought.items()}
        tree = {**own, **self.model_dump(mode="json")}
        for path, value in settings.items():
            *parents, key = path.split(".")
            branch, field = tree, f"--set {path[:MOST_SHOWN]}"
            for parent in parents:
                if not isinstance(branch.get(parent), dict):
                    parts = [name for name, part in branch.items() if isinstance(part, dict)]
                    raise ExperimentError(unknown(field, parent, parts))
                branch = branch[parent]
            if key not in branch:
                raise ExperimentError(unknown(field, key, branch))
            branch[key] = value
        return parse_experiment(tree)  # type: ignore[return-value]  # no class is made of this one

    def to_yaml(self, *, full: bool = False) -> str:
        """Return the experiment as YAML; only what differs from the defaults, unless ``full``."""
        tree = self.model_dump(mode="json", exclude_defaults=not full)
        return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, default_flow_style=None)


def _validated(name: str, settings: type[Settings], values: Any) -> Settings:
    """Validate a strategy's own settings, with the field's whole path in every message."""
    try:
        return settings.model_validate(values if not isinstance(values, Settings) else values.model_dump())
    except ValidationError as error:
        faults = [_fault({**fault, "loc": (name, *fault["loc"])}) for fault in error.errors()]
        raise ValueError(faults[0]) from None


def parse_experiment(tree: Any) -> Experiment:
    """Validate a plain tree (of JSON, YAML or a form).

    Raises
    ------
    ExperimentError
        With one line a fault: the field, the rule, the value and the choices.
    """
    if not isinstance(tree, dict):
        raise ExperimentError(f"an experiment is a mapping of settings, got {type(tree).__name__}")
    try:
        return Experiment.model_validate(tree)
    except ValidationError as error:
        faults = [_fault(fault) for fault in error.errors()]
        more = [f"and {len(faults) - MOST_FAULTS:,} more faults"] if len(faults) > MOST_FAULTS else []
        raise ExperimentError("\n".join(faults[:MOST_FAULTS] + more)) from None


def upgraded(tree: dict[str, Any], schema: int) -> dict[str, Any]:
    """The tree of a run's experiment of an older schema, with what it meant where it says nothing."""
    for number, parts in _MEANT.items():
        if schema < number:
            older = {
                name: {**settings, **tree[name]} for name, settings in parts.items() if isinstance(tree.get(name), dict)
            }
            tree = {**tree, **older}
    return tree


def load_experiment(path: Path) -> Experiment:
    """Read an experiment from a YAML or JSON file.

    Raises
    ------
    ExperimentError
        If the file is not there, not readable as YAML, or not a valid experiment.
    """
    name = str(path)[:LONGEST_NAME]
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LONGEST + 1)
    except OSError as error:
        raise ExperimentError(f"{name}: cannot be read ({error.strerror})") from None
    except ValueError:  # also where no file can have the name
        raise ExperimentError(f"{name}: is not YAML or JSON, which are text in UTF-8") from None
    try:
        tree = read_plain(text)
    except ValueError as error:
        raise ExperimentError(f"{name}: {error}") from None
    return parse_experiment(tree)


def _fault(fault: Any) -> str:
    field = ".".join(str(part) for part in fault["loc"])
    message: str = fault["msg"].removeprefix("Value error, ")
    if message.startswith("key: "):
        return f"{field}: {message}" if field else message
    names_itself = re.split(r"[.:]", message, maxsplit=1)[0] in {*Experiment.model_fields, *_with_own()}
    if names_itself:
        return message
    message = re.sub(r"^\w+ should ", "must ", message)  # not "Tuple should", which is pydantic's word for a list
    return f"{field}: {message[0].lower()}{message[1:]}, got {shortened(fault.get('input'))}"
