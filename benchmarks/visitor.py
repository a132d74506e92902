"""A visitor of the laboratory without a browser: opens pages over a websocket and uses their controls.

He speaks Streamlit's own protocol (protocol buffers over ``/_stcore/stream``), so the server does for him what it does
for a browser; what a browser needs to draw the answer is not in his times.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

BIGGEST = 2**28  # bytes of one message
DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


@dataclass
class Answer:
    """What the server sent for one click."""

    seconds: float  # from the click to the end of the script
    size: int  # bytes
    errors: list[str] = field(default_factory=list)  # exceptions on the page


@dataclass
class Control:
    """A control on the page: where it stands and which values it may take."""

    id: str
    label: str
    fragment: str
    values: list[Any]  # as the server wants them
    kind: str  # the field of a widget's state that holds it

    def state(self, value: Any) -> WidgetState:
        """The state of the control with one of its values."""
        state = WidgetState(id=self.id)
        if self.kind in ("string_value", "bool_value"):
            setattr(state, self.kind, value)
        else:
            getattr(state, self.kind).data[:] = [value]
        return state


class Visitor:
    """One session at the server, from its first page to its last click."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._query = ""
        self._page_name, self._page_hash = "", ""
        self._deltas: dict[tuple[int, ...], ForwardMsg] = {}
        self._states: dict[str, WidgetState] = {}

    @classmethod
    async def enter(cls, address: str, cookie: str = "") -> Self:
        """Connect to a server such as ``127.0.0.1:8501``, with the cookies of a seat where it has a room."""
        url, cookies = f"ws://{address}/_stcore/stream", {"Cookie": cookie} if cookie else {}
        settings: dict[str, Any] = {"subprotocols": ["streamlit"], "max_size": BIGGEST, "additional_headers": cookies}
        return cls(await connect(url, origin=f"http://{address}", **settings))  # type: ignore[arg-type]

    async def leave(self) -> None:
        """Close the session."""
        await self._connection.close()

    async def open(self, page: str, query: str = "") -> Answer:
        """Open a page by the last part of its address; the first one is ``""``."""
        self._page_name, self._page_hash, self._query = page, "", query
        self._states.clear()
        return await self._rerun()

    async def click(self, control: Control, value: Any) -> Answer:
        """Give a control another value, as a click does."""
        self._states[control.id] = control.state(value)
        return await self._rerun(control.fragment)

    async def again(self) -> Answer:
        """Draw the page anew, as it is."""
        return await self._rerun()

    def controls(self) -> list[Control]:
        """The controls of the main part of the page that have at least two values."""
        return [control for path, message in self._deltas.items() if path[0] == 0 for control in _controls(message)]

    def picture_count(self) -> int:
        """Return how many charts stand on the page."""
        return sum(_element(message) == "plotly_chart" for message in self._deltas.values())

    async def _rerun(self, fragment: str = "") -> Answer:
        message = BackMsg()
        client = message.rerun_script
        client.query_string, client.page_name, client.page_script_hash = self._query, self._page_name, self._page_hash
        client.fragment_id = fragment
        client.widget_states.widgets.extend(self._states.values())
        start = time.perf_counter()
        await self._connection.send(message.SerializeToString())
        answer = Answer(0.0, 0)
        while True:
            received = await self._connection.recv(decode=False)
            answer.size += len(received)
            said = ForwardMsg.FromString(received)
            if self._take(said, answer):
                answer.seconds = time.perf_counter() - start
                return answer

    def _take(self, said: ForwardMsg, answer: Answer) -> bool:
        """Keep what a message says of the page; whether it ends the answer."""
        kind = said.WhichOneof("type")
        if kind == "new_session":
            self._page_hash = said.new_session.page_script_hash
            ran = set(said.metadata.run.fragment_ids)
            kept = {path: old for path, old in self._deltas.items() if ran and old.delta.fragment_id not in ran}
            self._deltas = kept
        elif kind == "navigation":
            self._page_hash = said.navigation.page_script_hash
        elif kind == "page_info_changed":
            self._query = said.page_info_changed.query_string
        elif kind == "delta":
            self._deltas[tuple(said.metadata.delta_path)] = said
            if _element(said) == "exception":
                answer.errors.append(said.delta.new_element.exception.message)
        return kind == "script_finished" and said.script_finished in DONE


def other_value(control: Control, chance: random.Random, last: Any = None) -> Any:
    """One of the values of a control, another one than last time."""
    return chance.choice([value for value in control.values if value != last] or control.values)


def _element(message: ForwardMsg) -> str | None:
    is_new = message.delta.WhichOneof("type") == "new_element"
    return message.delta.new_element.WhichOneof("type") if is_new else None


def _controls(message: ForwardMsg) -> Iterator[Control]:
    kind = _element(message)
    if kind not in ("selectbox", "radio", "button_group", "slider", "checkbox"):
        return
    proto = getattr(message.delta.new_element, kind)
    values, name = _values(kind, proto)
    if len(values) > 1 and not proto.disabled:
        yield Control(proto.id, proto.label, message.delta.fragment_id, values, name)


def _values(kind: str, proto: Any) -> tuple[list[Any], str]:
    """The values that a control may take, and the field of its state."""
    if kind in ("selectbox", "radio"):
        return list(proto.options), "string_value"
    if kind == "button_group":
        return [option.content for option in proto.options], "string_array_value"
    if kind == "checkbox":
        return [False, True], "bool_value"
    if proto.options:  # a slider of named values
        return list(proto.options) if len(proto.default) == 1 else [], "string_array_value"
    if len(proto.default) != 1:
        return [], "double_array_value"
    count = min(20, int((proto.max - proto.min) / (proto.step or 1)))
    return [proto.min + proto.step * place for place in range(count + 1)], "double_array_value"
