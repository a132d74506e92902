"""The records that each rank of a run writes of itself, beside its epochs: its timesheet and its signs of life."""

from typing import Annotated, Required

from pydantic import Field, with_config
from typing_extensions import TypedDict  # pydantic wants it before Python 3.12

from ddlab.records import LOOSE, Kind
from ddlab.runs.records import Count, Heartbeat, Number, Text, Time

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@with_config(LOOSE)
class Times(TypedDict, total=False):
    """A line of ``times-<rank>.jsonl``: the seconds that a stage took on a rank, and those in which it computed.

    ``without_core`` are those in which it could have, and other programs had its core.
    """

    stage: Required[Text]
    seed: Required[int]
    rank: Required[Count]
    time: Time
    seconds: Required[Seconds]
    computing: Required[Seconds]
    without_core: Seconds


@with_config(LOOSE)
class Beat(Heartbeat, total=False):
    """``heartbeat-<rank>.json``, with the epoch that the rank told last, and its timesheet of the stage it is in."""

    stage: Text
    epoch: Count
    epochs: Count
    seconds: Number
    sheet: Times | None


TIMES, BEAT = Kind(Times), Kind(Beat)
