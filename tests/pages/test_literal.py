"""Names from data and people are shown letter by letter, on every page and in every chart."""

import ast
import json
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from ddlab.runs import RunFolder
from pages.ui.literal import literal, literal_lines, without_tags
from tests.made_run import made_experiment, made_run

ROOT = Path(__file__).parents[2]
SOURCES = [*sorted((ROOT / "pages").rglob("*.py")), ROOT / "app.py"]
NAME = "![x](http://example.com/x.png) <img src=x> $x$ :red[a] `b`"


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("![x](y)", r"!\[x\](y)"),
        ("<img src=x>", r"\<img src=x>"),
        ("$a$ `b` *c* ~d~ |", r"\$a\$ \`b\` \*c\* \~d\~ \|"),
        (":material/home: :red[x]", r"\:material\/home\: \:red\[x\]"),
        ("_a_ b_c", r"\_a\_ b_c"),
        ("# h", r"\# h"),
        ("- a", r"\- a"),
        ("12. a", r"12\. a"),
        ("&lt;", r"\&lt;"),
        ("a\n\n    b", "a b"),
        ("\\", r"\\"),
        ("http://a www.b c@d", "http\\:\u2060\\/\\/a www\u2060.b c@\u2060d"),
    ],
)
def test_signs_of_markdown_are_escaped(text, markdown):
    assert literal(text) == markdown


@pytest.mark.parametrize(
    "text",
    ["decomposition: overlap 20 px does not fit, got 3", "cnn_dnn", "41.5 % (seed 0)", "/data/a-b/c.npz", "x = 2"],
)
def test_plain_sentences_stay_as_they_are(text):
    assert literal(text) == text


def test_lines_stay_lines():
    assert literal_lines("# a\n* b") == "\\# a  \n\\* b"


# ---- charts: plotly reads some HTML, and fetches the pictures of its styles

TAGGED = '<span style="background:url(http://example.com/s.png)">S</span><a href="http://example.com">A</a>'


def figure(name: str) -> go.Figure:
    made = go.Figure(go.Bar(x=[name, "b"], y=np.array([1.0, 2.0]), name=name, text=np.array([name, "b"], dtype=object)))
    made.update_traces(hovertemplate=f"{name}<br>%{{y}}<extra></extra>", customdata=[[name, 1], ["b", 2]])
    return made.update_layout(title=f"{name}<br><b>two</b>", xaxis={"title": name, "ticktext": [name], "tickvals": [0]})


def test_tags_of_names_are_no_tags_in_a_chart():
    written = json.loads(without_tags(figure(TAGGED)).to_json())
    expected = json.loads(figure(TAGGED.replace("<", "&lt;")).to_json())
    assert written == expected


def test_a_chart_without_such_names_is_not_touched():
    plain = figure("cat")
    assert without_tags(plain).to_json() == plain.to_json()


# ---- pages


def shown_as_markdown(test):
    """Everything of a page that is Markdown."""
    kinds = "title header subheader markdown caption error warning info success".split()
    texts = [element.value for kind in kinds for element in getattr(test, kind)]
    texts += [part.proto.label for kind in ("expander", "tab", "download_button") for part in test.get(kind)]
    texts += [image.caption for images in test.get("image") for image in images.proto.imgs]
    return texts + [option.content for group in test.get("button_group") for option in group.proto.options]


PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))


@pytest.fixture(scope="module")
def odd_run(home, tmp_path_factory):
    """A run with an odd name, on images whose classes have odd names."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("odd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DDLAB_DATA", str(folder))
        for label in ("![c](http:) <img src=x> $c$", ":red[d] `d`"):
            for number in range(12):
                path = folder / "set" / label / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(path)
        images = {"name": "folder", "path": "set", "size": 32, "train_images": None, "validation_images": None}
        yield made_run(experiment=made_experiment(images, name=NAME))


@pytest.mark.parametrize("page", PAGES)
def test_no_page_shows_a_name_as_markdown(page, odd_run, open_page, monkeypatch):
    monkeypatch.setenv("DDLAB_HOME", str(odd_run.path.parents[1]))
    test = open_page(page, run=odd_run.id, dataset="folder", path="set", size="32")
    texts = shown_as_markdown(test)
    assert texts
    for text in texts:
        assert "![" not in text and "<img" not in text.replace(r"\<img", "") and ":red[d" not in text, text


@pytest.mark.parametrize("name", ["run", "seed", "image"])
def test_an_address_cannot_bring_markdown(name, open_page):
    made_run(seeds=(0, 1))
    test = open_page("probabilities", **{name: "![x](http://example.com/x.png)"})
    assert test.warning and all("![" not in warning.value for warning in test.warning)


def test_an_address_of_any_length_is_cut(open_page):
    test = open_page("start", trained="x" * 50_000, run="y" * 50_000)
    assert len(test.warning) == 2 and all(len(warning.value) < 2500 for warning in test.warning)


def test_a_damaged_run_says_so_without_markdown(open_page):
    run = made_run("queued")
    renamed = RunFolder(run.path.rename(run.path.with_name("![x](y)")))
    (renamed.path / "experiment.json").write_text("{", encoding="utf-8")
    test = open_page("runs", run=renamed.id)
    assert test.error and not any("![" in text for text in shown_as_markdown(test))


# ---- the code

MARKDOWN = set("title header subheader markdown write caption error warning info success exception badge toast".split())
OUTSIDE = {"name", "given_name", "id", "message", "source", "licence", "classes"}
CAUGHT = {"error", "fault", "why", "typed"}


def brings_from_outside(node: ast.AST) -> bool:
    """Whether an expression holds a name or an error that does not go through ``literal``."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("literal", "literal_lines", "len", "any"):
        return False
    if isinstance(node, ast.Attribute) and node.attr in OUTSIDE or isinstance(node, ast.Name) and node.id in CAUGHT:
        return True
    return any(brings_from_outside(part) for part in ast.iter_child_nodes(node))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_and_errors_become_markdown_in_one_place_alone(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        called = node.func if isinstance(node, ast.Call) else None
        logs = getattr(getattr(called, "value", None), "id", "") == "log"  # for the server's log: as it is written
        if isinstance(called, ast.Attribute) and called.attr in MARKDOWN and path.stem != "shell" and not logs:
            for argument in node.args:
                assert not brings_from_outside(argument), f"line {node.lineno}: use literal, or shell.refuse"


def test_what_the_rule_for_the_code_finds():
    found_in = {"f'{run.name}'": True, "str(error)": True, "f'{literal(run.name)}'": False, "'name'": False}
    for code, found in found_in.items():
        assert brings_from_outside(ast.parse(code)) is found
