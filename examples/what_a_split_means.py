"""How much easier a random split is than one whose test targets are new, without training anything.

For each kind of split: what the test rows share with the training rows, and the error of two predictors that
know no chemistry, the mean of the compound and the mean of the target in the training rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets import Interactions, Split, load, make_splits
from hyperpcm.metrics import mse


def main() -> None:
    """Print one line for each kind of split, averaged over its folds."""
    interactions = load("kiba_sample")
    print(f"{len(interactions):,} interactions; the labels are {interactions.quantity.name}s")
    print("split            known compounds  known targets  MSE compound mean  MSE target mean")
    for name in ("random", "cold_compound", "cold_target", "cold_both"):
        folds = make_splits(interactions, name, folds=5, seed=0)
        columns = np.mean([line(interactions, fold) for fold in folds], axis=0)
        print(f"{name:<16} {columns[0]:>15.0%} {columns[1]:>14.0%} {columns[2]:>18.3f} {columns[3]:>16.3f}")


def line(interactions: Interactions, split: Split) -> list[float]:
    """Share of test rows with a known compound and with a known target, and the two errors."""
    shares, errors = [], []
    for index in (interactions.compound_index, interactions.target_index):
        shares.append(float(np.isin(index[split.test], index[split.train]).mean()))
        predicted = mean_of_group(index, interactions.values, split)
        errors.append(float(mse(interactions.values[split.test], predicted)))
    return shares + errors


def mean_of_group(
    index: npt.NDArray[np.int64], values: npt.NDArray[np.float32], split: Split
) -> npt.NDArray[np.float64]:
    """For each test row the mean training label of its group, or of all rows if the group is new."""
    counts = np.bincount(index[split.train], minlength=index.max() + 1)
    sums = np.bincount(index[split.train], weights=values[split.train], minlength=index.max() + 1)
    overall = float(values[split.train].mean())
    means = np.where(counts > 0, sums / np.maximum(counts, 1), overall)
    return np.asarray(means[index[split.test]])


if __name__ == "__main__":
    main()
