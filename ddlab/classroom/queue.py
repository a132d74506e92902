"""The queue of a room: who waits for what, in the order of turns."""

from typing import Any

from ddlab import access
from ddlab.engine.tickets import tickets
from ddlab.engine.turns import in_turns, served


def at_work_and_waiting() -> list[dict[str, Any]]:
    """Return a row for each ticket: ``run`` (its id), ``name``, ``who``, ``state`` and ``devices`` (held or wanted)."""
    queue = tickets()
    works = [ticket for ticket in queue if not ticket.waits]
    rows = []
    for ticket in [*works, *in_turns(queue, served=served())]:
        place = ", ".join(ticket.slots) if ticket.slots else f"{ticket.wanted} × {ticket.kind}"
        who = access.owner_name(ticket.run.path) or "the lecturer"
        state = "at work" if ticket.slots else "waits"
        rows.append({"run": ticket.run.id, "name": ticket.run.name, "who": who, "state": state, "devices": place})
    return rows
