"""CNN-DNN with transfer learning: a coherent model that starts from local networks trained on their own.

References
----------
Klawonn, Lanser, Weber, "Model Parallel Training and Transfer Learning for Convolutional Neural Networks via Domain
Decomposition", Section 2.2: 150 epochs of the local networks, 50 of the coherent model. Whether the DNN starts from
trained weights, too, is not said; here it does not, unless asked to.
"""

from collections.abc import Iterator
from functools import partial

from ddlab.problem import Problem
from ddlab.strategies import cnn_dnn
from ddlab.strategies.coherent import coherent_tasks, one_model_stage, train
from ddlab.strategies.explanation import Explanation, from_dnn
from ddlab.strategies.local import local_stage
from ddlab.strategies.stage import LOCAL, Stage, StageContext


def stages(problem: Problem) -> Iterator[Stage]:
    """The local networks, the DNN if its weights are asked for, then all of it as one model."""
    settings = problem.experiment.transfer
    needs: tuple[str, ...] = (LOCAL,)
    if settings.dnn == "trained":
        yield from cnn_dnn.stages(problem)
        needs = (LOCAL, "cnn_dnn")
    else:
        yield local_stage(problem)
    tasks = coherent_tasks(problem, settings.epochs)
    start = settings.start if settings.dnn == "new" else None  # a trained DNN listened to the networks at their end
    title = "CNN-DNN as one model, from trained parts"
    stage = Stage("transfer", title, "collective", train_further, needs, tasks, starts_from=start)
    yield one_model_stage(problem, stage)


def train_further(context: StageContext) -> None:
    """Train the coherent model from the weights of the local stage."""
    from ddlab.models.names import DNN, local_name
    from ddlab.strategies.checkpoints import read_weights

    asked = context.problem.experiment
    kept = asked.training.keep
    which = kept if asked.transfer.start is None else f"epoch{asked.transfer.start}"
    local = context.needed(LOCAL)
    first = {
        (name := local_name(subdomain)): partial(read_weights, local, f"{name}-{which}")
        for subdomain in range(len(context.problem.decomposition))
    }
    if asked.transfer.dnn == "trained":
        first[DNN] = partial(read_weights, context.needed("cnn_dnn"), f"{DNN}-{kept}")
    own = {
        "epochs": asked.transfer.epochs,
        "learning_rate": asked.transfer.learning_rate or asked.training.learning_rate,
    }
    train(context, asked.training.model_copy(update=own), first)


def reason(explanation: Explanation) -> str:
    """Tell what the DNN gives, and what it listens to most."""
    return from_dnn("The model, trained as one from trained parts,", explanation, "transfer")
