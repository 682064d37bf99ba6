"""What the screening benchmarks work on: compiled targets of a real model, and an index of made compounds."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch

from hyperpcm.checkpoint import load_model
from hyperpcm.config import load_config
from hyperpcm.datasets import load
from hyperpcm.datasets.catalog import fetch
from hyperpcm.encoders.base import Encoder, parts_of
from hyperpcm.encoders.sparse_rows import SparseRows
from hyperpcm.errors import DataUnavailableError
from hyperpcm.screening import CompoundRecipe, LibraryIndex
from hyperpcm.screening.chunk import Chunk
from hyperpcm.screening.recipe import PreparedCompounds
from hyperpcm.target_model import TargetModel
from hyperpcm.training import fit

__all__ = ["compiled_targets", "made_bits", "made_index", "usual_data"]

ROWS = 4096  # of a chunk
DIFFERENT = 25  # chunks that are made; a larger library repeats them
BITS = 49  # present bits of a drug-like compound's fingerprint, on average


def usual_data() -> str:
    """KIBA where it can be had, else the sample of it that comes with a wheel."""
    try:
        fetch("kiba")
    except DataUnavailableError:
        return "kiba_sample"
    return "kiba"


def compiled_targets(number: int, *overrides: str, model_path: Path | None = None) -> list[TargetModel]:
    """Targets of a model: known sequences, cut a little for more.

    Args:
        number: of targets.
        overrides: of the settings of a model that is trained here for two epochs.
        model_path: of a trained model that is taken instead.
    """
    data = usual_data()
    sequences = load(data).targets
    with tempfile.TemporaryDirectory() as folder:
        if model_path is None:
            overrides = (f"data.name={data}", "split.name=cold_target", "training.epochs=2", *overrides)
            model_path = fit(load_config(None, list(overrides)), Path(folder) / "run").model_path
        wanted = [
            (sequences[place % len(sequences)][place // len(sequences) :], f"target {place}")
            for place in range(number)
        ]
        processes = max(1, min(number // 16, os.cpu_count() or 1))  # fewer than 16 are compiled as fast here
        if processes == 1:
            return _compiled(model_path, wanted)
        with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
            shares = [wanted[start::processes] for start in range(processes)]
            parts = list(pool.map(_compiled, [model_path] * processes, shares, [1] * processes))
    return [parts[place % processes][place // processes] for place in range(number)]


def _compiled(path: Path, wanted: Sequence[tuple[str, str]], threads: int | None = None) -> list[TargetModel]:
    """Compile sequences under their names."""
    if threads is not None:
        torch.set_num_threads(threads)
    model = load_model(path)
    return [model.compile_target(sequence, name=name) for sequence, name in wanted]


def made_index(folder: Path, recipe: CompoundRecipe, rows: int) -> LibraryIndex:
    """An index of made compounds, whole: fingerprints with as many bits as real ones, few of them frequent.

    Chunks are made once and entered again and again, each under its own names in the library's order.
    """
    generator = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    index = LibraryIndex.begin(folder, recipe, {"name": "made"})
    chunks = -(-rows // ROWS)
    for number in range(min(DIFFERENT, chunks)):
        index.add(_made_chunk(generator, recipe, number), recipe)
    index.repeat(chunks)
    index.finish()
    return LibraryIndex.open(folder)


def _made_chunk(generator: np.random.Generator, recipe: CompoundRecipe, number: int) -> Chunk:
    parts = tuple(_made_part(generator, encoder) for encoder in parts_of(recipe.encoder))
    prints = {}
    for kind in recipe.fingerprints:
        same = recipe.same_bits(kind)
        shared = None if same is None else parts[same]
        is_shared = isinstance(shared, SparseRows)
        prints[kind] = shared.bits() if is_shared else made_bits(generator, ROWS, kind[1]).bits()
    names = [f"made-{number * ROWS + row}" for row in range(ROWS)]
    return Chunk(ROWS, list(range(ROWS)), names, names, PreparedCompounds(parts, prints), [])


def _made_part(generator: np.random.Generator, encoder: Encoder) -> SparseRows | np.ndarray:
    if encoder.sparse:
        return made_bits(generator, ROWS, encoder.width)
    return generator.random((ROWS, encoder.width), dtype=np.float32)


def made_bits(generator: np.random.Generator, rows: int, width: int) -> SparseRows:
    """Log counts; how often a column has one falls off as one over its place, as in real fingerprints."""
    weight = 1 / (np.arange(width) + 10)
    chance = np.minimum(0.9, BITS * weight / weight.sum())
    counts = generator.integers(1, 4, (rows, width)) * (generator.random((rows, width)) < chance)
    return SparseRows.of(np.log1p(counts).astype(np.float32))
