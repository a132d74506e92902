"""``python -m ddlab.engine.worker RUN KIND``: one rank of a run, alone or under torchrun.

Every outcome ends in the run folder, and no rank outlives its run: a clean end or a failure of its own is written; a
rank that only lost its peers, or was asked to stop, leaves quietly, and the state follows from what is in the folder.
"""

import faulthandler
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import cast

from ddlab.engine.failures import PEER_LOST, describe_failure, lacks_gpu_memory, may_pass
from ddlab.engine.heartbeat import Heartbeat
from ddlab.engine.orphans import end_with_launcher
from ddlab.ranks import Ranks
from ddlab.runs import RunFolder
from ddlab.runs.records import EpochRecord, Failure

log = logging.getLogger(__name__)

LAST_BARRIER = 60.0  # seconds that rank 0 may need to write the end


class StopRequest:
    """A request to stop this process, and whether it was answered; looked at once a step.

    Parameters
    ----------
    signals
        Those that ask. They are noted from the first check on; before, nothing would answer, and they end the
        process as they end any other: where ranks meet and data are decoded it waits in libraries that hear no signal.
    """

    def __init__(self, signals: Sequence[signal.Signals] = ()) -> None:
        self.signals = signals
        self.asked = False
        self.answered = False
        for number in signals:
            signal.signal(number, signal.SIG_DFL)

    def check(self) -> None:
        """Raise ``Stopped`` if this process was asked to stop."""
        while self.signals:
            *self.signals, number = self.signals
            signal.signal(number, self._note)
        if self.asked:
            from ddlab.training.loop import Stopped

            self.answered = True
            raise Stopped

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


def main() -> None:
    """Set the rank up, work, and leave without a trace."""
    run, kind = RunFolder(sys.argv[1]), sys.argv[2]
    ranks = _who_am_i(kind)
    stop = StopRequest((signal.SIGTERM, signal.SIGINT))  # a terminal sends the second one
    end_with_launcher()
    _write_output_to(run, ranks.rank)
    run.record_rank(ranks.rank)
    code = work(run, ranks, stop)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # gloo's threads abort one interpreter in seven that ends in the ordinary way


def work(run: RunFolder, ranks: Ranks, stop: StopRequest) -> int:
    """Train, write how it ended, and return the exit code."""
    last_record: dict[str, object] = {}
    try:
        _train(run, ranks, stop, last_record)
    except Exception as error:  # the run must end in a state with a sentence, whatever happens
        if stop.answered or run.cancel_requested:  # what a cancelled rank still meets comes of the others' end
            log.info("rank %d stops, as it was asked to", ranks.rank)
            return 0
        return _fail(run, ranks, error, last_record)
    if ranks.rank == 0:
        run.end("finished")
    else:
        _wait_for_the_end(run)
    return 0


def _train(run: RunFolder, ranks: Ranks, stop: StopRequest, last_record: dict[str, object]) -> None:
    from ddlab.engine.reporter import Reporter
    from ddlab.engine.timesheet import Timesheet
    from ddlab.strategies.execute import execute
    from ddlab.training.no_compiler import leave_out

    heartbeat = Heartbeat(run.path, ranks.rank, run.experiment.placement.heartbeat_timeout, last_record)

    def check() -> None:
        heartbeat.step()
        stop.check()

    sheet = Timesheet(run, ranks.rank, ranks.device)
    heartbeat.tell = lambda: {"sheet": sheet.now()}

    def begin(stage: str, seed: int) -> None:
        sheet.begin(stage, seed)
        heartbeat.begin(stage, seed)

    with heartbeat:
        ranks.join()  # asks the compiler to forget, if it is there
        leave_out()
        try:
            execute(run, ranks, Reporter(run, ranks, last_record).report, check, begin)
        finally:
            sheet.end()
        ranks.barrier()


def _wait_for_the_end(run: RunFolder) -> None:
    """Stay until rank 0 has written the end: a peer that leaves while rank 0 is in its last barrier fails it."""
    deadline = time.monotonic() + LAST_BARRIER
    while run.status().get("state") == "running" and time.monotonic() < deadline:
        time.sleep(0.05)


def _fail(run: RunFolder, ranks: Ranks, error: Exception, last_record: dict[str, object]) -> int:
    """Write why this rank failed, and return its exit code; what may pass is for the supervisor to end or to retry."""
    log.error("rank %d failed", ranks.rank, exc_info=error)
    sentence = describe_failure(error, last_record)
    if sentence is None or run.status().get("state") == "finished":
        return PEER_LOST  # another rank's end, which is not ours to explain
    last = cast(EpochRecord, last_record)
    failure: Failure = {
        "sentence": sentence,
        "error": type(error).__name__,
        "traceback": "".join(traceback.format_exception(error)),
        "stage": getattr(error, "stage", last.get("stage")),
        "epoch": getattr(error, "epoch", last.get("epoch")),
        "rank": ranks.rank,
    }
    if half := _half_batch(run, error):
        failure["batch_size"] = half
        failure["sentence"] = f"{sentence} It goes on with {half} images a step, half as many as it was asked for."
    if run.write_failure(failure) and not (half or may_pass(error)):
        run.end("failed", sentence)
    return 1


def _half_batch(run: RunFolder, error: Exception) -> int:
    """Half the images of a step, where a GPU is short of memory and the run may go on with them; else 0."""
    training = run.experiment.training
    half = training.batch_size // 2
    if not lacks_gpu_memory(error) or training.out_of_memory != "halve" or run.halved or not half:
        return 0
    from ddlab.problem import pose
    from ddlab.strategies.stage import plan

    try:
        plan(pose(run.experiment.with_settings({"training.batch_size": half})))
    except ValueError:  # a pipeline cannot cut them in equal parts
        return 0
    return half


def _who_am_i(kind: str) -> Ranks:
    """Read rank and size from the environment that torchrun sets; one rank alone without it."""
    size, place = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_RANK", 0))
    rank = int(os.environ.get("RANK", 0))
    if kind != "cuda":
        return Ranks(rank, size, kind)
    ranks_here = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if os.environ.get("CUDA_VISIBLE_DEVICES") else []
    count = len(gpus) or ranks_here  # where nobody chose, each rank has one
    # In turn: the ranks that are given most work have the lowest numbers (ddlab.strategies.stage.shard).
    return Ranks(rank, size, f"cuda:{place % count}", shares=ranks_here > count)


def _write_output_to(run: RunFolder, rank: int) -> None:
    """Send this process's output, that of C libraries included, to the rank's log."""
    with run.log_path(rank).open("ab") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    faulthandler.enable()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


if __name__ == "__main__":
    main()
