"""What differs between kinds of benchmark: their files, their jobs, their results and their table.

`run`, `worker`, `view` and `page` know kinds by these methods only.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hyperpcm.benchmark.files import BenchmarkFile, RowFile

if TYPE_CHECKING:
    from hyperpcm.benchmark.benchmark import Benchmark
    from hyperpcm.benchmark.view import TableView
    from hyperpcm.encoders import EmbeddingStore
    from hyperpcm.evaluation.surroundings import Surroundings

__all__ = ["Done", "Job", "Kind", "Progress", "Results"]

Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True, order=True)
class Job:
    """One fit: a row of the table on one fold with one seed."""

    fold: int
    seed: int
    row: str

    def words(self) -> str:
        """What the job is called in messages."""
        return f"{self.row}, fold {self.fold}, seed {self.seed}"


@dataclasses.dataclass(frozen=True)
class Done:
    """What the results hold of a job.

    Attributes:
        commit: of the code that did it.
        settings: digest of the row's file at that time; None where it is not known.
        peak_mb: peak memory of its process, in 10⁶ bytes; None where it is not known.
    """

    commit: str | None
    settings: str | None
    peak_mb: float | None


class Results(ABC):
    """The results files of one benchmark, in memory and on disk; only the parent process writes them."""

    path: Path
    """The main file; its lock lies beside it."""

    @abstractmethod
    def done(self) -> Mapping[Job, Done]:
        """Every job whose result is there."""

    @property
    def has_table(self) -> bool:
        """Whether what is there is enough for a table."""
        return bool(self.done())

    @abstractmethod
    def forget(self, jobs: Collection[Job]) -> None:
        """Leave out the results of these jobs from what is written next."""

    @abstractmethod
    def check(self, outcome: Mapping[str, Any], where: Surroundings) -> None:
        """Refuse results of another protocol.

        Args:
            outcome: what `Kind.prepare` gave.
            where: what this run is made by.

        Raises:
            TableError: the files hold results of another protocol.
        """

    @abstractmethod
    def add(self, outcome: Mapping[str, Any]) -> str:
        """Add what a job gave and write the files, whole or not at all; a few words on it for people.

        Raises:
            TableError: the outcome does not fit the files.
            OutputError: the folder cannot be written to.
            DiskFullError: no space is left.
        """


class Kind(ABC):
    """One kind of benchmark; without state."""

    name: ClassVar[str]
    protocol: ClassVar[type[BenchmarkFile]]
    row: ClassVar[type[RowFile]] = RowFile

    @abstractmethod
    def check(self, benchmark: Benchmark) -> None:
        """Refuse a benchmark whose files contradict each other or name what is not there.

        Raises:
            ConfigError: with the file and what to do.
        """

    @abstractmethod
    def jobs(self, benchmark: Benchmark) -> list[Job]:
        """All jobs of the benchmark, in the order in which they are best done."""

    @abstractmethod
    def prepare(
        self,
        benchmark: Benchmark,
        rows: Sequence[str],
        store: EmbeddingStore,
        threads: int,
        progress: Progress,
    ) -> dict[str, Any]:
        """Compute what several jobs share and keep it in the store; runs once, in a process of its own.

        Returns:
            JSON-able: ``protocol`` (what results must share), ``estimate_mb`` (memory of a job that nothing
            is known about) and ``rows_mb`` (what some rows need beyond that, by row).
        """

    @abstractmethod
    def execute(
        self, benchmark: Benchmark, job: Job, store: EmbeddingStore, threads: int, progress: Progress
    ) -> dict[str, Any]:
        """Do a job, in a process of its own: what `Results.add` takes, JSON-able."""

    @abstractmethod
    def results_path(self, benchmark: Benchmark, folder: Path) -> Path:
        """The main results file of the benchmark below the results folder, which no other one may share."""

    @abstractmethod
    def results(self, benchmark: Benchmark, folder: Path) -> Results:
        """The results of the benchmark below the results folder.

        Raises:
            TableError: a file that is there cannot be read.
        """

    @abstractmethod
    def view(self, benchmark: Benchmark, folder: Path) -> TableView:
        """What the table shows.

        Raises:
            TableError: there are no results, or they cannot be read.
        """
