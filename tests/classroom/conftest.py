"""A room with students, and rules that ask for whom a test acts."""

import pytest

from ddlab import access
from ddlab.classroom import open_room, seats
from ddlab.classroom.rules import RoomRules


class Class:
    """A room whose seats a test takes, and acts for."""

    def __init__(self):
        self.room, self.key = open_room("blue whale", "http://127.0.0.1:1")
        self.lecturer = seats.take(self.room, "L", is_lecturer=True)
        self.who = None

    def student(self, name="Ann"):
        return seats.take(self.room, name)

    def act(self, seat):
        """Let what follows be done by that seat."""
        self.who = seat


@pytest.fixture
def room(own_home):
    room = Class()
    access.install(RoomRules(lambda: room.who))
    yield room
    access.install(None)
