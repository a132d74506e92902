"""The menu of a chart: nothing of it is made before it is opened."""

from streamlit.testing.v1 import AppTest


def page():
    import pandas as pd

    from ddlab.figures import graph_objects as go
    from ddlab.figures.layout import finish
    from pages.ui import charts

    def table():
        return pd.DataFrame({"x": [1, 2], "y": [3, 4]})

    figure = finish(go.Figure(go.Scatter(x=[1, 2], y=[3, 4])), "Three <i>and <b class=x>four</i>", "x", "y")
    charts.show(figure, table, "some", "some-file")


def test_the_title_stands_above_the_chart_and_a_tag_that_is_not_ours_is_shown_as_it_is_written():
    at = AppTest.from_function(page).run()
    (title,) = at.get("html")
    assert title.proto.body == '<div class="ddlab-title">Three <i>and &lt;b class=x>four</i></div>'


def test_the_table_is_there_when_the_menu_is_open():
    at = AppTest.from_function(page).run()
    assert not at.exception and len(at.get("plotly_chart")) == 1
    assert not at.dataframe and not at.get("download_button")
    at.session_state["some menu"] = True
    at.run()
    assert not at.exception and at.dataframe[0].value["y"].tolist() == [3, 4]
    assert [button.proto.label for button in at.get("download_button")] == ["Table as CSV"]
