"""Reports of a rank to the run folder while it works."""

import time
from typing import Any

from ddlab.problem import problem_of
from ddlab.ranks import Ranks
from ddlab.runs import RunFolder
from ddlab.runs.health import Stuck, dead_layer, learned, says_the_same
from ddlab.runs.records import EpochRecord, Progress
from ddlab.strategies.stage import Stage, plan, shard

PROGRESS_EVERY = 0.5  # seconds; the pages look once a second


class Reporter:
    """A reporter that appends this rank's records, and on rank 0 keeps the progress of the whole run.

    Progress counts operations: those of the stages that are done, and of the current one in proportion to the epochs of
    rank 0's own share of it.

    Parameters
    ----------
    last_record
        Filled with the record that was reported last, which says where a failure happened.
    """

    def __init__(self, run: RunFolder, ranks: Ranks, last_record: dict[str, object]) -> None:
        self.run, self.ranks, self.last_record = run, ranks, last_record
        self.seeds = run.experiment.seeds
        self.stages: dict[str, Stage] = {stage.name: stage for stage in plan(problem_of(run))}
        self._fractions_done = {_key(record): _fraction_done(record) for record in run.metrics()}
        self._halved = run.halved
        self._stuck: dict[tuple[Any, ...], Stuck] = {}
        self._began = time.monotonic()
        self._done_before: float | None = None
        self._written = float("-inf")

    def report(self, record: EpochRecord) -> None:
        """Append one record of one network and epoch."""
        record = {"time": time.time(), "rank": self.ranks.rank, **record}
        if self._halved:
            record["batch_size"] = self._halved
        self.last_record.update(record)
        self._note_health(record)
        self.run.append_metrics(self.ranks.rank, record)
        if self.ranks.rank > 0:
            return
        if self._done_before is None:
            self._done_before = self._done(record)
        self._fractions_done[_key(record)] = _fraction_done(record)
        last_epoch = record["epoch"] == record["epochs"]
        if last_epoch or time.monotonic() - self._written >= PROGRESS_EVERY:
            self._written = time.monotonic()
            self.run.write_progress(self._progress(record))

    def _note_health(self, record: EpochRecord) -> None:
        """Keep the networks of the current stage that say the same for every image, since when they do."""
        stage, seed, subdomain, _ = key = _key(record)
        self._stuck = {other: stuck for other, stuck in self._stuck.items() if other[:2] == key[:2]}
        if says_the_same(record.get("one_class")):
            since = self._stuck[key].since if key in self._stuck else record["epoch"]
            self._stuck[key] = Stuck(stage, seed, subdomain, since, dead_layer(record), learned(record))
        else:
            self._stuck.pop(key, None)

    def _progress(self, record: EpochRecord) -> Progress:
        done = self._done(record)
        gained = done - (self._done_before or 0.0)
        elapsed = time.monotonic() - self._began
        return {
            "stage": record["stage"],
            "title": self.stages[record["stage"]].title,
            "seed": record["seed"],
            "done": done,
            "remaining": elapsed / gained * (1 - done) if gained > 0 else None,
            "epoch": record["epoch"],
            "epochs": record["epochs"],
            "time": record["time"],
            "stuck": [network.sentence for network in self._stuck.values()],
        }

    def _done(self, record: EpochRecord) -> float:
        """Share of the run's operations that are done, 0..1."""
        total = len(self.seeds) * sum(stage.flops for stage in self.stages.values())
        done = sum(
            stage.flops * self._stage_done(stage, seed, record) for seed in self.seeds for stage in self.stages.values()
        )
        return min(1.0, done / total) if total else 0.0

    def _stage_done(self, stage: Stage, seed: int, record: EpochRecord) -> float:
        if self.run.stage(stage.name, seed).done:
            return 1.0
        if (stage.name, seed) != (record["stage"], record["seed"]):
            return 0.0
        # After a resume the records cover all ranks' networks; only our own say how far we have come.
        own = shard(stage.tasks, self.ranks.size)[0] if stage.kind == "sharded" else [None]
        shares = [
            share for key, share in self._fractions_done.items() if key[:2] == (stage.name, seed) and key[2] in own
        ]
        return min(1.0, sum(shares) / max(1, len(own)))


def _key(record: EpochRecord) -> tuple[Any, ...]:
    return record.get("stage"), record.get("seed"), record.get("subdomain"), record.get("fold")


def _fraction_done(record: EpochRecord) -> float:
    return record["epoch"] / record["epochs"] / record.get("folds", 1)
