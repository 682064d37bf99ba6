"""Adapting to measurements and scoring an index anew, against a forest on the same measurements."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from made_library import compiled_targets, made_index, usual_data
from timing import NotHereError

from hyperpcm.adaptation import LibraryState, scored_library
from hyperpcm.adaptation.suggest_posterior import TargetPosterior
from hyperpcm.chem import morgan_counts
from hyperpcm.datasets import load
from hyperpcm.evaluation.measure import peak_memory_mb
from hyperpcm.evaluation.performance import Performance
from hyperpcm.evaluation.surroundings import surroundings
from hyperpcm.screening import Panel
from hyperpcm.target_model import Measurement, TargetModel

__all__ = ["adapt_and_rescore"]

MEASURED = 64
TREES = 500


def adapt_and_rescore(repeats: int, model: Path | None = None, compounds: int = 100_000) -> Performance:
    """Seconds to learn from 64 measurements and to score an index anew, against a random forest on the same.

    Args:
        repeats: of each timing.
        model: trained with the default settings, to be compiled; None: one is trained.
        compounds: of the index.

    Raises:
        NotHereError: the data cannot be had.
    """
    if usual_data() != "kiba":
        raise NotHereError("KIBA cannot be had, and the sample of it has fewer compounds of a target")
    (target,) = compiled_targets(1, model_path=model)
    given = _measurements(target)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        index = made_index(folder / "index", Panel([target]).recipe, compounds)
        started = time.perf_counter()
        state = scored_library(target, index, folder / "state", processes=torch.get_num_threads())
        scored = time.perf_counter() - started
        adapting, rescoring, forest = [], [], []
        for _ in range(repeats):
            started = time.perf_counter()
            adapted = target.adapt(given)
            adapting.append(time.perf_counter() - started)
            started = time.perf_counter()
            _rescored(adapted, state)
            rescoring.append(time.perf_counter() - started)
            started = time.perf_counter()
            _by_forest(given, state)
            forest.append(time.perf_counter() - started)
    detail = {
        "measurements": MEASURED,
        "compounds": len(state),
        "threads": torch.get_num_threads(),
        "peak_mb": peak_memory_mb(),
        "adapting_seconds": statistics.median(adapting),
        "rescoring_seconds": statistics.median(rescoring),
        "first_pass_seconds": scored,
        "against": f"a random forest of {TREES} trees on the same measurements, fitted and asked about the "
        "same compounds, whose fingerprints it is given",
    }
    ours = statistics.median(np.add(adapting, rescoring))
    return Performance.of_times("adapt_and_rescore", ours, statistics.median(forest), detail, surroundings())


def _measurements(target: TargetModel) -> list[Measurement]:
    """What the data hold of the target, the first 64."""
    data = load("kiba")
    rows = np.flatnonzero(data.target_index == data.targets.index(target.sequence))[:MEASURED]
    return [Measurement(data.compounds[data.compound_index[row]], float(data.values[row])) for row in rows]


def _rescored(target: TargetModel, state: LibraryState) -> npt.NDArray[np.float64]:
    posterior = TargetPosterior(target)
    return np.concatenate([posterior.marginal(block)[0] for block in state.blocks()])


def _by_forest(given: list[Measurement], state: LibraryState) -> npt.NDArray[np.float64]:
    from sklearn.ensemble import RandomForestRegressor

    counts = morgan_counts([one.smiles for one in given]).astype(np.float32)
    forest = RandomForestRegressor(TREES, max_features="sqrt", random_state=0, n_jobs=torch.get_num_threads())
    forest.fit(counts, [one.value for one in given])
    return np.concatenate([forest.predict(block.bits.dense()) for block in state.blocks()])
