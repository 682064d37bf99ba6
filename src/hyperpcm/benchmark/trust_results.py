"""The results file of a benchmark of trust: what was measured in each job, and means of the reference."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, final

from hyperpcm.benchmark.kind import Done, Job, Results
from hyperpcm.benchmark.trust_mutants import pooled_mutants
from hyperpcm.errors import TableError
from hyperpcm.evaluation.results import read_json, write_json

if TYPE_CHECKING:
    from hyperpcm.benchmark.benchmark import Benchmark
    from hyperpcm.evaluation.surroundings import Surroundings

__all__ = ["TrustOnDisk"]

_MADE_BY = ("versions", "commit", "machine")


@final
class TrustOnDisk(Results):
    """``{"coverage": …, …, "reference", "protocol", "parts": [{"row", "fold", "seed", "held", …}]}``.

    Where labels are two classes: ``{"ece": …, …, "parts": [{"row", "fold", "seed", "ece", …}]}``.

    The means are those of the reference over its folds and seeds, as is the verdict on ``mutants`` where the
    data hold any; each part names the commit, versions and
    machine that made it.
    """

    def __init__(self, benchmark: Benchmark, path: Path) -> None:
        self.path, self._reference = path, benchmark.file.reference
        record = read_json(path) if path.exists() else {"protocol": None, "parts": []}
        try:
            self.protocol: Mapping[str, Any] | None = record["protocol"]
            self.parts: dict[Job, Mapping[str, Any]] = {_job(part): part for part in record["parts"]}
        except (KeyError, TypeError) as error:
            raise TableError(f"{path}: this is not a results file of this kind ({error}).") from None

    @property
    def is_binary(self) -> bool:
        """Whether its parts are about probabilities of a class."""
        return any("ece" in part for part in self.parts.values())

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
        if self.parts and self.protocol != protocol:
            raise TableError(
                f"{self.path}: holds results of another protocol: {self.protocol}, not {protocol}. "
                "Remove the file, or give the benchmark another name of results."
            )

    def add(self, outcome: Mapping[str, Any]) -> str:
        """Add the part of a job and write the file with the means of all."""
        from hyperpcm.trust import summarised, summarised_reliability

        self._check_protocol(outcome["protocol"])
        self.protocol = outcome["protocol"]
        made_by = {name: outcome["surroundings"][name] for name in _MADE_BY}
        part = {**outcome["part"], **made_by}
        self.parts[_job(part)] = part
        reference = self.of_row(self._reference)
        summary = summarised_reliability if self.is_binary else summarised
        means = summary(reference) if reference else {}
        mutants = None if self.is_binary else pooled_mutants(reference)
        if mutants is not None:
            means["mutants"] = mutants.record() | {"says": mutants.sentence()}
        ordered = [dict(self.parts[job]) for job in sorted(self.parts, key=lambda job: (job.row, job))]
        record = {"reference": self._reference, "protocol": self.protocol, "parts": ordered}
        write_json(self.path, means | record)
        if self.is_binary:
            return (
                f"{part['row']}: calibration error {part['ece']:.3f}, before {part['ece_uncalibrated']:.3f}"
            )
        return f"{part['row']}: 80 % intervals hold {100 * part['held']['0.8']:.1f} %"


def _job(part: Mapping[str, Any]) -> Job:
    return Job(int(part["fold"]), int(part["seed"]), str(part["row"]))
