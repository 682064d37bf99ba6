"""Splits that keep compounds, or targets, or groups of similar ones, on one side.

The axes of a table hold each structure and each sequence once, so a compound or a target here is content,
not a name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits.base import Split
from hyperpcm.datasets.splits.grouped import VALID_SHARE, check_share, grouped_folds, sides_of
from hyperpcm.datasets.splits.kept_groups import kept_groups
from hyperpcm.errors import SplitError

__all__ = [
    "cold_compound",
    "cold_target",
    "compound_cluster",
    "compound_clusters",
    "homology_target",
    "mixed",
    "scaffold",
]


def cold_compound(
    interactions: Interactions, *, folds: int, seed: int, valid_share: float = VALID_SHARE
) -> list[Split]:
    """No compound is on two sides; targets are.

    Raises:
        SplitError: bad numbers, or fewer compounds than folds.
    """
    return grouped_folds(
        interactions.compound_index,
        name="cold_compound",
        what="compounds",
        how="Grouped by compound (structure): no compound is on two sides.",
        folds=folds,
        seed=seed,
        valid_share=valid_share,
    )


def cold_target(
    interactions: Interactions, *, folds: int, seed: int, valid_share: float = VALID_SHARE
) -> list[Split]:
    """No target is on two sides; compounds are. Nearly identical sequences may be: see `homology_target`.

    Raises:
        SplitError: bad numbers, or fewer targets than folds.
    """
    return grouped_folds(
        interactions.target_index,
        name="cold_target",
        what="targets",
        how="Grouped by target (sequence): no sequence is on two sides, similar ones may be.",
        folds=folds,
        seed=seed,
        valid_share=valid_share,
    )


def scaffold(
    interactions: Interactions,
    *,
    folds: int,
    seed: int,
    valid_share: float = VALID_SHARE,
    generic: bool = False,
) -> list[Split]:
    """No Murcko scaffold is on two sides; all compounds without a ring form one group.

    Args:
        interactions: the table.
        folds: how many.
        seed: of all random choices.
        valid_share: between 0 and 1.
        generic: compare scaffolds as bare graphs, without elements and bond orders.

    Raises:
        SplitError: bad numbers, or fewer scaffolds than folds.
    """
    from hyperpcm.chem import murcko_scaffold

    used = np.unique(interactions.compound_index)
    compounds = [interactions.compounds[compound] for compound in used]

    def make() -> npt.NDArray[np.integer]:
        texts = [murcko_scaffold(compound, generic=generic) for compound in compounds]
        # Not numpy.unique: it would give each text the room of the longest one.
        place = {text: rank for rank, text in enumerate(sorted(set(texts)))}
        return np.array([place[text] for text in texts], dtype=np.int64)

    code = ["hyperpcm.chem.scaffolds"]
    groups = kept_groups("scaffold", compounds, make, options={"generic": generic}, code=code)
    return grouped_folds(
        _spread(groups, used, interactions.compound_index),
        name="scaffold",
        what="scaffolds",
        how=f"Grouped by {'generic ' if generic else ''}Murcko scaffold: no scaffold is on two sides.",
        folds=folds,
        seed=seed,
        valid_share=valid_share,
    )


def compound_cluster(
    interactions: Interactions,
    *,
    folds: int,
    seed: int,
    valid_share: float = VALID_SHARE,
    similarity: float = 0.6,
) -> list[Split]:
    """No cluster of similar compounds is on two sides.

    Clusters are spheres around a leader (Butina): members of different clusters can still be similar, so
    `audit` says how near the nearest training compounds are.

    Args:
        interactions: the table.
        folds: how many.
        seed: of all random choices.
        valid_share: between 0 and 1.
        similarity: Tanimoto similarity on unfolded Morgan fingerprints from which a compound joins its
            leader, in (0, 1].

    Raises:
        SplitError: bad numbers, or fewer clusters than folds.
    """
    clusters = compound_clusters(interactions, np.arange(len(interactions)), similarity=similarity)
    return grouped_folds(
        clusters,
        name="compound_cluster",
        what="clusters of compounds",
        how=f"Grouped by Butina clusters of unfolded Morgan fingerprints at Tanimoto {similarity:g}.",
        folds=folds,
        seed=seed,
        valid_share=valid_share,
    )


def compound_clusters(
    interactions: Interactions, rows: npt.NDArray[np.int64], *, similarity: float
) -> npt.NDArray[np.int64]:
    """Return the cluster of the compound of some rows, among the compounds that these rows have, int64 [n].

    Args:
        interactions: the table.
        rows: positions in it, int64 [n].
        similarity: as for the split `compound_cluster`.

    Raises:
        SplitError: it is no similarity.
    """
    from hyperpcm.chem import butina_clusters, morgan_environments

    check_share("compound_cluster", "similarity", similarity, whole=True)
    index = interactions.compound_index[rows]
    used = np.unique(index)
    compounds = [interactions.compounds[compound] for compound in used]
    clusters = kept_groups(
        "compound_cluster",
        compounds,
        lambda: butina_clusters(morgan_environments(compounds), similarity=similarity),
        options={"similarity": similarity},
        code=["hyperpcm.chem.clusters", "hyperpcm.chem.fingerprints", "hyperpcm.chem.neighbours"],
    )
    return _spread(clusters, used, index)


def homology_target(
    interactions: Interactions,
    *,
    folds: int,
    seed: int,
    valid_share: float = VALID_SHARE,
    min_identity: float = 0.4,
    min_coverage: float = 0.5,
) -> list[Split]:
    """No family of homologous targets is on two sides (single linkage).

    A large family goes to one side whole, so folds can differ much in size.

    Args:
        interactions: the table.
        folds: how many.
        seed: of all random choices.
        valid_share: between 0 and 1.
        min_identity: identity over aligned residues from which two targets are one family, in (0, 1].
        min_coverage: share of the shorter sequence that the alignment must cover, in (0, 1].

    Raises:
        SplitError: bad numbers, or fewer families than folds.
    """
    from hyperpcm.protein import homology_clusters

    check_share("homology_target", "min_identity", min_identity, whole=True)
    check_share("homology_target", "min_coverage", min_coverage, whole=True)
    used = np.unique(interactions.target_index)
    targets = [interactions.targets[target] for target in used]
    families = kept_groups(
        "homology_target",
        targets,
        lambda: homology_clusters(targets, min_identity=min_identity, min_coverage=min_coverage),
        options={"min_identity": min_identity, "min_coverage": min_coverage},
        code=["hyperpcm.protein.clusters", "hyperpcm.protein.alignment"],
    )
    return grouped_folds(
        _spread(families, used, interactions.target_index),
        name="homology_target",
        what="families of homologous targets",
        how=(
            f"Grouped by homology: no two targets with at least {min_identity:.0%} identity over at least "
            f"{min_coverage:.0%} of the shorter one are on two sides."
        ),
        folds=folds,
        seed=seed,
        valid_share=valid_share,
    )


_AXES: Final[dict[str, dict[str, Callable[..., list[Split]]]]] = {
    "targets": {"cold_target": cold_target, "homology_target": homology_target},
    "compounds": {"cold_compound": cold_compound, "compound_cluster": compound_cluster, "scaffold": scaffold},
}


def mixed(
    interactions: Interactions,
    *,
    folds: int,
    seed: int,
    valid_share: float = VALID_SHARE,
    targets: str = "cold_target",
    compounds: str = "compound_cluster",
) -> list[Split]:
    """New targets are tested and new compounds on known targets: what a model is asked once it is used.

    Two other splits are laid over one another, each with twice the folds: what either of them tests is
    tested, and what either validates of the rest validates. Training has no target and no compound of the
    parts that these hold out.

    Args:
        interactions: the table.
        folds: how many; as many again are made of each axis and not used.
        seed: of all random choices.
        valid_share: of each axis, between 0 and 1.
        targets: the split of targets, ``cold_target`` or ``homology_target``.
        compounds: that of compounds, ``cold_compound``, ``compound_cluster`` or ``scaffold``.

    Raises:
        SplitError: bad numbers, no such split, fewer groups than twice the folds, or no row is left to learn
            from.
    """
    laid = []
    for axis, name in (("targets", targets), ("compounds", compounds)):
        if name not in _AXES[axis]:
            raise SplitError(f"split mixed: {axis} is {name!r}; give {' or '.join(_AXES[axis])}.")
        maker = _AXES[axis][name]
        laid.append(maker(interactions, folds=2 * folds, seed=seed, valid_share=valid_share)[:folds])
    splits = []
    for fold, both in enumerate(zip(*laid, strict=True)):
        side = np.zeros(len(interactions), dtype=np.int64)
        for code, name in ((1, "valid"), (2, "test")):
            for one in both:
                side[getattr(one, name)] = code
        train, valid, test = sides_of(side)
        if not min(train.size, valid.size):
            raise SplitError(
                f"split mixed, fold {fold} of {folds}: no row is left on one side. Use more folds."
            )
        how = f"New targets and new compounds: {both[0].how} {both[1].how}"
        splits.append(Split("mixed", fold, folds, seed, train, valid, test, how, unused=0))
    return splits


def _spread(
    group_of_used: npt.NDArray[np.integer],
    used: npt.NDArray[np.integer],
    index: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """The group of each row, from the groups of those axis entries that have rows (ascending)."""
    return np.asarray(group_of_used, dtype=np.int64)[np.searchsorted(used, index)]
