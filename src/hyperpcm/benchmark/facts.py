"""What the table of every kind says about its making: data, division, commits, machine, and what is stale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hyperpcm.benchmark.benchmark import Benchmark
from hyperpcm.benchmark.kind import Job, Results
from hyperpcm.evaluation.surroundings import Surroundings, short_commit

__all__ = ["facts_of", "notes_of", "older_parts", "stale_rows"]


def facts_of(
    benchmark: Benchmark, protocol: Mapping[str, Any], where: Surroundings, commits: Iterable[str | None]
) -> tuple[tuple[str, str], ...]:
    """Protocol, commits and machine of some results, as name and value.

    Args:
        benchmark: whose results.
        protocol: what the results share, of `hyperpcm.training.evaluation.protocol_of`.
        where: versions and machine.
        commits: of the results that are shown, in their order.
    """
    options = ", ".join(f"{name} = {value}" for name, value in dict(protocol.get("options", {})).items())
    split = f"{protocol['split']}, {protocol['folds']} folds, seed {protocol['split_seed']}"
    merged = "repeats merged" if protocol.get("merged") else "rows as published"
    shown = list(dict.fromkeys(map(short_commit, commits)))
    machine = [str(where.machine.get(key)) for key in ("processor", "device") if where.machine.get(key)]
    cores, memory = where.machine.get("cores"), where.machine.get("memory_gb")
    machine += [f"{cores} cores"] if cores else []
    machine += [f"{memory} GB"] if memory else []
    versions = ", ".join(f"{name} {version}" for name, version in sorted(where.versions.items()))
    return (
        ("data", f"{protocol['data']} ({merged}), content {str(protocol['fingerprint'])[:12]}"),
        ("split", split + (f", {options}" if options else "")),
        ("reference", benchmark.file.reference),
        ("commit" if len(shown) == 1 else "commits", ", ".join(shown)),
        ("machine", ", ".join(machine)),
        ("versions", versions),
    )


def notes_of(benchmark: Benchmark) -> tuple[tuple[str, str], ...]:
    """Notes of rows by their titles, and what was tried before."""
    notes = [(row.title, row.file.note) for row in benchmark.rows if row.file.note]
    tried = " ".join(benchmark.file.tried.split())
    return (*notes, ("What was tried", tried)) if tried else tuple(notes)


def older_parts(benchmark: Benchmark, jobs: Iterable[Job], what: str) -> Iterable[str]:
    """A sentence for every row with jobs that were measured before there were all of what is compared now."""
    titles = {row.name: row.title for row in benchmark.rows}
    folds: dict[str, set[int]] = {}
    for job in jobs:
        folds.setdefault(job.row, set()).add(job.fold)
    for row, own in sorted(folds.items()):
        yield (
            f"{titles[row]}: folds {', '.join(map(str, sorted(own)))} were measured before there were all "
            f"{what}, so they are left out; run them again with --fresh."
        )


def stale_rows(benchmark: Benchmark, held: Results) -> Iterable[str]:
    """A sentence for every row whose file was changed after its results were made."""
    done = held.done()
    for row in benchmark.rows:
        made = {found.settings for job, found in done.items() if job.row == row.name}
        if made - {None, row.digest}:
            yield f"{row.title}: the row's file was changed after these results were made; run it again."
