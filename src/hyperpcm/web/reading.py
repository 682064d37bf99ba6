"""Compounds as targets read them: read in processes beside the server, and kept for whoever asks again.

Reading a compound, which is RDKit's work, takes longer than scoring it and holds up all threads of a process.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hyperpcm.datasets.compound_files import CompoundList
from hyperpcm.encoders.base import parts_of
from hyperpcm.encoders.parallel import Workers
from hyperpcm.encoders.table import ENCODERS
from hyperpcm.errors import BusyError, HyperpcmError, ProcessLostError, Rejection
from hyperpcm.screening import CompoundRecipe
from hyperpcm.screening.chunk import Chunk
from hyperpcm.screening.library import prepared_chunk
from hyperpcm.screening.recipe import PreparedCompounds
from hyperpcm.target_model import TargetModel

__all__ = ["CompoundReader", "ReadCompound"]

logger = logging.getLogger(__name__)

_PIECE: Final = 8  # fewer compounds are not worth another process
_LONGEST: Final = 500  # characters of a text that is kept


@dataclass(frozen=True, slots=True)
class ReadCompound:
    """A text that is a compound.

    Attributes:
        smiles: standardised.
        prepared: what targets read of it; one row.
    """

    smiles: str
    prepared: PreparedCompounds


class CompoundReader:
    """Reads compounds for the targets of one model.

    Until its processes have started, and without any, compounds are read in the thread that asks.

    Args:
        recipe: of the targets.
        processes: how many read.
        most: compounds that are kept, those asked for last.
    """

    def __init__(self, recipe: CompoundRecipe, *, processes: int, most: int) -> None:
        self.recipe, self._most = recipe, most
        self._workers = Workers(max(1, processes), apart=True)
        self._processes, self._is_started = processes, False
        self._held: OrderedDict[str, ReadCompound | Rejection] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def serves(self, target: TargetModel) -> bool:
        """Whether the target reads what is read here, with the digits that it reads by itself.

        Learned encoders are not read here: their rows are kept in half precision, and each process would hold
        their weights.
        """
        parts = [ENCODERS.get(part.name) for part in parts_of(target.encoder)]
        is_light = all(part is not None and not part.is_learned for part in parts)
        return is_light and target.learned_compounds is None and _reads(target, self.recipe)

    def start(self) -> None:
        """Start the processes; this waits until they are there."""
        if self._processes < 1:
            return
        try:
            self._workers.submit(prepared_chunk, self.recipe, _listed(["C"]))()
        except (HyperpcmError, OSError):
            logger.exception("compounds are read in the server: no process for that could be started")
        else:
            self._is_started = True

    def close(self) -> None:
        """End the processes."""
        self._is_started = False
        self._workers.end()

    def read(self, texts: Sequence[str]) -> list[ReadCompound | Rejection]:
        """Return what each text is; the ``row`` of a rejection is not that of the list.

        Raises:
            BusyError: a process was lost over it; another one is started.
        """
        found: dict[str, ReadCompound | Rejection] = {}
        with self._lock:
            for text in texts:
                if text in self._held:
                    self._held.move_to_end(text)
                    found[text] = self._held[text]
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            made = dict(zip(missing, self._read(missing), strict=True))
            found |= made
            with self._lock:
                self._held.update({text: one for text, one in made.items() if len(text) <= _LONGEST})
                while len(self._held) > self._most:
                    self._held.popitem(last=False)
        return [found[text] for text in texts]

    def _read(self, texts: list[str]) -> list[ReadCompound | Rejection]:
        if not self._is_started:
            return _rows(prepared_chunk(self.recipe, _listed(texts)))
        number = min(self._processes, -(-len(texts) // _PIECE))
        pieces = [_listed(texts[place::number]) for place in range(number)]
        try:
            with self._lock:
                waiting = [self._workers.submit(prepared_chunk, self.recipe, piece) for piece in pieces]
            read = [_rows(wait()) for wait in waiting]
        except ProcessLostError:
            self._start_again()
            raise BusyError(
                "the process that read these compounds was lost. Ask again in a few seconds."
            ) from None
        found: list[ReadCompound | Rejection] = [
            read[row % number][row // number] for row in range(len(texts))
        ]
        return found

    def _start_again(self) -> None:
        with self._lock:
            was_started, self._is_started = self._is_started, False
        if was_started:
            logger.warning("a process that reads compounds was lost; it is started again")
            self._workers.end()
            threading.Thread(target=self.start, daemon=True).start()


def _reads(target: TargetModel, recipe: CompoundRecipe) -> bool:
    """Whether what a recipe gives is all that a target reads of a compound."""
    prior = target.prior
    print_ = None if prior is None else (prior.radius, prior.landmarks.shape[1])
    return target.encoder.key() == recipe.encoder.key() and (print_ is None or print_ in recipe.fingerprints)


def _listed(texts: list[str]) -> CompoundList:
    return CompoundList(list(texts), [""] * len(texts), [])


def _rows(chunk: Chunk) -> list[ReadCompound | Rejection]:
    """What became of each row of a chunk."""
    found: list[ReadCompound | Rejection | None] = [None] * chunk.rows
    for one in chunk.rejections:
        found[one.row] = one
    prepared = chunk.compounds
    assert isinstance(prepared, PreparedCompounds)
    for number, (place, smiles) in enumerate(zip(chunk.places, chunk.smiles, strict=True)):
        found[place] = ReadCompound(smiles, prepared.taken(np.array([number])))
    return [one for one in found if one is not None]
