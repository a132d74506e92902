"""What a page of Streamlit's AppTest shows that it should not."""

import re
from collections.abc import Iterator

from streamlit.testing.v1 import AppTest

from tests.attack.cage import place
from tests.attack.tally import Fault

FETCHED = re.compile(r"(?<!\\)!\[[^\]]*\]\(\s*<?(?:https?:)?//|\b(?:src|href)=\W*(?:https?:)?//")
WITH_MARKDOWN = (
    *("markdown", "caption", "title", "header", "subheader", "error", "warning", "info", "success"),
    *("image", "table", "html", "metric"),
)


def exceptions(page: AppTest, seed: int, case: str) -> list[Fault]:
    """A traceback on the page is a fault."""
    found = [(shown.proto.type, "\n".join(shown.proto.stack_trace)) for shown in page.exception]
    return [Fault("uncaught", seed, f"{kind} on the page, {place(trace, last=True)}", case) for kind, trace in found]


def fetched(page: AppTest) -> Iterator[str]:
    """Kinds of elements whose Markdown or HTML would make the viewer's browser fetch something from elsewhere."""
    for kind in WITH_MARKDOWN:
        if any(FETCHED.search(str(element.proto)) for element in page.get(kind)):  # type: ignore[union-attr]
            yield kind
