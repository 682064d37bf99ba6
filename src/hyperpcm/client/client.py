"""The client: one method for each thing that a server can do."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeVar

from pydantic import TypeAdapter

from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.errors import (
    BusyError,
    HyperpcmError,
    InputError,
    MissingExtraError,
    NotReadyError,
    UnknownIdError,
)
from hyperpcm.web.answers import (
    AdaptedTarget,
    CompoundEvidence,
    Health,
    Job,
    KnownTargets,
    ModelAnswer,
    PanelAnswer,
    PanelState,
    ResultPage,
    ScoreAnswer,
    TargetAnswer,
)
from hyperpcm.web.asked import AskedTarget, GivenCompound, ResultQuery

if TYPE_CHECKING:
    import httpx

__all__ = ["Client"]

_Answer = TypeVar("_Answer")
Asked = AskedTarget | TargetAnswer
"""A target: as asked for, or as answered before."""

_ERRORS: Final[Mapping[str, type[HyperpcmError]]] = {
    "unknown_id": UnknownIdError,
    "not_found": UnknownIdError,
    "not_ready": NotReadyError,
    "busy": BusyError,
}


class Client:
    """Talks to one server; a context manager that closes its connections.

    Args:
        address: of the server.
        token: that it asks for; None: it asks for none.
        timeout: seconds for an answer.
        retries: how often something is asked again that the server was too busy for.

    Raises:
        MissingExtraError: httpx is not installed.

    Methods raise `InputError` for what the server refuses, `UnknownIdError`, `NotReadyError` and `BusyError`
    as their names say, and `HyperpcmError` for what went wrong in the server or on the way.
    """

    def __init__(
        self,
        address: str = "http://127.0.0.1:8000",
        *,
        token: str | None = None,
        timeout: float = 120.0,
        retries: int = 3,
    ) -> None:
        try:
            import httpx
        except ImportError:
            raise MissingExtraError("httpx", "client") from None
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._retries = retries
        self._http = httpx.Client(
            base_url=f"{address.rstrip('/')}/api/v1/", headers=headers, timeout=timeout, trust_env=False
        )

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # The server

    def health(self) -> Health:
        """Return whether the server works."""
        return self._ask(Health, "GET", "health")

    def models(self) -> list[ModelAnswer]:
        """Return the models that are served."""
        return self._ask(list[ModelAnswer], "GET", "models")

    def known_targets(self, search: str = "", *, offset: int = 0, limit: int = 50) -> KnownTargets:
        """Return known targets whose name holds a text."""
        asked = {"search": search, "offset": offset, "limit": limit}
        return self._ask(KnownTargets, "GET", "known-targets", params=asked)

    # Targets

    def compile(self, target: Asked) -> TargetAnswer:
        """Return a target, compiled on the server."""
        return self._ask(TargetAnswer, "POST", "compile", json={"target": _target(target)})

    def save_target(self, target: TargetAnswer, path: Path, *, overwrite: bool = False) -> None:
        """Write the file of a compiled target, for `hyperpcm score`."""
        self._save(f"targets/{target.id}/file", path, overwrite=overwrite)

    def score(
        self,
        target: Asked,
        compounds: Sequence[str | GivenCompound],
        *,
        level: float = 0.8,
        nearest: bool = False,
    ) -> ScoreAnswer:
        """Return compounds ranked for a target, the strongest first."""
        asked = {
            "target": _target(target),
            "compounds": _compounds(compounds),
            "level": level,
            "nearest": nearest,
        }
        return self._ask(ScoreAnswer, "POST", "score", json=asked)

    def evidence(
        self, target: Asked, smiles: str, *, known: int = 5, level: float = 0.8, mask: bool = False
    ) -> CompoundEvidence:
        """Return what the score of a compound rests on."""
        asked = {
            "target": _target(target),
            "compound": {"smiles": smiles},
            "known": known,
            "level": level,
            "mask": mask,
        }
        return self._ask(CompoundEvidence, "POST", "evidence", json=asked)

    def adapt(
        self,
        target: Asked,
        table: str,
        *,
        quantity: str | None = None,
        unit: str | None = None,
        source: str = "pasted",
        columns: Mapping[str, str] | None = None,
    ) -> AdaptedTarget:
        """Return a target that has learned from a table: CSV or TSV, or lines of SMILES and value."""
        asked = {
            "target": _target(target),
            "table": table,
            "quantity": quantity,
            "unit": unit,
            "source": source,
            "columns": None if columns is None else dict(columns),
        }
        return self._ask(AdaptedTarget, "POST", "adapt", json=asked)

    def panel_state(self) -> PanelState:
        """Return whether the panel can be asked."""
        return self._ask(PanelState, "GET", "panel")

    def build_panel(self) -> Job:
        """Have all known targets compiled by a job."""
        return self._ask(Job, "POST", "panel/build")

    def panel(
        self,
        compounds: Sequence[str | GivenCompound],
        *,
        wanted: str | None = None,
        active_at: float | None = None,
    ) -> PanelAnswer:
        """Return compounds on all targets of the panel."""
        asked = {"compounds": _compounds(compounds), "wanted": wanted, "active_at": active_at}
        return self._ask(PanelAnswer, "POST", "panel", json=asked)

    # Jobs

    def screen(
        self,
        target: Asked,
        file: Path | None = None,
        *,
        top: int = 1000,
        only: Sequence[Literal["lipinski", "pains"]] = (),
        level: float = 0.8,
        columns: Mapping[str, str] | None = None,
    ) -> Job:
        """Have a file of compounds, or the library of the server where none is given, screened by a job."""
        named = _target(target)
        asked: dict[str, Any] = {
            "sequence": named.get("sequence"),
            "known": named.get("known"),
            "target": named.get("id"),
            "name": named.get("name"),
            "library": "true" if file is None else None,
            "top": top,
            "only": list(only),
            "level": level,
            "smiles_column": (columns or {}).get("smiles"),
            "name_column": (columns or {}).get("compound_id"),
        }
        fields = {name: value for name, value in asked.items() if value is not None}
        if file is None:
            return self._ask(Job, "POST", "screen", data=fields)
        with file.open("rb") as stream:
            return self._ask(Job, "POST", "screen", data=fields, files={"file": (file.name, stream)})

    def jobs(self, limit: int = 50) -> list[Job]:
        """Return the newest jobs, the newest first."""
        return self._ask(list[Job], "GET", "jobs", params={"limit": limit})

    def job(self, id: str) -> Job:
        """Return a job."""
        return self._ask(Job, "GET", f"jobs/{id}")

    def cancel(self, id: str) -> Job:
        """Ask for the end of a job."""
        return self._ask(Job, "DELETE", f"jobs/{id}")

    def follow(self, id: str) -> Iterator[Job]:
        """Yield the states of a job as they come, until it has ended."""
        adapter = TypeAdapter(Job)
        with self._http.stream("GET", f"jobs/{id}/events") as answer:
            if answer.status_code != 200:
                answer.read()
                raise _error(answer)
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield adapter.validate_python(json.loads(line.removeprefix("data: ")))

    def wait(self, id: str, progress: Callable[[Job], None] | None = None) -> Job:
        """Return a job once it has ended.

        Args:
            id: of it.
            progress: is called with every state.

        Raises:
            HyperpcmError: it failed, or was cancelled.
        """
        job = self.job(id)
        while not job.is_final:
            for job in self.follow(id):
                if progress is not None:
                    progress(job)
        if job.state != "done":
            raise HyperpcmError(job.error or f"the job {job.title!r} was cancelled.")
        return job

    def results(self, id: str, query: ResultQuery | None = None) -> ResultPage:
        """Return some rows of the result of a screen."""
        asked = dataclasses.asdict(query or ResultQuery())
        params = {name: value for name, value in asked.items() if value is not None}
        return self._ask(ResultPage, "GET", f"jobs/{id}/results", params=params)

    def save_results(
        self,
        id: str,
        path: Path,
        *,
        kind: Literal["hits.csv", "hits.sdf", "hits.parquet", "rejected.csv"] = "hits.csv",
        overwrite: bool = False,
    ) -> None:
        """Write the result of a screen to a file."""
        self._save(f"jobs/{id}/files/{kind}", path, overwrite=overwrite)

    # On the way

    def _save(self, place: str, path: Path, *, overwrite: bool) -> None:
        with atomic_file(path, overwrite=overwrite) as file, self._http.stream("GET", place) as answer:
            if answer.status_code != 200:
                answer.read()
                raise _error(answer)
            for part in answer.iter_bytes():
                file.write(part)

    def _ask(self, kind: type[_Answer], method: str, place: str, **sent: Any) -> _Answer:
        import httpx

        for attempt in range(self._retries + 1):
            try:
                answer = self._http.request(method, place, **sent)
            except httpx.HTTPError as error:
                raise HyperpcmError(
                    f"{self._http.base_url}: no answer ({error}). Does the server run?"
                ) from error
            if answer.is_success:
                return TypeAdapter(kind).validate_python(answer.json())
            failed = _error(answer)
            if not isinstance(failed, BusyError) or attempt == self._retries or "files" in sent:
                raise failed
            time.sleep(failed.retry_after)
        raise AssertionError("unreachable")


def _target(target: Asked) -> dict[str, Any]:
    if isinstance(target, TargetAnswer):
        return {"id": target.id}
    return {name: value for name, value in dataclasses.asdict(target).items() if value is not None}


def _compounds(compounds: Sequence[str | GivenCompound]) -> list[Any]:
    return [one if isinstance(one, str) else dataclasses.asdict(one) for one in compounds]


def _error(answer: httpx.Response) -> HyperpcmError:
    """What the server says went wrong, as the error that the library would raise."""
    try:
        told = answer.json()
        code, message = str(told["code"]), str(told["message"])
    except (ValueError, KeyError, TypeError):
        return HyperpcmError(f"the server answered {answer.status_code} without saying why.")
    if code == "busy":
        return BusyError(message, int(answer.headers.get("Retry-After", "2")))
    if code in _ERRORS:
        return _ERRORS[code](message)
    return InputError(message) if answer.status_code < 500 else HyperpcmError(message)
