"""Training steps of a pipeline as they really ran, with the begin and end of every action on every rank.

A trace is a :class:`~ddlab.pipeline.simulation.Simulation` whose times were measured, so that the same figure draws it;
and the measured times of the modules are costs, from which the same step is simulated for comparison.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from ddlab.pipeline.costs import Costs
from ddlab.pipeline.placement import Placement, make_assigned
from ddlab.pipeline.records import TraceRecord
from ddlab.pipeline.schedules import Action, Kind, Schedule, make_schedule
from ddlab.pipeline.simulation import Simulation, simulate


@dataclass
class Step:
    """The begin and end of every action of a training step, in seconds from the step's beginning on this rank.

    Parameters
    ----------
    began
        That beginning, by a clock that all processes of a machine share.
    machine
        Whose clock it is.
    """

    starts: dict[Action, float] = field(default_factory=dict)
    ends: dict[Action, float] = field(default_factory=dict)
    began: float = 0.0
    machine: str = ""

    @property
    def seconds(self) -> float:
        """Time of the whole step."""
        return max(self.ends.values())

    def lasted(self, kind: Kind, module: int) -> float:
        """Return the median over the micro-batches of the time that a module's passes of a kind took; 0 if none."""
        took = [end - self.starts[action] for action, end in self.ends.items() if action[:2] == (kind, module)]
        return median(took) if took else 0.0


def joined(steps: Sequence[Step]) -> Step:
    """Join what every rank saw of a step: by their common clock, or, on several machines, as if all began at once."""
    common = len({step.machine for step in steps}) == 1
    first = min(step.began for step in steps)
    whole = Step(began=first, machine=steps[0].machine)
    for step in steps:
        later = step.began - first if common else 0.0
        whole.starts.update({action: start + later for action, start in step.starts.items()})
        whole.ends.update({action: end + later for action, end in step.ends.items()})
    return whole


def trace_record(placement: Placement, steps: Sequence[Step], epoch: int, batch: int, number_bytes: int) -> TraceRecord:
    """Record the step of the median time of several, and the costs of the modules as medians over all of them.

    Parameters
    ----------
    steps
        Whole ones, of a batch of so many images.
    """
    schedule = placement.schedule
    costs = measured_costs(schedule, steps)
    drawn = sorted(steps, key=lambda step: step.seconds)[len(steps) // 2]
    actions = sorted(drawn.starts, key=lambda action: drawn.starts[action])
    modules = placement.partition.modules
    record: TraceRecord = {
        "schedule": schedule.name,
        "num_ranks": schedule.num_ranks,
        "num_micro_batches": schedule.num_micro_batches,
        "num_chunks": schedule.num_chunks,
        "epoch": epoch,
        "batch": batch,
        "modules": [
            [piece.name for module in stretch for piece in modules[module].sub_layers]
            for stretch in placement.stretches
        ],
        "flops": [float(sum(modules[module].flops for module in stretch)) for stretch in placement.stretches],
        "hop_bytes": [float(hop * number_bytes) for hop in placement.hops],
        "forward": list(costs.forward),
        "backward": list(costs.backward),
        "weight": list(costs.weight),
        "transfer": list(costs.transfer),
        "steps": [step.seconds for step in steps],
        "kind": [action.kind for action in actions],
        "module": [action.module for action in actions],
        "micro_batch": [action.micro_batch for action in actions],
        "start": [drawn.starts[action] for action in actions],
        "end": [drawn.ends[action] for action in actions],
    }
    if schedule.assignment:
        record["assignment"] = list(schedule.assignment)
    return record


def measured_costs(schedule: Schedule, steps: Sequence[Step]) -> Costs:
    """Costs of a micro-batch in seconds: medians over steps of the modules' times, and transfers as they were seen.

    A hop's transfer is seen only where a rank waited for it; the shortest time from the end of an action to the begin
    of the one that needs it, over all steps, is taken for it.
    """
    modules = range(schedule.num_modules)

    def times(kind: Kind) -> list[float]:
        return [median(step.lasted(kind, module) for step in steps) for module in modules]

    weight = times("W")
    backward = [back + late for back, late in zip(times("B"), weight, strict=True)]
    transfer = tuple(_transfer(schedule, steps, hop) for hop in modules[:-1])
    return Costs(tuple(times("F")), tuple(backward), tuple(weight), transfer)


def _transfer(schedule: Schedule, steps: Sequence[Step], hop: int) -> float:
    if schedule.rank_of(hop) == schedule.rank_of(hop + 1):
        return 0.0
    waits = [
        step.starts[target] - step.ends[source]
        for step in steps
        for batch in range(schedule.num_micro_batches)
        for source, target in (
            (Action("F", hop, batch), Action("F", hop + 1, batch)),
            (Action("B", hop + 1, batch), Action("B", hop, batch)),
        )
    ]
    return max(0.0, min(waits))


def recorded_costs(record: TraceRecord) -> Costs:
    """Return the measured costs of a record; its bytes are those of one micro-batch."""
    micro_batch = record["batch"] / record["num_micro_batches"]
    forward, backward, weight, transfer = (
        tuple(record[name]) for name in ("forward", "backward", "weight", "transfer")
    )
    hops = tuple(micro_batch * hop for hop in record["hop_bytes"])
    return Costs(forward, backward, weight, transfer, hop_bytes=hops)


def recorded_step(record: TraceRecord) -> Simulation:
    """Return the recorded step as it ran."""
    schedule = _schedule(record)
    columns = zip(*(record[name] for name in ("kind", "module", "micro_batch", "start", "end")), strict=True)
    times = {Action(kind, module, batch): (start, end) for kind, module, batch, start, end in columns}
    starts, ends = ({action: both[index] for action, both in times.items()} for index in (0, 1))
    return Simulation(schedule, recorded_costs(record), starts, ends)


def predicted_step(record: TraceRecord) -> Simulation:
    """Return the recorded step as the simulation has it, from the measured times of the modules."""
    return simulate(_schedule(record), recorded_costs(record))


def _schedule(record: TraceRecord) -> Schedule:
    if assignment := record.get("assignment"):
        return make_assigned(assignment, record["num_micro_batches"])
    sizes = (record["num_ranks"], record["num_micro_batches"], record["num_chunks"])
    return make_schedule(record["schedule"], *sizes)
