"""Accuracy of the default model and of every null, fold by fold, on identical rows.

    python benchmarks/accuracy.py davis cold_target [--folds 0 1 2 3 4] [--seeds 0] [--set section.key=value]

Adds rows to benchmarks/results/accuracy/<data set>/<split>.json and leaves alone the rows that are there, so
that a run that was interrupted goes on where it stopped. ``--table`` prints what the file holds.
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

import torch

from hyperpcm.baselines import NULLS
from hyperpcm.config import RunConfig, load_config
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.encoders import EmbeddingStore
from hyperpcm.evaluation.results import AccuracyResults, ResultRow, accuracy_path
from hyperpcm.evaluation.surroundings import surroundings
from hyperpcm.evaluation.tables import render_table
from hyperpcm.training.encoded import build_model, encode
from hyperpcm.training.evaluation import model_rows, null_rows, protocol_of
from hyperpcm.training.retrieval_fit import fit_retrieval
from hyperpcm.training.run import open_data, open_split, train_model

RESULTS = Path(__file__).parent / "results"
MODEL = "hyperpcm"
RETRIEVAL = "hyperpcm_retrieval"


def missing(path: Path, model: str, fold: int, seed: int) -> bool:
    """Whether the results file lacks a row."""
    if not path.exists():
        return True
    return (model, fold, seed) not in {row.key() for row in AccuracyResults.read(path).rows}


def add(path: Path, config: RunConfig, interactions: Interactions, rows: list[ResultRow]) -> None:
    """Put rows into the results file; a row of another commit than the file's says so itself."""
    results = AccuracyResults.of(protocol_of(config, interactions), rows, surroundings())
    results.add_to(path, other_commit=True)
    for row in rows:
        target = row.metrics["per_target"]
        print(
            f"fold {row.fold} seed {row.seed} {row.model}: mse {row.metrics['mse']:.4f} "
            f"ci {row.metrics['ci']:.4f} per-target r {target['pearson']:.4f} ({row.seconds:.0f} s)",
            flush=True,
        )


def retrieval_row(
    config: RunConfig, interactions: Interactions, split: Split, store: EmbeddingStore
) -> ResultRow:
    """The default model without its networks: what is retrieved from the memory's labels alone."""
    start = time.perf_counter()
    data = encode(config, interactions, split, store)
    torch.manual_seed(config.seed)
    model = build_model(config, interactions, split, data)
    fit_retrieval(model, data, split.train, config.model.retrieval, config.seed)
    model.correction.fill_(0.0)
    seconds = time.perf_counter() - start
    rows, _, _ = model_rows(config, interactions, split, model, name=RETRIEVAL, seconds=seconds, store=store)
    return rows[0]


def main() -> None:
    """Run the folds that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset")
    parser.add_argument("split")
    parser.add_argument("--folds", type=int, nargs="*", default=[0, 1, 2, 3, 4])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="KEY=VALUE")
    parser.add_argument("--nulls", nargs="*", default=list(NULLS))
    parser.add_argument("--only-nulls", action="store_true", help="leave the model's rows out")
    parser.add_argument("--only-retrieval", action="store_true", help="only the model without its networks")
    parser.add_argument("--store", type=Path, default=None, help="keep embeddings in this file")
    parser.add_argument("--table", action="store_true", help="print the table and do nothing else")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    torch.set_num_threads(given.threads)
    path = accuracy_path(RESULTS, given.dataset, given.split)
    if given.table:
        print(render_table(AccuracyResults.read(path).rows))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    merged = "false" if given.split == "published_warm" else "true"
    fixed = [f"data.name={given.dataset}", f"data.merge={merged}", f"split.name={given.split}"]
    interactions = open_data(load_config(None, fixed).data)
    with EmbeddingStore(given.store) as store:
        for fold in given.folds:
            for seed in given.seeds:
                config = load_config(None, [*fixed, f"split.fold={fold}", f"seed={seed}", *given.settings])
                split = open_split(config, interactions)
                if missing(path, RETRIEVAL, fold, seed):
                    add(path, config, interactions, [retrieval_row(config, interactions, split, store)])
                if given.only_retrieval:
                    continue
                if not given.only_nulls and missing(path, MODEL, fold, seed):
                    start = time.perf_counter()
                    model, _ = train_model(config, interactions, split, store=store)
                    seconds = time.perf_counter() - start
                    rows, _, _ = model_rows(config, interactions, split, model, seconds=seconds, store=store)
                    add(path, config, interactions, rows)
                if seed == given.seeds[0]:
                    todo = [name for name in given.nulls if missing(path, name, fold, seed)]
                    add(
                        path,
                        config,
                        interactions,
                        null_rows(interactions, split, todo, seed=seed, store=store),
                    )


if __name__ == "__main__":
    main()
