"""The report of a run against the evaluation that it shows, and how large the page is."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import torch
from timing import NotHereError

from hyperpcm.config import load_config
from hyperpcm.datasets.catalog import fetch
from hyperpcm.errors import DataUnavailableError
from hyperpcm.evaluation.measure import peak_memory_mb
from hyperpcm.evaluation.performance import Performance
from hyperpcm.evaluation.surroundings import surroundings
from hyperpcm.training import evaluate_run, fit
from hyperpcm.training.report_run import report_run

__all__ = ["report_davis"]


def report_davis(repeats: int) -> Performance:
    """Seconds for the report of a Davis run, audit and drawings included, against its evaluation.

    Raises:
        NotHereError: the data cannot be had.
    """
    try:
        fetch("davis")
    except DataUnavailableError as error:
        raise NotHereError(str(error)) from None
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        config = load_config(None, ["data.name=davis", "split.name=cold_target"])
        run = fit(config, Path(folder) / "run").folder
        started = time.perf_counter()
        evaluate_run(run.path, nulls=[])
        evaluated = time.perf_counter() - started
        for _ in range(repeats):
            started = time.perf_counter()
            page = report_run(run.path)
            taken.append(time.perf_counter() - started)
        detail = {
            "threads": torch.get_num_threads(),
            "peak_mb": peak_memory_mb(),
            "page_bytes": page.stat().st_size,
            "record_bytes": run.report_record_path.stat().st_size,
            "against": "evaluating the run on its test side, without nulls, with the test on mutants",
        }
    return Performance.of_times("report_davis", statistics.median(taken), evaluated, detail, surroundings())
