"""Preparing compounds when a row among them breaks the program: that row is found, named and refused."""

from __future__ import annotations

from hyperpcm.datasets.compound_files import CompoundList
from hyperpcm.encoders.parallel import Workers
from hyperpcm.errors import HyperpcmError, ProcessLostError, Rejection
from hyperpcm.screening import CompoundRecipe
from hyperpcm.screening.chunk import Chunk
from hyperpcm.screening.library import prepared_chunk

__all__ = ["Preparer"]


class Preparer:
    """Prepares batches of rows.

    A row that makes the encoder raise what it should not, or the process of the workers die, costs itself.
    The other rows come out as if it had been refused in the first place.

    Args:
        recipe: how compounds are prepared.
        workers: who prepares them.
    """

    def __init__(self, recipe: CompoundRecipe, workers: Workers) -> None:
        self._recipe, self._workers = recipe, workers

    def __call__(self, part: CompoundList) -> Chunk:
        """Return a batch prepared, as `prepared_chunk`; rows that break it are refused.

        Raises:
            HyperpcmError: what fails for a reason that is not in a row.
            Exception: what fails for every row of several, or for none of them alone.
        """
        try:
            return self._prepared(part)
        except ProcessLostError as error:
            cause: Exception = error
        except HyperpcmError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever a library raises for one compound
            cause = error
        usable = [row for row, text in enumerate(part.smiles) if text is not None]
        refused = self._culprits(part, usable) if usable else []
        if not refused or len(refused) == len(usable) > 1:
            raise cause  # it is not the rows
        smiles = list(part.smiles)
        for one in refused:
            smiles[one.row] = None
        return self._prepared(part._replace(smiles=smiles, rejections=[*part.rejections, *refused]))

    def _culprits(self, part: CompoundList, rows: list[int]) -> list[Rejection]:
        """Halve the rows until those that fail stand alone."""
        try:
            self._prepared(_only(part, rows))
            return []
        except Exception as error:  # noqa: BLE001  # as above
            if len(rows) > 1:
                middle = len(rows) // 2
                return [*self._culprits(part, rows[:middle]), *self._culprits(part, rows[middle:])]
            text = (part.smiles[rows[0]] or "")[:200]
            if isinstance(error, ProcessLostError):
                return [Rejection(rows[0], text, "CRASH", "its process dies when it is prepared.")]
            reason = f"it cannot be prepared: {type(error).__name__}: {error}"
            return [Rejection(rows[0], text, "ERROR", reason[:400])]

    def _prepared(self, part: CompoundList) -> Chunk:
        try:
            return self._workers.submit(prepared_chunk, self._recipe, part)()
        except ProcessLostError:
            self._workers.end()
            raise


def _only(part: CompoundList, rows: list[int]) -> CompoundList:
    """These rows alone, none of which the reader has refused."""
    return CompoundList([part.smiles[row] for row in rows], [part.names[row] for row in rows], [])
