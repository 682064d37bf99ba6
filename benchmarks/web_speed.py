"""The server under load: first page, known and new targets, and fifty clients at once on the loopback."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from made_library import usual_data

from hyperpcm.checkpoint import load_model
from hyperpcm.config import load_config
from hyperpcm.datasets import load
from hyperpcm.evaluation.performance import Performance
from hyperpcm.evaluation.surroundings import surroundings
from hyperpcm.model import HyperPCM
from hyperpcm.training import fit

__all__ = ["serve"]

CLIENTS = 50
COMPOUNDS = 20
SECONDS = 60
RESIDUES = 800
TARGETS = 8  # that the clients ask about


def serve(repeats: int, model: Path | None = None) -> Performance:
    """Compounds that a server scores a second for fifty clients, against the same scored without a server.

    Args:
        repeats: of each request that is timed alone.
        model: trained with the default settings; None: one is trained.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if model is None:
            overrides = [f"data.name={usual_data()}", "split.name=cold_target", "training.epochs=2"]
            model = fit(load_config(None, overrides), folder / "run").model_path
        smiles = list(load(usual_data()).compounds)
        known = load_model(model)
        with _served(model, folder / "work") as (process, port):
            alone = _alone(port, known, smiles, repeats)
            crowds = {
                name: _crowd(port, process.pid, known, drawn)
                for name, drawn in (
                    ("compounds never asked about", _unseen(smiles)),
                    (f"any of {len(smiles):,} compounds", _any_of(smiles)),
                    ("the same compounds", _the_same(smiles)),
                )
            }
        bare = _bare(known, _unseen(smiles))
    detail = {
        "clients": CLIENTS,
        "compounds_of_a_request": COMPOUNDS,
        "threads": torch.get_num_threads(),
        "peak_mb": max(one["memory_mb"][-1] for one in crowds.values()),
        **alone,
        "crowds": crowds,
        "against": "compounds never asked about, scored for a target in as many threads of a process, with "
        "intervals and the nearest training compound, and no server",
    }
    first = next(iter(crowds.values()))
    rate = first["requests"] * COMPOUNDS / first["seconds"]
    return Performance.of_rates("serve", rate, bare, "compounds/s", detail, surroundings())


@contextmanager
def _served(model: Path, work: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    threads = str(torch.get_num_threads())
    command = [sys.executable, "-m", "hyperpcm", "serve", str(model), "--port", "0", "--threads", threads]
    process = subprocess.Popen([*command, "--work", str(work)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        found = re.search(r":(\d+)/\s*$", process.stdout.readline())
        assert found, "the server did not start"
        yield process, int(found[1])
    finally:
        process.terminate()
        process.wait(30)


def _alone(port: int, known: HyperPCM, smiles: list[str], repeats: int) -> dict[str, float]:
    """Seconds of requests when nobody else asks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    first = _seconds(lambda: _get(connection, "/"))
    pages = [_seconds(lambda: _get(connection, "/")) for _ in range(repeats)]
    target = {"known": known.memory_names[0]}
    _score(connection, target, smiles[:1])  # compiled once
    hundred = [
        _seconds(lambda place=place: _score(connection, target, smiles[100 * place : 100 * place + 100]))
        for place in range(min(repeats, len(smiles) // 100))
    ]
    generator = np.random.default_rng(0)
    letters = list("".join(known.memory_sequences))
    fresh = ["".join(generator.choice(letters, RESIDUES)) for _ in range(repeats)]
    new = [_seconds(lambda one=one: _score(connection, {"sequence": one}, smiles[:1])) for one in fresh]
    return {
        "first_page_seconds": first,
        "page_seconds": statistics.median(pages),
        "known_target_100_compounds_seconds": statistics.median(hundred),
        "new_target_seconds": statistics.median(new),
        "new_target_residues": RESIDUES,
    }


def _seconds(action: Any) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _get(connection: http.client.HTTPConnection, path: str) -> None:
    connection.request("GET", path, headers={"Accept": "text/html"})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status


def _score(connection: http.client.HTTPConnection, target: dict[str, str], smiles: list[str]) -> None:
    body = json.dumps({"target": target, "compounds": smiles})
    connection.request("POST", "/api/v1/score", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, text[:300]


@dataclass
class _Client:
    """One of the crowd: what its requests took, and how many failed."""

    taken: list[float] = field(default_factory=list)
    errors: int = 0

    def ask(self, port: int, target: dict[str, str], lists: Iterator[list[str]], end: float) -> None:
        """Ask one thing after another until the end."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while time.perf_counter() < end:
            compounds = next(lists)
            started = time.perf_counter()
            try:
                _score(connection, target, compounds)
            except (AssertionError, OSError, http.client.HTTPException):
                self.errors += 1
                connection.close()
            else:
                self.taken.append(time.perf_counter() - started)


Draw = Callable[[int], Iterator[list[str]]]
"""Gives the lists of compounds that a client asks about, one after another, by the number of the client."""


def _unseen(smiles: list[str]) -> Draw:
    """Compounds that nobody asked about before: chains put before known ones, each of them once."""
    made = [f"{'C' * length}{one}" for length in range(1, 40) for one in smiles if one.startswith("C")]
    lists = iter([made[start : start + COMPOUNDS] for start in range(0, len(made) - COMPOUNDS, COMPOUNDS)])
    lock = threading.Lock()

    def draw(_client: int) -> Iterator[list[str]]:
        while True:
            with lock:
                compounds = next(lists)
            yield compounds

    return draw


def _any_of(smiles: list[str]) -> Draw:
    """Compounds drawn at random: after a while most of them were asked about by somebody."""

    def draw(client: int) -> Iterator[list[str]]:
        generator = np.random.default_rng(client)
        while True:
            yield [smiles[row] for row in generator.integers(0, len(smiles), COMPOUNDS)]

    return draw


def _the_same(smiles: list[str]) -> Draw:
    """The same compounds again and again, others for each client."""
    return lambda client: itertools.repeat(next(_any_of(smiles)(client)))


def _crowd(port: int, process: int, known: HyperPCM, draw: Draw) -> dict[str, Any]:
    """Fifty clients, each of which asks again as soon as it has its answer, about its target."""
    end = time.perf_counter() + SECONDS
    clients = [_Client() for _ in range(CLIENTS)]
    names, memory = known.memory_names, [_memory_mb(process)]
    threads = [
        threading.Thread(
            target=one.ask,
            args=(port, {"known": names[client % min(TARGETS, len(names))]}, draw(client), end),
        )
        for client, one in enumerate(clients)
    ]
    started = time.perf_counter()
    for one in threads:
        one.start()
    while any(one.is_alive() for one in threads):
        time.sleep(SECONDS / 6)
        memory.append(_memory_mb(process))
    seconds = time.perf_counter() - started
    taken = np.array([one for client in clients for one in client.taken])
    return {
        "seconds": seconds,
        "requests": len(taken),
        "errors": sum(one.errors for one in clients),
        "median_seconds": float(np.median(taken)),
        "p95_seconds": float(np.percentile(taken, 95)),
        "slowest_seconds": float(taken.max()),
        "memory_mb": memory,
    }


def _memory_mb(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def _bare(known: HyperPCM, draw: Draw) -> float:
    """Compounds a second that are scored by the library alone."""
    target = known.compile_target(known.memory_sequences[0])
    threads, end = torch.get_num_threads(), time.perf_counter() + SECONDS / 6

    def work(client: int) -> int:
        lists, done = draw(client), 0
        while time.perf_counter() < end:
            target.nearest_landmarks(target.score(next(lists)).smiles)
            done += COMPOUNDS
        return done

    torch.set_num_threads(1)
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        done = sum(pool.map(work, range(threads)))
    seconds = time.perf_counter() - started
    torch.set_num_threads(threads)
    return done / seconds
