"""Routes about long work: screens are submitted, followed and cancelled, and their results read."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from fastapi.responses import FileResponse, StreamingResponse

from hyperpcm.errors import InputError, disk_full_as_error
from hyperpcm.web import answers
from hyperpcm.web.api.described import NOT_READY, UNKNOWN, file_of, text_of
from hyperpcm.web.api.requests import Id
from hyperpcm.web.asked import AskedTarget, ResultQuery, SortColumn
from hyperpcm.web.jobs.results import DOWNLOADS
from hyperpcm.web.service import Service

__all__ = ["UPLOADS", "job_routes", "save_upload"]

UPLOADS = ("/api/v1/screen",)
"""Addresses that take files."""
_Short = Annotated[str | None, Form(max_length=200)]
_FileName = Literal["hits.csv", "hits.sdf", "hits.parquet", "rejected.csv"]


def save_upload(upload: BinaryIO, path: Path) -> None:
    """Write what was uploaded to a file of ours.

    Raises:
        DiskFullError: no space is left.
    """
    try:
        with disk_full_as_error(path), path.open("wb") as file:
            shutil.copyfileobj(upload, file, 1 << 20)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def job_routes(service: Service) -> APIRouter:
    """Return the routes.

    Args:
        service: what answers.
    """
    router = APIRouter(tags=["jobs"])
    run = service.gate.run

    @router.post("/screen", status_code=202, responses=UNKNOWN)
    async def screen(
        response: Response,
        file: Annotated[
            UploadFile | None, File(description="Compounds: .smi, CSV, TSV, SDF, Parquet; also .gz.")
        ] = None,
        library: Annotated[bool, Form(description="Screen the library of the server.")] = False,
        sequence: Annotated[str | None, Form(max_length=1_000_000)] = None,
        known: Annotated[str | None, Form(max_length=1000)] = None,
        target: Annotated[Id | None, Form()] = None,
        name: _Short = None,
        top: Annotated[int, Form(ge=1)] = 1000,
        only: Annotated[list[Literal["lipinski", "pains"]] | None, Form()] = None,
        level: Annotated[float, Form(ge=0.01, le=0.99)] = 0.8,
        smiles_column: _Short = None,
        name_column: _Short = None,
    ) -> answers.Job:
        """Screen an uploaded file, or the library of the server, for a target; as a job."""
        if file is not None and not file.filename and not file.size:
            file = None  # a form in which no file was chosen
        if (file is not None) == library:
            raise InputError("give either a file of compounds or library=true.")
        columns = {"smiles": smiles_column, "compound_id": name_column}
        path = None if file is None else service.upload_path()
        try:
            if file is not None and path is not None:
                await run(save_upload, file.file, path)
            job = await run(
                service.submit_screen,
                AskedTarget(sequence, known, target, name),
                path,
                file_name="" if file is None else _shown(file.filename),
                columns={role: column for role, column in columns.items() if column},
                top=top,
                only=list(only or ()),
                level=level,
            )
        finally:
            if path is not None:
                path.unlink(missing_ok=True)  # where the job has not taken it
        response.headers["Location"] = f"/api/v1/jobs/{job.id}"
        return job

    @router.get("/jobs")
    async def jobs(limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> list[answers.Job]:
        """The newest jobs, the newest first."""
        return list(await run(service.jobs, limit))

    @router.get("/jobs/{job}", responses=UNKNOWN)
    async def job(job: Id) -> answers.Job:
        """A job: where it is, and how it ended."""
        return await run(service.job, job)

    @router.delete("/jobs/{job}", responses=UNKNOWN)
    async def cancel(job: Id) -> answers.Job:
        """Ask for the end of a job; one that has ended stays as it is."""
        return await run(service.cancel, job)

    @router.get(
        "/jobs/{job}/events",
        response_class=StreamingResponse,
        responses=UNKNOWN
        | text_of("text/event-stream", "Events `progress` with the job as JSON, then `end`."),
    )
    async def events(job: Id) -> StreamingResponse:
        """Follow a job: server-sent events, until it has ended."""
        states = service.watch(job)
        return StreamingResponse(_events(states), media_type="text/event-stream")

    @router.get("/jobs/{job}/results", responses=UNKNOWN | NOT_READY)
    async def results(
        job: Id,
        offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
        sort: SortColumn = "rank",
        descending: bool = False,
        domain: Literal["inside", "edge", "outside"] | None = None,
        at_least: Annotated[float | None, Query(allow_inf_nan=False)] = None,
        search: Annotated[str, Query(max_length=200)] = "",
    ) -> answers.ResultPage:
        """Rows of the result of a screen: filtered, sorted, page by page."""
        query = ResultQuery(offset, limit, sort, descending, domain, at_least, search)
        return await run(service.results, job, query)

    @router.get(
        "/jobs/{job}/files/{name}",
        response_class=FileResponse,
        responses=UNKNOWN | NOT_READY | file_of(*DOWNLOADS.values()),
    )
    async def result_file(job: Id, name: _FileName) -> FileResponse:
        """The result of a screen as a file."""
        kind = name.removeprefix("hits.")
        path = await run(service.result_file, job, kind)
        return FileResponse(path, filename=name, media_type=DOWNLOADS[kind])

    return router


def _shown(file_name: str | None) -> str:
    """The name of an upload as messages show it; it never becomes a path."""
    return "".join(letter for letter in file_name or "" if letter.isprintable())[:200]


async def _events(states: AsyncIterator[answers.Job | None]) -> AsyncIterator[str]:
    async for state in states:
        if state is None:
            yield ": still here\n\n"
            continue
        data = json.dumps(dataclasses.asdict(state))
        yield f"id: {state.version}\nevent: {'end' if state.is_final else 'progress'}\ndata: {data}\n\n"
