"""Divisions of a table into training, validation and test rows, grouped by content and never by name.

    random           pairs at random (warm): interpolation between known compounds and targets
    published_warm   the folds that came with Davis and KIBA (warm)
    published_target the folds of targets that came with DUD-E (cold target)
    cold_compound    test compounds are new
    scaffold         test scaffolds are new
    compound_cluster test clusters of similar compounds are new
    cold_target      test sequences are new
    homology_target  test families of sequences are new
    cold_both        test compounds and test targets are new
    mixed            test targets are new, and test compounds on known targets
    temporal         test rows are the newest
    pseudo_temporal  test compounds were registered last in ChEMBL
    forward          test rows are those that a column marks as new
    published_folds  the numbered parts of a fold column

Folds are balanced by rows, every row is in the test side of exactly one fold (but for ``cold_both`` and
``mixed``, those by time and those by a published column), and the validation side is drawn as the test side
is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits.base import Split
from hyperpcm.datasets.splits.by_axis import (
    cold_compound,
    cold_target,
    compound_cluster,
    compound_clusters,
    homology_target,
    mixed,
    scaffold,
)
from hyperpcm.datasets.splits.by_column import forward, pseudo_temporal, published_folds
from hyperpcm.datasets.splits.by_pair import cold_both, random
from hyperpcm.datasets.splits.given import published_target, published_warm, temporal
from hyperpcm.errors import SplitError

__all__ = ["SPLIT_NAMES", "Split", "compound_clusters", "make_splits"]

_MAKERS: Mapping[str, Callable[..., list[Split]]] = MappingProxyType(
    {
        "random": random,
        "published_warm": published_warm,
        "published_target": published_target,
        "cold_compound": cold_compound,
        "cold_target": cold_target,
        "cold_both": cold_both,
        "scaffold": scaffold,
        "compound_cluster": compound_cluster,
        "mixed": mixed,
        "homology_target": homology_target,
        "temporal": temporal,
        "pseudo_temporal": pseudo_temporal,
        "forward": forward,
        "published_folds": published_folds,
    }
)

SPLIT_NAMES: tuple[str, ...] = tuple(_MAKERS)
"""Every name that `make_splits` knows."""


def make_splits(
    interactions: Interactions, name: str, *, folds: int = 5, seed: int = 0, **options: object
) -> list[Split]:
    """All folds of one kind of split. Equal arguments give equal rows (with one version of NumPy).

    Args:
        interactions: the table to divide.
        name: one of `SPLIT_NAMES`.
        folds: how many divisions (those by time always make one).
        seed: of all random choices, 0 or more.
        **options: of this kind of split, such as ``valid_share`` (all drawn ones), ``generic`` (scaffold),
            ``similarity`` (compound_cluster, forward), ``min_identity`` and ``min_coverage``
            (homology_target), ``test_from``, ``valid_from`` and ``test_share`` (temporal), ``column``
            (forward, published_folds), ``valid_by`` (forward), ``targets`` and ``compounds`` (mixed).

    Raises:
        SplitError: an unknown name or option, or a division that cannot be made of these data.
    """
    if name not in _MAKERS:
        raise SplitError(f"there is no split {name!r}. Known: {', '.join(SPLIT_NAMES)}.")
    maker = _MAKERS[name]
    known = set(inspect.signature(maker).parameters) - {"interactions", "folds", "seed"}
    unknown = sorted(set(options) - known)
    if unknown:
        raise SplitError(
            f"split {name} has no option {', '.join(unknown)}. "
            f"Its options: {', '.join(sorted(known)) or 'none'}."
        )
    for what, number in (("folds", folds), ("seed", seed)):
        if isinstance(number, bool) or not isinstance(number, int):
            raise SplitError(f"split {name}: {what} is {number!r}; give a whole number.")
    splits = maker(interactions, folds=folds, seed=seed, **options)
    for split in splits:
        split.check_tested()
    return splits
