"""A room: many people at one server, each with a seat, runs of their own, caps, and turns in the queue.

``ddlab classroom`` opens a *room* (:mod:`.room`): a code to get in, a lecturer's key, an end. Who gets in has a *seat*
(:mod:`.seats`): a name, and a signed cookie (:mod:`.cookies`). Before the pages stands the *gate* (:mod:`.gate`), an
ASGI middleware, and below them are the rules (:mod:`.rules`), which :mod:`ddlab.access` asks for every run. Everything
is in ``home()/classroom``, in files that are replaced whole, so several processes and a restart lose nothing.
"""

from ddlab.classroom.caps import Caps, caps_now, set_caps
from ddlab.classroom.room import VARIABLE, Room, current, is_classroom, open_room
from ddlab.classroom.seats import Seat

__all__ = ["VARIABLE", "Caps", "Room", "Seat", "caps_now", "current", "is_classroom", "open_room", "set_caps"]
