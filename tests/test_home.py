"""Where data lie that somebody named."""

import pytest

from ddlab.home import data_home, data_name, data_path, home


def test_a_path_is_below_the_data_home_unless_it_is_absolute(monkeypatch, tmp_path):
    monkeypatch.setenv("DDLAB_DATA", str(tmp_path))
    assert data_path("flowers") == data_home() / "flowers"
    assert data_path("/elsewhere/x") == data_path("/elsewhere") / "x"
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert data_path("~/x") == tmp_path / "me" / "x"


def test_a_path_is_named_as_it_is_right_elsewhere(monkeypatch, tmp_path):
    """What is kept lies in the home, also where data sets lie in another folder: a link names it without either."""
    monkeypatch.setenv("DDLAB_DATA", str(tmp_path / "sets"))
    kept = home() / "data" / "own" / "pets" / "content"
    for path, name in (
        (kept, "own/pets/content"),
        (tmp_path / "sets" / "flowers", "flowers"),
        (tmp_path / "else", str(tmp_path / "else")),
    ):
        assert data_name(path) == name and data_path(name) == path


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("~nosuchuser/x", "a user who is not known"),
        ("x" * 5000, "too long"),
        ("x" * 256, "too long"),
        ("ü" * 128, "too long"),
        ("x/" * 2500, "too long"),
        ("a\0b", "character 0"),
        ("a\ud800b", "characters that no file name has"),
    ],
)
def test_what_cannot_be_a_path_is_refused_in_a_short_sentence(text, word):
    with pytest.raises(ValueError, match=word) as refused:
        data_path(text)
    assert str(refused.value).startswith("path: ") and len(str(refused.value)) < 300
