"""Lessons: a class is led through what the pages show, predicts before it sees, and trains for real."""

import streamlit as st

from ddlab.lessons import LessonError, open_lesson
from pages.ui import shell
from pages.ui.lessons import listing, step, told
from pages.ui.lessons.visitor import visitor
from pages.ui.literal import literal

head = st.container()
who = visitor()
chosen = listing.pick(who)
if chosen == listing.NONE:
    with head:
        shell.title("What would you like to understand?")
        st.write(
            "Each lesson takes 10 to 20 minutes and shows recorded trainings. It asks you what will happen before it "
            "shows it, and lets you train for real in less than a minute."
        )
    st.stop()
try:
    lesson = open_lesson(chosen)
    recorded = told.recorded(lesson)
except LessonError as error:
    with head:
        shell.title("This file is no lesson")
    shell.refuse(error)
    st.stop()
except ValueError as error:
    with head:
        shell.title("This lesson cannot be shown")
    shell.refuse(error)
    st.stop()
with head:
    shell.title(literal(lesson.front.title))
place = listing.pick_step(lesson)
now = lesson.steps[place]
st.header(literal(now.title), anchor=False)
is_seen = step.show(lesson, now, who, recorded)
if is_seen and place == len(lesson.steps) - 1:
    try:
        listing.end(lesson, who, recorded)
    except ValueError as error:
        shell.refuse(error)
listing.go_on(lesson, place, is_seen=is_seen)
