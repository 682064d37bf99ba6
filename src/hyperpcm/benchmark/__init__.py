"""Benchmarks as files: a protocol and one file per table row, run as processes, shown as a table.

``benchmarks/<name>/benchmark.toml`` says what is measured (data, division, seeds, reference row), every other
``<row>.toml`` beside it one row of the table. `run_benchmark` makes what is missing, `view_of` reads what is
there. What differs between kinds of benchmark is one class (`kind.Kind`) in one module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.benchmark.benchmark import Benchmark, all_benchmarks, find_benchmark
    from hyperpcm.benchmark.run import Choice, RunSummary, run_benchmark
    from hyperpcm.benchmark.view import TableView, view_of

__all__ = [
    "Benchmark",
    "Choice",
    "RunSummary",
    "TableView",
    "all_benchmarks",
    "find_benchmark",
    "run_benchmark",
    "view_of",
]

_HOMES = {
    "Benchmark": "benchmark",
    "all_benchmarks": "benchmark",
    "find_benchmark": "benchmark",
    "Choice": "run",
    "RunSummary": "run",
    "run_benchmark": "run",
    "TableView": "view",
    "view_of": "view",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
