"""The shard runner: one shard screened from its rows to its receipt, in any process, as often as one likes.

Every engine runs this. Numbers depend on the shard and the kind of device alone: batches are those of a
screen of the whole library, and each is computed by one thread, or by one GPU.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, Self

from hyperpcm.checkpoint import load_target_model, read_archive
from hyperpcm.datasets.compound_pieces import read_pieces
from hyperpcm.encoders.parallel import Workers
from hyperpcm.errors import DiskFullError, InputError, OutputError, Rejection
from hyperpcm.scaleout.plan import LibraryFacts, Plan, Shard
from hyperpcm.scaleout.planning import rows_file
from hyperpcm.scaleout.poison import Preparer
from hyperpcm.scaleout.results import Receipt, ShardFiles, ShardResult
from hyperpcm.screening import LibraryIndex, Panel, StructureFilter, TopList
from hyperpcm.screening.chunk import Chunk
from hyperpcm.screening.screen import take_batch
from hyperpcm.screening.screen_state import ScreenState

__all__ = ["ShardReport", "ShardRunner"]

ISOLATED_FROM: Final = 2
"""A shard whose process has died so often has its rows prepared in a process of their own."""


@dataclasses.dataclass(frozen=True)
class ShardReport:
    """What became of a shard.

    Attributes:
        shard: its number, from 0.
        state: ``done`` now, ``found`` done, or ``failed``.
        rows: rows that went in; of a shard that failed too.
        scored: rows that were scored.
        rejected: rows that were refused.
        seconds: that it took now.
        reason: why it failed; else empty.
    """

    shard: int
    state: Literal["done", "found", "failed"]
    rows: int
    scored: int = 0
    rejected: int = 0
    seconds: float = 0.0
    reason: str = ""


class ShardRunner:
    """Screens shards of a plan; picklable, and the panel is loaded once in each process.

    Args:
        folder: of the plan.
        device: where compounds are scored, as `device_of` takes it.
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self.folder, self.device = folder.resolve(), device
        self._loaded: _Loaded | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another process: folder and device alone."""
        return {"folder": self.folder, "device": self.device, "_loaded": None}

    def on(self, device: str) -> Self:
        """Return the runner for a device: itself, or one that will load the panel there."""
        if device == self.device:
            return self
        other = copy.copy(self)
        other.device = device
        return other

    def load(self) -> Plan:
        """Load the panel, unless it is, and return the plan.

        Raises:
            InputError: there is no plan, or a target or the library is not what was planned with.
            ConfigError: the index was made with another encoder, or with a library of another version.
            ModelFileError: a target cannot be used.
        """
        return self._ready().plan

    def _ready(self) -> _Loaded:
        if self._loaded is None:
            self._loaded = _Loaded(self.folder, self.device)
        return self._loaded

    def __call__(self, shard: int) -> ShardReport:
        """Screen a shard, unless a receipt says that it is done.

        What goes wrong in a shard costs that shard and is written down.

        Args:
            shard: its number, from 0.

        Raises:
            OutputError: the folder cannot be written to.
            DiskFullError: no space is left.
            HyperpcmError: as `load`.
        """
        loaded = self._ready()
        plan, rows = loaded.plan, loaded.plan.shards[shard].rows
        receipt = loaded.files.done(shard)
        if receipt is not None:
            return _report(receipt, "found", 0.0)
        started = time.perf_counter()
        try:
            with loaded.files.attempt(shard) as before, _one_thread():
                result = loaded.screened(plan.shards[shard], shard, isolate=before >= ISOLATED_FROM)
                seconds = time.perf_counter() - started
                return _report(loaded.files.keep(shard, result, seconds), "done", seconds)
        except (DiskFullError, OutputError):
            raise
        except Exception as error:  # noqa: BLE001  # one shard costs no other
            words = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
            return self.failed(shard, rows, words, time.perf_counter() - started)

    def failed(self, shard: int, rows: int, reason: str, seconds: float = 0.0) -> ShardReport:
        """Write down that a shard could not be done, and report it.

        Raises:
            OutputError: the folder cannot be written to.
            DiskFullError: no space is left.
        """
        self.files.note_failure(shard, reason)
        return ShardReport(shard, "failed", rows, seconds=seconds, reason=reason)

    @property
    def files(self) -> ShardFiles:
        """The files of the shards."""
        return self._ready().files


class _Loaded:
    """What a process needs for all shards."""

    def __init__(self, folder: Path, device: str) -> None:
        self.folder, self.plan = folder, Plan.read(folder)
        self.files = ShardFiles(folder, self.plan.job)
        for target in self.plan.targets:
            if read_archive(Path(target.path)).sha256 != target.sha256:
                raise InputError(
                    f"{target.path}: this target is not the one that was planned with. Put it back, or plan "
                    "again in another folder."
                )
        models = [load_target_model(Path(target.path)) for target in self.plan.targets]
        self.panel = Panel(models, [target.name for target in self.plan.targets], device=device)
        self.recipe = self.panel.recipe
        settings = self.plan.settings
        self.accepts: Callable[[str], bool] = StructureFilter(
            settings.only, settings.actives, settings.most_similar
        ).accepts
        self.index = self._open_index() if self.plan.library.index_sha256 else None

    def _open_index(self) -> LibraryIndex:
        path = Path(self.plan.library.path)
        index = LibraryIndex.open(path)
        if not LibraryFacts.of(path).same_content(self.plan.library):
            raise InputError(
                f"{path}: this index is not the one that was planned with. Put it back, or plan again in "
                "another folder."
            )
        index.check_serves(self.recipe)
        return index

    def screened(self, shard: Shard, number: int, *, isolate: bool) -> ShardResult:
        """Score all rows of a shard."""
        top = self.plan.settings.top
        state = ScreenState({name: TopList(top) for name in self.panel.names}, rows=shard.first)
        rejections: list[Rejection] = []
        with Workers(1, apart=isolate) as workers:
            for batch in self._batches(shard, number, Preparer(self.recipe, workers)):
                rejections += [dataclasses.replace(one, row=one.row + state.rows) for one in batch.rejections]
                scores = self.panel.score_prepared(batch.compounds)
                take_batch(state, self.panel.names, batch, scores, self.accepts)
        rows = state.rows - shard.first
        if rows != shard.rows or state.scored + len(rejections) != rows:
            raise InputError(
                f"shard {number + 1}: {rows:,} rows were read, {state.scored:,} scored and "
                f"{len(rejections):,} rejected, and the plan has {shard.rows:,}. Plan again in another "
                "folder."
            )
        hits = {name: tuple(list_.best()) for name, list_ in state.tops.items()}
        return ShardResult(rows, state.scored, hits, rejections)

    def _batches(self, shard: Shard, number: int, prepare: Preparer) -> Iterator[Chunk]:
        if self.index is None:
            path = rows_file(self.folder, number)
            if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != shard.sha256:
                raise InputError(
                    f"{path}: these rows of the library are missing or damaged. Plan again in another folder."
                )
            yield from map(prepare, read_pieces(path))
            return
        left = shard.rows
        for chunk in self.index.chunks(skip=shard.first):
            yield chunk
            left -= chunk.rows
            if left <= 0:
                return


def _report(receipt: Receipt, state: Literal["done", "found"], seconds: float) -> ShardReport:
    return ShardReport(receipt.shard, state, receipt.rows, receipt.scored, receipt.rejected, seconds)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute with one thread: how many there are may show in the last digits of a score."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)
