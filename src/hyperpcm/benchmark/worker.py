"""The process of one job: reads what to do from its standard input, does it, and writes what came out.

``python -m hyperpcm.benchmark.worker`` is started by `run`, never by people. The result, or the sentence that
says why there is none, is a JSON file that appears whole. Its standard input stays open for as long as the
parent lives; when it closes, the process ends.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

__all__ = ["Request", "main"]


@dataclasses.dataclass(frozen=True)
class Request:
    """What a process is asked to do.

    Attributes:
        root: folder of the benchmarks.
        benchmark: name.
        row: of the job; empty: prepare what the rows share.
        fold: of the job.
        seed: of the job.
        rows: whose shared work is to be prepared.
        digest: of the row's file as the parent read it.
        threads: of this process.
        store: file of the embedding store.
        out: where the outcome goes.
    """

    root: str
    benchmark: str
    row: str
    fold: int
    seed: int
    rows: tuple[str, ...]
    digest: str
    threads: int
    store: str
    out: str

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Request:
        """The request that `to_json` wrote."""
        record = json.loads(text)
        return cls(**{**record, "rows": tuple(record["rows"])})


def main() -> int:
    """Do what the first line of the standard input asks for; the exit code is 0 when there is an outcome."""
    request = Request.from_json(sys.stdin.readline())
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    from hyperpcm.datasets.output_files import atomic_file
    from hyperpcm.errors import HyperpcmError

    code = 0
    try:
        outcome = _outcome(request)
    except HyperpcmError as error:
        outcome, code = {"error": str(error)}, error.exit_code
    except MemoryError:
        outcome, code = {"error": "not enough memory"}, 1
    with atomic_file(Path(request.out), overwrite=True) as stream:
        stream.write(json.dumps(outcome, allow_nan=False).encode())
    return code


def _outcome(request: Request) -> dict[str, Any]:
    from hyperpcm.benchmark.benchmark import find_benchmark
    from hyperpcm.benchmark.kind import Job
    from hyperpcm.benchmark.registry import kind_named
    from hyperpcm.encoders import EmbeddingStore
    from hyperpcm.errors import ConfigError
    from hyperpcm.evaluation.surroundings import surroundings
    from hyperpcm.training.threads import limited_threads

    benchmark = find_benchmark(Path(request.root), request.benchmark)
    kind = kind_named(benchmark.file.kind, benchmark.folder)
    where = dataclasses.asdict(surroundings())
    with EmbeddingStore(request.store) as store, limited_threads(request.threads):
        if not request.row:
            made = kind.prepare(benchmark, request.rows, store, request.threads, _silent)
        else:
            if benchmark.row(request.row).digest != request.digest:
                path = benchmark.folder / f"{request.row}.toml"
                raise ConfigError(f"{path} was changed while the benchmark ran. Run it again.")
            job = Job(request.fold, request.seed, request.row)
            made = kind.execute(benchmark, job, store, request.threads, _silent)
    return {**made, "surroundings": where}


def _silent(stage: str, done: int, total: int) -> None:
    """Progress of a process that nobody watches."""


def _end_with_the_parent() -> None:
    """End this process when the other end of its standard input is gone."""
    # Not through sys.stdin: its lock, held by a waiting thread, would end the interpreter with an error.
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
