"""Jobs outlive what happens to their processes and to the server."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from hyperpcm.web import Limits
from hyperpcm.web.jobs.outcome import JobFolder
from small_models import many_smiles
from small_servers import Running, running, settings_of

COMPOUNDS = many_smiles(150)
ROWS = 20_000
OFTEN = Limits(checkpoint_seconds=0.2)
LONG = "".join(f"{COMPOUNDS[row % 150]} c{row}\n" for row in range(ROWS)).encode()


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(one) for one in text.split()]


def process_of_job(server: Running) -> int:
    """The process that does the job; multiprocessing has one more that watches over its resources."""
    names = {}
    for pid in children(server.service.jobs_board.worker.pid):
        names[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    (found,) = [pid for pid, name in names.items() if b"spawn_main" in name]
    return found


def stored_state(server: Running, job: str) -> Path:
    return JobFolder.of(server.service.settings.work, job).state / "state.json"


def wait_for(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def begun(model_file: Path, tmp_path: Path):
    """A server in the middle of a long job."""
    with running(settings_of(model_file, tmp_path, OFTEN)) as server:
        job = server.submit(LONG).json()["id"]
        wait_for(lambda: stored_state(server, job).exists())
        yield server, job


def check(server: Running, job: str) -> dict:
    done = server.wait(job, 120)
    assert done["state"] == "done", done
    assert (done["summary"]["rows"], done["summary"]["scored"]) == (ROWS, ROWS)
    found = server.http.get(f"/api/v1/jobs/{job}/results", params={"limit": 1000}).json()
    assert len({one["smiles"] for one in found["rows"]}) == len(found["rows"]) == len(COMPOUNDS)
    return done


@pytest.mark.slow
def test_a_job_whose_process_is_killed_goes_on_from_where_it_was(begun):
    server, job = begun
    os.kill(process_of_job(server), signal.SIGKILL)
    assert check(server, job)["summary"]["resumed"] > 0


@pytest.mark.slow
def test_a_job_whose_worker_is_killed_goes_on_with_the_next_worker(begun):
    server, job = begun
    worker = server.service.jobs_board.worker
    first = worker.pid
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: worker.pid != first and worker.is_alive, 10)
    assert check(server, job)["summary"]["resumed"] > 0


@pytest.mark.slow
def test_a_job_goes_on_when_the_server_is_started_again(model_file: Path, tmp_path: Path):
    with running(settings_of(model_file, tmp_path, OFTEN)) as server:
        job = server.submit(LONG).json()["id"]
        waiting = server.submit(b"CCO\n").json()["id"]
        wait_for(lambda: stored_state(server, job).exists())
    with running(settings_of(model_file, tmp_path, OFTEN)) as server:
        assert server.http.get(f"/api/v1/jobs/{job}").json()["state"] in ("waiting", "running")
        assert check(server, job)["summary"]["resumed"] > 0
        assert server.wait(waiting)["state"] == "done"


def test_a_job_ends_when_its_time_is_over(model_file: Path, tmp_path: Path):
    with running(settings_of(model_file, tmp_path, Limits(job_seconds=0.1))) as server:
        ended = server.wait(server.submit(LONG).json()["id"])
    assert ended["state"] == "failed"
    assert ended["error"] == "it took longer than the 0 seconds that a job may run."


def test_a_job_that_wants_too_much_memory_fails_and_the_server_goes_on(model_file: Path, tmp_path: Path):
    with running(settings_of(model_file, tmp_path, Limits(job_memory=300_000_000))) as server:
        ended = server.wait(server.submit(b"CCO\n").json()["id"])
        assert ended["state"] == "failed"
        assert "memory" in ended["error"]
        assert server.http.get("/api/v1/health").json()["status"] == "ok"


def test_a_second_server_on_the_same_folder_is_refused(server: Running):
    from hyperpcm.errors import OutputError
    from hyperpcm.web import create_app

    with pytest.raises(OutputError, match="another run is writing here"):
        create_app(server.service.settings)


def test_old_jobs_are_removed_with_their_files(model_file: Path, tmp_path: Path):
    with running(settings_of(model_file, tmp_path, Limits(kept_jobs=1))) as server:
        ids = []
        for _ in range(3):
            ids.append(server.submit(b"CCO\n").json()["id"])
            server.wait(ids[-1])
        wait_for(lambda: server.http.get(f"/api/v1/jobs/{ids[1]}").status_code == 404)
        assert server.http.get(f"/api/v1/jobs/{ids[2]}").status_code == 200
        assert [path.name for path in (tmp_path / "jobs").iterdir()] == [ids[2]]
