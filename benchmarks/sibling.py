"""Whether a model of one family of proteins alone is better on that family than the model of all.

    python benchmarks/sibling.py "protein kinases" [--benchmark chembl20_cold_target] [--folds 0]

The sibling is the row `hyperpcm` of the benchmark, with the training, validation and test rows of the family
alone; the model of all is that row as its results file has it. Both are asked about the same pairs. Writes
benchmarks/results/siblings/<data>.json; folds that the file has already are kept.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hyperpcm.benchmark import find_benchmark
from hyperpcm.benchmark.benchmark import Benchmark
from hyperpcm.benchmark.folds import opened_fold
from hyperpcm.benchmark.registry import kind_named
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.encoders import EmbeddingStore
from hyperpcm.encoders.store import usual_store
from hyperpcm.evaluation.paired import TARGET_METRICS, compare_targets
from hyperpcm.evaluation.results import read_json, write_json
from hyperpcm.evaluation.surroundings import surroundings
from hyperpcm.evaluation.target_values import TargetTable, TargetValues, target_values
from hyperpcm.training.encoded import encode
from hyperpcm.training.loop import predict_pairs
from hyperpcm.training.run import train_model

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
ALL, ALONE = "hyperpcm", "sibling"


def rows_of_family(interactions: Interactions, family: str, table: Path) -> npt.NDArray[np.bool_]:
    """Return which rows of a data set are on targets of a family."""
    with table.open(encoding="utf-8", newline="") as stream:
        targets = [int(row["target"]) for row in csv.DictReader(stream) if row["family"] == family]
    if not targets:
        raise SystemExit(f"{table}: no target is of the family {family!r}.")
    return np.isin(interactions.target_index, targets)


def within(split: Split, family: npt.NDArray[np.bool_]) -> Split:
    """Return the same division of the rows of a family alone."""
    sides = {side: getattr(split, side) for side in ("train", "valid", "test")}
    return dataclasses.replace(split, **{side: rows[family[rows]] for side, rows in sides.items()})


def measured(benchmark: Benchmark, fold: int, family: str, threads: int) -> dict[str, Any]:
    """Train the sibling of one fold and return what it did on each target of its test side (JSON values)."""
    config, interactions, split = opened_fold(benchmark, benchmark.row(ALL), fold, 0, threads, told)
    table = HERE / "families" / f"{interactions.name}.csv"
    split = within(split, rows_of_family(interactions, family, table))
    with EmbeddingStore(usual_store()) as store:
        model, _ = train_model(config, interactions, split, store=store, progress=told)
        data = encode(config, interactions, split, store, told)
    compounds, targets = interactions.compound_index[split.test], interactions.target_index[split.test]
    scores = predict_pairs(model, data, compounds, targets)
    where = surroundings()
    return {
        "family": family,
        "fold": fold,
        "rows": {side: len(getattr(split, side)) for side in ("train", "valid", "test")},
        "targets": target_values(interactions, split.test, scores).as_lists(),
        "versions": where.versions,
        "commit": where.commit,
        "machine": where.machine,
    }


def compared(benchmark: Benchmark, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the sibling minus the model of all, by metric, over the targets of all folds."""
    path = kind_named(benchmark.file.kind, benchmark.name).results_path(benchmark, RESULTS)
    every = TargetTable.read(path.with_suffix(".targets.parquet"))
    entries = {key: entry for key, entry in every.entries.items() if key[0] == ALL}
    for part in parts:
        entries[ALONE, part["fold"], 0] = TargetValues.from_lists(part["targets"])
    found = {}
    for metric in TARGET_METRICS:
        one = compare_targets(TargetTable(entries), ALL, metric, model=ALONE)
        if one is not None:
            found[metric] = {name: getattr(one, name) for name in ("targets", "difference", "low", "high")}
    return found


def told(what: str, done: int, total: int | None) -> None:
    """Print how far it is."""
    print(f"{what}: {done:,}" + ("" if total is None else f" of {total:,}"), flush=True)


def main() -> None:
    """Measure, and write the results file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("family", help="as in benchmarks/families")
    parser.add_argument("--benchmark", default="chembl20_cold_target")
    parser.add_argument("--folds", type=int, nargs="*", default=[0])
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    benchmark = find_benchmark(HERE, given.benchmark)
    path = RESULTS / "siblings" / f"{benchmark.data_label}.json"
    parts = read_json(path)["parts"] if path.exists() else []
    for fold in given.folds:
        new = measured(benchmark, fold, given.family, given.threads)
        own = (given.family, fold)
        parts = [*(part for part in parts if (part["family"], part["fold"]) != own), new]
        families = sorted({part["family"] for part in parts})
        path.parent.mkdir(parents=True, exist_ok=True)
        differences = {
            name: compared(benchmark, [part for part in parts if part["family"] == name]) for name in families
        }
        write_json(path, {"benchmark": benchmark.name, "difference": differences, "parts": parts})
        print(differences[given.family], flush=True)


if __name__ == "__main__":
    main()
