"""The chosen subdomain: one choice for all pages."""

from streamlit.testing.v1 import AppTest


def page():
    import streamlit as st

    from pages.ui import selection

    st.write(str(selection.pick_subdomain(4, "the surest: 3")))


def test_the_address_counts_from_one_and_the_index_from_zero():
    at = AppTest.from_function(page)
    at.query_params["subdomain"] = "3"
    at.run()
    assert not at.exception and at.markdown[0].value == "2"
    assert at.selectbox[0].options == ["the surest: 3", "1", "2", "3", "4"]
    at.selectbox[0].set_value("all").run()
    assert at.markdown[0].value == "None"


def test_one_that_is_not_there_is_told():
    at = AppTest.from_function(page)
    at.query_params["subdomain"] = "9"
    at.run()
    assert at.markdown[0].value == "None" and "which is not here" in at.warning[0].value
