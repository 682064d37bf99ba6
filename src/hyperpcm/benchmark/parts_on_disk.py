"""Results that are one file: a part for each job, and above them the means of the reference."""

from __future__ import annotations

import abc
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from hyperpcm.benchmark.kind import Done, Job, Results
from hyperpcm.errors import TableError
from hyperpcm.evaluation.results import read_json, write_json

if TYPE_CHECKING:
    from hyperpcm.benchmark.benchmark import Benchmark
    from hyperpcm.evaluation.surroundings import Surroundings

__all__ = ["PartsOnDisk"]

_MADE_BY = ("versions", "commit", "machine")
_NEEDED = (*_MADE_BY, "settings", "peak_mb")


class PartsOnDisk(Results):
    """``{…, "reference", "protocol", "parts": [{"row", "fold", "seed", …}]}``.

    What stands first are means over the parts of the reference; each part names the commit, versions and
    machine that made it. Parts of rows that the benchmark no longer has stay in the file and count nowhere.
    """

    needed: ClassVar[tuple[str, ...]] = ()
    """What every part holds beside what is common to all kinds."""

    def __init__(self, benchmark: Benchmark, path: Path) -> None:
        self.path, self._reference = path, benchmark.file.reference
        record = read_json(path) if path.exists() else {"protocol": None, "parts": []}
        rows = {row.name for row in benchmark.rows}
        try:
            self.protocol: Mapping[str, Any] | None = record["protocol"]
            parts = {_job(part): part for part in record["parts"]}
            self.parts: dict[Job, Mapping[str, Any]] = {
                job: self.checked(part) for job, part in parts.items() if job.row in rows
            }
        except (KeyError, TypeError, ValueError) as error:
            raise TableError(f"{path}: this is not a results file of this kind ({error}).") from None
        self._others = {job: part for job, part in parts.items() if job.row not in rows}

    def checked(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a part of the file, which holds what is needed of it.

        Raises:
            KeyError, TypeError, ValueError: it does not.
        """
        for name in (*_NEEDED, *self.needed):
            part[name]
        return part

    @abc.abstractmethod
    def means(self, reference: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return what the file begins with, from the parts of the reference, one at least."""

    @abc.abstractmethod
    def told(self, part: Mapping[str, Any]) -> str:
        """Return a part in one line."""

    def done(self) -> Mapping[Job, Done]:
        """Every job whose part is there."""
        found = {
            job: Done(part["commit"], part["settings"], part["peak_mb"]) for job, part in self.parts.items()
        }
        return MappingProxyType(found)

    def of_row(self, row: str) -> list[Mapping[str, Any]]:
        """The parts of a row, fold by fold."""
        return [self.parts[job] for job in sorted(self.parts) if job.row == row]

    def forget(self, jobs: Collection[Job]) -> None:
        """Leave out the parts of these jobs."""
        self.parts = {job: part for job, part in self.parts.items() if job not in set(jobs)}

    def check(self, outcome: Mapping[str, Any], where: Surroundings) -> None:  # noqa: ARG002  # no result depends on it
        """Refuse results of another protocol."""
        self._check_protocol(outcome["protocol"])

    def _check_protocol(self, protocol: Mapping[str, Any]) -> None:
        if (self.parts or self._others) and self.protocol != protocol:
            raise TableError(
                f"{self.path}: holds results of another protocol: {self.protocol}, not {protocol}. "
                "Remove the file, or give the benchmark another name of results."
            )

    def kept(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a part as the file keeps it."""
        return part

    def add(self, outcome: Mapping[str, Any]) -> str:
        """Add the part of a job and write the file with the means of all."""
        self._check_protocol(outcome["protocol"])
        self.protocol = outcome["protocol"]
        part = {**self.kept(outcome["part"]), **{name: outcome["surroundings"][name] for name in _MADE_BY}}
        self.parts[_job(part)] = part
        reference = self.of_row(self._reference)
        means = self.means(reference) if reference else {}
        every = self.parts | self._others
        ordered = [dict(every[job]) for job in sorted(every, key=lambda job: (job.row, job))]
        record = {"reference": self._reference, "protocol": self.protocol, "parts": ordered}
        write_json(self.path, means | record)
        return self.told(part)


def _job(part: Mapping[str, Any]) -> Job:
    return Job(int(part["fold"]), int(part["seed"]), str(part["row"]))
