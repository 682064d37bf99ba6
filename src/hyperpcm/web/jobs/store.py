"""The jobs of a server in SQLite: read and written by the server, its worker, and the process of a job."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hyperpcm.errors import BusyError, UnknownIdError
from hyperpcm.web.answers import Job, JobKind, JobState

__all__ = ["ATTEMPTS", "LEASE_S", "ClaimedJob", "JobStore"]

LEASE_S: Final = 10.0
"""Seconds without a sign of life after which a running job is taken up by whoever asks."""
ATTEMPTS: Final = 3
"""How often a job is begun before it counts as failed."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, title TEXT NOT NULL,
    settings TEXT NOT NULL, created REAL NOT NULL, started REAL, finished REAL,
    done INTEGER NOT NULL DEFAULT 0, total INTEGER, error TEXT, summary TEXT NOT NULL DEFAULT '{}',
    is_cancelled INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, alive REAL,
    version INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX IF NOT EXISTS by_state ON jobs (state, created);
"""
_COLUMNS: Final = "id, kind, state, title, created, started, finished, done, total, error, summary, version"
_OPEN: Final = "state IN ('waiting', 'running')"


@dataclass(frozen=True)
class ClaimedJob:
    """A job that the worker has taken: its id, kind and settings (JSON values)."""

    id: str
    kind: JobKind
    settings: Mapping[str, Any]


class JobStore:
    """The table of jobs.

    Args:
        path: of the database; made if need be.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(_SCHEMA)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self._path, timeout=20, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = NORMAL")
            yield database

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One transaction that writes."""
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")

    def submit(
        self, id: str, kind: JobKind, title: str, settings: Mapping[str, Any], *, most_open: int
    ) -> Job:
        """Add a job that waits.

        Args:
            id: of it, never used before.
            kind: what is done.
            title: for people.
            settings: JSON values.
            most_open: jobs that may wait or run.

        Raises:
            BusyError: as many wait or run already.
        """
        with self._change() as database:
            (number,) = database.execute(f"SELECT count(*) FROM jobs WHERE {_OPEN}").fetchone()
            if number >= most_open:
                raise BusyError(
                    f"{number} jobs wait or run already, which is as many as this server takes. Wait for one "
                    "of them, or cancel one.",
                    retry_after=30,
                )
            database.execute(
                "INSERT INTO jobs (id, kind, state, title, settings, created) "
                "VALUES (?, ?, 'waiting', ?, ?, ?)",
                (id, kind, title, json.dumps(settings), time.time()),
            )
        return self.get(id)

    def keep(self, id: str, kind: JobKind, title: str, summary: Mapping[str, Any]) -> Job:
        """Add a job that is done already.

        Args:
            id: of it, never used before.
            kind: what was done.
            title: for people.
            summary: what came out (JSON values).
        """
        now = time.time()
        with self._change() as database:
            database.execute(
                "INSERT INTO jobs (id, kind, state, title, settings, created, started, finished, summary) "
                "VALUES (?, ?, 'done', ?, '{}', ?, ?, ?, ?)",
                (id, kind, title, now, now, now, json.dumps(dict(summary))),
            )
        return self.get(id)

    def get(self, id: str) -> Job:
        """Return a job.

        Raises:
            UnknownIdError: there is none of this id.
        """
        with self._open() as database:
            row = database.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise UnknownIdError("there is no job of this id; it never was, or it was removed as an old one.")
        return _job(row)

    def settings(self, id: str) -> dict[str, Any]:
        """Return what a job was submitted with (JSON values).

        Raises:
            UnknownIdError: there is none of this id.
        """
        self.get(id)
        with self._open() as database:
            row = database.execute("SELECT settings FROM jobs WHERE id = ?", (id,)).fetchone()
        return dict(json.loads(row[0])) if row else {}

    def newest(self, number: int) -> tuple[Job, ...]:
        """Return the newest jobs, the newest first."""
        query = f"SELECT {_COLUMNS} FROM jobs ORDER BY created DESC, id LIMIT ?"
        with self._open() as database:
            return tuple(_job(row) for row in database.execute(query, (number,)))

    def counts(self) -> dict[str, int]:
        """Return the number of jobs in each state."""
        with self._open() as database:
            return dict(database.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())

    def open_of(self, kind: JobKind) -> Job | None:
        """Return the oldest job of a kind that waits or runs; None: there is none."""
        query = f"SELECT {_COLUMNS} FROM jobs WHERE kind = ? AND {_OPEN} ORDER BY created LIMIT 1"
        with self._open() as database:
            row = database.execute(query, (kind,)).fetchone()
        return None if row is None else _job(row)

    def cancel(self, id: str) -> Job:
        """Ask for the end of a job; one that has ended stays as it is.

        Raises:
            UnknownIdError: there is none of this id.
        """
        now = time.time()
        with self._change() as database:
            database.execute(
                "UPDATE jobs SET state = 'cancelled', finished = ?, is_cancelled = 1, version = version + 1 "
                "WHERE id = ? AND state = 'waiting'",
                (now, id),
            )
            database.execute(
                "UPDATE jobs SET is_cancelled = 1, version = version + 1 "
                "WHERE id = ? AND state = 'running' AND is_cancelled = 0",
                (id,),
            )
        return self.get(id)

    def claim(self) -> ClaimedJob | None:
        """Take the oldest job that waits, or whose process shows no sign of life; None: there is none.

        A job that was begun too often fails, and one that was cancelled meanwhile ends.
        """
        with self._change() as database:
            now = time.time()
            stale = "state = 'running' AND alive < ?"
            database.execute(
                f"UPDATE jobs SET state = 'cancelled', finished = ?, version = version + 1 "
                f"WHERE (state = 'waiting' OR {stale}) AND is_cancelled = 1",
                (now, now - LEASE_S),
            )
            database.execute(
                f"UPDATE jobs SET state = 'failed', finished = ?, version = version + 1, error = ? "
                f"WHERE {stale} AND attempts >= ?",
                (now, f"its process was ended {ATTEMPTS} times from outside.", now - LEASE_S, ATTEMPTS),
            )
            row = database.execute(
                f"SELECT id, kind, settings FROM jobs WHERE state = 'waiting' OR ({stale}) "
                "ORDER BY created LIMIT 1",
                (now - LEASE_S,),
            ).fetchone()
            if row is None:
                return None
            database.execute(
                "UPDATE jobs SET state = 'running', started = coalesce(started, ?), alive = ?, "
                "attempts = attempts + 1, version = version + 1 WHERE id = ?",
                (now, now, row[0]),
            )
        return ClaimedJob(row[0], row[1], json.loads(row[2]))

    def keep_alive(self, id: str) -> bool:
        """Say that a running job is alive; return whether its end was asked for."""
        with self._change() as database:
            database.execute("UPDATE jobs SET alive = ? WHERE id = ?", (time.time(), id))
            row = database.execute("SELECT is_cancelled FROM jobs WHERE id = ?", (id,)).fetchone()
        return row is None or bool(row[0])

    def progress(self, id: str, done: int, total: int | None) -> None:
        """Say how far a running job is."""
        with self._change() as database:
            database.execute(
                "UPDATE jobs SET done = ?, total = ?, version = version + 1 "
                "WHERE id = ? AND state = 'running'",
                (done, total, id),
            )

    def give_back(self, id: str, *, begun: bool = False) -> None:
        """Let a running job wait again.

        Args:
            id: of it.
            begun: whether this counts as one of the times that it was begun.
        """
        with self._change() as database:
            database.execute(
                "UPDATE jobs SET state = 'waiting', alive = NULL, attempts = attempts - ?, "
                "version = version + 1 WHERE id = ? AND state = 'running'",
                (0 if begun else 1, id),
            )

    def attempts(self, id: str) -> int:
        """Return how often a job was begun."""
        with self._open() as database:
            row = database.execute("SELECT attempts FROM jobs WHERE id = ?", (id,)).fetchone()
        return 0 if row is None else int(row[0])

    def finish(
        self,
        id: str,
        state: JobState,
        *,
        error: str | None = None,
        summary: Mapping[str, Any] | None = None,
    ) -> None:
        """Say how a running job ended."""
        with self._change() as database:
            database.execute(
                "UPDATE jobs SET state = ?, finished = ?, error = ?, summary = ?, version = version + 1 "
                "WHERE id = ? AND state = 'running'",
                (state, time.time(), error, json.dumps(dict(summary or {})), id),
            )

    def remove_old(self, kept: int) -> list[str]:
        """Forget all but the newest jobs, of those that have ended, and return the ids of the others."""
        with self._change() as database:
            query = f"SELECT id FROM jobs WHERE NOT ({_OPEN}) ORDER BY created DESC LIMIT -1 OFFSET ?"
            ids = [row[0] for row in database.execute(query, (kept,))]
            database.executemany("DELETE FROM jobs WHERE id = ?", [(id,) for id in ids])
        return ids


def _job(row: tuple[Any, ...]) -> Job:
    id, kind, state, title, created, started, finished, done, total, error, summary, version = row
    found = json.loads(summary)
    return Job(id, kind, state, title, created, started, finished, done, total, error, found, version)
