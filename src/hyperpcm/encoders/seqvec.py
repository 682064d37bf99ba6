"""SeqVec: a protein as the mean state of ELMo, a language model that read UniRef50 letter by letter.

Source: Heinzinger et al., BMC Bioinformatics 2019, 20, 723.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.base import Json, Side
from hyperpcm.encoders.from_file import FileEncoder, file_state
from hyperpcm.errors import ConfigError, MissingExtraError
from hyperpcm.protein import validate_sequence

if TYPE_CHECKING:
    from hyperpcm.encoders.elmo import ElmoNetwork

__all__ = ["SeqVecEncoder"]

_RESIDUES: Final = 16_384  # of a batch, counted with padding
_AS_UNKNOWN: Final = str.maketrans("UZO", "XXX")  # as before the published training


@final
@dataclasses.dataclass(frozen=True)
class SeqVecEncoder(FileEncoder):
    """The sum of the three layers of SeqVec, averaged over the residues: 1,024 columns.

    U, Z and O are read as X, as in training; there is no limit on length and there are no windows. Every
    protein is read from an empty state: a program that carries the state from one protein to the next gives
    vectors that depend on what came before. Neighbours change a value by rounding only.

    Raises:
        ConfigError: as `FileEncoder`.
        DataUnavailableError: as `FileEncoder`.
        MissingExtraError: h5py is not installed.
    """

    name: ClassVar[str] = "seqvec"
    side: ClassVar[Side] = "target"
    licence: ClassVar[str] = "NOASSERTION"
    revision: ClassVar[str] = "1"
    which: ClassVar[str] = "where the published weights.hdf5 of SeqVec is"

    @property
    def width(self) -> int:
        """1,024 of the published network: both directions of a layer."""
        network: ElmoNetwork = self._network()
        return network.width

    def options(self) -> dict[str, Json]:
        """The content of the file."""
        return {"content": self.content}

    def libraries(self) -> tuple[str, ...]:
        """PyTorch."""
        import torch

        return (f"torch {torch.__version__}",)

    def _encode(self, items: Sequence[str]) -> npt.NDArray[np.float32]:
        network: ElmoNetwork = self._network()
        chains = [validate_sequence(item).sequence.translate(_AS_UNKNOWN).encode() for item in items]
        order = sorted(range(len(chains)), key=lambda number: len(chains[number]))
        rows = np.empty((len(items), network.width), dtype=np.float32)
        start = 0
        while start < len(order):
            end = start + 1
            while end < len(order) and len(chains[order[end]]) * (end + 1 - start) <= _RESIDUES:
                end += 1
            batch = order[start:end]
            rows[batch] = network.mean_of_layers([chains[number] for number in batch]).numpy()
            start = end
        return rows

    def _network_in(self, file: Path) -> ElmoNetwork:
        return _loaded(*file_state(file))


@functools.lru_cache(maxsize=1)
def _loaded(path: str, _size: int, _modified: int) -> ElmoNetwork:
    """The network of a file in this state."""
    from hyperpcm.encoders.elmo import read_elmo

    try:
        return read_elmo(Path(path))
    except ModuleNotFoundError as error:
        raise MissingExtraError("h5py", "seqvec") from error
    except (OSError, KeyError, ValueError, IndexError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0][:120]
        raise ConfigError(
            f"encoder 'seqvec': {path} does not hold the weights of an ELMo network ({reason}). Give the "
            "weights.hdf5 that SeqVec is published as."
        ) from None
