"""Parts of a page that still ask when another page is open."""

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from pages.ui.late import OnePageAtATime
from tests.browser.wire import change


@pytest.mark.browser
def test_no_late_answer_empties_the_page(server):
    """A short form of ``python -m tests.browser.wire 200``; unguarded, two of three changes go wrong."""
    assert change(server.port, 5) == []


def new_session(page, *parts):
    message = ForwardMsg()
    message.new_session.page_script_hash = page
    message.metadata.run.fragment_ids.extend(parts)
    return message.SerializeToString()


def navigation(page):
    message = ForwardMsg()
    message.navigation.page_script_hash = page
    return message.SerializeToString()


def rerun(page, part=""):
    message = BackMsg()
    message.rerun_script.page_script_hash, message.rerun_script.fragment_id = page, part
    return message.SerializeToString()


def talk(answers, questions):
    """What a browser receives, and which of its questions reach the server."""
    received, heard = [], []

    async def app(scope, receive, send):
        for answer in answers:
            await send({"type": "websocket.send", "bytes": answer})
        while (message := await receive())["type"] != "websocket.disconnect":
            heard.append(message["bytes"])

    asked = [{"type": "websocket.receive", "bytes": question} for question in questions]
    asked.append({"type": "websocket.disconnect"})

    async def receive():
        return asked.pop(0)

    async def send(message):
        received.append(message["bytes"])

    guarded = OnePageAtATime(app)({"type": "websocket"}, receive, send)
    with pytest.raises(StopIteration):  # nothing in it waits
        guarded.send(None)
    return received, heard


def test_the_answer_of_a_part_names_the_page_on_screen():
    received, _ = talk([new_session("one"), new_session("two"), new_session("one", "strip")], [])
    assert received == [new_session("one"), new_session("two"), new_session("two", "strip")]
    received, _ = talk([new_session("start"), navigation("two"), new_session("two", "strip")], [])
    assert received == [new_session("start"), navigation("two"), new_session("two", "strip")]


def test_a_part_of_a_page_that_was_left_is_not_asked_for():
    for left in (rerun("one", "strip"), rerun("start", "strip")):
        _, heard = talk([new_session("start"), navigation("two")], [left, rerun("two", "strip")])
        assert heard == [rerun("two", "strip")]


def test_everything_else_passes_as_it_is():
    asked = [rerun("one"), rerun("", "strip"), b"\xff\xff", BackMsg(app_heartbeat=True).SerializeToString()]
    figure = ForwardMsg()
    figure.delta.new_element.markdown.body = "x" * 2**18
    received, heard = talk([new_session("two"), figure.SerializeToString()], asked)
    assert received == [new_session("two"), figure.SerializeToString()] and heard == asked
