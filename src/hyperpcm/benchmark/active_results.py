"""The files of a benchmark that replays campaigns: its protocol, and its results on disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self, final

import numpy as np
from pydantic import model_validator

from hyperpcm.adaptation.suggest_replay import ReplayProtocol
from hyperpcm.benchmark.folds import FoldFile
from hyperpcm.benchmark.kind import Done, Job, Results
from hyperpcm.errors import ConfigError, TableError
from hyperpcm.evaluation.few_shot import paired_difference
from hyperpcm.evaluation.results import read_json, write_json

if TYPE_CHECKING:
    from hyperpcm.benchmark.benchmark import Benchmark
    from hyperpcm.evaluation.surroundings import Surroundings

__all__ = ["AGAINST", "ActiveFile", "ActiveOnDisk", "summarised_campaigns"]

AGAINST: Final = ("zero_shot", "forest")
"""Methods that every other is compared with, target by target."""

_MADE_BY = ("versions", "commit", "machine")
_USUAL: Final = ReplayProtocol()
_DECIMALS: Final = 4


class ActiveFile(FoldFile):
    """The ``benchmark.toml`` of this kind."""

    rounds: int = _USUAL.rounds
    """Batches that are measured, one after the other."""
    batch: int = _USUAL.batch
    """Compounds of each."""
    share: float = _USUAL.share
    """Of the compounds of a target, its best."""
    least: int = _USUAL.least
    """Number of them at least."""
    least_compounds: int = _USUAL.least_compounds
    """Targets with fewer measured compounds are left out."""
    replays: int = _USUAL.seeds
    """How often methods that draw are replayed."""

    @property
    def replay(self) -> ReplayProtocol:
        """How campaigns are replayed.

        Raises:
            ConfigError: a number out of range.
        """
        return ReplayProtocol(
            self.rounds, self.batch, self.share, self.least, self.least_compounds, self.replays
        )

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        try:
            _ = self.replay
        except ConfigError as error:
            raise ValueError(str(error).rstrip(".")) from None
        return self


@final
class ActiveOnDisk(Results):
    """``{"reference", "methods": {method: …}, "targets", "protocol", "parts": [{"row", "fold", …}]}``.

    ``methods`` are those of the reference over the targets of its folds, as `summarised_campaigns` gives
    them; each part names the commit, versions and machine that made it.
    """

    def __init__(self, benchmark: Benchmark, path: Path) -> None:
        self.path, self._reference = path, benchmark.file.reference
        record = read_json(path) if path.exists() else {"protocol": None, "parts": []}
        try:
            self.protocol: Mapping[str, Any] | None = record["protocol"]
            self.parts: dict[Job, Mapping[str, Any]] = {_job(part): part for part in record["parts"]}
        except (KeyError, TypeError) as error:
            raise TableError(f"{path}: this is not a results file of this kind ({error}).") from None

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
        self._check_protocol(outcome["protocol"])
        self.protocol = outcome["protocol"]
        made_by = {name: outcome["surroundings"][name] for name in _MADE_BY}
        part = {**outcome["part"], **made_by}
        part["found"] = {
            method: [[round(share, _DECIMALS) for share in shares] for shares in targets]
            for method, targets in part["found"].items()
        }
        self.parts[_job(part)] = part
        reference = self.of_row(self._reference)
        means = summarised_campaigns(reference) if reference else {}
        ordered = [dict(self.parts[job]) for job in sorted(self.parts, key=lambda job: (job.row, job))]
        record = {"reference": self._reference, "protocol": self.protocol, "parts": ordered}
        write_json(self.path, means | record)
        last = {
            method: np.mean([shares[-1] for shares in targets]) for method, targets in part["found"].items()
        }
        told = ", ".join(f"{method} {100 * share:.0f} %" for method, share in last.items())
        return f"{part['row']}: best compounds found on {len(part['targets'])} targets: {told}"


def summarised_campaigns(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what each method finds, over the targets of all parts.

    Args:
        parts: of one row; the seeds of a target count as their mean.

    Returns:
        ``targets``: how many; ``methods``: for each method the mean share ``found`` after each round with its
        standard error ``se``, and for each of `AGAINST` the mean paired difference after each round
        ``[mean, low, high]`` with its 95 % bootstrap interval over targets.
    """
    methods = list(parts[0]["found"])
    targets = sorted({target for part in parts for target in part["targets"]})
    shares = {}
    for method in methods:
        own: dict[int, list[Sequence[float]]] = {target: [] for target in targets}
        for part in parts:
            for target, found in zip(part["targets"], part["found"][method], strict=True):
                own[target].append(found)
        shares[method] = np.array([np.mean(own[target], axis=0) for target in targets])
    record: dict[str, dict[str, Any]] = {}
    for method, values in shares.items():
        error = values.std(axis=0, ddof=1) / np.sqrt(len(targets)) if len(targets) > 1 else None
        record[method] = {
            "found": values.mean(axis=0).tolist(),
            "se": None if error is None else error.tolist(),
        }
        for other in AGAINST:
            if other != method and other in shares:
                compared = [
                    paired_difference(one, than) for one, than in zip(values.T, shares[other].T, strict=True)
                ]
                record[method][f"to_{other}"] = [[one.mean, one.low, one.high] for one in compared]
    return {"targets": len(targets), "methods": record}


def _job(part: Mapping[str, Any]) -> Job:
    return Job(int(part["fold"]), int(part["seed"]), str(part["row"]))
