"""The place where a run works: its engine, machines and devices, and what SLURM is asked for."""

import re
from typing import Literal, Self

from pydantic import field_validator, model_validator

from ddlab.experiment.base import Settings, setting
from ddlab.registry import shortened

PLACE = ("placement", "slurm")  # parts of an experiment that say where it works, and decide no result
LONGEST_WORD = 100
_NAME = re.compile(r"[\w.,+-]*")  # of a partition or an account: never a space, a quote or the end of a line
_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.%]{2,60}\]):(?P<port>\d{1,5})")
SUCH_AS = "10.0.0.1:29500"
_TIME = re.compile(r"(\d+(:\d\d){0,2}|\d+-\d+(:\d\d){0,2})?")
_DIRECTIVE = re.compile(r"--([a-z][a-z-]*)(=[^\x00-\x1f\x7f]+)?")
FIELDS_OF = {  # options of sbatch that settings stand for
    "nodes": "placement.machines",
    "ntasks-per-node": "placement.machines",
    "gpus-per-node": "placement.devices and placement.workers",
    "cpus-per-task": "slurm.cores and placement.workers",
    "partition": "slurm.partition",
    "account": "slurm.account",
    "time": "slurm.time",
}
# Options of sbatch that ddlab sets, or that a run would not survive.
_OURS = "array chdir error export input job-name no-requeue ntasks open-mode output parsable requeue signal test-only"
NEEDED = (*_OURS.split(), "wait", "wrap")


class PlacementSettings(Settings):
    """The engine, the machines and devices, and the number of workers of a run."""

    engine: Literal["local", "slurm"] = setting(
        "local", "Who starts the workers: this machine's queue, or SLURM, a cluster's.", advanced=True
    )
    machines: int = setting(
        1,
        "Machines: nodes of the cluster, or with the local engine this one and those that join it (ddlab join).",
        advanced=True,
        ge=1,
        le=4096,
    )
    rendezvous: str = setting(
        "",
        "Where machines without SLURM meet: HOST:PORT of the first one, as the others reach it. Empty: the "
        "environment variable DDLAB_RENDEZVOUS.",
        advanced=True,
        max_length=300,
    )
    workers: int | None = setting(
        None,
        "Processes, on each machine; empty: chosen, as many as the stages find work for, at most one a GPU or a core; "
        "under SLURM: one. More than GPUs: they share them.",
        ge=1,
        le=4096,
    )
    devices: Literal["auto", "cpu", "cuda", "mps"] = setting(
        "auto",
        "Kind of device; auto takes NVIDIA's GPUs (cuda) where there are any, else processor cores, as under SLURM; "
        "mps: Apple's GPU.",
    )
    restarts: int = setting(
        2,
        "Times that a run in which a rank is lost (killed, crashed, silent) goes on by itself from its checkpoints.",
        advanced=True,
        ge=0,
        le=100,
    )
    heartbeat_timeout: float = setting(
        120.0,
        "Time without a sign of life after which a rank counts as lost; 0: never.",
        unit="s",
        advanced=True,
        ge=0,
        le=86_400,
    )
    checkpoint_overhead: float = setting(
        0.02,
        "Share of the training time that checkpoints may take; they are written after epochs, always after the "
        "last one, and every five minutes of a long one. 1: after every epoch.",
        advanced=True,
        ge=0,
        le=1,
    )

    @field_validator("rendezvous")
    @classmethod
    def _address(cls, text: str) -> str:
        if text and not is_address(text):
            raise ValueError(f"needs the form HOST:PORT, such as {SUCH_AS}, got {shortened(text)}")
        return text

    @model_validator(mode="after")
    def _meets(self) -> Self:
        if self.rendezvous and self.engine == "slurm":
            raise ValueError("placement.rendezvous: under SLURM machines meet by themselves; leave it empty")
        return self


def is_address(text: str) -> bool:
    """Whether a text is HOST:PORT, with an IPv6 address in brackets."""
    found = _ADDRESS.fullmatch(text)
    return found is not None and 1 <= int(found["port"]) <= 65_535


class SlurmSettings(Settings):
    """Requests to SLURM beyond machines and devices; empty fields are left to the cluster."""

    partition: str = setting("", "Partition of the cluster; empty: its default.", max_length=LONGEST_WORD)
    account: str = setting("", "Account that is charged; empty: yours.", max_length=LONGEST_WORD)
    time: str = setting(
        "",
        "Limit of time, as SLURM writes it: minutes, hh:mm:ss or d-hh:mm:ss; the run goes on in a next turn. "
        "Empty: the partition's.",
        max_length=20,
    )
    cores: int = setting(1, "Processor cores of each worker.", ge=1, le=1024)
    directives: tuple[str, ...] = setting(
        (), "Further options of sbatch, such as --constraint=a100.", advanced=True, max_length=20
    )

    @field_validator("partition", "account")
    @classmethod
    def _named(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("needs letters, digits and . , + - _")
        return name

    @field_validator("time")
    @classmethod
    def _time(cls, time: str) -> str:
        if not _TIME.fullmatch(time):
            raise ValueError("needs a time as SLURM writes it, such as 90 (minutes), 12:00:00 or 1-12:00:00")
        return time

    @field_validator("directives")
    @classmethod
    def _options(cls, directives: tuple[str, ...]) -> tuple[str, ...]:
        for directive in directives:
            _check(directive)
        return directives


def _check(directive: str) -> None:
    """Refuse what is no option of sbatch, and those that are set elsewhere; sbatch takes beginnings of names, too."""
    option = _DIRECTIVE.fullmatch(directive)
    if not option or len(directive) > 4 * LONGEST_WORD:
        raise ValueError(f"needs options of one line, such as --constraint=a100, not {shortened(directive)}")
    name = option.group(1)
    for known, field in FIELDS_OF.items():
        if known.startswith(name):
            raise ValueError(f"--{name} is set by {field}")
    if any(known.startswith(name) for known in NEEDED):
        raise ValueError(f"--{name} is set by ddlab itself")
