"""What the process of a job leaves in the job's folder, and where everything lies in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.web.compiled import is_id

__all__ = ["JobFolder", "Outcome"]


@dataclass(frozen=True)
class Outcome:
    """How the process of a job ended.

    Attributes:
        error: what the user can mend, or that it was a bug of ours; None: all is well.
        summary: what came out (JSON values).
    """

    error: str | None
    summary: Mapping[str, Any]


@dataclass(frozen=True)
class JobFolder:
    """The folder of one job."""

    path: Path

    @classmethod
    def of(cls, work: Path, id: str) -> JobFolder:
        """Return the folder of a job.

        Raises:
            ValueError: the id cannot be one.
        """
        if not is_id(id):
            raise ValueError("this is not the id of a job")
        return cls(work / "jobs" / id)

    @property
    def upload(self) -> Path:
        """What was uploaded, under a name of ours."""
        return self.path / "upload"

    @property
    def target(self) -> Path:
        """The compiled target that is asked."""
        return self.path / "target.hpcm"

    @property
    def state(self) -> Path:
        """Where a screen keeps what it has found so far."""
        return self.path / "state"

    @property
    def hits(self) -> Path:
        """The result, once it is there."""
        return self.path / "hits.parquet"

    @property
    def rejected(self) -> Path:
        """Rows that could not be used, once the result is there."""
        return self.path / "rejected.parquet"

    @property
    def outcome(self) -> Path:
        """How the process ended."""
        return self.path / "outcome.json"

    def write(self, outcome: Outcome) -> None:
        """Leave how the process ended."""
        with atomic_file(self.outcome, overwrite=True) as file:
            file.write(json.dumps({"error": outcome.error, "summary": dict(outcome.summary)}).encode())

    def read(self) -> Outcome | None:
        """Return how the process ended; None: it left nothing."""
        try:
            stored = json.loads(self.outcome.read_text(encoding="utf-8"))
            return Outcome(stored["error"], stored["summary"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def tidy(self, *, keep_upload: bool = False) -> None:
        """Remove what only a running job needs.

        Args:
            keep_upload: whether what was sent stays, to be mended and sent again.
        """
        if not keep_upload:
            self.upload.unlink(missing_ok=True)
        shutil.rmtree(self.state, ignore_errors=True)

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
