"""`hyperpcm serve`: the web app and the API for one model, on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from hyperpcm.cli.console import Console
from hyperpcm.cli.which_model import asked_model
from hyperpcm.errors import ConfigError, MissingExtraError

__all__ = ["serve"]

_NEEDED: Final = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")
_TOKEN: Final = "HYPERPCM_TOKEN"
_LIMITS: Final = "How much it takes"


def serve(
    ctx: typer.Context,
    model: Annotated[
        Path | None,
        typer.Argument(
            help="Folder of a run, its model.safetensors or the name of a model; with overlays as "
            "RUN+project.hpm. The default model if not given."
        ),
    ] = None,
    library: Annotated[
        Path | None,
        typer.Option(help="Index of a library, from hyperpcm index, that can be screened without an upload."),
    ] = None,
    targets: Annotated[
        list[Path] | None,
        typer.Option(
            help="Compiled targets of the panel, or folders of them; the known targets of the model if not "
            "given. May be given again."
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Any that others can reach needs a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0: one that is free.")
    ] = 8000,
    token: Annotated[
        str | None,
        typer.Option(
            help="What requests have to carry: 16 characters or more. Others on this machine can read the "
            f"command line; the environment variable {_TOKEN} does as well."
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Name under which the server is reached through a proxy. May be given again."),
    ] = None,
    work: Annotated[
        Path | None,
        typer.Option(help="Folder for jobs, results and compiled targets. [default: of the user's state]"),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Requests worked on at once, and processes that read compounds; all cores if not given.",
            rich_help_panel=_LIMITS,
        ),
    ] = None,
    max_body: Annotated[
        int, typer.Option(min=1, help="Megabytes of an upload.", rich_help_panel=_LIMITS)
    ] = 200,
    max_rows: Annotated[
        int, typer.Option(min=1, help="Rows of an upload.", rich_help_panel=_LIMITS)
    ] = 1_000_000,
    max_compounds: Annotated[
        int, typer.Option(min=1, help="Compounds scored at once; more are a job.", rich_help_panel=_LIMITS)
    ] = 1000,
    max_sequence: Annotated[
        int, typer.Option(min=1, help="Residues of a target.", rich_help_panel=_LIMITS)
    ] = 5000,
    max_jobs: Annotated[int, typer.Option(min=1, help="Jobs that wait or run.", rich_help_panel=_LIMITS)] = 8,
    job_minutes: Annotated[
        float, typer.Option(min=0.01, help="How long a job may run.", rich_help_panel=_LIMITS)
    ] = 60,
    job_memory: Annotated[
        int, typer.Option(min=1, help="Gigabytes of address space of a job.", rich_help_panel=_LIMITS)
    ] = 16,
) -> None:
    """Serve a model as a web app and an API: screen, compare targets, explain and adapt in a browser.

    Everything runs on this machine and nothing is fetched from elsewhere. The API is described at
    /api/v1/openapi.json. Long work goes on after a restart with the same folder of work. Ctrl-C ends.
    """
    console: Console = ctx.obj
    _check_installed()
    from pydantic import ValidationError

    from hyperpcm.encoders.parallel import usable_cores
    from hyperpcm.web import Limits, WebSettings
    from hyperpcm.web import serve as run_server
    from hyperpcm.web.settings import default_work

    source = asked_model(console, model)
    at_once = usable_cores() if threads is None else threads
    limits = Limits(
        threads=at_once,
        readers=at_once,
        max_body=max_body * 1_000_000,
        max_rows=max_rows,
        max_listed=max_compounds,
        max_sequence=max_sequence,
        max_jobs=max_jobs,
        job_seconds=job_minutes * 60,
        job_memory=job_memory * 1_000_000_000,
    )
    given: dict[str, Any] = {
        "model": Path(str(source)),
        "work": default_work() if work is None else work,
        "library": library,
        "targets": tuple(targets or ()),
        "host": host,
        "port": port,
        "token": token or os.environ.get(_TOKEN) or None,
        "allowed_hosts": tuple(allow_host or ()),
    }
    try:
        settings = WebSettings(**given, limits=limits)
    except ValidationError as error:
        raise ConfigError("; ".join(str(one["msg"]) for one in error.errors())) from None
    console.note(f"loading {source} …")
    run_server(settings, ready=lambda address: console.result(f"serving {source} on {address}"))


def _check_installed() -> None:
    """Refuse to start where the extra is not installed.

    Raises:
        MissingExtraError: it is not.
    """
    from importlib.util import find_spec

    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MissingExtraError(f"{missing[0]}, which the web app needs,", "web")
