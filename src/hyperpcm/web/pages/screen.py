"""The first page: which compounds act on a target."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from hyperpcm.errors import BusyError, HyperpcmError, InputError, UnknownIdError
from hyperpcm.web.api.jobs import save_upload
from hyperpcm.web.asked import compounds_of_text
from hyperpcm.web.keeping import score_and_keep
from hyperpcm.web.pages.forms import SCREEN_FIELDS, asked_target, fields
from hyperpcm.web.pages.look import page
from hyperpcm.web.pages.shown import with_target_choice
from hyperpcm.web.pages.words import size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hyperpcm.web.answers import Job
    from hyperpcm.web.service import Service

__all__ = ["add"]

_TOP: Final = 1000
_RECENT: Final = 10
_STATES: Final = {
    "waiting": "waits",
    "running": "runs",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}


def add(router: APIRouter, service: Service) -> None:
    """Add the page and what its form is sent to."""

    @router.get("/")
    async def screen(request: Request) -> Response:
        again = request.query_params.get("again")
        if again:
            return await service.gate.run(_again, service, again)
        form = fields(request.query_params, SCREEN_FIELDS)
        if form["target"]:
            form["target_by"] = "own"
        return await service.gate.run(_form, service, form)

    @router.post("/screen")
    async def start(request: Request) -> Response:
        most = service.limits.max_json
        try:
            async with request.form(max_files=1, max_fields=20, max_part_size=most) as sent:
                file = sent.get("file")
                upload = file if isinstance(file, UploadFile) and file.filename else None
                return await service.gate.run(_start, service, fields(sent, SCREEN_FIELDS), upload)
        except HTTPException as error:
            if error.status_code != 400:
                raise
            # The parser does not say what is wrong in a way that people understand.
            told = f"what was pasted is longer than {size(most)}, or broken. Upload it as a file."
            form = {**SCREEN_FIELDS, "compounds_by": "upload"}
            return await service.gate.run(_form, service, form, error=InputError(told))


def _start(service: Service, form: Mapping[str, str], file: UploadFile | None) -> Response:
    try:
        job = _submit(service, form, file)
    except HyperpcmError as error:
        return _form(service, form, error=error)
    return RedirectResponse(f"/jobs/{job.id}", status_code=303)


def _again(service: Service, id: str) -> Response:
    """The form as it was sent for a job that could not be done; a file has to be chosen again."""
    try:
        sent, pasted = service.jobs_board.sent(id)
    except UnknownIdError:
        return _form(service, SCREEN_FIELDS)
    columns = sent.get("columns") or {}
    form = {
        **SCREEN_FIELDS,
        "target_by": "own",
        "target": str(sent.get("target_id", "")),
        "compounds_by": "library" if sent.get("library") else "smiles" if sent.get("pasted") else "upload",
        "smiles": pasted,
        "smiles_column": str(columns.get("smiles", "")),
        "name_column": str(columns.get("compound_id", "")),
    }
    return _form(service, form, file=str(sent.get("file_name", "")))


def _form(
    service: Service, form: Mapping[str, str], *, error: HyperpcmError | None = None, file: str = ""
) -> Response:
    library = service.model()
    about = "" if library.library is None else f"{library.library}, {library.library_rows or 0:,} compounds."
    return page(
        "screen.html",
        status=200 if error is None else 429 if isinstance(error, BusyError) else 422,
        here="Screen",
        error=None if error is None else str(error),
        library=about,
        file=file if form["compounds_by"] == "upload" else "",
        recent=[_recent(job) for job in service.jobs(_RECENT) if job.kind == "screen"],
        promise=f"Up to {service.limits.max_listed:,} pasted compounds are ranked at once; more become a job "
        "whose progress you can watch. Every result keeps its address.",
        **with_target_choice(service, form),
    )


def _recent(job: Job) -> dict[str, str]:
    """A job in the list of the latest ones."""
    when = time.strftime("%d %b %Y, %H:%M", time.localtime(job.created))
    return {"address": f"/jobs/{job.id}", "title": job.title, "state": _STATES[job.state], "when": when}


def _submit(service: Service, form: Mapping[str, str], file: UploadFile | None) -> Job:
    """The job whose page shows the result; that of a short list has ended already.

    Raises:
        InputError: the form cannot be used.
        BusyError: too many jobs wait or run.
    """
    target, by = asked_target(form), form["compounds_by"]
    if by == "library":
        return service.submit_screen(target, None, top=min(_TOP, service.limits.max_hits))
    if by == "upload":
        if file is None:
            raise InputError("no file is chosen yet: choose one, or paste SMILES.")
        upload = service.upload_path()
        try:
            save_upload(file.file, upload)
            return service.submit_screen(
                target,
                upload,
                file_name=_shown(file.filename or ""),
                columns=_columns(form),
                top=min(_TOP, service.limits.max_hits),
            )
        finally:
            upload.unlink(missing_ok=True)
    compounds = compounds_of_text(form["smiles"])
    if not compounds:
        raise InputError("there are no compounds yet: paste SMILES, one a line, draw one, or upload a file.")
    return score_and_keep(service, target, compounds)


def _shown(name: str) -> str:
    """The name of a file as it is shown; it never becomes a path."""
    return "".join(letter for letter in name if letter.isprintable())[:200]


def _columns(form: Mapping[str, str]) -> dict[str, str] | None:
    named: dict[str, Any] = {
        "smiles": form["smiles_column"].strip(),
        "compound_id": form["name_column"].strip(),
    }
    return {role: name for role, name in named.items() if name} or None
