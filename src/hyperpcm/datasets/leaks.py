"""The check that a cold split is cold."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.nearest import nearest_compound_similarity, nearest_target_similarity
from hyperpcm.datasets.splits.base import Rows, Split
from hyperpcm.errors import SplitError

__all__ = ["check_cold"]

COLD_COMPOUNDS = frozenset({"cold_compound", "scaffold", "compound_cluster", "cold_both", "pseudo_temporal"})
"""Splits in which no compound may be on two sides."""
COLD_TARGETS = frozenset({"cold_target", "homology_target", "cold_both"})
"""Splits in which no target may be on two sides."""


def check_cold(
    interactions: Interactions,
    split: Split,
    *,
    compound_groups: npt.ArrayLike | None = None,
    target_groups: npt.ArrayLike | None = None,
    max_compound_similarity: float | None = None,
    max_target_similarity: float | None = None,
) -> None:
    """Pass silently if the sides share nothing that they must not; any two of the three sides are compared.

    By its name a split promises that structures, sequences or (``scaffold``) Murcko scaffolds are on one
    side only. More can be asked of any split: that groups of compounds or targets are, or that nothing in
    test is nearer to a seen (training or validation) compound or target than a limit.

    Args:
        interactions: the table that was divided.
        split: one division of it, from here or from elsewhere.
        compound_groups: label of each compound of the axis, such as its cluster [n_compounds].
        target_groups: label of each target of the axis, such as its family [n_targets].
        max_compound_similarity: largest Tanimoto similarity allowed; all compounds are compared, in minutes
            for 100,000.
        max_target_similarity: largest alignment similarity allowed; all targets are compared.

    Raises:
        SplitError: ``LEAK`` and what leaks, with an example; or the division or the groups are not of this
            table.
    """
    split.check_rows(len(interactions))
    compounds, targets = interactions.compounds, interactions.targets
    if split.name in COLD_COMPOUNDS:
        _check_groups(split, interactions.compound_index, np.arange(len(compounds)), "compound", compounds)
    if split.name in COLD_TARGETS:
        _check_groups(split, interactions.target_index, np.arange(len(targets)), "target", targets)
    if split.name == "scaffold":
        _check_groups(split, interactions.compound_index, _scaffolds(interactions), "scaffold", compounds)
    if compound_groups is not None:
        groups = _labels(compound_groups, len(compounds), "compound")
        _check_groups(split, interactions.compound_index, groups, "compound group", compounds)
    if target_groups is not None:
        groups = _labels(target_groups, len(targets), "target")
        _check_groups(split, interactions.target_index, groups, "target group", targets)
    seen = split.seen
    if max_compound_similarity is not None:
        test, known = (_texts(compounds, interactions.compound_index[rows]) for rows in (split.test, seen))
        similarity = nearest_compound_similarity(test, known)
        _check_limit(split, similarity, max_compound_similarity, "compound", test)
    if max_target_similarity is not None:
        test, known = (_texts(targets, interactions.target_index[rows]) for rows in (split.test, seen))
        similarity = nearest_target_similarity(test, known)
        _check_limit(split, similarity, max_target_similarity, "target", test)


def _check_groups(
    split: Split, index: Rows, group_of_entry: npt.NDArray[np.int64], what: str, texts: tuple[str, ...]
) -> None:
    """Refuse a group that two sides share; ``index`` points each row at an entry of the axis."""
    sides = {
        side: np.unique(group_of_entry[index[getattr(split, side)]]) for side in ("train", "valid", "test")
    }
    for one, other in combinations(sides, 2):
        shared = np.intersect1d(sides[one], sides[other], assume_unique=True)
        if shared.size:
            example = texts[int(np.argmax(group_of_entry == shared[0]))]
            raise SplitError(
                f"LEAK: {split.label()}: the {one} and the {other} side share {shared.size} {what}(s), "
                f"such as {example[:80]!r}. Make the split from this table, by content, not by name."
            )


def _check_limit(
    split: Split, similarity: npt.NDArray[np.float32], limit: float, what: str, texts: list[str]
) -> None:
    over = np.flatnonzero(similarity > limit + 1e-6)
    if over.size:
        nearest = int(over[np.argmax(similarity[over])])
        cluster = "compound_cluster" if what == "compound" else "homology_target"
        raise SplitError(
            f"LEAK: {split.label()}: {over.size} of {len(texts)} test {what}s are more than {limit:g} "
            f"similar to one in training or validation, {texts[nearest][:80]!r} {similarity[nearest]:.3f}. "
            f"Use the split {cluster}, or a coarser one."
        )


def _scaffolds(interactions: Interactions) -> npt.NDArray[np.int64]:
    from hyperpcm.chem import murcko_scaffold

    texts = [murcko_scaffold(compound) for compound in interactions.compounds]
    return np.unique(texts, return_inverse=True)[1].astype(np.int64).reshape(-1)


def _labels(groups: npt.ArrayLike, n: int, what: str) -> npt.NDArray[np.int64]:
    labels = np.asarray(groups)
    if labels.shape != (n,):
        raise SplitError(f"{what}_groups has the shape {labels.shape}; it needs one label for each of {n}.")
    return np.unique(labels, return_inverse=True)[1].astype(np.int64).reshape(-1)


def _texts(axis: tuple[str, ...], index: Rows) -> list[str]:
    return [axis[place] for place in np.unique(index)]
