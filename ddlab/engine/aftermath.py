"""The aftermath of a training program: nothing, a restart from the last checkpoints, or a failure in a sentence.

A failure that a rank could explain ends the run, since it would come again: a loss that became NaN, data or settings
that cannot work, a full disk. A rank that was lost (killed by the system, crashed, silent, cut off from the others) may
have met bad luck, and the run goes on without anybody who has to look.
"""

import logging
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddlab.engine import allowance
from ddlab.engine.failures import PEER_LOST
from ddlab.engine.heartbeat import read_all
from ddlab.engine.standstill import Silence, told
from ddlab.engine.torchrun import EXITS
from ddlab.records import ANYTHING
from ddlab.runs import TERMINAL, RunFolder
from ddlab.runs.records import Failure
from ddlab.words import duration

log = logging.getLogger(__name__)

ASKED = (-signal.SIGTERM, -signal.SIGINT, -1)  # a rank that was asked to stop; a hang-up is the third
MOST_LINES = 40  # of a rank's log, in place of a traceback
KILLED, CRASHED = (-9,), (-4, -6, -7, -8, -11)  # kill; illegal instruction, abort, bus, arithmetic, segmentation


def goes_on(path: Path, code: int, silence: Silence | None, restarts: int) -> bool:
    """Look at how a training program ended, write it, and say whether it is to be started again.

    Parameters
    ----------
    path
        Folder of the run.
    code
        Exit code of the program; negative: killed by that signal.
    silence
        Why the supervisor ended it, if it did.
    restarts
        Times that it may be started again, at most.
    """
    run = RunFolder(path)
    status = run.status()
    if status.get("state") in TERMINAL or run.cancel_requested:
        return False
    exits = {int(rank): exit for rank, exit in ANYTHING.read(path / EXITS).items()}
    (path / EXITS).unlink(missing_ok=True)
    failure = run.failure() or _loss(run, code, silence, exits or {0: code})
    if failure is None:
        return False  # asked to stop, by somebody who knows no cancel
    before, halved = status.get("restarts") or [], failure.get("batch_size")
    if halved:
        run.halve(halved)
    elif len(before) - bool(run.halved) >= restarts:
        _give_up(run, failure, len(before))
        return False
    (path / "failure.json").unlink(missing_ok=True)
    log.warning("restart %d of %d: %s", len(before) + 1, restarts, failure["sentence"])
    restart = {"time": time.time(), "sentence": failure["sentence"]}
    run.update_status(restarts=[*before, restart], ranks=[])
    return True


def end_of_allowance(path: Path) -> None:
    """Write of a run that it has taken all the time that it was allowed."""
    run = RunFolder(path)
    if run.status().get("state") not in TERMINAL:
        run.end("cancelled", allowance.sentence(allowance.read(path)[0] or 0))


def _give_up(run: RunFolder, failure: Failure, restarts: int) -> None:
    after = f" after {restarts} restart{'s' * (restarts > 1)}" if restarts else ""
    sentence = f"{failure['sentence']} It is given up{after}; Resume goes on from the last checkpoint."
    (run.path / "failure.json").unlink(missing_ok=True)
    run.write_failure({**failure, "sentence": sentence})
    run.end("failed", sentence)


def _loss(run: RunFolder, code: int, silence: Silence | None, exits: Mapping[int, int]) -> Failure | None:
    """The loss of a rank that left no word; None where the program was asked to stop."""
    if silence is not None:
        rank, what = silence.rank, _silent(silence)
    else:
        rank = _first_lost(exits)
        if rank is None:
            return None
        what = _lost(rank, exits[rank], many=(run.status().get("workers") or 1) > 1)
    where = _where(run, rank)
    failure: Failure = {
        "sentence": f"{what}{where}.",
        "error": "RankLost",
        "traceback": "\n".join(run.log(rank).splitlines()[-MOST_LINES:]) or None,
    }
    return {**failure, "rank": rank} if rank is not None else failure


def _first_lost(exits: Mapping[int, int]) -> int | None:
    """The rank that the others were lost with: one that was killed or crashed, before those that lost their peer."""
    of_its_own = [rank for rank, exit in exits.items() if exit not in (*ASKED, 0, PEER_LOST)]
    by_signal = [rank for rank in of_its_own if exits[rank] < 0]
    cut_off = [rank for rank, exit in exits.items() if exit == PEER_LOST]
    return next(iter([*by_signal, *of_its_own, *cut_off]), None)


def _lost(rank: int, exit: int, *, many: bool) -> str:
    who = f"Rank {rank}" if many else "The training program"
    if exit in KILLED:
        return f"{who} was killed by signal 9 (SIGKILL), by the system for lack of memory perhaps"
    if exit in CRASHED:
        return f"{who} crashed by signal {-exit} ({_signal(exit)})"
    if exit < 0:
        return f"{who} was ended by signal {-exit} ({_signal(exit)})"
    if exit == PEER_LOST:
        return f"{who} lost the connection to the others"
    return f"{who} ended with code {exit} and without a word"


def _silent(silence: Silence) -> str:
    if silence.told:
        return silence.told
    time = duration(silence.seconds)
    if silence.beats:
        return told(silence.beats, silence.rank, time)
    return f"Rank {silence.rank} was last heard of {time} ago"


def _signal(exit: int) -> str:
    try:
        return signal.Signals(-exit).name
    except ValueError:
        return "unknown"


def _where(run: RunFolder, rank: int | None) -> str:
    """The last epoch that the rank, or else the run, has told: a record may be younger than the last heartbeat."""
    found: list[Mapping[str, Any]] = [
        record for record in run.metrics() if rank is not None and record.get("rank") == rank
    ]
    if rank is not None:
        found.append(read_all(run.path).get(rank, {}))
    known = max((one for one in found if "epoch" in one), key=lambda one: one["time"], default=run.progress())
    return f", after epoch {known['epoch']} of '{known['stage']}'" if "epoch" in known else ", before its first epoch"
