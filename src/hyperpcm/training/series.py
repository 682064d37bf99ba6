"""Series of compounds: those so alike that one that is known tells much of the others."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split, compound_clusters

__all__ = ["series_are_new", "series_of"]

_SIMILARITY: Final = 0.6  # Tanimoto, from which a compound joins the centre of a cluster


def series_of(interactions: Interactions, split: Split) -> npt.NDArray[np.int64] | None:
    """Return the series of each compound of the table, int64 [n_compounds]; None where none need be known.

    A series is a Butina cluster, as of the division `compound_cluster`, among the compounds of training and
    validation; every other compound is a series of its own. They need be known where most validation rows on
    known targets have compounds that training does not have.

    Args:
        interactions: the table.
        split: its division.
    """
    axes = (interactions.target_index, interactions.compound_index)
    on_new, of_new = (~np.isin(axis[split.valid], axis[split.train]) for axis in axes)
    of_new = of_new[~on_new]
    if not len(of_new) or of_new.mean() <= 0.5:
        return None
    known = split.seen
    series = np.full(len(interactions.compounds), -1, dtype=np.int64)
    series[interactions.compound_index[known]] = compound_clusters(
        interactions, known, similarity=_SIMILARITY
    )
    others = np.flatnonzero(series < 0)
    series[others] = series.max() + 1 + np.arange(len(others))
    return series


def series_are_new(
    interactions: Interactions,
    series: npt.NDArray[np.int64],
    train: npt.NDArray[np.int64],
    valid: npt.NDArray[np.int64],
) -> bool:
    """Whether validation rows find another compound of their series less than half as often as training rows.

    Both seek it among the training compounds.

    Args:
        interactions: the table.
        series: of each compound, as from `series_of`, int64 [n_compounds].
        train: training rows.
        valid: validation rows whose compounds are new.
    """
    sizes = np.bincount(
        series[np.unique(interactions.compound_index[train])], minlength=int(series.max()) + 1
    )
    of_row = series[interactions.compound_index]
    return bool((sizes[of_row[valid]] > 0).mean() < (sizes[of_row[train]] > 1).mean() / 2)
