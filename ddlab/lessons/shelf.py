"""The lessons that there are: those that come with ddlab, and a lecturer's own below ``DDLAB_HOME/lessons``."""

from collections.abc import Iterator
from pathlib import Path

from ddlab.home import home, shipped
from ddlab.lessons.lesson import Lesson, LessonError, read_lesson
from ddlab.registry import unknown

SUFFIX = ".md"


def own_folder() -> Path:
    """The folder of a lecturer's own lessons."""
    return home() / "lessons"


def lesson_files() -> dict[str, Path]:
    """Files of all lessons by their ids: ours in the order of their names, then own ones; these win."""
    ours = {path.stem: path for path in sorted((shipped() / "assets" / "lessons").glob(f"*{SUFFIX}"))}
    return ours | {path.stem: path for path in sorted(own_folder().glob(f"*{SUFFIX}"))}


def list_lessons() -> Iterator[Lesson | tuple[str, LessonError]]:
    """Yield every lesson; of a file that is none its id, and why."""
    for id, path in lesson_files().items():
        try:
            yield read_lesson(path, path.is_relative_to(own_folder()))
        except LessonError as error:
            yield id, error


def open_lesson(id: str) -> Lesson:
    """Read the lesson with this id.

    Raises
    ------
    ValueError
        If there is none (names the choices), or its file is no lesson (:class:`LessonError`).
    """
    files = lesson_files()
    if id not in files:
        raise ValueError(unknown("lesson", id, files))
    return read_lesson(files[id], files[id].is_relative_to(own_folder()))
