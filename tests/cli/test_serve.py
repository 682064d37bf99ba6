"""`hyperpcm serve` as a process: it says where it answers, and ends as it should."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from typer.testing import CliRunner

from hyperpcm.cli.main import app

COMMAND = [sys.executable, "-m", "hyperpcm", "serve"]


@contextlib.contextmanager
def served(*arguments: object, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        line = process.stdout.readline()
        address = re.search(r"http://\S+/", line)
        assert address, line + process.stderr.read()
        yield process, address[0].rstrip("/")
    finally:
        process.kill()
        process.communicate(timeout=30)  # whatever it started has ended, too


def test_a_run_is_served_until_ctrl_c(trained: SimpleNamespace, tmp_path: Path):
    with served(trained.run, "--work", tmp_path / "work") as (process, address):
        assert address.startswith("http://127.0.0.1:")
        with httpx.Client(base_url=address, trust_env=False, timeout=30) as http:
            assert http.get("/api/v1/health").json()["status"] == "ok"
            page = http.get("/", headers={"Accept": "text/html"})
            assert page.headers["content-type"].startswith("text/html")
            sent = {"target": {"sequence": trained.sequence}, "compounds": ["CCO", "c1ccccc1O"]}
            assert len(http.post("/api/v1/score", json=sent).json()["scores"]) == 2
        worker = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[-1])
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert "Traceback" not in errors
        assert "bug" not in errors
        assert process.returncode in (0, 130)
        assert not Path(f"/proc/{worker}").exists()


def test_the_token_may_come_from_the_environment(trained: SimpleNamespace, tmp_path: Path):
    token = "sixteen letters and more"
    with served(trained.run, "--work", tmp_path, HYPERPCM_TOKEN=token) as (_, address):
        health = f"{address}/api/v1/health"
        assert httpx.get(health, trust_env=False).status_code == 401
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx.get(health, headers=headers, trust_env=False).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (["nowhere"], "there is no such file or folder", 2),
        (["TARGET"], "this is the model of one target", 2),
        (["RUN", "--host", "0.0.0.0"], "a token is needed", 2),
        (["RUN", "--token", "short"], "16 characters", 2),
        (["RUN", "--library", "WORK"], "index", 2),
        (["RUN", "--targets", "WORK"], "holds no compiled target", 2),
        (["RUN", "--host", "256.1.1.1", "--token", "x" * 20], "cannot be listened on", 2),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else None,
)
def test_what_cannot_be_served_is_said(
    arguments: list[str], says: str, code: int, trained: SimpleNamespace, tmp_path: Path
):
    work = tmp_path / "work"
    work.mkdir()
    places = {"RUN": trained.run, "TARGET": trained.target, "WORK": work}
    given = [str(places.get(one, one)) for one in arguments]
    done = CliRunner().invoke(app, ["serve", *given, "--work", str(work), "--port", "0"])
    assert (done.exit_code, done.stdout) == (code, "")
    assert says in done.stderr


def test_a_port_that_is_taken_is_said(trained: SimpleNamespace, tmp_path: Path):
    with served(trained.run, "--work", tmp_path / "one") as (_, address):
        port = address.rpartition(":")[2]
        given = ["serve", str(trained.run), "--work", str(tmp_path / "two"), "--port", port]
        done = CliRunner().invoke(app, given)
    assert done.exit_code == 2
    assert "--port" in done.stderr
