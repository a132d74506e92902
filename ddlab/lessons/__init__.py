"""Lessons: a file of text, views, predictions, trials and checks that leads a class through what the pages show."""

from ddlab.lessons.answers import Answer, Visitor, new_id, visitors
from ddlab.lessons.blocks import KINDS, Block, Check, Prediction, Trial, View
from ddlab.lessons.check import check_lesson, experiment_of
from ddlab.lessons.facts import FACTS, Facts
from ddlab.lessons.known import RecordedFacts, facts_of_trial, recorded_facts
from ddlab.lessons.lesson import Fault, Front, Lesson, LessonError, Part, Step, parse_lesson, read_lesson
from ddlab.lessons.outcome import Bar, Outcome, outcome_of, read_answer, unit_asked
from ddlab.lessons.placeholders import filled, told
from ddlab.lessons.shelf import lesson_files, list_lessons, open_lesson, own_folder

__all__ = [
    "FACTS", "KINDS", "Answer", "Bar", "Block", "Check", "Facts", "Fault", "Front", "Lesson", "LessonError", "Outcome",
    "Part", "Prediction", "RecordedFacts", "Step", "Trial", "View", "Visitor", "check_lesson", "experiment_of",
    "facts_of_trial", "filled", "lesson_files", "list_lessons", "new_id", "open_lesson", "outcome_of", "own_folder",
    "parse_lesson", "read_answer", "read_lesson", "recorded_facts", "told", "unit_asked", "visitors",
]  # fmt: skip
