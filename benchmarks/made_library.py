"""What the screening benchmarks work on: compiled targets of a real model, and an index of made compounds."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np

from hyperpcm.checkpoint import load_model
from hyperpcm.config import load_config
from hyperpcm.datasets import load
from hyperpcm.datasets.catalog import fetch
from hyperpcm.encoders.base import Encoder
from hyperpcm.encoders.sparse_rows import SparseRows
from hyperpcm.errors import DataUnavailableError
from hyperpcm.screening import CompoundRecipe, LibraryIndex
from hyperpcm.screening.chunk import Chunk, packed_chunk
from hyperpcm.screening.recipe import PreparedCompounds, parts_of
from hyperpcm.target_model import TargetModel
from hyperpcm.training import fit

__all__ = ["compiled_targets", "made_index", "usual_data"]

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


def compiled_targets(number: int, *overrides: str) -> list[TargetModel]:
    """Targets of a model that is trained here for two epochs: known sequences, cut a little for more."""
    data = usual_data()
    config = load_config(
        None, [f"data.name={data}", "split.name=cold_target", "training.epochs=2", *overrides]
    )
    sequences = load(data).targets
    with tempfile.TemporaryDirectory() as folder:
        model = load_model(fit(config, Path(folder) / "run").model_path)
    return [
        model.compile_target(
            sequences[place % len(sequences)][place // len(sequences) :], name=f"target {place}"
        )
        for place in range(number)
    ]


def made_index(folder: Path, recipe: CompoundRecipe, rows: int) -> LibraryIndex:
    """An index of made compounds, whole: fingerprints with as many bits as real ones, few of them frequent.

    Chunks are made once and entered again and again, each under its own names in the library's order.
    """
    generator = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for number in range(min(DIFFERENT, -(-rows // ROWS))):
        content = packed_chunk(_made_chunk(generator, recipe, number), recipe)
        name = f"{number:06d}.npz"
        (folder / name).write_bytes(content)
        entries.append(
            {
                "file": name,
                "rows": ROWS,
                "usable": ROWS,
                "copies": 0,
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        )
    record = {
        "version": 2,
        "recipe": {
            "encoder": recipe.encoder.spec(),
            "libraries": list(recipe.encoder.libraries()),
            "fingerprints": [list(kind) for kind in recipe.fingerprints],
        },
        "library": {"name": "made"},
        "chunks": [entries[place % len(entries)] for place in range(-(-rows // ROWS))],
        "refused": {},
        "complete": True,
    }
    (folder / "index.json").write_text(json.dumps(record))
    return LibraryIndex.open(folder)


def _made_chunk(generator: np.random.Generator, recipe: CompoundRecipe, number: int) -> Chunk:
    parts = tuple(_made_part(generator, encoder) for encoder in parts_of(recipe.encoder))
    prints = {}
    for kind in recipe.fingerprints:
        same = recipe.same_bits(kind)
        shared = None if same is None else parts[same]
        is_shared = isinstance(shared, SparseRows)
        prints[kind] = shared.bits() if is_shared else _made_bits(generator, kind[1]).bits()
    names = [f"made-{number * ROWS + row}" for row in range(ROWS)]
    return Chunk(ROWS, list(range(ROWS)), names, names, PreparedCompounds(parts, prints), [])


def _made_part(generator: np.random.Generator, encoder: Encoder) -> SparseRows | np.ndarray:
    if encoder.sparse:
        return _made_bits(generator, encoder.width)
    return generator.random((ROWS, encoder.width), dtype=np.float32)


def _made_bits(generator: np.random.Generator, width: int) -> SparseRows:
    """Log counts; how often a column has one falls off as one over its place, as in real fingerprints."""
    weight = 1 / (np.arange(width) + 10)
    chance = np.minimum(0.9, BITS * weight / weight.sum())
    counts = generator.integers(1, 4, (ROWS, width)) * (generator.random((ROWS, width)) < chance)
    return SparseRows.of(np.log1p(counts).astype(np.float32))
