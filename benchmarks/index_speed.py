"""Indexing a library against what RDKit alone takes in the same run."""

from __future__ import annotations

import multiprocessing
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from made_library import usual_data
from rdkit import Chem
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

from hyperpcm.datasets import load
from hyperpcm.encoders import compound_encoder
from hyperpcm.evaluation.measure import peak_memory_mb
from hyperpcm.evaluation.performance import Performance
from hyperpcm.evaluation.surroundings import surroundings
from hyperpcm.screening import CompoundRecipe, build_index

__all__ = ["index"]

STEPS = 2048  # compounds whose steps are timed one by one


def index(repeats: int) -> Performance:
    """Compounds per second from SMILES to an index against parsing and fingerprinting with RDKit alone."""
    processes = torch.get_num_threads()
    everything = list(load("chembl20" if usual_data() == "kiba" else "kiba_sample").compounds)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, encoders, compounds in (
            ("ecfp", ["ecfp"], everything[:100_000]),
            ("ecfp, not canonical", ["ecfp"], [_written_otherwise(one) for one in everything[:20_000]]),
            ("default", ["ecfp", "descriptors"], everything[:20_000]),
        ):
            library = Path(folder) / f"{name}.smi"
            library.write_text("".join(f"{smiles} {row}\n" for row, smiles in enumerate(compounds)))
            recipe = CompoundRecipe(compound_encoder(encoders), ((2, 2048),))
            taken, against = [], []
            for number in range(repeats if name == "ecfp" else 1):
                started = time.perf_counter()
                made = build_index(library, Path(folder) / f"{name}{number}", recipe, processes=processes)
                taken.append(time.perf_counter() - started)
                against.append(_rdkit_seconds(compounds, processes))
            size = sum(path.stat().st_size for path in made.path.iterdir())
            results[name] = {
                "compounds": len(compounds),
                "rows_per_second": len(compounds) / statistics.median(taken),
                "rdkit_rows_per_second": len(compounds) / statistics.median(against),
                "bytes_per_row": size / len(compounds),
            }
    detail = {
        "threads": processes,  # processes of one thread each
        "peak_mb": peak_memory_mb(),
        "encoders": results,
        "steps_us": _steps(everything[:STEPS], repeats),
        "against": "Chem.MolFromSmiles and a Morgan count fingerprint in as many processes that are there "
        "already; an index also starts its processes, writes canonical SMILES, reads these where a compound "
        "was written otherwise, and strips salts and neutralises where there is something to do",
    }
    first = results["ecfp"]
    return Performance.of_rates(
        "index",
        first["rows_per_second"],
        first["rdkit_rows_per_second"],
        "compounds/s",
        detail,
        surroundings(),
    )


def _steps(compounds: list[str], repeats: int) -> dict[str, float]:
    """Microseconds that RDKit takes for each step of a compound, in turns in this process."""
    generator = GetMorganGenerator(radius=2, fpSize=2048)
    steps: dict[str, Callable[[str, Chem.Mol], object]] = {
        "reading the SMILES": lambda text, _: Chem.MolFromSmiles(text),
        "writing the canonical SMILES": lambda _, molecule: Chem.MolToSmiles(molecule),
        "counting substructures": lambda _, molecule: generator.GetCountFingerprint(molecule),
    }
    molecules = [Chem.MolFromSmiles(text) for text in compounds]
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(repeats):
        for name, step in steps.items():
            started = time.perf_counter()
            for text, molecule in zip(compounds, molecules, strict=True):
                step(text, molecule)
            taken[name].append(time.perf_counter() - started)
    return {name: 1e6 * statistics.median(found) / len(compounds) for name, found in taken.items()}


def _written_otherwise(smiles: str) -> str:
    """The compound with its atoms in an arbitrary order, the same at each run."""
    molecule = Chem.MolFromSmiles(smiles)
    order = list(range(molecule.GetNumAtoms()))
    random.Random(0).shuffle(order)
    written: str = Chem.MolToSmiles(Chem.RenumberAtoms(molecule, order), canonical=False)
    return written


def _rdkit_seconds(compounds: list[str], processes: int) -> float:
    parts = [compounds[start : start + 500] for start in range(0, len(compounds), 500)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(_fingerprints, [["CCO"]] * processes)  # they are there, and RDKit is loaded
        started = time.perf_counter()
        pool.map(_fingerprints, parts, chunksize=1)
        return time.perf_counter() - started


def _fingerprints(smiles: list[str]) -> int:
    generator = GetMorganGenerator(radius=2, fpSize=2048)
    return sum(len(generator.GetCountFingerprintAsNumPy(Chem.MolFromSmiles(text))) for text in smiles)
