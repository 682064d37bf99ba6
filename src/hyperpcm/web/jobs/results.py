"""Results of screens: page by page, and as files to be downloaded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from hyperpcm.datasets.output import TableWriter
from hyperpcm.datasets.result_rows import result_rows
from hyperpcm.errors import NotReadyError, UnknownIdError
from hyperpcm.screening.hits_file import HIT_COLUMNS, write_sdf
from hyperpcm.web.answers import CompoundScore, Job, QuantityAnswer, Refused, ResultPage
from hyperpcm.web.asked import ResultQuery
from hyperpcm.web.jobs.outcome import JobFolder

__all__ = ["DOWNLOADS", "REFUSED_COLUMNS", "download", "refused_rows", "result_page"]

LabelsOn: TypeAlias = Callable[[str], Mapping[str, float]]

DOWNLOADS: Final[Mapping[str, str]] = {
    "csv": "text/csv; charset=utf-8",
    "sdf": "chemical/x-mdl-sdfile",
    "parquet": "application/vnd.apache.parquet",
    "rejected.csv": "text/csv; charset=utf-8",
}
"""Kinds of files with their media types."""
_FIELDS: Final = tuple(one.name for one in dataclasses.fields(CompoundScore) if one.name != "measured")
REFUSED_COLUMNS: Final[dict[str, type]] = {"row": int, "text": str, "code": str, "reason": str}
"""Columns of the file of rows that could not be used."""


def result_page(
    work: Path, job: Job, quantity: QuantityAnswer, query: ResultQuery, labels_on: LabelsOn
) -> ResultPage:
    """Return some rows of the result of a screen.

    Args:
        work: folder of the server.
        job: the screen.
        quantity: what a score means.
        query: which rows.
        labels_on: gives the labels on the target of an id that are known, by standardised SMILES.

    Raises:
        UnknownIdError: the job has no such result.
        NotReadyError: it has not ended.
    """
    folder = _ended(work, job)
    measured = labels_on(job.summary["target_id"])
    found = result_rows(
        folder.hits,
        sort=query.sort,
        descending=query.descending,
        offset=query.offset,
        limit=query.limit,
        equal=None if query.domain is None else ("domain", query.domain),
        at_least=None if query.at_least is None else ("score", query.at_least),
        holding=(("name", "smiles"), query.search.strip()),
    )
    return ResultPage(
        job=job,
        quantity=quantity,
        rows=tuple(
            CompoundScore(**{name: row[name] for name in _FIELDS}, measured=measured.get(row["smiles"]))
            for row in found.rows
        ),
        matching=found.matching,
        total=found.total,
        offset=query.offset,
        sort=query.sort,
        descending=query.descending,
        refused=dict(job.summary.get("rejected", {})),
    )


def refused_rows(work: Path, job: Job, *, most: int) -> tuple[Refused, ...]:
    """Return the first rows of a screen that could not be used.

    Raises:
        UnknownIdError: as `result_page`.
        NotReadyError: likewise.
    """
    found = result_rows(_ended(work, job).rejected, sort="row", limit=most)
    return tuple(Refused(**row) for row in found.rows)


def _ended(work: Path, job: Job) -> JobFolder:
    if job.kind != "screen":
        raise UnknownIdError("this job has no rows as a result.")
    if not job.is_final:
        raise NotReadyError("this job has not ended yet, so it has no result.")
    folder = JobFolder.of(work, job.id)
    if job.state != "done" or not folder.hits.is_file():
        raise UnknownIdError(
            f"this job has no result: it {'was cancelled' if job.error is None else 'failed'}."
        )
    return folder


def download(work: Path, job: Job, kind: str, labels_on: LabelsOn) -> Path:
    """Return the result of a screen as a file; it is written when it is first asked for.

    Args:
        work: folder of the server.
        job: the screen.
        kind: of the file.
        labels_on: as of `result_page`; a column of hits.

    Raises:
        UnknownIdError: the job has no result, or there is no such kind of file.
        NotReadyError: it has not ended.
    """
    folder = _ended(work, job)
    if kind not in DOWNLOADS:
        raise UnknownIdError(f"there is no such file; there are {', '.join(DOWNLOADS)}.")
    path = folder.path / (kind if kind == "rejected.csv" else f"told.{kind}")
    if path.is_file():
        return path
    if kind == "rejected.csv":
        _write(path, REFUSED_COLUMNS, _all(folder.rejected, "row"))
        return path
    measured = labels_on(job.summary["target_id"])
    hits = [{**row, "measured": measured.get(row["smiles"])} for row in _all(folder.hits, "target")]
    if kind == "sdf":
        write_sdf(path, hits, overwrite=True)
    else:
        _write(path, {**HIT_COLUMNS, "measured": float}, hits)
    return path


def _all(path: Path, sort: str) -> list[dict[str, Any]]:
    return result_rows(path, sort=sort, limit=1 << 62).rows


def _write(path: Path, columns: dict[str, type], rows: list[dict[str, Any]]) -> None:
    with TableWriter(path, columns, overwrite=True) as writer:
        writer.write({name: [row[name] for row in rows] for name in columns})
