"""The menu of a chart: nothing of it is made before it is opened."""

from streamlit.testing.v1 import AppTest


def page():
    import pandas as pd

    from ddlab.figures import graph_objects as go
    from ddlab.figures.layout import finish
    from pages.ui import charts

    def table():
        return pd.DataFrame({"x": [1, 2], "y": [3, 4]})

    figure = finish(go.Figure(go.Scatter(x=[1, 2], y=[3, 4])), "Three <i>and four</i>", "x", "y")
    charts.show(figure, table, "some", "some-file")


def test_the_table_is_there_when_the_menu_is_open():
    at = AppTest.from_function(page).run()
    assert not at.exception and len(at.get("plotly_chart")) == 1
    assert not at.dataframe and not at.get("download_button")
    at.session_state["some menu"] = True
    at.run()
    assert not at.exception and at.dataframe[0].value["y"].tolist() == [3, 4]
    assert [button.proto.label for button in at.get("download_button")] == ["Table as CSV"]
