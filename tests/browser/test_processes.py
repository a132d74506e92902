"""Two server processes behind one address, in a real browser: whose session, uploads and pictures are where."""

import psutil
import pytest

from ddlab.serving.heads import cookie_name
from tests.browser.conftest import Server
from tests.browser.test_browser import settled

pytestmark = pytest.mark.browser

BROKEN = "[...document.images].filter((image) => !image.complete || !image.naturalWidth).map((image) => image.src)"


@pytest.fixture
def server(own_home, tmp_path):
    server = Server(tmp_path / "server.log", ("ddlab", "app", "--processes", "2", "--port"))
    server.start()
    yield server
    server.kill()


def backend_of(server, page):
    """The process that serves a visitor, as the cookie names it."""
    name = cookie_name(f"127.0.0.1:{server.port}")
    told = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == name)
    backends = psutil.Process(server.process.pid).children()
    return next((backend for backend in backends if backend.cmdline()[-1] == told), None)


def test_visitors_keep_their_process_and_survive_its_death(server, open_browser):
    first, second = (open_browser("/decompose") for _ in range(2))
    for page in (first, second):
        settled(page)
        page.wait_for_function("document.images.length")  # a part of the page that is drawn after the rest
        settled(page)
        assert not page.evaluate(BROKEN), "pictures of its own process"
    dying, other = backend_of(server, first), backend_of(server, second)
    assert dying != other and not {dying, other} & {None}
    with first.expect_websocket():  # what is pressed before the browser has heard of it is lost
        dying.kill()
    for page in (first, second):  # the one who lost his process goes on at another one
        settled(page)
        page.get_by_role("button", name="The next image").click()
        page.wait_for_url("**image=1**")
        settled(page)
        assert not page.evaluate(BROKEN)
    assert backend_of(server, second) == other
