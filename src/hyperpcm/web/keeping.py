"""A short list is scored at once, and its result kept as that of a job: at an address that stays."""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hyperpcm.datasets.output import TableWriter
from hyperpcm.errors import InputError, disk_full_as_error
from hyperpcm.screening.hits_file import HIT_COLUMNS
from hyperpcm.web.answers import Job, Refused, ScoreAnswer
from hyperpcm.web.asked import AskedTarget, GivenCompound
from hyperpcm.web.jobs.outcome import JobFolder
from hyperpcm.web.jobs.results import REFUSED_COLUMNS

if TYPE_CHECKING:
    from hyperpcm.web.service import Service

__all__ = ["score_and_keep"]


def score_and_keep(service: Service, asked: AskedTarget, compounds: Sequence[GivenCompound]) -> Job:
    """Return the job whose result is compounds ranked for a target: it has ended, unless they are many.

    Args:
        service: that scores.
        asked: the target.
        compounds: more than the service scores at once are screened by a job.

    Raises:
        InputError: none of the compounds can be used, or what `Service.score` refuses.
        BusyError: too many jobs wait or run.
    """
    if len(compounds) > service.limits.max_listed:
        return _submitted(service, asked, compounds)
    started = time.monotonic()
    answer = service.score(asked, compounds)
    if not answer.scores:
        first = answer.rejected[0]
        raise InputError(f"none of these compounds can be used. The first, row {first.row}: {first.reason}")
    id = uuid.uuid4().hex
    folder = JobFolder.of(service.settings.work, id)
    folder.path.mkdir()
    try:
        with disk_full_as_error(folder.path):
            _write_hits(folder, answer)
            _write_refused(folder, answer.rejected)
        name = answer.target.name or f"a target of {answer.target.residues:,} residues"
        number = len(compounds)
        title = f"{number:,} compound{'' if number == 1 else 's'} on {name[:100]}"
        summary = _summary(answer, number) | {"seconds": round(time.monotonic() - started, 2)}
        return service.jobs_board.store.keep(id, "screen", title, summary)
    except BaseException:
        folder.remove()
        raise


def _submitted(service: Service, asked: AskedTarget, compounds: Sequence[GivenCompound]) -> Job:
    upload = service.upload_path()
    try:
        with disk_full_as_error(upload):
            upload.write_text("".join(f"{one.smiles} {one.name}\n" for one in compounds), encoding="utf-8")
        top = min(len(compounds), service.limits.max_hits)
        name = f"{len(compounds):,} compounds"
        return service.submit_screen(asked, upload, file_name=name, top=top, is_pasted=True)
    finally:
        upload.unlink(missing_ok=True)  # where the job has not taken it


def _summary(answer: ScoreAnswer, rows: int) -> dict[str, Any]:
    return {
        "rows": rows,
        "scored": len(answer.scores),
        "rejected": dict(Counter(one.code for one in answer.rejected)),
        "hits": len(answer.scores),
        "resumed": 0,
        "target_id": answer.target.id,
    }


def _write_hits(folder: JobFolder, answer: ScoreAnswer) -> None:
    target, quantity = answer.target.name or "target", answer.target.quantity.name
    same = {"target": target, "quantity": quantity, "precision": "float32"}
    rows = [same | dataclasses.asdict(one) for one in answer.scores]
    with TableWriter(folder.hits, HIT_COLUMNS, overwrite=True) as writer:
        writer.write({name: [row[name] for row in rows] for name in HIT_COLUMNS})


def _write_refused(folder: JobFolder, refused: Sequence[Refused]) -> None:
    with TableWriter(folder.rejected, REFUSED_COLUMNS, overwrite=True) as writer:
        writer.write({name: [getattr(one, name) for one in refused] for name in REFUSED_COLUMNS})
