"""The room itself: codes, keys, cookies, names, and what wrong codes cost."""

import os
import stat
import time

import pytest

from ddlab.classroom import cookies, open_room, room, seats, store, tries
from ddlab.classroom.caps import parse_caps


def test_a_room_goes_on_after_a_restart_and_the_key_is_new():
    first, key = open_room("blue whale", "http://a")
    seat = seats.take(first, "Ann")
    again, other = open_room(None, "http://a")
    assert again.id == first.id and again.code == "blue whale" and other != key
    assert again.is_key(other) and not again.is_key(key)
    assert seats.of_cookie(cookies.sign(again.id, seat.id)) == seat


def test_another_code_is_another_room_and_the_cookies_of_the_first_are_worth_nothing():
    first, _ = open_room("blue whale", "http://a")
    cookie = cookies.sign(first.id, seats.take(first, "Ann").id)
    open_room("red fox", "http://a")
    assert seats.of_cookie(cookie) is None


def test_a_room_that_has_ended_lets_nobody_in_and_another_one_follows():
    first, _ = open_room(None, "http://a")
    cookie = cookies.sign(first.id, seats.take(first, "Ann").id)
    room.change(until=time.time() - 1)
    assert seats.of_cookie(cookie) is None
    assert open_room(None, "http://a")[0].id != first.id


def test_what_is_secret_is_readable_by_its_user_alone():
    cookies.sign("room", "seat")
    open_room(None, "http://a")
    for name in ("key", "room.json"):
        assert stat.S_IMODE(os.stat(store.folder() / name).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(store.folder()).st_mode) == 0o700


def test_a_cookie_that_was_changed_anywhere_is_worth_nothing():
    now, _ = open_room("blue whale", "http://a")
    cookie = cookies.sign(now.id, seats.take(now, "Ann").id)
    for place in range(len(cookie) - 1):  # the last letter has bits that mean nothing
        other = "A" if cookie[place] != "A" else "B"
        assert seats.of_cookie(cookie[:place] + other + cookie[place + 1 :]) is None, place
    for odd in ("", ".", "x" * 100_000, "é", "\0"):
        assert seats.of_cookie(odd) is None


def test_a_seat_that_was_sent_out_is_no_seat():
    now, _ = open_room("blue whale", "http://a")
    seat = seats.take(now, "Ann")
    seats.send_out(seat.id)
    seats.send_out("../room")
    assert seats.of_cookie(cookies.sign(now.id, seat.id)) is None and room.current() is not None


@pytest.mark.parametrize("name, kept", [("  Ann \n B ", "Ann B"), ("<b>x</b>", "<b>x</b>"), ("A\u202eB\0", "AB")])
def test_a_name_is_any_text_in_one_line(name, kept):
    assert seats.checked_name(name) == kept


@pytest.mark.parametrize("name", ["", " \n", "\u200b\u202e", "x" * 41])
def test_what_cannot_be_shown_is_no_name(name):
    with pytest.raises(ValueError, match="1 to 40 characters"):
        seats.checked_name(name)


def test_wrong_codes_cost_nothing_then_twice_as_much_each():
    assert [tries.delay(wrong, 3, 30.0) for wrong in range(9)] == [0, 0, 0, 1, 2, 4, 8, 16, 30]


def test_wrong_codes_of_one_address_are_not_anothers_until_they_are_many():
    for _ in range(tries.FREE):
        assert tries.wait("1.2.3.4") == 0
        tries.note_wrong("1.2.3.4")
    assert 0 < tries.wait("1.2.3.4") <= 2 and tries.wait("5.6.7.8") == 0
    for number in range(tries.FREE_OF_ALL):
        tries.note_wrong(f"10.0.0.{number}")
    assert 0 < tries.wait("5.6.7.8") <= tries.LONGEST_OF_ALL


def test_a_code_is_the_same_in_large_letters_and_with_other_spaces():
    now, _ = open_room("Blue Whale", "http://a")
    assert now.is_code("  blue   WHALE ") and not now.is_code("bluewhale") and not now.is_code("")


def test_a_short_code_is_refused():
    with pytest.raises(ValueError, match="4 to 60"):
        open_room("abc", "http://a")


def test_caps_name_what_is_wrong():
    with pytest.raises(ValueError, match="caps: .*epoch"):
        parse_caps({"epoch": 3}, "caps")
    with pytest.raises(ValueError, match="caps: minutes"):
        parse_caps({"minutes": -3}, "caps")
    assert parse_caps({"running": None, "epochs": "7"}, "caps").epochs == 7
    with pytest.raises(ValueError, match="caps: pages: .*did you mean 'lessons'"):
        parse_caps({"pages": "lesson"}, "caps")
    assert parse_caps({"pages": " lessons, cam "}, "caps").pages == ("lessons", "cam")
