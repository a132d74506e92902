"""Runs: the folder of one execution of an experiment, and the only package that knows the names of its files."""

from ddlab.runs.check import damaged_files
from ddlab.runs.export import export_run
from ddlab.runs.folder import RunFolder
from ddlab.runs.listing import EXAMPLE, all_runs, list_example_sweeps, list_examples, list_runs, open_run
from ddlab.runs.notes import annotate, matches
from ddlab.runs.stage_folder import StageFolder
from ddlab.runs.state import STATES, TERMINAL, RunState, has_diverged
from ddlab.runs.trash import delete, restore

__all__ = [
    "EXAMPLE",
    "STATES",
    "TERMINAL",
    "RunFolder",
    "RunState",
    "StageFolder",
    "all_runs",
    "annotate",
    "damaged_files",
    "delete",
    "export_run",
    "has_diverged",
    "list_example_sweeps",
    "list_examples",
    "list_runs",
    "matches",
    "open_run",
    "restore",
]
