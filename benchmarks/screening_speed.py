"""Screening and panels against what their bare products take in the same run."""

from __future__ import annotations

import functools
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from made_library import compiled_targets, made_index
from torch import Tensor

from hyperpcm.checkpoint import load_target_model, save_target_model
from hyperpcm.evaluation.measure import peak_memory_mb
from hyperpcm.evaluation.performance import Performance
from hyperpcm.evaluation.surroundings import surroundings
from hyperpcm.nn.deep_pcm import DeepPCMNetwork
from hyperpcm.screening import (
    LibraryIndex,
    LoadedIndex,
    Panel,
    StateFolder,
    screen_library,
)
from hyperpcm.screening.bag import BagProduct
from hyperpcm.screening.tensors import CompoundTensors, Entries
from hyperpcm.target_model import TargetModel

__all__ = ["panel", "screen_one_target"]

PLAIN = ("model.retrieval.enabled=false", 'encoders.compound=["ecfp"]', "model.members=1")
BLOCK = {"cpu": 1024, "cuda": 4096}
"""Compounds of a bare product, as many as are scored at a time."""

TOP = 1000


def screen_one_target(repeats: int, model: Path | None = None, compounds: int = 1_000_000) -> Performance:
    """Seconds for the best thousand of an indexed library against the bare dense products.

    Args:
        repeats: of each timing.
        model: trained with the default settings, to be compiled; None: one is trained.
        compounds: of the index.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    threads = torch.get_num_threads()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, overrides in (("default", ()), ("network alone, ECFP", PLAIN)):
            (target,) = compiled_targets(1, *overrides, model_path=None if overrides else model)
            stacked = Panel([target], device=device)
            whole = made_index(Path(folder) / name, stacked.recipe, compounds)
            results[name] = _screened(target, stacked, whole, threads, repeats)
            larger = made_index(Path(folder) / name, stacked.recipe, 10 * compounds)
            results[name]["ten_times_as_many_compounds"] = _alone(larger.path, target, threads, device)
    ours = results["default"]
    detail: dict[str, Any] = {
        "compounds": compounds,
        "top": TOP,
        "threads": threads,
        "peak_mb": ours["in_a_process_of_its_own"]["peak_mb"],
        "targets": results,
        "against": "bare products of the default target in dense float32: fingerprints × landmarks, "
        "kernels × label sums (float64), embeddings × first layers; and torch.topk",
    }
    where = surroundings(_device_name(device))
    name = "screen_one_target" + ("_gpu" if device == "cuda" else "")
    return Performance.of_times(name, ours["seconds"], ours["dense_seconds"], detail, where)


def panel(repeats: int, model: Path | None = None, compounds: int = 100_000) -> Performance:
    """Pairs per second of 400 targets on the same compounds against one bare batched product.

    Args:
        repeats: of the bare product beside each chunk of compounds; the panel scores each chunk once.
        model: trained with the default settings, to be compiled; None: one is trained.
        compounds: that all targets score.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    targets = 400
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, overrides in (("default", ()), ("network alone, ECFP", PLAIN)):
            compiled = compiled_targets(targets, *overrides, model_path=None if overrides else model)
            stacked = Panel(compiled, device=device)
            made = made_index(Path(folder) / name, stacked.recipe, compounds)
            seconds, bare_seconds = _panel_seconds(made, stacked, compiled, repeats)
            results[name] = {
                "pairs_per_second": targets * made.rows / seconds,
                "bare_pairs_per_second": targets * made.rows / bare_seconds,
                "landmarks": _landmarks(compiled[0]),
                "trees": _trees(compiled[0]),
            }
    first = results["default"]
    detail = {
        "targets": targets,
        "compounds": made.rows,
        "threads": torch.get_num_threads(),
        "peak_mb": peak_memory_mb(),
        "panels": results,
        "per_pair": _deep_pcm_rate(torch.device(device)),
        "against": "one dense float32 product of the embeddings with the first layers of all targets and "
        f"members, and a batched one with the second; on blocks of {BLOCK[device]:,} compounds, beside each "
        "chunk",
    }
    name = "panel" + ("_gpu" if device == "cuda" else "")
    return Performance.of_rates(
        name,
        first["pairs_per_second"],
        first["bare_pairs_per_second"],
        "pairs/s",
        detail,
        surroundings(_device_name(device)),
    )


def _panel_seconds(
    library: LibraryIndex, stacked: Panel, compiled: list[TargetModel], repeats: int
) -> tuple[float, float]:
    """Of the panel and of the bare product, for all compounds of a library; they take turns."""
    ours, bare, product = 0.0, 0.0, None
    for chunk in library.chunks():
        read = chunk.compounds
        compounds = read if isinstance(read, CompoundTensors) else CompoundTensors.of(read, stacked.device)
        block = compounds[: BLOCK[stacked.device.type]]
        if product is None:
            product = _batched_product(compiled, block, stacked.device)
            stacked.score_prepared(block)
        bare += _median(product, repeats) * len(compounds) / len(block)
        started = time.perf_counter()
        stacked.score_prepared(compounds)
        ours += time.perf_counter() - started
    return ours, bare


def _screen(library: LibraryIndex | LoadedIndex, stacked: Panel, threads: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        screen_library(library, stacked, StateFolder(Path(folder), "job"), top=TOP, processes=threads)


def _alone(index_path: Path, target: TargetModel, threads: int, device: str) -> dict[str, float]:
    """Seconds and peak memory of a screen in a process that does nothing else."""
    path = index_path.parent / "target.hpcm"
    save_target_model(target, path, overwrite=True)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_screen_files, index_path, path, threads, device).result()


def _screen_files(index_path: Path, target_path: Path, threads: int, device: str) -> dict[str, float]:
    stacked = Panel([load_target_model(target_path)], ["target"], device=device)
    started = time.perf_counter()
    _screen(LibraryIndex.open(index_path), stacked, threads)
    return {"seconds": time.perf_counter() - started, "peak_mb": peak_memory_mb()}


def _screened(
    target: TargetModel, stacked: Panel, library: LibraryIndex, threads: int, repeats: int
) -> dict[str, Any]:
    taken, dense, entries, stream = [], [], [], []
    compounds = next(library.chunks()).compounds
    moved = (
        compounds if isinstance(compounds, CompoundTensors) else CompoundTensors.of(compounds, stacked.device)
    )[: BLOCK[stacked.device.type]]
    products = {is_dense: _products(target, moved, stacked.device, is_dense) for is_dense in (True, False)}
    loaded = None
    if stacked.device.type == "cuda":
        loaded = LoadedIndex(library, stacked.device)
        _screen(loaded, stacked, threads)
    resident = []
    for _ in range(repeats):
        started = time.perf_counter()
        _screen(library, stacked, threads)
        taken.append(time.perf_counter() - started)
        dense.append(_median(products[True], 3) * library.rows / len(moved))
        entries.append(_median(products[False], 3) * library.rows / len(moved))
        started = time.perf_counter()
        for _ in library.chunks():
            pass
        stream.append(time.perf_counter() - started)
        if loaded is not None:
            started = time.perf_counter()
            _screen(loaded, stacked, threads)
            resident.append(time.perf_counter() - started)
    found = {
        "seconds": statistics.median(taken),
        "dense_seconds": statistics.median(dense),
        "by_entries_seconds": statistics.median(entries),
        "reading_seconds": statistics.median(stream),
        "in_a_process_of_its_own": _alone(library.path, target, threads, stacked.device.type),
        "landmarks": _landmarks(target),
        "trees": _trees(target),
    }
    return found | ({"index_on_the_device_seconds": statistics.median(resident)} if resident else {})


def _products(
    target: TargetModel, compounds: CompoundTensors, device: torch.device, is_dense: bool
) -> Callable[[], Tensor]:
    """The products that a target's scores are made of, and nothing else, for one block of compounds."""
    first = torch.cat([network.layers[0].dense()[0] for network in target.networks]).T.contiguous()
    second = (
        torch.cat([network.layers[1].dense()[0] for network in target.networks], dim=1)
        .T.contiguous()
        .to(device)
    )
    width = target.encoder.width
    parts = [part.dense() if isinstance(part, Entries) else part for part in compounds.parts]
    embeddings, layer = torch.cat(parts, dim=1), first[:width].to(device)
    fingerprints = compounds.parts[0]
    by_entries = (
        functools.partial(BagProduct(first[: fingerprints.width], device), fingerprints)
        if isinstance(fingerprints, Entries)
        else None
    )
    prior = target.prior
    if prior is not None:
        (bits,) = compounds.prints.values()
        landmarks = torch.from_numpy((prior.landmarks > 0).astype(np.float32)).T.contiguous()
        table, shared = bits.dense(), BagProduct(landmarks, device)
        landmarks = landmarks.to(device)
        kernels = prior.retrieval.levels + (0 if prior.ridge is None else len(prior.ridge.exponents))
        kernel = torch.rand(len(compounds), landmarks.shape[1], dtype=torch.float64, device=device)
        sums = torch.rand(landmarks.shape[1], 3, dtype=torch.float64, device=device)

    def run() -> Tensor:
        if is_dense or by_entries is None:
            hidden = embeddings @ layer
        else:
            hidden = by_entries()
        found = torch.relu_(hidden) @ second
        if prior is not None:
            _ = table @ landmarks if is_dense else shared(bits)
            for _ in range(kernels):
                _ = kernel @ sums
        best = torch.topk(found[:, 0], min(TOP, len(found))).values
        return best.cpu()

    return run


def _batched_product(
    targets: list[TargetModel], compounds: CompoundTensors, device: torch.device
) -> Callable[[], Tensor]:
    width = targets[0].encoder.width
    firsts = [
        torch.cat([target.networks[member].layers[0].dense()[0][:, :width] for target in targets])
        .T.contiguous()
        .to(device)
        for member in range(len(targets[0].networks))
    ]
    seconds = [
        torch.cat([target.networks[member].layers[1].dense() for target in targets])
        .transpose(1, 2)
        .contiguous()
        .to(device)
        for member in range(len(targets[0].networks))
    ]
    parts = [part.dense() if isinstance(part, Entries) else part for part in compounds.parts]
    embeddings = torch.cat(parts, dim=1)

    def run() -> Tensor:
        found = torch.zeros((), device=device)
        for first, second in zip(firsts, seconds, strict=True):
            hidden = torch.relu_(embeddings @ first).view(len(embeddings), len(targets), -1)
            found = found + torch.bmm(hidden.transpose(0, 1), second).squeeze(-1)
        return found.cpu()

    return run


def _deep_pcm_rate(device: torch.device) -> dict[str, Any]:
    """Pairs per second of a network that reads compound and target side by side, repeated for each pair."""
    network = DeepPCMNetwork(2048, 429).eval().to(device)
    rows = BLOCK[device.type]
    compounds, target = torch.randn(rows, 2048, device=device), torch.randn(429, device=device)
    with torch.no_grad():
        seconds = _median(lambda: network(compounds, target.expand(rows, -1)).cpu(), 5)
    return {
        "pairs_per_second": rows / seconds,
        "network": "DeepPCM, the target's row repeated for each compound",
    }


def _median(action: Callable[[], object], repeats: int) -> float:
    action()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _landmarks(target: TargetModel) -> int:
    return 0 if target.prior is None else len(target.prior.landmarks)


def _trees(target: TargetModel) -> int:
    trees = None if target.prior is None else target.prior.trees
    return 0 if trees is None else trees.trees.size[0]


def _device_name(device: str) -> str | None:
    return torch.cuda.get_device_name() if device == "cuda" else None
