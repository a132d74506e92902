"""Write a network in each of the formats; all of them carry the facts, as text by name."""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ddlab.exports.networks import Exported

FACTS = "ddlab.json"  # in a torch.export file
INPUT, OUTPUT = "image", "logits"  # what the ONNX graph calls them
DESCRIPTION = "network"  # the fact that describes the layers: needed where the file does not


def write_safetensors(exported: Exported, path: Path) -> None:
    """Write the weights; the facts are the file's metadata."""
    from safetensors.torch import save_file

    tensors = {key: value.contiguous() for key, value in exported.module.state_dict().items()}
    save_file(tensors, path, metadata=_texts(exported))


def write_onnx(exported: Exported, path: Path) -> None:
    """Write the graph with its weights in one file, for batches of any size; the facts are its properties."""
    import onnx

    with _quietly():
        program = torch.onnx.export(
            exported.module,
            _example(exported),
            dynamo=True,
            dynamic_shapes=_any_batch(),
            input_names=[INPUT],
            output_names=[OUTPUT],
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    texts = {name: text for name, text in _texts(exported).items() if name != DESCRIPTION}
    onnx.helper.set_model_props(model, texts)
    model.doc_string = f"{exported.facts['title']} of the run {exported.facts['run']}, trained with ddlab."
    onnx.save(model, path)


def write_program(exported: Exported, path: Path) -> None:
    """Write what ``torch.export.load`` reads, for batches of any size; the facts are its extra file ``ddlab.json``."""
    facts = {name: fact for name, fact in exported.facts.items() if name != DESCRIPTION}
    with _quietly():
        program = torch.export.export(exported.module, _example(exported), dynamic_shapes=_any_batch())
        torch.export.save(program, path, extra_files={FACTS: json.dumps(facts, ensure_ascii=False)})


def _texts(exported: Exported) -> dict[str, str]:
    return {
        name: fact if isinstance(fact, str) else json.dumps(fact, ensure_ascii=False)
        for name, fact in exported.facts.items()
    }


def _example(exported: Exported) -> tuple[torch.Tensor]:
    """Make a batch of two images: of one image, torch would take the batch's size for a constant."""
    return (torch.zeros(2, *exported.input),)


def _any_batch() -> tuple[dict[int, torch.export.Dim]]:
    return ({0: torch.export.Dim("batch")},)


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence what torch's exporters print and warn about."""
    log = logging.getLogger("torch")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
