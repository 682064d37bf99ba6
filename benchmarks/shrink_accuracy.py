"""What making a trained model small costs: bytes, and accuracy on targets that it never saw.

    python benchmarks/shrink_accuracy.py RUN [--max-size 25MB] [--side valid] [--targets 60]

RUN is the folder of a finished run whose test targets are new to it. Each ingredient is measured alone, and
all of them together, as `hyperpcm shrink` chooses them; the original and the small model are asked about the
same pairs. Writes benchmarks/results/shrink/<data>.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hyperpcm.checkpoint import load_model, save_model
from hyperpcm.checkpoint.compact import Memo, compacted
from hyperpcm.checkpoint.small import bytes_of_size, small_model
from hyperpcm.chem import tanimoto
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.encoders import EmbeddingStore
from hyperpcm.encoders.axes import compound_counts
from hyperpcm.evaluation.evaluate import evaluate_scores
from hyperpcm.evaluation.results import write_json
from hyperpcm.evaluation.surroundings import surroundings
from hyperpcm.metrics import per_target
from hyperpcm.model import HyperPCM
from hyperpcm.model.compiling import unmeasured_target
from hyperpcm.model.shrinking import Shrinking, shrunk
from hyperpcm.training.run import open_data
from hyperpcm.training.run_folder import RunFolder

RESULTS = Path(__file__).parent / "results" / "shrink"
LEVEL = 0.8  # of the intervals whose coverage is counted
DRAWS = 2000  # of targets, for intervals of the mean difference
LEAST = 10  # actives and inactives of a target that counts
STEPS = (1 / 16, 1 / 4, 1 / 2, 1.0)
SHARES = (0.75, 0.5, 0.25, 0.1)


@dataclass(frozen=True)
class Asked:
    """The pairs that all models are asked about.

    Attributes:
        interactions: the table.
        rows: of it, int64 [n].
        store: where embeddings are kept.
        similarity: alignment similarity of each target to the memory rows, once it was needed.
        radius: of the fingerprints.
        width: likewise.
    """

    interactions: Interactions
    rows: npt.NDArray[np.int64]
    store: EmbeddingStore
    similarity: dict[int, torch.Tensor]
    radius: int
    width: int

    def scores(self, model: HyperPCM) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return scores of all pairs and half widths of their intervals (NaN where there are none)."""
        table, memory = self.interactions, model.label_memory()
        scores = np.zeros(len(self.rows), dtype=np.float32)
        half = np.full(len(self.rows), np.nan, dtype=np.float32)
        targets = table.target_index[self.rows]
        for target in np.unique(targets):
            sequence, own = table.targets[target], np.flatnonzero(targets == target)
            if target not in self.similarity:
                self.similarity[target] = torch.from_numpy(model.aligner.encode([sequence]))
            compiled = unmeasured_target(
                model, sequence, similarity=self.similarity[target], label_memory=memory
            )
            smiles = [table.compounds[one] for one in table.compound_index[self.rows[own]]]
            embeddings = torch.from_numpy(self.store.encode(model.compound_encoder, smiles))
            counts = compound_counts(tuple(smiles), self.store, radius=self.radius, width=self.width)
            near = torch.from_numpy(tanimoto(counts, compiled.prior.landmarks))
            values, difficulty = compiled.assess_embedded(embeddings, near)
            scores[own] = values.numpy()
            if compiled.calibration is not None and difficulty is not None:
                half[own] = compiled.calibration.half_widths(difficulty.numpy(), LEVEL)
        return scores, half


def measured(asked: Asked, scores: npt.NDArray[np.float32], half: npt.NDArray[np.float32]) -> dict[str, Any]:
    """Return the accuracy of some scores."""
    table = asked.interactions.select(asked.rows)
    found = evaluate_scores(asked.interactions, asked.rows, scores)
    of_targets = auroc_of_targets(asked, scores)
    spread = np.abs(table.point() - scores) <= half
    return {
        "mse": found["mse"],
        "spearman_per_target": found["per_target"]["spearman"],
        "auroc_per_target": float(np.nanmean(of_targets)),
        "targets": int(np.isfinite(of_targets).sum()),
        "coverage": None if np.isnan(half).any() else float(spread.mean()),
    }


def auroc_of_targets(asked: Asked, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the AUROC of each target with enough of both classes, NaN for the others [t]."""
    table = asked.interactions.select(asked.rows)
    active, known = table.is_active(), table.activity_is_known()
    targets = table.target_index[known]
    found = per_target(table.point()[known], scores[known], targets, active[known]).auroc
    names = np.unique(targets)
    least = [
        min((active[known] & (targets == one)).sum(), (~active[known] & (targets == one)).sum())
        for one in names
    ]
    return np.where(np.array(least) >= LEAST, found, np.nan)


def lost(before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Return the mean loss of AUROC and its 95 % interval over targets."""
    differences = (before - after)[np.isfinite(before)]
    draws = np.random.default_rng(0).choice(differences, (DRAWS, len(differences))).mean(1)
    return {
        "mean": float(differences.mean()),
        "interval": [float(one) for one in np.quantile(draws, [0.025, 0.975])],
        "largest": float(differences.max()),
    }


def ingredients(model: HyperPCM, steps: tuple[float, ...], shares: tuple[float, ...]) -> dict[str, Shrinking]:
    """Return each way of making the model smaller, alone."""
    found = {"as it is": Shrinking()}
    for name in ("networks", "ridge", "targets", "profiles", "leaves"):
        found |= {f"{name}, step {step:g}": Shrinking(**{name: step}) for step in steps}
    found |= {f"thresholds, {bits} bits": Shrinking(thresholds=bits) for bits in (12, 8, 6)}
    compounds = len(model.landmark_compounds)
    found |= {
        f"{share:.0%} of the compounds": Shrinking(compounds=int(share * compounds)) for share in shares
    }
    return found


def asked_of(folder: RunFolder, side: str, targets: int, compounds: int, store: EmbeddingStore) -> Asked:
    """Return pairs of new targets, evenly drawn: those with enough of both classes come first."""
    config = folder.config()
    table = open_data(config.data)
    rows = getattr(folder.split(table), side)
    own = table.select(rows)
    classes = np.where(own.activity_is_known(), own.is_active().astype(int), -1)
    names = np.unique(own.target_index)
    if targets:
        names = np.array(
            [
                one
                for one in names
                if min(np.bincount(classes[(own.target_index == one) & (classes >= 0)], minlength=2)) >= LEAST
            ]
        )
        names = names[np.unique(np.linspace(0, len(names) - 1, min(targets, len(names))).astype(int))]
    chosen = []
    for one in names:
        at = rows[own.target_index == one]
        if compounds and len(at) > compounds:
            at = at[np.linspace(0, len(at) - 1, compounds).astype(int)]
        chosen.append(at)
    return Asked(table, np.concatenate(chosen), store, {}, config.encoders.radius, config.encoders.width)


def loading(path: Path, repeats: int) -> dict[str, float]:
    """Return how long a model takes to load, the least and the median of some times, and its CPU time."""
    taken, worked = [], []
    for _ in range(repeats):
        started, busy = time.perf_counter(), time.process_time()
        load_model(path)
        taken.append(time.perf_counter() - started)
        worked.append(time.process_time() - busy)
    return {
        "least_seconds": min(taken),
        "median_seconds": statistics.median(taken),
        "cpu_seconds": statistics.median(worked),
    }


def row_of(
    asked: Asked, original: dict[str, Any], scores: npt.NDArray[np.float32], half: npt.NDArray[np.float32]
) -> dict[str, Any]:
    """Return what one smaller model says, beside the original."""
    differences = np.abs(scores - original["scores"])
    return {
        **measured(asked, scores, half),
        "auroc_lost": lost(original["auroc"], auroc_of_targets(asked, scores)),
        "score_difference": {
            "root_mean_square": float(np.sqrt((differences.astype(np.float64) ** 2).mean())),
            "largest": float(differences.max()),
        },
    }


def main() -> None:
    """Measure, and write the results file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--max-size", default="25MB", help="of the small model")
    parser.add_argument("--side", choices=("valid", "test"), default="test")
    parser.add_argument("--targets", type=int, default=0, help="asked about at most; 0: all of the side")
    parser.add_argument("--compounds", type=int, default=0, help="of each target at most; 0: all")
    parser.add_argument("--only-together", action="store_true", help="leave the single ingredients out")
    parser.add_argument("--steps", type=float, nargs="*", default=STEPS, help="of each ingredient")
    parser.add_argument("--shares", type=float, nargs="*", default=SHARES, help="of the compounds that stay")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5, help="of loading")
    parser.add_argument("--out", type=Path, help="file of the results")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    folder = RunFolder(given.run)
    with EmbeddingStore() as store:
        asked = asked_of(folder, given.side, given.targets, given.compounds, store)
        record = results(folder, asked, given)
    name = asked.interactions.name
    write_json(given.out or RESULTS / f"{name}.json", record)


def results(folder: RunFolder, asked: Asked, given: argparse.Namespace) -> dict[str, Any]:
    """Return what is written."""
    model, memo = load_model(folder.model_path), Memo()
    scores, half = asked.scores(model)
    original = {"scores": scores, "auroc": auroc_of_targets(asked, scores)}
    rows: dict[str, Any] = {
        "original": {
            "bytes": folder.model_path.stat().st_size,
            **measured(asked, scores, half),
            "loading": loading(folder.model_path, given.repeats),
        }
    }
    told("original", rows["original"])
    chosen = {} if given.only_together else ingredients(model, tuple(given.steps), tuple(given.shares))
    for name, shrinking in chosen.items():
        smaller = shrunk(model, shrinking)
        rows[name] = {
            "shrinking": shrinking.record(),
            "bytes": sum(part.numel() for part in compacted(*smaller.state(), memo)[0].values()),
            **row_of(asked, original, *asked.scores(smaller)),
        }
        told(name, rows[name])
    small = small_model(model, bytes_of_size(given.max_size), memo)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "small.safetensors"
        save_model(small, path, memo=memo)
        rows["together"] = {
            "shrinking": small.card["shrunk"]["steps"],
            "compounds": small.card["shrunk"]["compounds"],
            "bytes": path.stat().st_size,
            **row_of(asked, original, *asked.scores(load_model(path))),
            "loading": loading(path, given.repeats),
        }
    told("together", rows["together"])
    where = surroundings()
    return {
        "data": asked.interactions.name,
        "side": given.side,
        "pairs": len(asked.rows),
        "targets": len(np.unique(asked.interactions.target_index[asked.rows])),
        "rows": rows,
        "versions": where.versions,
        "commit": where.commit,
        "machine": where.machine,
    }


def told(name: str, row: dict[str, Any]) -> None:
    """Print a row as it is found."""
    print(name, json.dumps({key: row[key] for key in row if key != "shrinking"}), flush=True)


if __name__ == "__main__":
    main()
