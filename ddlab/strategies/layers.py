"""Strategies that cut the layers of the global network: what they share, from the partition to what a stage leaves.

The network is that of ``global``, with the same first weights and the same order of the images, so that it can be
compared step by step. Every rank that the placement uses holds some of the modules; further ranks have nothing to do.

Shapes: M images, K classes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ddlab.data.source import SplitName
from ddlab.experiment import ExperimentError, TrainingSettings
from ddlab.pipeline.partition import Partition, partition
from ddlab.pipeline.placement import Placement
from ddlab.problem import Problem
from ddlab.ranks import Ranks
from ddlab.strategies.global_network import write_scores
from ddlab.strategies.growth import Exchange, Growth, Load, Order, Share
from ddlab.strategies.results import write_result
from ddlab.strategies.stage import (
    BACKWARD,
    Payload,
    Stage,
    StageContext,
    Task,
    kept_whole,
    predicted_images,
    steps_an_epoch,
    training_flops,
)

if TYPE_CHECKING:
    from ddlab.pipeline.model import PipelineModel
    from ddlab.runs.records import EpochRecord
    from ddlab.training.batches import ImageFeed
    from ddlab.training.loop import Loop
    from ddlab.training.totals import Means
    from ddlab.training.trainee import Trainee

GLOBAL = "global"  # the stage whose first weights these strategies begin with

TrainEpoch = Callable[["Loop", int, "list[Trainee]"], "Means"]


def modules_of(problem: Problem) -> Partition:
    """Cut the global network in the modules that the experiment asks for.

    Raises
    ------
    ExperimentError
        If it cannot be cut in so many; names the field, the rule, the value and the choices.
    """
    asked = problem.experiment.pipeline
    try:
        return partition(problem.global_network, asked.modules, asked.grouping)
    except ValueError as error:
        told = str(error)
        raise ExperimentError(told if told.startswith("model") else f"pipeline.{told}") from None


def check_parts(problem: Problem, field: str, micro_batches: int, replicas: int = 1) -> None:
    """Refuse a batch that cannot be cut in equal parts, or more parts than images.

    Raises
    ------
    ExperimentError
        Names the field, the rule, the value and the nearest choices.
    """
    batch, images = problem.experiment.training.batch_size, problem.description.num_train
    if batch % replicas:
        raise ExperimentError(f"gabra.replicas: must divide training.batch_size = {batch}, got {replicas}")
    share = batch // replicas
    if share % micro_batches:
        around = [max(m for m in range(1, min(micro_batches, share) + 1) if share % m == 0)]
        around += [m for m in range(micro_batches, share + 1) if share % m == 0][:1]
        whole = f"a replica's {share} images" if replicas > 1 else f"training.batch_size = {batch}"
        raise ExperimentError(
            f"{field}: must divide {whole}, got {micro_batches}; nearest: {' or '.join(map(str, around))}"
        )
    if micro_batches * replicas > images:
        raise ExperimentError(f"{field}: each needs an image; {images} are for training, got {micro_batches}")


def layers_stage(problem: Problem, name: str, run: Callable[[StageContext], None], sends: str) -> Stage:
    """Declare a stage that trains the modules of the global network and leaves it under the stage's name.

    Parameters
    ----------
    sends
        What crosses every border between two modules, in words.
    """
    cut, images = modules_of(problem), problem.experiment.training.batch_size
    tasks = tuple(
        Task(f"module {number}", training_flops(module.flops, problem)) for number, module in enumerate(cut.modules, 1)
    )
    kept = kept_whole(problem, name)
    payload = Payload(2 * images * sum(cut.bytes_between(problem.number_bytes)), sends)
    stage = Stage(name, kept.title, "collective", run, tasks=tasks, networks=(kept,), payload=payload)
    return replace(stage, most_ranks=len(cut.modules), hands_on=True)


def grow_modules(problem: Problem, placement: Placement, images: int, replicas: int = 1) -> Growth:
    """Give every rank of a replica its modules, and every replica its part of a batch in micro-batches.

    Parameters
    ----------
    images
        Of a step, over all replicas.
    """
    part, modules = images / replicas, placement.partition.modules
    once: dict[str, Any] = {"evaluated": problem.description.num_validation / replicas}
    once |= {"predicted": predicted_images(problem) / replicas}
    shares, exchanges = [], []
    for rank in range(placement.num_ranks):
        own = [modules[index] for stretch in placement.stretches_of(rank) for index in placement.stretches[stretch]]
        shares.append(Share(replicas, tuple(Load(module.network, part, **once) for module in own)))
        size = problem.number_bytes * sum(module.parameters for module in own)
        exchanges += [Exchange("all_reduce", replicas, size)] if replicas > 1 else []
    largest = tuple(sorted(exchanges, key=lambda exchange: exchange.size)[-1:])  # all ranks of a replica at once
    steps, epochs = steps_an_epoch(problem, images), problem.experiment.training.epochs
    order = Order(placement, part / placement.schedule.num_micro_batches)
    parts = f"{len(modules)} modules" + (f" in {replicas} replicas" if replicas > 1 else "")
    return Growth(tuple(shares), parts, len(modules) * replicas, steps, epochs, largest, order)


@dataclass(frozen=True)
class Training:
    """The training of the modules of this rank.

    Parameters
    ----------
    context
        Its ranks are those of this rank's replica that the placement uses.
    model
        The modules of this rank.
    train_epoch
        What an epoch does.
    replicas
        Ranks that have the same modules and see other parts of every batch; the first one's is what is kept.
    """

    context: StageContext
    settings: TrainingSettings
    model: "PipelineModel"
    feed: "ImageFeed"
    train_epoch: TrainEpoch
    replicas: Ranks = Ranks()

    def run(self) -> None:
        """Train from the checkpoint, if there is one, to the end; the first rank writes what the network decides."""
        from ddlab.training.loop import Loop, TrainingHooks
        from ddlab.training.trainee import Trainee  # torch

        context, model = self.context, self.model
        trainee = Trainee(model, 0, None, self.settings)
        trainee.over_ranks = context.ranks.sum
        self._restore(trainee)
        is_kept = self.replicas.rank == 0
        # The ranks of a replica see the same logits in validation, and get the same means in training.
        report = context.report if context.ranks.rank == 0 else _say_nothing

        def save() -> None:
            if is_kept:
                self._save(trainee)

        stage, seed = context.folder.name, context.seed
        loop = Loop(stage, seed, model, [trainee], self.feed, self.settings, self.replicas, report, context.check, save)
        hooks = TrainingHooks(train_epoch=self.train_epoch)
        replace(loop, parts=context.ranks, hooks=hooks, overhead=context.overhead).run()
        if is_kept:
            self._keep(trainee)
        model.load_state_of(0, trainee.last_state)
        last: dict[str, np.ndarray] = {split: self._predict(split).argmax(1) for split in context.dataset.held_out}
        model.load_state_of(0, trainee.kept_state())
        scores: dict[str, np.ndarray] = {split: self._predict(split) for split in context.dataset.splits}
        if context.ranks.rank == 0 and is_kept:
            self._write(trainee, scores, last)

    def _predict(self, split: SplitName) -> np.ndarray:
        """Class probabilities ``(M, K)``; all ranks predict together and all get them."""
        import torch

        from ddlab.exact import doubled

        self.model.eval()
        with torch.no_grad():
            said = [doubled(self.model(batch.inputs)[:, 0]).softmax(-1) for batch in self.feed.evaluate(split)]
        return np.concatenate(self.replicas.gather(torch.cat(said).float().cpu().numpy()))

    def _save(self, trainee: "Trainee") -> None:
        """Write the checkpoint of the modules of this rank."""
        from ddlab.strategies.checkpoints import save_checkpoint
        from ddlab.training.loop import derive_seed

        states = self.model.split_checkpoint(trainee.checkpoint() | {"bytes_sent": self.model.bytes_sent})
        save_checkpoint(self.context, f"part-{derive_seed(*states):x}", states)

    def _restore(self, trainee: "Trainee") -> None:
        """Go on from the newest epoch that all modules were saved at, however they were spread over ranks then."""
        from ddlab.pipeline.model import MODULE
        from ddlab.strategies.checkpoints import common_states

        modules = self.model.placement.partition.modules
        if saved := common_states(self.context, [f"{MODULE}{number}" for number in range(1, len(modules) + 1)]):
            checkpoint = self.model.join_checkpoint(saved)
            trainee.restore(checkpoint)
            self.model.bytes_sent = checkpoint["bytes_sent"]

    def _keep(self, trainee: "Trainee") -> None:
        """Write the weights of the whole network, on the first rank."""
        from ddlab.pipeline.model import whole_state
        from ddlab.strategies.checkpoints import save_weights

        name = self.context.stage.name
        for epoch, state in (("last", trainee.last_state), ("best", trainee.best_state)):
            own = {key: value.cpu() for key, value in whole_state(state).items()}
            parts = self.context.ranks.gather(own)
            if self.context.ranks.rank == 0:
                save_weights(self.context, f"{name}-{epoch}", {key: part[key] for part in parts for key in part})

    def _write(self, trainee: "Trainee", scores: dict[str, np.ndarray], last: dict[str, np.ndarray]) -> None:
        context, progress, network = self.context, trainee.progress, self.context.problem.global_network
        reached = write_scores(context, scores, last)
        data, placement = context.dataset, self.model.placement
        images = (1 + BACKWARD) * progress.data_passes * len(data.train) + progress.epoch * len(data.validation)
        size = {"parameters": network.parameters(), "flops": network.flops()}
        epochs = {"epochs": progress.epoch, "best_epoch": progress.best_epoch}
        row: Any = {"subdomain": None, **size, **epochs, **reached}
        own = [placement.flops_of(rank) * images / self.replicas.size for rank in range(placement.num_ranks)]
        work = own * self.replicas.size
        sent: Mapping[str, Any] = {"bytes_sent": self.model.bytes_sent}
        write_result(context, progress.seconds, work, [row], **sent, **reached, **epochs, **size)


def _say_nothing(record: "EpochRecord") -> None:
    """Report nothing: rank 0 reports the numbers of this rank."""


def prepare(
    context: StageContext,
    placement: Placement,
    multiple: int,
    settings: TrainingSettings,
    kind: "type[PipelineModel] | None" = None,
    replicas: int = 1,
) -> Training | None:
    """Prepare the training of this rank's modules; None on a rank that the placement does not use.

    Parameters
    ----------
    multiple
        The size of every training batch is a multiple of it.
    kind
        The class of the model, if it is another one.
    replicas
        Of the placement's ranks, each with its part of every batch; as many ranks must be there.
    """
    from ddlab.pipeline.model import PipelineModel
    from ddlab.strategies.phases import arithmetic, new_state
    from ddlab.training.batches import ImageFeed, Sharing
    from ddlab.training.loop import Loop  # torch

    others = Ranks(device=context.ranks.device)
    if replicas == 1:
        used = context.ranks.first(placement.num_ranks)
    else:
        used, others = context.ranks.grid(replicas, placement.num_ranks)
    if used.rank >= used.size or others.rank >= others.size:
        return None
    own = replace(context, ranks=used)
    model = (kind or PipelineModel)(placement, used, settings.precision == "bfloat16")
    model.to(arithmetic(settings))
    model.load_whole(new_state(context.problem.global_network, context.seed, GLOBAL, GLOBAL))
    model.prepare(used.device, arithmetic(settings))
    boxes = [context.problem.whole_image]
    feed = ImageFeed(context.dataset, boxes, settings, Sharing(others, split_batches=True), multiple=multiple)
    return Training(own, settings, model, feed, Loop.back_propagate, others)
