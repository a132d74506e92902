"""Figures: arrays and tables in, plotly figures out, all with one look and the same colours."""
