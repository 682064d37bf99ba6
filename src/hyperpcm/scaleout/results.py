"""What a shard leaves on the disk: its result, and a receipt that says that the result is whole.

Of shard 3, ``shards/000003.json.gz`` holds hits and refused rows and ``000003.receipt.json`` the counts and
the checksum. A receipt is written last: a shard without one is not done, whatever else lies there. Both are
replaced as a whole, so that several processes may work in one folder, even on one shard.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.errors import Rejection, disk_full_as_error
from hyperpcm.screening import Hit

__all__ = ["Receipt", "ShardFiles", "ShardResult"]

STALE_S: Final = 3600.0
"""Age at which a temporary file is one of a process that was killed: none is written for so long."""


@dataclasses.dataclass(frozen=True)
class ShardResult:
    """What a shard found.

    Attributes:
        rows: rows of the shard.
        scored: those that were scored.
        hits: the best of each target, by its name.
        rejections: the other rows; ``row`` counts in the library.
    """

    rows: int
    scored: int
    hits: Mapping[str, Sequence[Hit]]
    rejections: Sequence[Rejection]


@dataclasses.dataclass(frozen=True)
class Receipt:
    """That a shard is done.

    Attributes:
        job: fingerprint of the plan.
        shard: its number, from 0.
        rows: rows that went in.
        scored: rows that were scored.
        rejected: rows that were refused.
        sha256: of the result.
        seconds: that it took.
    """

    job: str
    shard: int
    rows: int
    scored: int
    rejected: int
    sha256: str
    seconds: float


class ShardFiles:
    """The files of all shards of a plan.

    Args:
        folder: of the plan.
        job: its fingerprint.
    """

    def __init__(self, folder: Path, job: str) -> None:
        self.folder, self.job = folder / "shards", job

    def _path(self, shard: int, ending: str) -> Path:
        return self.folder / f"{shard:06d}.{ending}"

    def keep(self, shard: int, result: ShardResult, seconds: float) -> Receipt:
        """Store a result and then its receipt; equal results are equal bytes.

        Raises:
            OutputError: the folder cannot be written to.
            DiskFullError: no space is left; no receipt is there.
        """
        head = {"job": self.job, "shard": shard, "rows": result.rows, "scored": result.scored}
        lines: list[object] = [head]
        lines += [[name, [dataclasses.astuple(hit) for hit in hits]] for name, hits in result.hits.items()]
        lines += [[one.row, one.text, one.code, one.reason] for one in result.rejections]
        content = gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode(), 6, mtime=0)
        with atomic_file(self._path(shard, "json.gz"), overwrite=True) as file:
            file.write(content)
        receipt = Receipt(
            self.job,
            shard,
            result.rows,
            result.scored,
            len(result.rejections),
            hashlib.sha256(content).hexdigest(),
            round(seconds, 3),
        )
        with atomic_file(self._path(shard, "receipt.json"), overwrite=True) as file:
            file.write(json.dumps(dataclasses.asdict(receipt)).encode())
        self._path(shard, "failed.json").unlink(missing_ok=True)
        return receipt

    def receipt(self, shard: int) -> Receipt | None:
        """Return the receipt of a shard, or None where there is none that can be read."""
        try:
            stored = json.loads(self._path(shard, "receipt.json").read_text(encoding="utf-8"))
            return Receipt(**stored)
        except (OSError, ValueError, TypeError):
            return None

    def done(self, shard: int) -> Receipt | None:
        """Return the receipt of a shard that is done for this plan and whose result is whole, or None."""
        receipt = self.receipt(shard)
        if receipt is None or (receipt.job, receipt.shard) != (self.job, shard):
            return None
        return receipt if self._content(receipt) is not None else None

    def result(self, receipt: Receipt) -> ShardResult | None:
        """Return the result that a receipt of this plan stands for; None where it is missing or damaged."""
        content = self._content(receipt)
        if content is None:
            return None
        head, *lines = map(json.loads, gzip.decompress(content).splitlines())
        targets = [line for line in lines if isinstance(line[0], str)]
        hits = {name: tuple(Hit(*hit) for hit in found) for name, found in targets}
        rejections = [Rejection(*line) for line in lines[len(targets) :]]
        return ShardResult(head["rows"], head["scored"], hits, rejections)

    def _content(self, receipt: Receipt) -> bytes | None:
        with contextlib.suppress(OSError):
            content = self._path(receipt.shard, "json.gz").read_bytes()
            if hashlib.sha256(content).hexdigest() == receipt.sha256:
                return content
        return None

    @contextmanager
    def attempt(self, shard: int) -> Iterator[int]:
        """Take note that a shard is begun; gives how often it was before without an end of any kind.

        Whatever raises in the block is an end; only a process that dies leaves none.

        Raises:
            DiskFullError: no space is left.
        """
        path = self._path(shard, "begun")
        with disk_full_as_error(path), path.open("ab") as file:
            before = file.tell()
            file.write(b".")
        try:
            yield before
        finally:
            path.unlink(missing_ok=True)

    def begun(self, shard: int) -> int:
        """Return how often a shard was begun without an end of any kind."""
        path = self._path(shard, "begun")
        try:
            return path.stat().st_size
        except OSError:
            return 0

    def note_failure(self, shard: int, reason: str) -> None:
        """Write down why a shard could not be done, for whoever merges.

        Raises:
            OutputError: the folder cannot be written to.
            DiskFullError: no space is left.
        """
        stored: dict[str, Any] = {"job": self.job, "shard": shard, "reason": reason}
        with atomic_file(self._path(shard, "failed.json"), overwrite=True) as file:
            file.write(json.dumps(stored).encode())

    def failure(self, shard: int) -> str:
        """Return why a shard could not be done; empty where nobody has said."""
        try:
            stored = json.loads(self._path(shard, "failed.json").read_text(encoding="utf-8"))
            return str(stored["reason"]) if stored["job"] == self.job else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def sweep(self) -> int:
        """Remove temporary files of processes that were killed long ago; return how many."""
        swept = 0
        for path in self.folder.glob(".*.part"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > STALE_S:
                    path.unlink()
                    swept += 1
        return swept
