"""A transformer in memory: loaded once per process from a local folder, and run without gradients."""

from __future__ import annotations

import functools
import importlib.util
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.transformer_config import Family
from hyperpcm.errors import ConfigError, HyperpcmError, MissingExtraError

if TYPE_CHECKING:
    import torch

__all__ = ["PRECISIONS", "Precision", "TransformerModel", "batches", "load_model", "load_tokenizer"]

Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]
"""Numbers that the transformer computes in."""

PRECISIONS: Final[dict[Precision, str]] = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}

_CLASSES: Final[dict[Family, str]] = {
    "esm": "EsmModel",
    "bert": "BertModel",
    "t5": "T5EncoderModel",
    "roberta": "RobertaModel",
}
_UNUSED: Final = ("pooler.", "contact_head.")  # parts of a class whose output is never read
_GPU_TOKENS: Final = 16_384


class TransformerModel:
    """A loaded transformer.

    On a CPU items are read one by one, so that not a bit depends on the neighbours; on a GPU they are read in
    batches of similar length, where the padding is masked and rows differ by rounding only.

    Args:
        model: the module, in evaluation mode and on its device.
        padding: number of the padding token.
        tokens: padded tokens of a batch; None is 16,384 on a GPU and one item on a CPU.
    """

    def __init__(self, model: torch.nn.Module, padding: int, tokens: int | None = None) -> None:
        self._model, self._padding = model, padding
        self._device = next(model.parameters()).device
        self._tokens = tokens if tokens is not None else 0 if self._device.type == "cpu" else _GPU_TOKENS

    def vectors(self, items: Sequence[Sequence[int]], layer: int = -1) -> list[npt.NDArray[np.float32]]:
        """Give the vectors of all tokens of each item.

        Args:
            items: token numbers with the special ones.
            layer: which of the hidden states: 0 is the embedding, -1 the output.

        Returns:
            One float32 array [tokens, hidden] for each item, in order.

        Raises:
            HyperpcmError: an item alone is too much for the GPU's memory.
        """
        found: dict[int, npt.NDArray[np.float32]] = {}
        for batch in batches([len(item) for item in items], self._tokens):
            for place, vectors in zip(
                batch, self._run([items[place] for place in batch], layer), strict=True
            ):
                found[place] = vectors
        return [found[place] for place in range(len(items))]

    def _run(self, batch: list[Sequence[int]], layer: int) -> list[npt.NDArray[np.float32]]:
        """Vectors of one batch; one that does not fit the memory is halved."""
        import torch

        try:
            return self._forward(batch, layer)
        except torch.OutOfMemoryError as error:
            if len(batch) == 1:
                raise HyperpcmError(
                    f"{len(batch[0]):,} tokens do not fit the memory of the GPU. Lower the option 'limit' of "
                    "the encoder, set its precision to 'bf16', or hide the GPU (CUDA_VISIBLE_DEVICES=-1)."
                ) from error
        torch.cuda.empty_cache()
        half = len(batch) // 2
        return self._run(batch[:half], layer) + self._run(batch[half:], layer)

    def _forward(self, batch: list[Sequence[int]], layer: int) -> list[npt.NDArray[np.float32]]:
        import torch

        longest = max(len(item) for item in batch)
        numbers = torch.full((len(batch), longest), self._padding, dtype=torch.long)
        mask = torch.zeros((len(batch), longest), dtype=torch.long)
        for row, item in enumerate(batch):
            numbers[row, : len(item)] = torch.tensor(item, dtype=torch.long)
            mask[row, : len(item)] = 1
        with torch.inference_mode():
            output = self._model(
                input_ids=numbers.to(self._device),
                attention_mask=mask.to(self._device),
                output_hidden_states=layer != -1,
            )
            states = output.last_hidden_state if layer == -1 else output.hidden_states[layer]
            states = states.to(device="cpu", dtype=torch.float32).numpy()
        return [states[row, : len(item)] for row, item in enumerate(batch)]


def batches(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Give the positions of items in batches, longest first, each of at most this many tokens once padded.

    An item that is longer than that is a batch of its own; 0 gives every item its own.

    Example:
        >>> list(batches([5, 90, 7, 6], 21))
        [[1], [2, 3, 0]]
    """
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > tokens:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


@functools.lru_cache(maxsize=2)
def load_model(folder: Path, _content: str, family: Family, precision: Precision) -> torch.nn.Module:
    """Load the encoder of a transformer, on the GPU where there is one; the same folder again is kept.

    Args:
        folder: local; nothing is fetched, and no code in it is run.
        _content: sha256 of its files: tells a changed folder from the one that is kept.
        family: which class of `transformers`.
        precision: of the numbers; ``fp16`` needs a GPU.

    Raises:
        ConfigError: damaged or incomplete weights, or a precision that this machine does not have.
        MissingExtraError: `transformers` is not installed.
    """
    transformers = _transformers()
    import torch

    on_gpu = torch.cuda.is_available()
    if precision == "fp16" and not on_gpu:
        raise ConfigError("precision 'fp16' needs a GPU, and there is none here. Set it to 'bf16' or 'fp32'.")
    pooler = {} if family == "t5" else {"add_pooling_layer": False}
    with _load_errors(folder), _quiet(transformers):
        model, report = getattr(transformers, _CLASSES[family]).from_pretrained(
            str(folder),
            local_files_only=True,
            trust_remote_code=False,
            weights_only=True,
            use_safetensors=any(folder.glob("*.safetensors")),
            dtype=getattr(torch, PRECISIONS[precision]),
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are in the report, and refused below
            **pooler,
        )
    missing = sorted(key for key in report["missing_keys"] if not key.startswith(_UNUSED))
    missing += sorted(str(key[0]) for key in report["mismatched_keys"])
    if missing:  # the class would have filled them with random numbers
        raise ConfigError(
            f"the weights in {folder} lack {len(missing)} of the tensors of this {_CLASSES[family]}, such as "
            f"{missing[0]}. They are of another model than config.json says."
        )
    loaded: torch.nn.Module = model.eval().to("cuda" if on_gpu else "cpu")
    return loaded


def load_tokenizer(folder: Path) -> Any:
    """Load the tokenizer of a folder.

    Raises:
        ConfigError: there is none, or it needs code of its own.
        MissingExtraError: `transformers` is not installed.
    """
    transformers = _transformers()
    with _load_errors(folder), _quiet(transformers):
        return transformers.AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )


def _transformers() -> Any:
    if importlib.util.find_spec("transformers") is None:
        raise MissingExtraError("transformers", "plm")
    import transformers

    return transformers


@contextmanager
def _load_errors(folder: Path) -> Iterator[None]:
    """Turn what loading raises into one sentence."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, EOFError) as error:
        raise ConfigError(f"{folder} cannot be loaded ({_first_line(error)}).") from error
    except (SafetensorError, pickle.UnpicklingError) as error:
        raise ConfigError(
            f"the weights in {folder} are damaged or hold more than numbers ({_first_line(error)})."
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Keep the library from reporting on stderr what is checked here."""
    talk = transformers.utils.logging
    level, bars = talk.get_verbosity(), talk.is_progress_bar_enabled()
    talk.set_verbosity_error()
    talk.disable_progress_bar()
    try:
        yield
    finally:
        talk.set_verbosity(level)
        if bars:
            talk.enable_progress_bar()
