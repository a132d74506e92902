"""Choices are remembered from page to page, so that a name in the address means one thing on all of them."""

import ast
from collections import defaultdict
from pathlib import Path

from streamlit.testing.v1 import AppTest

PAGES = Path(__file__).parents[2] / "pages"
LABEL_AND_NAME = {"pick": (0, 2), "pick_one_of": (1, 2), "pick_percent": (0, 2), "pick_several": (0, 2)}
SAME = {"class": {"Class", "True class"}}  # the class of an image: alone, and beside the class that is decided for


def labels_of_names() -> dict[str, dict[str, set[str]]]:
    """Labels of every choice whose label and name are written out, by name, with the files that draw them."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in PAGES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            places = LABEL_AND_NAME.get(called, ())
            texts = [node.args[place] for place in places if place < len(node.args)]
            if len(texts) == 2 and all(isinstance(text, ast.Constant) for text in texts):
                label, name = (text.value for text in texts)
                found[name][label].add(path.name)
    return found


def test_a_name_in_the_address_means_one_thing_on_every_page():
    found = labels_of_names()
    assert {"layer", "networks", "strategies"} <= set(found) and len(found) > 60
    several = {name: dict(by_label) for name, by_label in found.items() if len(by_label) > 1}
    assert {name: set(by_label) for name, by_label in several.items()} == SAME, several


def several():
    """A choice of two, as a page draws it."""
    import streamlit as st

    from pages.ui.several import pick_several

    st.session_state["drawn"] = pick_several("Networks", ["local", "global"], "networks", ["local", "global"])


def test_what_was_chosen_of_other_options_leaves_the_first_choice():
    at = AppTest.from_function(several)
    at.session_state["networks shown"] = "coherent,gabra"  # of a run that has others
    at.session_state["networks of"] = ""
    assert at.run().session_state["drawn"] == ["local", "global"]


def test_nothing_chosen_by_hand_stays_nothing():
    at = AppTest.from_function(several).run()
    at.pills(key="networks picker").set_value([]).run()
    assert at.session_state["drawn"] == []
    assert at.run().session_state["drawn"] == []
