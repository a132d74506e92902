"""The glossary: one file for pages and documentation, and every word of it is used where it is explained."""

import ast
import re

import pytest

from ddlab.experiment import Experiment
from ddlab.glossary import FILE, entries, meaning
from pages.ui import words
from tests.pages.conftest import APP

ROOT = APP.parent
DRAWN = ("pages", "ddlab.figures", "ddlab.analyses", "ddlab.registry", "ddlab.recipes", "ddlab.words")
CHAPTERS = [path for path in (ROOT / "docs").rglob("*.md") if not {"_build", "_generated"} & set(path.parts)]


def sources(path, found=None):
    """The texts of a page and of everything that it draws with."""
    found = {} if found is None else found
    found[path] = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(found[path])):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(DRAWN):
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                file = ROOT / (name.replace(".", "/") + ".py")
                if file.is_file() and file not in found and file.name not in ("words.py", "shell.py"):
                    sources(file, found)
    return found


def is_in(word, text):
    """Whether a text has the word, in any number and however it is joined: micro-batches, sub_layer, coherent."""
    stem = re.sub("[ -]", "[ _-]", word.removesuffix(" network").removesuffix("s").lower())
    return re.search(rf"(?<![a-z]){stem}", text.lower()) is not None


def test_every_page_has_its_words():
    names = {path.stem for path in (ROOT / "pages").glob("*.py")}
    assert words.PAGES.keys() == names - {"start"} | {""}


@pytest.mark.parametrize("page", words.PAGES)
def test_words_of_a_page_are_in_the_glossary_and_on_the_page(page):
    text = " ".join(sources(ROOT / "pages" / f"{page or 'start'}.py").values())
    for word in words.PAGES[page]:
        assert meaning(word)
        assert is_in(word, text), f"{page} does not say {word}"
    assert len(set(words.PAGES[page])) == len(words.PAGES[page])


def test_no_word_is_explained_and_never_said():
    chapters = " ".join(path.read_text(encoding="utf-8") for path in CHAPTERS if path.name != "glossary.md")
    shown = {word for page in words.PAGES.values() for word in page} | set(words.FIELDS.values())
    assert [word for word in entries() if word not in shown and not is_in(word, chapters)] == []


def test_the_documentation_shows_every_word_from_the_same_file():
    chapter = ROOT / "docs" / "reference" / "glossary.md"
    included = re.search(r"```\{include\} (\S+)", chapter.read_text(encoding="utf-8"))[1]
    assert (chapter.parent / included).resolve() == FILE
    lines = FILE.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if re.match(r"\w", line)] == list(entries())


def test_meanings_are_plain_text():
    assert meaning("overlap") == "δ: the pixels by which a cell grows beyond each of its inner sides."
    assert "{" not in " ".join(entries().values()) and "`strategy" not in meaning("stage")
    assert meaning("strategy") == "A way to get a classifier. It is a list of stages."
    with pytest.raises(ValueError, match="word: must be one of the glossary, got 'patch'; it has subdomain, "):
        meaning("patch")


def test_the_words_stand_beside_the_title_and_at_their_controls(open_page):
    at = open_page("decompose")
    (menu,) = [text.value for text in at.markdown if text.value.startswith("**subdomain**: A box")]
    assert "**overlap**: δ: the pixels" in menu and "payload" not in menu
    (overlap,) = [slider for slider in at.select_slider if slider.label.startswith("Overlap")]
    assert overlap.help.startswith("**overlap**: δ") and overlap.help.endswith("Neighbours share 2δ px.")


def test_fields_of_an_experiment_are_explained():
    names = {name for part in (Experiment(), *dict(Experiment()).values()) if hasattr(part, "model_fields_set")
             for name in type(part).model_fields}
    assert words.FIELDS.keys() <= names
    told = words.explained_field("dnn.folds", "As the paper.")
    assert told.startswith("As the paper.\n\n**folds**: The parts")
    assert words.explained_field("training.epochs", "Passes.") == "Passes."
