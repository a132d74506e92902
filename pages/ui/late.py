"""A guard of the websocket against parts of a page that renew themselves too late, when another page is open already.

A part with ``run_every`` asks the server again and again, with the page that the browser shows. When a button has
switched the page (``st.switch_page``) and the browser has not heard of it yet, it asks with the old page; the answer
names the old page, too, and the browser takes that for another change of page: it clears everything, and what the
answer draws has no place left ("Bad delta path index 2 (should be between [0, 0])").
"""

from google.protobuf.message import DecodeError
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

LONGEST = 2**17  # bytes; what tells of a page is shorter, figures and images need not be read


class OnePageAtATime:
    """A middleware that lets no message of a part speak of another page than the one that was drawn last."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; of a websocket's messages, leave out or correct those that come too late."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        connection = _Connection()

        async def asked() -> Message:
            while True:
                message = await receive()
                if not connection.is_late(message.get("bytes") or b""):
                    return message

        async def answer(message: Message) -> None:
            if message.get("bytes"):
                message = {**message, "bytes": connection.on_one_page(message["bytes"])}
            await send(message)

        await self.app(scope, asked, answer)


class _Connection:
    """The page that one browser was told to show."""

    def __init__(self) -> None:
        self.page = ""

    def is_late(self, sent: bytes) -> bool:
        """Whether the browser asks for a part of a page that it has left."""
        if not self.page or not sent or len(sent) > LONGEST:
            return False
        try:
            asked = BackMsg.FromString(sent).rerun_script
        except DecodeError:  # the server refuses it
            return False
        return bool(asked.fragment_id) and asked.page_script_hash not in ("", self.page)

    def on_one_page(self, answer: bytes) -> bytes:
        """Return an answer as the browser may get it: a part is always one of the page that it shows."""
        if len(answer) > LONGEST:
            return answer
        message = ForwardMsg.FromString(answer)
        kind = message.WhichOneof("type")
        if kind == "navigation":
            self.page = message.navigation.page_script_hash
        elif kind == "new_session" and not message.metadata.run.fragment_ids:
            self.page = message.new_session.page_script_hash
        elif kind == "new_session" and message.new_session.page_script_hash != self.page:
            message.new_session.page_script_hash = self.page
            corrected: bytes = message.SerializeToString()
            return corrected
        return answer
