"""A visitor without a browser, who speaks Streamlit's protocol and hears of another page late, as on a busy machine.

``python -m tests.browser.wire 200`` changes the page 200 times, while parts of the page that is left still ask.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

PAUSE = 0.03  # seconds between two questions of a part
SECONDS = 30.0  # without a word of the server


class Visitor:
    """One session; what the server said, and what a browser would make of it."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.page, self.query, self.name = "", "", ""
        self.parts: set[str] = set()  # that renew themselves
        self.buttons: dict[str, str] = {}  # the id of each, by its label
        self.title = ""
        self.cleared = 0  # times that a browser would have cleared everything for a part's answer

    @classmethod
    @contextmanager
    def enter(cls, port: int) -> "Iterator[Visitor]":
        """Connect to a server of this machine."""
        address = f"127.0.0.1:{port}"
        with connect(f"ws://{address}/_stcore/stream", origin=f"http://{address}", max_size=2**28) as connection:
            yield cls(connection)

    def open(self, name: str, query: str = "") -> None:
        """Open a page by its name in the address."""
        self.page, self.name, self.query = "", name, query
        self._ask()
        self._hear()

    def click(self, label: str) -> None:
        """Press a button that leads to another page; parts of this one ask as if we had not heard of the other."""
        old, query, parts, is_done = self.page, self.query, sorted(self.parts), threading.Event()

        def insist() -> None:
            while not is_done.wait(PAUSE):
                for part in parts:
                    self._ask(part=part, page=old, query=query)

        asking = threading.Thread(target=insist)
        self._ask(button=self.buttons[label])
        asking.start()
        try:
            self._hear()
        finally:
            is_done.set()
            asking.join()
        self._ask()
        self._hear()

    def _ask(self, button: str = "", part: str = "", page: str = "", query: str = "") -> None:
        message = BackMsg()
        client = message.rerun_script
        client.page_name, client.page_script_hash = self.name, page or self.page
        client.query_string, client.fragment_id, client.is_auto_rerun = query or self.query, part, bool(part)
        if button:
            state = client.widget_states.widgets.add()
            state.id, state.trigger_value = button, True
        self._connection.send(message.SerializeToString())

    def _hear(self) -> None:
        """Listen until a whole page was drawn."""
        while True:
            said = ForwardMsg.FromString(self._connection.recv(timeout=SECONDS, decode=False))
            kind = said.WhichOneof("type")
            if kind == "new_session":
                self._begin(said)
            elif kind == "navigation":
                self.page = said.navigation.page_script_hash
            elif kind == "auto_rerun":
                self.parts.add(said.auto_rerun.fragment_id)
            elif kind == "page_info_changed":
                self.query = said.page_info_changed.query_string
            elif kind == "delta":
                self._draw(said)
            elif kind == "script_finished" and said.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return

    def _begin(self, said: ForwardMsg) -> None:
        if not said.metadata.run.fragment_ids:
            self.page = said.new_session.page_script_hash
            self.parts, self.buttons, self.title = set(), {}, ""
        elif said.new_session.page_script_hash != self.page:  # as in the browser's own code
            self.cleared += 1

    def _draw(self, said: ForwardMsg) -> None:
        element = said.delta.new_element
        if element.WhichOneof("type") == "button":
            self.buttons[element.button.label] = element.button.id
        elif element.WhichOneof("type") == "heading" and element.heading.tag == "h1":
            self.title = element.heading.body


def change(port: int, times: int) -> list[str]:
    """Go from Decompose to Train so many times; return what each time went wrong."""
    faults = []
    for time_ in range(times):
        with Visitor.enter(port) as visitor:
            visitor.open("decompose")
            visitor.click("Train this")
            if visitor.cleared or visitor.title != "What do you want to train?":
                faults.append(f"{time_}: cleared {visitor.cleared} times, then “{visitor.title}”")
    return faults


if __name__ == "__main__":
    from tests.browser.conftest import Server

    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "server.log")
        server.start()
        start = time.monotonic()
        try:
            found = change(server.port, int(sys.argv[1]))
        finally:
            server.kill()
    sys.stdout.write("\n".join([*found, f"{len(found)} faults in {time.monotonic() - start:.0f} s"]) + "\n")
