"""The feature table of trees and networks: columns of the compound and of the target, row by row.

Which columns there are is decided by the training rows alone.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.baselines.base import BaselineInputs, Rows

__all__ = [
    "FeatureTable",
    "feature_table",
    "fingerprint_places",
    "principal_components",
    "target_columns",
]

Floats32 = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

FINGERPRINT_COLUMNS: Final = 512
SIMILARITY_COLUMNS: Final = 512
SIMILARITY_COMPONENTS: Final = 64
COMPOSITION_COMPONENTS: Final = 16


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureTable:
    """Columns of compounds, of targets and of rows, joined when asked for; nothing is held row by row.

    Attributes:
        descriptors: float32 [n_compounds, d].
        counts: of the chosen fingerprint places, uint8 [n_compounds, w].
        of_targets: float32 [n_targets, d]; no columns for a table that is blind to targets.
        compound_index: of every row of the table of interactions, int64.
        target_index: likewise.
        of_rows: columns that a row has by itself, float32 [rows of the table, d]; None: there are none.
    """

    descriptors: Floats32
    counts: npt.NDArray[np.uint8]
    of_targets: Floats32
    compound_index: Integers
    target_index: Integers
    of_rows: Floats32 | None = None

    @property
    def width(self) -> int:
        """How many columns a row has."""
        own = 0 if self.of_rows is None else self.of_rows.shape[1]
        return int(self.compound_width + self.of_targets.shape[1] + own)

    @property
    def compound_width(self) -> int:
        """How many columns a compound has: descriptors, then counts."""
        return int(self.descriptors.shape[1] + self.counts.shape[1])

    def compounds(self, compounds: Integers) -> Floats32:
        """Columns of these compounds, float32 [n, compound_width]."""
        columns = np.empty((len(compounds), self.compound_width), dtype=np.float32)
        self._write_compounds(compounds, columns)
        return columns

    def rows(self, rows: Rows) -> Floats32:
        """Features of these interactions, float32 [n, width]: one copy of everything, so ask in blocks."""
        table = np.empty((len(rows), self.width), dtype=np.float32)
        middle, end = self.compound_width, self.compound_width + self.of_targets.shape[1]
        self._write_compounds(self.compound_index[rows], table[:, :middle])
        table[:, middle:end] = self.of_targets[self.target_index[rows]]
        if self.of_rows is not None:
            table[:, end:] = self.of_rows[rows]
        return table

    def _write_compounds(self, compounds: Integers, columns: Floats32) -> None:
        split = self.descriptors.shape[1]
        columns[:, :split] = self.descriptors[compounds]
        columns[:, split:] = self.counts[compounds]


def feature_table(
    inputs: BaselineInputs,
    train: Rows,
    *,
    with_targets: bool,
    seed: int,
    of_rows: Floats32 | None = None,
) -> FeatureTable:
    """Choose the columns by the training rows.

    Args:
        inputs: features of everything.
        train: training rows.
        with_targets: whether targets get columns at all.
        seed: of the choice of training targets where there are more than `SIMILARITY_COLUMNS`.
        of_rows: columns that every row of the table has by itself, float32 [rows, d].
    """
    table = inputs.interactions
    compounds = np.unique(table.compound_index[train])
    targets = np.unique(table.target_index[train])
    none = np.empty((len(table.targets), 0), dtype=np.float32)
    return FeatureTable(
        inputs.compound_descriptors,
        inputs.compound_counts[:, fingerprint_places(inputs.compound_counts, compounds)],
        target_columns(inputs, targets, seed) if with_targets else none,
        table.compound_index,
        table.target_index,
        of_rows,
    )


def fingerprint_places(counts: npt.NDArray[np.uint8], known: Integers) -> Integers:
    """The places of the fingerprint that divide the known compounds best, ascending.

    Kept are the `FINGERPRINT_COLUMNS` places whose presence varies most over the known compounds (present in
    nearest to half of them); a place that all or none of them have says nothing and is left out.

    Args:
        counts: Morgan counts of all compounds [n_compounds, w].
        known: positions of the known ones.
    """
    present = np.zeros(counts.shape[1], dtype=np.int64)
    for start in range(0, len(known), 8192):
        present += (counts[known[start : start + 8192]] > 0).sum(axis=0)
    variation = present * (len(known) - present)
    chosen = np.argsort(-variation, kind="stable")[:FINGERPRINT_COLUMNS]
    return np.sort(chosen[variation[chosen] > 0])


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
