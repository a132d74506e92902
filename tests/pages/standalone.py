"""A page opened by itself, as its file can be, and the figures that it draws."""

import json
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

PAGES = Path(__file__).parents[2] / "pages"


def open_alone(name: str, **query: str) -> AppTest:
    """``pages/<name>.py`` after its first run, with the URL's parameters."""
    at = AppTest.from_file(PAGES / f"{name}.py", default_timeout=30)
    at.query_params.update(query)
    return at.run()


def figures(at: AppTest) -> list[dict[str, Any]]:
    """All figures of the page, as plotly's trees."""
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]
