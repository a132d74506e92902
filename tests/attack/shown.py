"""What a page of Streamlit's AppTest shows that it should not."""

import re
from collections.abc import Iterator

from streamlit.testing.v1 import AppTest

from tests.attack.cage import place
from tests.attack.tally import Fault

FETCHED = re.compile(r"(?<!\\)!\[[^\]]*(?<!\\)\]\(\s*\\?<?(?:https?:)?//")  # Markdown that makes a browser fetch
WITH_MARKDOWN = ("markdown", "caption", "title", "header", "subheader", "error", "warning", "info", "success")


def exceptions(page: AppTest, seed: int, words: str) -> list[Fault]:
    """A traceback on the page is a fault."""
    return [
        Fault(
            "uncaught", seed, f"{shown.proto.type or 'Exception'} on the page, {place(_trace(shown), last=True)}", words
        )
        for shown in page.exception
    ]


def _trace(shown: object) -> str:
    return "\n".join(shown.proto.stack_trace)  # type: ignore[attr-defined]


def fetched(page: AppTest) -> Iterator[str]:
    """Elements whose text would make the viewer's browser fetch an image."""
    for kind in WITH_MARKDOWN:
        if any(FETCHED.search(str(element.value)) for element in page.get(kind)):
            yield kind
