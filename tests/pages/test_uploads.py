"""Files that visitors hand in: the same content is kept once, and the oldest make room."""

import os

import pytest

from pages.ui.maps import uploads


@pytest.fixture
def room(monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 250)


def handed_in(name, content, hours_ago):
    path = uploads.keep(name, content)
    os.utime(path.parent, (1e9 - 3600 * hours_ago,) * 2)
    return path


def test_the_oldest_make_room(room, own_home):
    first, second, third = (handed_in("a.png", bytes([n]) * 100, hours_ago=9 - n) for n in range(3))
    assert [path.exists() for path in (first, second, third)] == [False, True, True]
    assert uploads.keep("a.png", second.read_bytes()) == second, "asked for again: now the newest"
    fourth = uploads.keep("a.png", b"4" * 100)
    assert [path.exists() for path in (second, third, fourth)] == [True, False, True]


def test_one_that_is_too_large_by_itself_is_kept_while_it_is_the_newest(room):
    large = uploads.keep("a.png", b"x" * 300)
    assert large.exists()
    uploads.keep("a.png", b"y")
    assert not large.exists()


NAMES = ["../../x.png", "/etc/x.png", "a\0b.png", "x" * 5000 + ".nii.gz", "ü" * 300 + ".png", ".png", "..."]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_becomes_one_that_a_file_can_have(name, own_home):
    path = uploads.keep(name, b"content")
    assert path.read_bytes() == b"content"
    assert path.resolve().parent.parent == own_home / "cache" / "uploads"
    assert path.name.endswith(("png", ".nii.gz", "file")) and list(path.parent.iterdir()) == [path]
