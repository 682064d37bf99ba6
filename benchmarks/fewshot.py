"""Few-shot curves of the yardsticks on held-out targets, fold by fold, on identical draws.

    python benchmarks/fewshot.py davis [--folds 0 1 2 3 4] [--rows labels kernel_knn hyperpcm] [--seeds 0]

Writes one part for each row, fold and seed to benchmarks/results/fewshot/<name>/ and leaves alone the parts
that are there, so that a run that was interrupted goes on where it stopped; then writes the summary of all
parts to benchmarks/results/fewshot/<name>.json. ``--table`` prints what the summary holds.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch

from hyperpcm.baselines import prepare_inputs
from hyperpcm.config import load_config
from hyperpcm.encoders import EmbeddingStore
from hyperpcm.evaluation.few_shot import (
    LABELS_ROW,
    FewShotProtocol,
    read_parts,
    render_few_shot,
    summarise,
    summary_path,
)
from hyperpcm.evaluation.results import read_json, write_json
from hyperpcm.training.few_shot import missing_parts, run_part
from hyperpcm.training.run import open_data, open_split

RESULTS = Path(__file__).parent / "results"
MODEL, DEFAULT, REFERENCE = "hyperpcm", "shift", "per_target_forest"


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset")
    parser.add_argument("--name", default=None, help="of the results; that of the data set when not given")
    parser.add_argument("--split", default="cold_target", choices=["cold_target", "homology_target"])
    parser.add_argument("--folds", type=int, nargs="*", default=[0, 1, 2, 3, 4])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--rows", nargs="*", default=[LABELS_ROW, "kernel_knn", MODEL])
    parser.add_argument("--sizes", type=int, nargs="*", default=list(FewShotProtocol().sizes))
    parser.add_argument("--draws", type=int, default=FewShotProtocol().draws)
    parser.add_argument("--min-query", type=int, default=FewShotProtocol().min_query)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="KEY=VALUE")
    parser.add_argument("--store", type=Path, default=None, help="keep embeddings in this file")
    parser.add_argument("--table", action="store_true", help="print the summary and do nothing else")
    return parser.parse_args()


def main() -> None:
    """Run the parts that are missing, then summarise."""
    given = arguments()
    logging.basicConfig(level=logging.WARNING)
    torch.set_num_threads(given.threads)
    name = given.name or given.dataset
    path = summary_path(RESULTS, name)
    if given.table:
        print(render_few_shot(read_json(path)))
        return
    protocol = FewShotProtocol(sizes=tuple(given.sizes), draws=given.draws, min_query=given.min_query)
    fixed = [f"data.name={given.dataset}", f"split.name={given.split}", *given.settings]
    interactions = open_data(load_config(None, fixed).data)
    with EmbeddingStore(given.store) as store:
        inputs = prepare_inputs(interactions, store)
        for row, fold, seed in missing_parts(RESULTS, name, given.rows, given.folds, given.seeds):
            config = load_config(None, [*fixed, f"split.fold={fold}", f"seed={seed}"])
            split = open_split(config, interactions)
            part = run_part(RESULTS, name, config, interactions, split, row, protocol, inputs, store=store)
            print(
                f"fold {fold} seed {seed} {row}: {len(part.targets)} targets ({part.seconds:.0f} s)",
                flush=True,
            )
    parts = read_parts(RESULTS, name)
    if {LABELS_ROW, MODEL} <= {part.row for part in parts}:
        summary = summarise(parts, zero_shot=MODEL, default=DEFAULT, reference=REFERENCE)
        write_json(path, summary)
        print(render_few_shot(summary))


if __name__ == "__main__":
    main()
