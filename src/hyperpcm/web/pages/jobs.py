"""The page of a job: its progress, then its result, at an address that stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from hyperpcm.errors import UnknownIdError
from hyperpcm.web.asked import AskedTarget
from hyperpcm.web.jobs.results import DOWNLOADS, refused_rows
from hyperpcm.web.pages.adapt_view import refused_view
from hyperpcm.web.pages.hits import hits_view, query_of
from hyperpcm.web.pages.look import page
from hyperpcm.web.pages.shown import serving
from hyperpcm.web.pages.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hyperpcm.web.answers import Job
    from hyperpcm.web.service import Service

__all__ = ["add"]

_FILES: Final = {"csv": "Download CSV", "sdf": "SDF", "parquet": "Parquet"}
_SAID: Final = {"waiting": "Waiting for its turn", "running": "Running"}
_DOMAINS: Final = (
    ("", "Anywhere"),
    ("inside", "Inside"),
    ("edge", "At the edge"),
    ("outside", "Outside"),
)


def add(router: APIRouter, service: Service) -> None:
    """Add the page and what can be done on it."""

    @router.get("/jobs/{id}")
    async def job(id: str, request: Request) -> Response:
        return await service.gate.run(_page, service, id, dict(request.query_params), str(request.base_url))

    @router.post("/jobs/{id}/cancel")
    async def cancel(id: str) -> Response:
        await service.gate.run(service.cancel, id)
        return RedirectResponse(f"/jobs/{id}", status_code=303)

    @router.get("/jobs/{id}/download/{kind}")
    async def download(id: str, kind: str) -> Response:
        path = await service.gate.run(service.result_file, id, kind)
        return FileResponse(path, media_type=DOWNLOADS[kind], filename=f"hyperpcm-{id[:8]}.{kind}")


def _page(service: Service, id: str, asked: Mapping[str, str], base: str) -> Response:
    job = service.job(id)
    shown: dict[str, Any] = {
        "here": "Screen" if job.kind == "screen" else "Compound",
        "heading": job.title,
        "lead": _lead(job),
        "job": _view(job, base),
        "serving": serving(service),
    }
    if job.state == "done" and job.kind == "panel":
        return RedirectResponse("/compound", status_code=303)
    if job.state == "done":
        shown |= _result(service, job, asked)
    return page("job.html", **shown)


def _view(job: Job, base: str) -> dict[str, Any]:
    address = f"/jobs/{job.id}"
    return {
        "runs": not job.is_final,
        "status": job.state,
        "said": _SAID.get(job.state, ""),
        "address": address,
        "full_address": f"{base.rstrip('/')}{address}",
        "events": f"/api/v1/jobs/{job.id}/events",
        "done": job.done,
        "total": job.total,
        "stage": "",
        "counted": f"{job.done:,} of {job.total:,}" if job.total else "",
        "error": job.error or "",
        "again": f"/?again={job.id}" if job.kind == "screen" else "/compound",
    }


def _lead(job: Job) -> str:
    about = job.summary
    if job.state != "done" or job.kind != "screen":
        return ""
    parts = [f"{counted(about['scored'], 'compound')} scored"]
    if about["hits"] < about["scored"]:
        parts.append(f"the best {about['hits']:,} are kept")
    if about.get("seconds") is not None:
        parts.append(f"{about['seconds']:.1f} s")
    return ", ".join(parts) + "."


def _result(service: Service, job: Job, asked: Mapping[str, str]) -> dict[str, Any]:
    query = query_of(asked)
    found = service.results(job.id, query)
    refused = refused_rows(service.settings.work, job, most=50)
    return {
        **hits_view(found, query, f"/jobs/{job.id}", job.summary["target_id"]),
        "notes": _notes(service, job.summary["target_id"]),
        "domains": _DOMAINS,
        "downloads": [(f"/jobs/{job.id}/download/{kind}", name) for kind, name in _FILES.items()],
        "rejected": refused_view(refused, sum(found.refused.values()), "scored"),
    }


def _notes(service: Service, target: str) -> tuple[str, ...]:
    """What has to be said with scores of a target; nothing once it is not kept any more."""
    try:
        return service.compile(AskedTarget(id=target)).notes
    except UnknownIdError:
        return ()
