"""Choices that are held: what a lesson or a shared link has settled, no address and no press changes."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui import held


def script(seen: str) -> None:
    import streamlit as st

    from pages.ui import held, selection
    from pages.ui.several import pick_several

    def part() -> None:
        st.session_state["inside"] = selection.pick("Nut", ["almond", "pecan"], "nut")

    frame = held.Frame({"fruit": "pear", "nut": "pecan", "many": "b,c"}, frozenset(seen.split()))
    with held.hold(frame):
        st.session_state["fruit"] = selection.pick("Fruit", ["apple", "pear", "plum"], "fruit")
        st.session_state["many"] = pick_several("Letters", ["a", "b", "c"], "many", ["a"])
        held.fragment(part)()
    st.session_state["after"] = selection.pick("Fruit", ["apple", "pear", "plum"], "fruit")


@pytest.mark.parametrize("seen", ["", "fruit"])
def test_neither_address_nor_press_moves_what_is_held(seen):
    test = AppTest.from_function(script, args=(seen,))
    test.query_params["fruit"] = "plum"
    test.session_state["fruit wanted"] = "apple"
    test.run()
    assert not test.exception
    assert (test.session_state["fruit"], test.session_state["inside"]) == ("pear", "pecan")
    assert test.session_state["many"] == ["b", "c"]
    assert test.session_state["after"] == "plum", "outside, the address decides"
    assert [box.disabled for box in test.text_input] == [True] * bool(seen)


def script_free(free: str) -> None:
    import streamlit as st

    from pages.ui import held, selection
    from pages.ui.several import pick_several

    @held.fragment
    def ends() -> None:
        st.caption("before")
        held.stop()
        st.caption("after")

    with held.hold(held.Frame({"fruit": "pear"}, free=frozenset(free.split()))):
        st.session_state["fruit"] = selection.pick("Fruit", ["apple", "pear", "plum"], "fruit")
        st.session_state["nut"] = selection.pick("Nut", ["almond", "pecan"], "nut", "pecan")
        st.session_state["many"] = pick_several("Letters", ["a", "b", "c"], "many", ["a", "b"])
        held.heading("Choices")
        ends()
    st.caption("beside")


def test_what_is_not_free_is_as_it_is_at_first_and_a_part_ends_alone():
    test = AppTest.from_function(script_free, args=("",))
    test.query_params.update({"fruit": "plum", "nut": "almond", "many": "c"})
    test.run()
    assert not test.exception and not test.warning and not test.selectbox and not test.header
    assert (test.session_state["fruit"], test.session_state["nut"]) == ("pear", "pecan")
    assert test.session_state["many"] == ["a", "b"]
    assert [caption.value for caption in test.caption] == ["before", "beside"]


def test_what_is_free_begins_as_it_is_asked_for_and_can_be_chosen():
    test = AppTest.from_function(script_free, args=("fruit",)).run()
    assert [box.label for box in test.selectbox] == ["Fruit"]
    assert test.session_state["fruit"] == "pear"
    test.selectbox[0].set_value("plum").run()
    assert (test.session_state["fruit"], test.session_state["nut"]) == ("plum", "pecan")


def script_elsewhere() -> None:
    import streamlit as st

    from pages.ui import held, selection

    with held.hold(held.Frame({"fruit": "fig"})):
        st.session_state["fruit"] = selection.pick("Fruit", ["apple", "pear"], "fruit", "pear")


def test_where_it_is_left_out_nothing_else_is_shown_instead():
    test = AppTest.from_function(script_elsewhere).run()
    assert "fruit" not in test.session_state
    assert "Fruit is held at “fig”, which the other choices leave out" in test.warning[0].value


def test_the_outer_frame_wins():
    with held.hold(held.Frame({"image": "3"}, frozenset({"image"}))):
        with held.hold(held.Frame({"image": "5", "class": "cat"})):
            assert (held.value("image"), held.value("class")) == ("3", "cat")
            assert held.is_seen("image") and not held.is_seen("class")
        assert held.value("class") is None
    assert held.value("image") is None
