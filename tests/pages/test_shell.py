"""What all pages share: buttons of which no press is lost."""

import pytest
from streamlit.testing.v1 import AppTest


def script(kind: str) -> None:
    import streamlit as st

    from pages.ui import shell

    if st.session_state.pop("interrupted", False):  # as a part does that finds the run in another state
        st.rerun()
    pressed = shell.button("Cancel", "cancel") if kind == "ours" else st.button("Cancel", "cancel")
    st.session_state["answers"] = st.session_state.get("answers", 0) + pressed
    shell.leave()


@pytest.mark.parametrize(("kind", "answers"), [("ours", 1), ("streamlit's", 0)])
def test_a_press_outlives_an_interrupted_run(kind, answers):
    test = AppTest.from_function(script, args=(kind,)).run()
    test.session_state["interrupted"] = True
    test.button("cancel").click().run()
    assert test.session_state["answers"] == answers
    test.run()
    assert test.session_state["answers"] == answers


def script_without() -> None:
    import streamlit as st

    from pages.ui import shell

    if st.session_state.get("is live", True):
        st.session_state["answers"] = st.session_state.get("answers", 0) + shell.button("Cancel", "cancel")
    shell.leave()


def test_a_press_that_came_too_late_is_not_kept_for_another_time():
    test = AppTest.from_function(script_without).run()
    test.button("cancel").click()
    test.session_state["is live"] = False
    test.run()
    test.session_state["is live"] = True
    test.run()
    assert test.session_state["answers"] == 0
