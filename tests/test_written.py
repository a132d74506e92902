"""Numbers in sentences: written by one function, never torn from their unit."""

import ast
from pathlib import Path

import pandas as pd
import pytest

from ddlab.written import as_csv, compared, gained, listed, percent, points, si, spreadsheet_text
from pages.ui.literal import literal

ROOT = Path(__file__).parents[1]
SOURCES = [path for folder in ("ddlab", "pages") for path in sorted((ROOT / folder).rglob("*.py"))]
IN_CHARTS = {  # words within a chart are written as its axes are: 57%
    "ddlab/analyses/decisions/probabilities.py",
    "ddlab/analyses/decisions/visibility.py",
    "ddlab/analyses/maps/worth.py",
}


def test_a_share_is_held_together_with_its_sign_also_as_markdown():
    assert (percent(0.988), percent(0.0904, 0), percent(None)) == ("98.8\u00a0%", "9\u00a0%", "–")
    assert literal(f"from {percent(0.893)}\n to {percent(0.94)}.") == "from 89.3\u00a0% to 94.0\u00a0%."
    assert points(-0.0123) == "1.2\u00a0points"


@pytest.mark.parametrize(
    ("share", "verb", "words"),
    [
        (0.012, "gains 1.2\u00a0points", "1.2\u00a0points better on a than on b"),
        (-0.01, "loses 1.0\u00a0points", "1.0\u00a0points worse on a than on b"),
        (-0.0004, "gains nothing", "as good on a as on b"),
    ],
)
def test_a_difference_is_a_verb_and_no_sign(share, verb, words):
    assert (gained(share), compared(share, "a", "b")) == (verb, words)


@pytest.mark.parametrize(
    ("words", "joined"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_words_are_joined_as_a_sentence_does(words, joined):
    assert listed(words) == joined


@pytest.mark.parametrize(
    ("value", "taken"), [("=1+1", "'=1+1"), ("@a", "'@a"), ("-1", "'-1"), ("a=1", "a=1"), ("", "")]
)
def test_no_spreadsheet_computes_a_text(value, taken):
    assert spreadsheet_text(value) == taken and spreadsheet_text(-1.5) == -1.5


def test_a_table_of_own_classes_is_safe_in_a_spreadsheet():
    table = pd.DataFrame({"=HYPERLINK(1)": ["@cat", "dog"], "share": [-0.5, float("nan")]})
    assert as_csv(table) == "'=HYPERLINK(1),share\n'@cat,-0.5\ndog,\n"


def test_all_files_of_tables_are_written_by_one_function():
    written = {path.name for path in SOURCES if ".to_csv(" in path.read_text(encoding="utf-8")}
    assert written == {"written.py"}


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [(1_234_567, "B", "1.23\u00a0MB"), (-2500, "", "-2.5\u00a0k"), (12, "B", "12\u00a0B"), (0, "", "0")],
)
def test_a_quantity_has_three_digits_and_a_prefix(value, unit, told):
    assert si(value, unit) == told


def percents_of_their_own(path):
    """Lines of a file that write a share into a sentence without ``percent``."""
    for text in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(text, ast.JoinedStr):
            continue
        if "style=" in ast.unparse(text):
            continue
        for part, following in zip(text.values, [*text.values[1:], None], strict=True):
            spec = getattr(part, "format_spec", None)
            formatted = spec is not None and ast.unparse(spec).rstrip("'\"").endswith("%")
            told = following.value if isinstance(following, ast.Constant) else ""
            if formatted or (isinstance(part, ast.FormattedValue) and told.startswith((" %", "%"))):
                yield part.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sentences_write_shares_with_one_function(path):
    name = str(path.relative_to(ROOT))
    if name == "ddlab/written.py" or name in IN_CHARTS or name.startswith("ddlab/figures/"):
        return
    assert not list(percents_of_their_own(path))
