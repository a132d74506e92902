"""Failures of a run, in a sentence that a student understands."""

import errno
import sys
from collections.abc import Mapping

Where = Mapping[str, object]  # the last record that was reported: stage, epoch, subdomain

# What torch's message says when another rank is gone; only that one knows why.
PEER_GONE = (
    "Connection closed by peer",
    "Connection reset by peer",
    "Broken pipe",
    "remote process exited",
    "Socket closed",
    "recvValue failed",
    "failed to recv",
    "Timed out waiting",
)
NOT_MET = ("waiting for clients", "wait timeout after", "connect timeout", "Timed out after")  # of torch's store
DEVICE_FAULT = ("CUDA error", "NCCL error", "cuDNN error", "CUBLAS_STATUS")  # of a GPU or a link, maybe not of ours
PEER_LOST = 76  # exit code of a rank that lost the others (EX_PROTOCOL): they know why
ONE_VALUE = "Expected more than 1 value per channel"  # torch's batch normalisation, of maps of one pixel
NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "bad_alloc", "Cannot allocate memory")
DISK_FULL = ("No space left on device", "PytorchStreamWriter failed", "inline_container", "Disk quota exceeded")


def describe_failure(error: BaseException, where: Where) -> str | None:
    """The sentence for an exception that ended a rank; None if the cause lies with another rank.

    Parameters
    ----------
    where
        What was reported last.
    """
    message = str(error)
    training = sys.modules.get("ddlab.training.loop")  # not imported yet: then it has raised nothing
    if training and isinstance(error, training.Diverged):
        return _diverged(error.stage, error.epoch, error.subdomain)
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError | OSError) and _says(message, NO_MEMORY)):
        return (
            f"Out of memory{_at(where)}. Take a smaller batch, smaller images or a narrower network, "
            "or wait until other programs need less, then resume."
        )
    if _is_disk_full(error, message):
        return f"The disk is full{_at(where)}. Make room, for instance by deleting old runs, then resume."
    if isinstance(error, RuntimeError | ConnectionError) and _says(message, PEER_GONE):
        return None
    if isinstance(error, RuntimeError) and _says(message, NOT_MET):
        return "The workers of the run did not find each other in time. Try again, or take fewer workers."
    if isinstance(error, FileNotFoundError):
        return f"A file is not there (any more){_at(where)}: {error.filename or message}. Put it back, then resume."
    if isinstance(error, OSError):
        return f"A file could not be read or written{_at(where)}: {message}."
    if isinstance(error, ValueError) and message.startswith(ONE_VALUE):
        return (
            f"Batch normalisation cannot learn from one image a step and worker{_at(where)}. Raise "
            "training.batch_size, take fewer workers or another number of images, or turn model.batch_norm off."
        )
    if isinstance(error, ValueError):
        return message
    return f"Something unexpected happened{_at(where)}: {type(error).__name__}: {message}"


def may_pass(error: BaseException) -> bool:
    """Whether a failure may not come again when the run is started anew: ranks that did not meet, a fault of a GPU."""
    message = str(error)
    if not isinstance(error, RuntimeError) or _says(message, NO_MEMORY):
        return False
    return _says(message, NOT_MET) or _says(message, DEVICE_FAULT)


def lacks_gpu_memory(error: BaseException) -> bool:
    """Whether a GPU has not the memory that was asked for; the machine's own memory is another matter."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(error, torch.cuda.OutOfMemoryError)


def _diverged(stage: str, epoch: int, subdomain: int | None) -> str:
    part = "" if subdomain is None else f", subdomain {subdomain}"
    return (
        f"The loss became infinite or NaN in stage '{stage}'{part}, epoch {epoch}. "
        "The state before that epoch is kept. Try a smaller learning rate, or limit the gradient (training.clip_norm)."
    )


def _is_disk_full(error: BaseException, message: str) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return _says(message, DISK_FULL)  # torch and safetensors write files past Python and raise their own errors


def _says(message: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase.lower() in message.lower() for phrase in phrases)


def _at(where: Where) -> str:
    return f" in stage '{where['stage']}', epoch {where['epoch']}" if "epoch" in where else ""
