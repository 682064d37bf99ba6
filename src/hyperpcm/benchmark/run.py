"""Runs what a benchmark lacks: jobs as processes, results written by this one process alone."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hyperpcm.benchmark.benchmark import RESULTS, Benchmark
from hyperpcm.benchmark.kind import Job, Results
from hyperpcm.benchmark.processes import Ended, Task, killed_by, memory_limit_mb, run_tasks
from hyperpcm.benchmark.registry import kind_named
from hyperpcm.benchmark.worker import Request
from hyperpcm.datasets.locking import only_run
from hyperpcm.errors import (
    ConfigError,
    DataUnavailableError,
    HyperpcmError,
    InputError,
    TableError,
    TrainingStoppedError,
)
from hyperpcm.evaluation.surroundings import Surroundings, short_commit, surroundings

if TYPE_CHECKING:
    from hyperpcm.training.stopping import StopSignal

__all__ = ["Choice", "RunSummary", "run_benchmark", "store_path", "wanted_jobs"]

_PREPARE: Final = Job(-1, -1, "")
_MARGIN: Final = 1.15  # a known peak is not a promise


@dataclasses.dataclass(frozen=True)
class Choice:
    """What of a benchmark is run, and how.

    Attributes:
        rows: names; None: all.
        folds: numbers; None: all.
        seeds: seeds, which may go beyond those of the benchmark; None: those of the benchmark.
        processes: jobs at a time.
        threads: of each job.
        memory_mb: bound on the memory of all jobs together, in 10⁶ bytes; None: 85 % of what there is.
        mix_commits: keep results of other commits beside new ones.
        fresh: run again what is there already.
        store: file of the embedding store; None: the usual place in the data folder.
    """

    rows: Sequence[str] | None = None
    folds: Sequence[int] | None = None
    seeds: Sequence[int] | None = None
    processes: int = 1
    threads: int = 1
    memory_mb: float | None = None
    mix_commits: bool = False
    fresh: bool = False
    store: Path | None = None


@dataclasses.dataclass(frozen=True)
class RunSummary:
    """What a run did.

    Attributes:
        path: the results file.
        done: jobs that were done.
        skipped: jobs whose results were there.
        failed: jobs that gave no result, each with a sentence.
    """

    path: Path
    done: tuple[Job, ...]
    skipped: tuple[Job, ...]
    failed: tuple[tuple[Job, str], ...]


def run_benchmark(
    benchmark: Benchmark, choice: Choice, *, results: Path | None = None, say: Callable[[str], None] = print
) -> RunSummary:
    """Run the jobs of a benchmark whose results are not there yet.

    Every job is a process of its own; its rows are written as soon as it ends, so what is finished stays,
    whatever happens. A job that fails is reported, and the others go on.

    Args:
        benchmark: what to run.
        choice: which part of it, and how.
        results: folder of results; beside the benchmark when not given.
        say: is called with a line for every job that ends.

    Raises:
        ConfigError: rows, folds or seeds that the benchmark does not have.
        TableError: results of another protocol or, unless they may be mixed, of another commit.
        DataUnavailableError: the data set cannot be had.
        OutputError: another run is writing these results.
        TrainingStoppedError: a signal came; what was finished stays.
    """
    kind = kind_named(benchmark.file.kind, benchmark.folder)
    folder = benchmark.folder.parent / RESULTS if results is None else results
    wanted = wanted_jobs(benchmark, kind.jobs(benchmark), choice)
    with only_run(kind.results_path(benchmark, folder)):
        held = kind.results(benchmark, folder)
        where = surroundings()
        skipped = _skipped(benchmark, held, wanted, choice)
        todo = [job for job in wanted if job not in skipped]
        _check_commits(held, todo, where, choice)
        if choice.fresh:
            held.forget(todo)
        if todo:
            done, failed = _Run(benchmark, choice, held, where, say).run(todo)
        else:
            done, failed = (), ()
    return RunSummary(held.path, done, tuple(sorted(skipped)), failed)


def store_path(choice: Choice) -> Path:
    """The file of the embedding store; its folder is made.

    Raises:
        InputError: the folder cannot be made.
    """
    from hyperpcm.encoders.store import usual_store

    path = usual_store() if choice.store is None else choice.store
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{path.parent}: the folder of the embedding store cannot be made ({error.strerror}). "
            "Set HYPERPCM_DATA to a folder of your own."
        ) from error
    return path


def wanted_jobs(benchmark: Benchmark, jobs: list[Job], choice: Choice) -> list[Job]:
    """The jobs that are asked for, in their order, each once.

    Raises:
        ConfigError: rows, folds or seeds that the benchmark does not have.
    """
    for name in choice.rows or ():
        benchmark.row(name)
    known = {job.fold for job in jobs}
    for fold in choice.folds or ():
        if fold not in known:
            raise ConfigError(
                f"benchmark {benchmark.name!r} has no fold {fold}; its folds: "
                f"{', '.join(map(str, sorted(known)))}."
            )
    if choice.seeds is not None and any(seed < 0 for seed in choice.seeds):
        raise ConfigError("a seed is a whole number from 0.")
    if choice.seeds is not None:
        bound = {row.name: row.file.seeds for row in benchmark.rows}
        jobs = [
            dataclasses.replace(job, seed=seed)
            for job in jobs
            for seed in choice.seeds
            if bound[job.row] is None or seed in (bound[job.row] or ())
        ]
    return [
        job
        for job in dict.fromkeys(jobs)  # a fold or seed that is given twice is run once
        if (choice.rows is None or job.row in choice.rows)
        and (choice.folds is None or job.fold in choice.folds)
    ]


def _skipped(benchmark: Benchmark, held: Results, wanted: list[Job], choice: Choice) -> set[Job]:
    """Jobs whose results are there, made with the row's file as it is now."""
    if choice.fresh:
        return set()
    done = held.done()
    return {
        job for job in wanted if job in done and done[job].settings in (None, benchmark.row(job.row).digest)
    }


def _check_commits(held: Results, todo: list[Job], where: Surroundings, choice: Choice) -> None:
    others = {job: done for job, done in held.done().items() if job not in set(todo)}
    foreign = sorted({short_commit(done.commit) for done in others.values() if done.commit != where.commit})
    if todo and foreign and not choice.mix_commits:
        raise TableError(
            f"{held.path} holds {len(others)} results, some of commit {', '.join(foreign)}; this is "
            f"{short_commit(where.commit)}. Run all anew (--fresh), or keep them, each with its own commit "
            "(--mix-commits)."
        )


class _Run:
    """One run: its tasks, what is known about their memory, and what became of them."""

    def __init__(
        self,
        benchmark: Benchmark,
        choice: Choice,
        held: Results,
        where: Surroundings,
        say: Callable[[str], None],
    ) -> None:
        self._benchmark, self._choice, self._held = benchmark, choice, held
        self._where, self._say = where, say
        self._store = store_path(choice)
        self._unknown_mb = 0.0
        self._more_mb: dict[str, float] = {}
        self._peaks: dict[str, float] = {}
        for job, done in held.done().items():
            self._learn(job, done.peak_mb)

    def run(self, todo: list[Job]) -> tuple[tuple[Job, ...], tuple[tuple[Job, str], ...]]:
        """Do the jobs."""
        from hyperpcm.training.stopping import StopSignal

        done: list[Job] = []
        failed: list[tuple[Job, str]] = []
        with StopSignal() as stop, tempfile.TemporaryDirectory(prefix="hyperpcm-benchmark-") as name:
            folder = Path(name)
            self._prepare(todo, folder, stop)
            for ended in self._ended(todo, folder, stop):
                job, outcome = ended.tag, _outcome(ended, folder)
                if "error" in outcome:
                    failed.append((job, str(outcome["error"])))
                    self._say(f"failed: {job.words()}: {outcome['error']}")
                    continue
                words = self._held.add(outcome)
                self._learn(job, ended.peak_mb)
                done.append(job)
                count = f"[{len(done) + len(failed)}/{len(todo)}]"
                memory = "" if ended.peak_mb is None else f", {ended.peak_mb:.0f} MB"
                self._say(f"{count} fold {job.fold} seed {job.seed} {words} ({ended.seconds:.0f} s{memory})")
            _raise_if_stopped(stop, len(done), len(todo))
        return tuple(done), tuple(failed)

    def _prepare(self, todo: list[Job], folder: Path, stop: StopSignal) -> None:
        """Have what the jobs share computed, and the protocol compared, before any of them starts."""
        self._say("preparing what the jobs share …")
        for ended in self._ended([_PREPARE], folder, stop, rows=sorted({job.row for job in todo})):
            outcome = _outcome(ended, folder)
            if "error" in outcome:
                kind = DataUnavailableError if ended.code == DataUnavailableError.exit_code else HyperpcmError
                raise kind(f"benchmark {self._benchmark.name!r}: {outcome['error']}")
            self._held.check(outcome, self._where)
            self._unknown_mb = float(outcome["estimate_mb"])
            self._more_mb = {row: float(more) for row, more in outcome["rows_mb"].items()}
        _raise_if_stopped(stop, 0, len(todo))

    def _ended(self, jobs: list[Job], folder: Path, stop: StopSignal, rows: Sequence[str] = ()) -> Any:
        choice = self._choice
        memory = 0.85 * memory_limit_mb() if choice.memory_mb is None else choice.memory_mb
        tasks = [self._task(job, folder, rows) for job in jobs]
        return run_tasks(
            tasks,
            processes=choice.processes,
            memory_mb=memory,
            estimate=self._estimate,
            stopped=lambda: stop.requested,
        )

    def _task(self, job: Job, folder: Path, rows: Sequence[str]) -> Task[Job]:
        import hyperpcm

        benchmark, threads = self._benchmark, self._choice.threads
        request = Request(
            root=str(benchmark.folder.parent.resolve()),
            benchmark=benchmark.name,
            row=job.row,
            fold=job.fold,
            seed=job.seed,
            rows=tuple(rows),
            digest=benchmark.row(job.row).digest if job.row else "",
            threads=threads,
            store=str(self._store.resolve()),
            out=str(_out(folder, job)),
        )
        source = str(Path(hyperpcm.__file__).parent.parent)
        path = os.pathsep.join(part for part in (source, os.environ.get("PYTHONPATH", "")) if part)
        environment = {
            "PYTHONPATH": path,
            "OMP_NUM_THREADS": str(max(1, threads)),
            "OMP_WAIT_POLICY": "PASSIVE",
            "OPENBLAS_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        command = [sys.executable, "-m", "hyperpcm.benchmark.worker"]
        return Task(job, command, request.to_json(), environment)

    def _estimate(self, job: Job) -> float:
        """Memory of a job: the largest peak that its row had so far, else what the table's size suggests."""
        known = self._peaks.get(job.row)
        if known is None:
            return self._unknown_mb + self._more_mb.get(job.row, 0.0)
        return _MARGIN * known

    def _learn(self, job: Job, peak_mb: float | None) -> None:
        if peak_mb is not None:
            self._peaks[job.row] = max(peak_mb, self._peaks.get(job.row, 0.0))


def _out(folder: Path, job: Job) -> Path:
    return folder / f"{job.row or 'prepare'}-{job.fold}-{job.seed}.json"


def _outcome(ended: Ended[Job], folder: Path) -> dict[str, Any]:
    """What the process wrote, or under ``error`` why there is nothing."""
    path = _out(folder, ended.tag)
    if path.exists():
        outcome: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        path.unlink()
        return outcome
    seen = "" if ended.peak_mb is None else f" It held {ended.peak_mb:.0f} MB."
    if ended.code < 0:
        name = killed_by(ended.code)
        reason = f"its process was ended by {name} after {ended.seconds:.0f} s.{seen}"
        if name == "SIGKILL":
            reason += " Most likely memory ran out: run fewer --processes, or on a larger machine."
        return {"error": reason}
    last = ended.said.splitlines()[-1] if ended.said else "it said nothing"
    return {"error": f"its process ended with code {ended.code} and no result ({last}).{seen}"}


def _raise_if_stopped(stop: StopSignal, done: int, total: int) -> None:
    if stop.requested:
        raise TrainingStoppedError(
            f"Stopped by {stop.name} with {done} of {total} jobs done; what is finished is kept. "
            "The same command goes on.",
            exit_code=130 if stop.name == "SIGINT" else 75,
        )
