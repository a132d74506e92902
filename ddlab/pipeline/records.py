"""The record of a traced training step, as a stage's folder keeps it."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict  # pydantic wants it before Python 3.12

from ddlab.records import LOOSE, Kind

Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=2**62)]
Size = Annotated[int, Field(ge=1, le=65_536)]
Text = Annotated[str, Field(max_length=1000)]


@with_config(LOOSE)
class TraceRecord(TypedDict):
    """``trace.json``: a training step of a pipeline as it really ran, and what its modules took in the steps around it.

    Times are in seconds from the step's beginning; the lists ``kind`` to ``end`` have an entry an action,
    ``modules`` to ``weight`` one a module, ``hop_bytes`` (of an image) and ``transfer`` one a hop, ``steps`` one
    a step. ``assignment`` is the rank of every module, where they do not go around.
    """

    schedule: Text
    num_ranks: Size
    num_micro_batches: Size
    num_chunks: Size
    epoch: Count
    batch: Count
    modules: list[list[Text]]
    flops: list[Number]
    hop_bytes: list[Number]
    forward: list[Number]
    backward: list[Number]
    weight: list[Number]
    transfer: list[Number]
    steps: list[Number]
    kind: list[Literal["F", "B", "W"]]
    module: list[Count]
    micro_batch: list[Count]
    start: list[Number]
    end: list[Number]
    assignment: NotRequired[list[Count]]


TRACE = Kind(TraceRecord)
