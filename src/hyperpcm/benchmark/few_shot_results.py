"""The files of a few-shot benchmark: its protocol, its rows, and its results on disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self, final

from pydantic import Field, model_validator

from hyperpcm.benchmark.files import RowFile
from hyperpcm.benchmark.folds import FoldFile
from hyperpcm.benchmark.kind import Done, Job, Results
from hyperpcm.errors import ConfigError
from hyperpcm.evaluation.few_shot import (
    LABELS_ROW,
    FewShotPart,
    FewShotProtocol,
    check_protocol,
    part_path,
    read_parts,
    summarise,
)
from hyperpcm.evaluation.results import read_json, write_json

if TYPE_CHECKING:
    from hyperpcm.benchmark.benchmark import Benchmark
    from hyperpcm.evaluation.surroundings import Surroundings

__all__ = ["FewShotFile", "FewShotOnDisk", "FewShotRowFile"]

_DEFAULTS: Final = ("posterior", "shift")  # the adapter of whoever does not choose; the first that there is
_AGAINST: Final = "per_target_forest"  # its yardstick
_USUAL: Final = FewShotProtocol()


class FewShotFile(FoldFile):
    """The ``benchmark.toml`` of this kind."""

    sizes: tuple[int, ...] = _USUAL.sizes
    """Numbers of measured compounds, ascending."""
    draws: int = _USUAL.draws
    """How often each target is divided."""
    draws_seed: int = _USUAL.seed
    """Seed of all draws."""
    min_query: int = _USUAL.min_query
    """Least number of compounds to be scored; a target that cannot keep so many is left out."""
    query_share: float = Field(_USUAL.query_share, gt=0, le=0.5)
    """Share of a target's compounds that are scored, where that is more."""

    @property
    def drawn(self) -> FewShotProtocol:
        """How measured and scored compounds are drawn.

        Raises:
            ConfigError: a number out of range.
        """
        return FewShotProtocol(self.sizes, self.draws, self.draws_seed, self.min_query, self.query_share)

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        try:
            _ = self.drawn
        except ConfigError as error:
            raise ValueError(str(error).rstrip(".")) from None
        return self


class FewShotRowFile(RowFile):
    """One row: a zero-shot model whose scores are adapted, or the methods that need none."""

    zero_shot: bool = True
    """Whether the row is a zero-shot model; false in ``labels.toml`` alone."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.shuffled is not None:
            raise ValueError("shuffled: targets are not exchanged in the few-shot setting; leave it out")
        if not self.zero_shot and (self.baseline or self.options or self.settings or self.part):
            raise ValueError(
                "a row without a zero-shot model has neither baseline, options, part nor settings"
            )
        return self


@final
class FewShotOnDisk(Results):
    """The parts of a benchmark in their folder, and the summary of them all beside it."""

    def __init__(self, benchmark: Benchmark, folder: Path, path: Path) -> None:
        self.path, self._folder, self._name = path, folder, path.stem
        self._reference, self._rows = benchmark.file.reference, {row.name for row in benchmark.rows}
        parts = read_parts(folder, self._name)
        self._parts = {_job(part): part for part in parts if part.row in self._rows}
        self._gone: set[Job] = set()

    @property
    def has_table(self) -> bool:
        """Whether there is a summary."""
        return self.path.exists()

    @property
    def summary(self) -> dict[str, Any]:
        """What the summary file holds.

        Raises:
            TableError: it cannot be read.
        """
        return read_json(self.path)

    def done(self) -> Mapping[Job, Done]:
        """Every job whose part is there."""
        found = {
            job: Done(part.where.commit, part.settings, part.peak_mb) for job, part in self._parts.items()
        }
        return MappingProxyType(found)

    def older(self) -> set[Job]:
        """The jobs whose parts lack adapters that another part of their row has; no summary holds them."""
        widest: dict[str, set[str]] = {}
        for job, part in self._parts.items():
            widest[job.row] = max(widest.get(job.row, set()), set(part.curves), key=len)
        return {job for job, part in self._parts.items() if widest[job.row] - set(part.curves)}

    def forget(self, jobs: Collection[Job]) -> None:
        """Leave out these parts; their files go when the next one is written."""
        self._gone |= {job for job in jobs if job in self._parts}
        self._parts = {job: part for job, part in self._parts.items() if job not in self._gone}

    def check(self, outcome: Mapping[str, Any], where: Surroundings) -> None:
        """Refuse parts of another protocol."""
        for part in self._parts.values():
            check_protocol(str(self.path), part, outcome["protocol"])

    def add(self, outcome: Mapping[str, Any]) -> str:
        """Write the summary with the part of a job, then the part: only then the job counts as done."""
        part = FewShotPart.from_dict(outcome["part"], f"{self.path}, a new part")
        for other in self._parts.values():
            check_protocol(str(self.path), part, other.protocol)
        self._parts[_job(part)] = part
        if self._can_be_summarised():
            older = self.older()
            jobs = sorted(set(self._parts) - older, key=lambda job: (job.row, job))
            parts = [self._parts[job] for job in jobs]
            own = next(part for part in parts if part.row == self._reference)
            default = next(name for name in _DEFAULTS if name in own.curves)
            write_json(
                self.path,
                summarise(parts, zero_shot=self._reference, default=default, reference=_AGAINST),
            )
        else:
            self.path.unlink(missing_ok=True)
        part.write(self._path_of(_job(part)))
        for job in self._gone - set(self._parts):
            self._path_of(job).unlink(missing_ok=True)
        self._gone = set()
        return _words(part)

    def _can_be_summarised(self) -> bool:
        """Whether some fold has the reference and the methods that use labels alone."""
        left = set(self._parts) - self.older()
        folds = {name: {job.fold for job in left if job.row == name} for name in self._rows}
        return bool(folds[self._reference] & folds[LABELS_ROW])

    def _path_of(self, job: Job) -> Path:
        return part_path(self._folder, self._name, job.row, job.fold, job.seed)


def _job(part: FewShotPart) -> Job:
    return Job(part.fold, part.seed, part.row)


def _words(part: FewShotPart) -> str:
    """What people who watch are told of a part."""
    return f"{part.row}: {len(part.targets)} targets, {', '.join(part.curves)}"
