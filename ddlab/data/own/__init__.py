"""Data sets of the user's own that ddlab keeps: received, looked through before anything is trained, kept, deleted.

:func:`inspect` decodes every file and says what is in a folder, an archive or an npz; :func:`keep` copies what can be
read to ``home()/data/own/NAME``, where ``folder`` or ``nifti`` open it by its path.
"""

from ddlab.data.own.inspecting import Inspection, inspect
from ddlab.data.own.report import ClassCount, Finding, Report
from ddlab.data.own.shelf import OwnSet, delete, find, keep, kept

__all__ = [
    "ClassCount",
    "Finding",
    "Inspection",
    "OwnSet",
    "Report",
    "delete",
    "find",
    "inspect",
    "keep",
    "kept",
]
