"""The feature table of the boosting baselines: columns of the compound and of the target, row by row.

Which columns there are is decided by the training rows alone.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.baselines.base import BaselineInputs, Rows

__all__ = ["FeatureTable", "compound_columns", "feature_table", "principal_components", "target_columns"]

Floats32 = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

FINGERPRINT_COLUMNS: Final = 512
SIMILARITY_COLUMNS: Final = 512
SIMILARITY_COMPONENTS: Final = 64
COMPOSITION_COMPONENTS: Final = 16


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureTable:
    """Columns of compounds and of targets, joined row by row when asked for.

    Attributes:
        of_compounds: float32 [n_compounds, d].
        of_targets: float32 [n_targets, d]; no columns for a table that is blind to targets.
        compound_index: of every row of the table of interactions, int64.
        target_index: likewise.
    """

    of_compounds: Floats32
    of_targets: Floats32
    compound_index: Integers
    target_index: Integers

    def rows(self, rows: Rows) -> Floats32:
        """Features of these interactions, float32 [n, columns]: one copy of everything, so ask in blocks."""
        split = self.of_compounds.shape[1]
        table = np.empty((len(rows), split + self.of_targets.shape[1]), dtype=np.float32)
        table[:, :split] = self.of_compounds[self.compound_index[rows]]
        table[:, split:] = self.of_targets[self.target_index[rows]]
        return table


def feature_table(inputs: BaselineInputs, train: Rows, *, with_targets: bool, seed: int) -> FeatureTable:
    """Choose the columns by the training rows.

    Args:
        inputs: features of everything.
        train: training rows.
        with_targets: whether targets get columns at all.
        seed: of the choice of training targets where there are more than `SIMILARITY_COLUMNS`.
    """
    table = inputs.interactions
    compounds = np.unique(table.compound_index[train])
    targets = np.unique(table.target_index[train])
    none = np.empty((len(table.targets), 0), dtype=np.float32)
    return FeatureTable(
        compound_columns(inputs, compounds),
        target_columns(inputs, targets, seed) if with_targets else none,
        table.compound_index,
        table.target_index,
    )


def compound_columns(inputs: BaselineInputs, known: Integers) -> Floats32:
    """Descriptors and the fingerprint counts that divide the known compounds best: float32 [n_compounds, d].

    Kept are the `FINGERPRINT_COLUMNS` places whose presence varies most over the known compounds (present in
    nearest to half of them); a place that all or none of them have says nothing and is left out.
    """
    present = np.zeros(inputs.compound_counts.shape[1], dtype=np.int64)
    for start in range(0, len(known), 8192):
        present += (inputs.compound_counts[known[start : start + 8192]] > 0).sum(axis=0)
    variation = present * (len(known) - present)
    chosen = np.argsort(-variation, kind="stable")[:FINGERPRINT_COLUMNS]
    chosen = np.sort(chosen[variation[chosen] > 0])
    counts = inputs.compound_counts[:, chosen].astype(np.float32)
    return np.concatenate([inputs.compound_descriptors, counts], axis=1)


def target_columns(inputs: BaselineInputs, known: Integers, seed: int) -> Floats32:
    """Alignment similarity to known targets, its principal components, and those of the composition.

    Float32 [n_targets, d]. Similarity to every known target; to `SIMILARITY_COLUMNS` of them, drawn with the
    seed, where there are more.
    """
    similarity = inputs.target_similarity[:, known]
    landmarks = np.arange(len(known))
    if len(known) > SIMILARITY_COLUMNS:
        drawn = np.random.default_rng(seed).choice(len(known), SIMILARITY_COLUMNS, replace=False)
        landmarks = np.sort(drawn)
    features = inputs.target_features
    spread = features[known].std(axis=0)
    features = features[:, spread > 0] / spread[spread > 0]
    columns = [
        similarity[:, landmarks],
        principal_components(similarity, known, SIMILARITY_COMPONENTS),
        principal_components(features, known, COMPOSITION_COMPONENTS),
    ]
    return np.concatenate(columns, axis=1)


def principal_components(features: Floats32, known: Integers, count: int) -> Floats32:
    """Coordinates of all rows on the first principal axes of the known rows.

    Args:
        features: [rows, d].
        known: rows that the axes are fitted to.
        count: how many axes; fewer where the known rows span fewer.

    Returns:
        Float32 [rows, at most count]. The sign of an axis is fixed: its largest entry is positive.
    """
    centre = features[known].mean(axis=0, dtype=np.float64)
    _, length, axes = np.linalg.svd(features[known] - centre, full_matrices=False)
    axes = axes[:count][length[:count] > 1e-6 * max(float(length[0]), 1e-12)] if len(length) else axes[:0]
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]) if len(axes) else np.ones(0)
    coordinates: Floats32 = ((features - centre) @ (axes * signs[:, None]).T).astype(np.float32)
    return coordinates
