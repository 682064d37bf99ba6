"""Preparing compounds when a row among them breaks the program: that row is found, named and refused."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Self

from hyperpcm.datasets.compound_files import CompoundList
from hyperpcm.encoders.parallel import prepare_process
from hyperpcm.errors import HyperpcmError, ProcessLostError, Rejection
from hyperpcm.screening import CompoundRecipe
from hyperpcm.screening.chunk import Chunk
from hyperpcm.screening.library import prepared_chunk

__all__ = ["Preparer"]


class Preparer:
    """Prepares batches of rows; a context manager.

    A row that makes the encoder raise what it should not, or, where rows are isolated, its process die, costs
    itself. The other rows come out as if it had been refused in the first place.

    Args:
        recipe: how compounds are prepared.
        isolate: whether to prepare in a process of its own, which may die.
    """

    def __init__(self, recipe: CompoundRecipe, *, isolate: bool) -> None:
        self._recipe, self._isolate = recipe, isolate
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process, if there is one."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)

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
        except Exception as error:  # noqa: BLE001
            if len(rows) > 1:
                middle = len(rows) // 2
                return [*self._culprits(part, rows[:middle]), *self._culprits(part, rows[middle:])]
            text = (part.smiles[rows[0]] or "")[:200]
            if isinstance(error, ProcessLostError):
                return [Rejection(rows[0], text, "CRASH", "its process dies when it is prepared.")]
            reason = f"it cannot be prepared: {type(error).__name__}: {error}"
            return [Rejection(rows[0], text, "ERROR", reason[:400])]

    def _prepared(self, part: CompoundList) -> Chunk:
        if not self._isolate:
            return prepared_chunk(self._recipe, part)
        task: Callable[[CompoundRecipe, CompoundList], Chunk] = prepared_chunk
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                1, multiprocessing.get_context("spawn"), initializer=prepare_process
            )
        try:
            return self._pool.submit(task, self._recipe, part).result()
        except BrokenProcessPool:
            self._pool.shutdown()
            self._pool = None
            raise ProcessLostError("the process that prepares compounds died.") from None


def _only(part: CompoundList, rows: list[int]) -> CompoundList:
    """These rows alone, none of which the reader has refused."""
    return CompoundList([part.smiles[row] for row in rows], [part.names[row] for row in rows], [])
