"""The table of jobs: who may take one, and what becomes of one that nobody looks after."""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from pathlib import Path

import pytest

from hyperpcm.errors import BusyError, UnknownIdError
from hyperpcm.web.jobs.store import ATTEMPTS, LEASE_S, JobStore


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "jobs.sqlite")


def add(store: JobStore, most_open: int = 10) -> str:
    id = uuid.uuid4().hex
    store.submit(id, "screen", "a title", {"top": 3}, most_open=most_open)
    return id


def pass_time(tmp_path: Path, seconds: float) -> None:
    with sqlite3.connect(tmp_path / "jobs.sqlite") as database:
        database.execute("UPDATE jobs SET alive = alive - ?", (seconds,))
    database.close()


def test_jobs_are_taken_once_each_in_their_order(store: JobStore):
    ids = [add(store, most_open=20) for _ in range(20)]
    taken: list[str] = []

    def take() -> None:
        while (job := store.claim()) is not None:
            taken.append(job.id)

    takers = [threading.Thread(target=take) for _ in range(4)]
    for one in takers:
        one.start()
    for one in takers:
        one.join()
    assert sorted(taken) == sorted(ids)


def test_a_job_without_a_sign_of_life_is_taken_again_until_it_has_failed_too_often(
    store: JobStore, tmp_path: Path
):
    id = add(store)
    for _ in range(ATTEMPTS):
        claimed = store.claim()
        assert claimed is not None
        assert (claimed.id, claimed.settings) == (id, {"top": 3})
        assert store.claim() is None
        pass_time(tmp_path, LEASE_S + 1)
    assert store.claim() is None
    assert store.get(id).state == "failed"


def test_a_sign_of_life_keeps_a_job_and_tells_that_it_was_cancelled(store: JobStore, tmp_path: Path):
    id = add(store)
    store.claim()
    pass_time(tmp_path, LEASE_S + 1)
    assert store.keep_alive(id) is False
    assert store.claim() is None
    assert store.cancel(id).state == "running"
    assert store.keep_alive(id) is True
    store.finish(id, "cancelled")
    assert store.cancel(id).state == "cancelled"


def test_a_cancelled_job_that_nobody_looks_after_ends(store: JobStore, tmp_path: Path):
    id = add(store)
    store.claim()
    store.cancel(id)
    pass_time(tmp_path, LEASE_S + 1)
    assert store.claim() is None
    assert store.get(id).state == "cancelled"


def test_what_is_given_back_does_not_count_as_begun(store: JobStore):
    id = add(store)
    for _ in range(ATTEMPTS + 2):
        assert store.claim() is not None
        store.give_back(id)
    assert store.attempts(id) == 0


def test_every_change_has_a_version(store: JobStore):
    id = add(store)
    versions = [store.get(id).version]
    store.claim()
    versions.append(store.get(id).version)
    store.progress(id, 5, 10)
    versions.append(store.get(id).version)
    store.finish(id, "done", summary={"rows": 10})
    versions.append(store.get(id).version)
    assert versions == sorted(set(versions))
    assert store.get(id).summary == {"rows": 10}
    store.progress(id, 7, 10)  # comes late: nothing changes any more
    assert store.get(id).version == versions[-1]


def test_more_jobs_than_may_wait_are_refused(store: JobStore):
    first = add(store, most_open=1)
    with pytest.raises(BusyError, match="1 jobs wait or run"):
        add(store, most_open=1)
    store.cancel(first)
    add(store, most_open=1)


def test_old_jobs_are_forgotten_and_open_ones_kept(store: JobStore):
    ids = [add(store) for _ in range(4)]
    for id in ids[:3]:
        store.cancel(id)
        time.sleep(0.01)
    assert store.remove_old(1) == [ids[1], ids[0]]
    assert [job.id for job in store.newest(10)] == [ids[3], ids[2]]
    with pytest.raises(UnknownIdError):
        store.get(ids[0])
