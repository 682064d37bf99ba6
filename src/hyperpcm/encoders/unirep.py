"""UniRep: a protein as the states of a multiplicative LSTM that learned to write proteins.

Its published weights forbid commercial use. They are no part of this package; see
`hyperpcm.encoders.weights` and ``hyperpcm encoders fetch unirep --accept-noncommercial``.
"""

from __future__ import annotations

import dataclasses
import functools
import zipfile
import zlib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal, final, get_args

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.base import Encoder, Json, Side
from hyperpcm.encoders.weights.catalog import WEIGHTS
from hyperpcm.errors import ConfigError, DataUnavailableError
from hyperpcm.protein import validate_sequence

if TYPE_CHECKING:
    from hyperpcm.encoders.mlstm import MultiplicativeLstm

__all__ = ["Pooling", "Precision", "UniRepEncoder", "read_mlstm"]

Pooling = Literal["mean", "last", "concatenated"]
Precision = Literal["fp32", "bf16"]

UNITS: Final = 1900
_EMBEDDED: Final = 10
_ORDER: Final = "MRHKDESTNQCUGPAVIFYWLOX"  # tokens 1 to 23; 0 is padding, which is not used
_AS_UNKNOWN: Final = "BJZ"
_START: Final = 24
_TOKENS: Final = 26  # the last one ends a protein, and is not used either
_SHAPES: Final = {
    "embedding": (_TOKENS, _EMBEDDED),
    "wmx": (_EMBEDDED, UNITS),
    "wmh": (UNITS, UNITS),
    "wx": (_EMBEDDED, 4 * UNITS),
    "wh": (UNITS, 4 * UNITS),
    "gmx": (UNITS,),
    "gmh": (UNITS,),
    "gx": (4 * UNITS,),
    "gh": (4 * UNITS,),
    "b": (4 * UNITS,),
}
_DAMAGE: Final = (zipfile.BadZipFile, zlib.error)
_AGAIN: Final = "Fetch them: hyperpcm encoders fetch unirep --accept-noncommercial"


@final
@dataclasses.dataclass(frozen=True)
class UniRepEncoder(Encoder):
    """States of the 1,900-unit UniRep over the start token and all residues: 1,900 or 5,700 columns.

    Each of the 20 amino acids, U (selenocysteine) and O (pyrrolysine) has a token of its own; X, B, J and Z
    share the one for an unknown residue. There is no limit on length and there are no windows. States lie in
    -1 … 1, but those of the cell do not; they are strongly alike between proteins, so standardise them.

    Neighbours change a value by rounding only, below 1e-5 (``fp32``); one item gives the same bits each time.

    Attributes:
        pooling: ``mean`` of the hidden states (1,900 columns), the ``last`` hidden state (1,900), or
            ``concatenated``: mean, last hidden state and last cell state (5,700).
        precision: of the matrix products: ``fp32``, or ``bf16``, which changes hidden states by up to about
            0.05 and is faster only where the processor computes in it.

    Raises:
        ConfigError: an option outside these.
        LicenceNotAcceptedError: when encoding, the terms of the weights have not been accepted.
        DataUnavailableError: when encoding, the weights are not here or are damaged.

    Source: Alley, Khimulya, Biswas, AlQuraishi, Church, "Unified rational protein engineering with
    sequence-based deep representation learning", Nat. Methods 16 (2019) 1315-1322.
    """

    name: ClassVar[str] = "unirep"
    side: ClassVar[Side] = "target"
    licence: ClassVar[str] = "CC-BY-NC-4.0"
    revision: ClassVar[str] = "1"

    pooling: Pooling = "mean"
    precision: Precision = "fp32"

    def __post_init__(self) -> None:
        for option, known in (("pooling", get_args(Pooling)), ("precision", get_args(Precision))):
            if getattr(self, option) not in known:
                raise ConfigError(
                    f"encoder 'unirep': {option} must be one of {', '.join(known)}, "
                    f"not {getattr(self, option)!r}"
                )

    @property
    def width(self) -> int:
        """1,900, or 5,700 when concatenated."""
        return 3 * UNITS if self.pooling == "concatenated" else UNITS

    def options(self) -> dict[str, Json]:
        """Pooling and precision."""
        return {"pooling": self.pooling, "precision": self.precision}

    def libraries(self) -> tuple[str, ...]:
        """PyTorch."""
        return (f"torch {metadata.version('torch')}",)

    def _encode(self, items: Sequence[str]) -> npt.NDArray[np.float32]:
        chains = [_chain(validate_sequence(item).sequence) for item in items]
        states = _network(WEIGHTS[self.name].folder, self.precision).run(chains)
        if self.pooling == "concatenated":
            return np.concatenate([states.mean, states.hidden, states.cell], axis=1)
        return states.mean if self.pooling == "mean" else states.hidden


def read_mlstm(path: Path, precision: Precision = "fp32") -> MultiplicativeLstm:
    """Read the network from a file of the weights, which is checked and runs no code.

    Args:
        path: of an npz file that holds ``embedding`` and, after ``mlstm.0.``, the arrays of
            `mlstm.MultiplicativeLstm.of_weights`.
        precision: of the matrix products.

    Raises:
        DataUnavailableError: the file cannot be read, or does not hold these arrays in these shapes.
    """
    import torch

    from hyperpcm.encoders.mlstm import MultiplicativeLstm

    weights = {}
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            for name, shape in _SHAPES.items():
                stored = name if name == "embedding" else f"mlstm.0.{name}"
                array = file[stored]
                if array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
                    raise DataUnavailableError(
                        f"{path}: {stored} is {array.dtype} {list(array.shape)}, or not finite; UniRep's is "
                        f"finite float32 {list(shape)}. {_AGAIN}"
                    )
                weights[name] = array
    except (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, *_DAMAGE) as error:
        raise DataUnavailableError(
            f"{path}: these are not the weights of UniRep ({error}). {_AGAIN}"
        ) from error
    return MultiplicativeLstm.of_weights(weights, torch.bfloat16 if precision == "bf16" else torch.float32)


@functools.lru_cache(maxsize=2)
def _network(folder: Path, precision: Precision) -> MultiplicativeLstm:  # noqa: ARG001  # the key
    """The network, read once in a process as long as the weights stay in the same folder."""
    return read_mlstm(WEIGHTS["unirep"].path("mlstm1900.npz"), precision)


def _chain(sequence: str) -> npt.NDArray[np.uint8]:
    """Tokens of a validated sequence behind the start token: uint8 [residues + 1]."""
    residues = np.frombuffer(sequence.encode("ascii"), dtype=np.uint8)
    return np.concatenate([np.array([_START], dtype=np.uint8), _tokens()[residues]])


@functools.cache
def _tokens() -> npt.NDArray[np.uint8]:
    """Token of each ASCII code."""
    tokens = np.zeros(128, dtype=np.uint8)
    for token, letter in enumerate(_ORDER, start=1):
        tokens[ord(letter)] = token
    for letter in _AS_UNKNOWN:
        tokens[ord(letter)] = tokens[ord("X")]
    return tokens
