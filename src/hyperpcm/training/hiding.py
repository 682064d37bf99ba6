"""What a training query must not retrieve, so that training sees no more than a new query will.

A query of the training side finds its own label in the memory, and others of its target and its compound that
a query of the test side may not find. Validation, which is divided off like the test side, tells which.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.model import HyperPCM
from hyperpcm.nn.label_memory import LabelMemory
from hyperpcm.nn.retrieval import CollapsedLabels, OwnLabels
from hyperpcm.training.series import series_are_new

__all__ = ["Hidden", "Hiding", "OwnLabelFinder", "families", "nearest_similarity", "relatives_bound"]

_ROUNDING = 1e-6  # of similarities
_NO_LABEL = 1e-6  # of evidence: what is left is rounding
_LEAST_SHARE = 0.25  # of known targets with a nearer relative than validation has
_FEW = 0.1  # of validation rows: fewer on new targets, or on known ones, are no kind of their own


@dataclass(frozen=True)
class Hidden:
    """Which labels are hidden from a training query; its own label always is.

    Attributes:
        targets: all labels of its own target, and of relatives (`relatives_bound`) where validation has none.
        compounds: all labels of its own compound.
        series: all labels of compounds of its own series (`hyperpcm.training.series`) as well. Where its
            target is hidden, most of them are gone with it.
    """

    targets: bool = True
    compounds: bool = False
    series: bool = False

    def __post_init__(self) -> None:
        if self.series and not self.compounds:
            raise ValueError("a compound belongs to its series: where that is hidden, compounds are, too")

    @property
    def unseen(self) -> str:
        """What of a validation row training has not seen, a key of `hyperpcm.target_model.unseen.UNSEEN`."""
        names = {(True, True): "both", (True, False): "target", (False, True): "compound"}
        return names.get((self.targets, self.compounds), "pair")


@dataclass(frozen=True, eq=False)
class Hiding:
    """What is hidden from each training query: the same from all, or of two kinds from so many of each.

    Where validation has rows on new targets and others on known ones, a model that is chosen by it is asked
    about both, and its training queries are of both kinds.

    Attributes:
        kinds: one, or two.
        kind_of: of each row of the table, int64 [n].
    """

    kinds: tuple[Hidden, ...]
    kind_of: npt.NDArray[np.int64]

    @classmethod
    def as_in_validation(
        cls, interactions: Interactions, split: Split, series: npt.NDArray[np.int64] | None = None
    ) -> Hiding:
        """Return what validation rows do not find: labels of their target, their compound, or both.

        Rows on new targets and rows on known ones are told apart where there are enough of either; of the
        other axis, and of all rows where there are not, what most rows have counts for all. Where compounds
        are new to known targets, and find another of their series less than half as often as training
        compounds do, whole series are hidden.

        Args:
            interactions: the table.
            split: its division.
            series: of each compound of the table, as from `series_of`, int64 [n_compounds]; None: series are
                not told apart.
        """
        axes = (interactions.target_index, interactions.compound_index)
        on_new, of_new = (~np.isin(axis[split.valid], axis[split.train]) for axis in axes)

        def hidden(own: npt.NDArray[np.bool_], *, targets: bool) -> Hidden:
            compounds = bool(of_new[own].mean() > 0.5)
            if targets or not compounds or series is None:
                return Hidden(targets, compounds)
            return Hidden(
                targets, compounds, series_are_new(interactions, series, split.train, split.valid[own])
            )

        share = float(on_new.mean())
        if not _FEW <= share <= 1 - _FEW:
            return cls.from_all(hidden(np.ones_like(on_new), targets=share > 0.5), len(interactions))
        kinds = (hidden(~on_new, targets=False), hidden(on_new, targets=True))
        drawn = np.random.default_rng([split.seed, 23]).random(len(interactions)) < share
        return cls(kinds, drawn.astype(np.int64))

    @classmethod
    def from_all(cls, hidden: Hidden, rows: int) -> Hiding:
        """Return the same for all rows of a table that has so many."""
        return cls((hidden,), np.zeros(rows, dtype=np.int64))

    @property
    def targets(self) -> bool:
        """Whether targets are hidden from some queries."""
        return any(kind.targets for kind in self.kinds)

    @property
    def unseen(self) -> str:
        """As of `Hidden`, of all validation rows together."""
        return self.kinds[0].unseen if len(self.kinds) == 1 else "mixed"

    def of(self, rows: npt.NDArray[np.int64]) -> Iterator[tuple[Hidden, npt.NDArray[np.int64]]]:
        """Yield each kind with those of some rows that are of it; kinds of which there are none are left out.

        Args:
            rows: of the table, int64 [n].
        """
        for number, kind in enumerate(self.kinds):
            own = rows[self.kind_of[rows] == number]
            if len(own):
                yield kind, own


def relatives_bound(
    similarity: npt.NDArray[np.float32], train: npt.NDArray[np.int64], valid: npt.NDArray[np.int64]
) -> float:
    """Return the similarity above which known targets are hidden: validation has none that near.

    Where targets are divided by families a new one finds no relative; a known one that found its own would
    learn to trust relatives too much. Nothing is hidden where known targets are no better off than by chance:
    what the best of n new targets finds is passed by one known target in n + 1.

    Args:
        similarity: alignment similarity of every target of the table to every other, float32 [t, t].
        train: target of each training row, int64 [n].
        valid: target of each validation row, int64 [n].

    Returns:
        Infinity where nothing is hidden.
    """
    known = np.unique(train)
    new = np.setdiff1d(valid, known)
    if not len(new):
        return float("inf")
    bound = float(similarity[np.ix_(new, known)].max()) + _ROUNDING
    nearer = similarity[np.ix_(known, known)] > bound
    np.fill_diagonal(nearer, val=False)
    share = float(nearer.any(axis=1).mean())
    return bound if share > max(_LEAST_SHARE, 3 / (len(new) + 1)) else float("inf")


def families(allowed: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the family of each known target, int64 [m]: those that are hidden from one another, and theirs.

    Args:
        allowed: False where a known target must not see a known one, bool [m, m].
    """
    return np.asarray(connected_components(csr_matrix(~allowed), directed=False)[1], dtype=np.int64)


class OwnLabelFinder:
    """Finds what of the collapsed labels of one target belongs to a query's own compound, or to its series.

    Args:
        model: whose memory it is.
        label_memory: as from `HyperPCM.label_memory`.
        hidden: what is hidden.
        landmark_of: landmark of each compound of the table, −1 for none, int64 [n_compounds].
        series: of each compound of the table, int64 [n_compounds]; None where no series is hidden.
    """

    def __init__(
        self,
        model: HyperPCM,
        label_memory: LabelMemory,
        hidden: Hidden,
        landmark_of: npt.NDArray[np.int64],
        series: npt.NDArray[np.int64] | None = None,
    ) -> None:
        if hidden.series and series is None:
            raise ValueError("whole series are to be hidden, and no series are given")
        self._model, self._memory, self._hidden = model, label_memory, hidden
        self._landmark_of, self._series = landmark_of, series
        self._compound_of = np.flatnonzero(landmark_of >= 0)

    def of(
        self,
        collapsed: CollapsedLabels,
        kept: npt.NDArray[np.int64],
        memory_row: int,
        own_similarity: float,
        compounds: npt.NDArray[np.int64],
    ) -> OwnLabels | None:
        """Return what the queries (compounds of one known target) must not see of their own compound.

        Args:
            collapsed: of the target, as from `collapse_labels`.
            kept: the landmarks it runs over.
            memory_row: of the target.
            own_similarity: alignment similarity of the target to itself.
            compounds: positions of the queried compounds in the table.
        """
        if self._hidden.targets and not self._hidden.compounds:
            return None  # the target's labels are gone as a whole, and others of the compound may be seen
        landmarks = self._landmark_of[compounds]
        place = np.minimum(np.searchsorted(kept, landmarks), len(kept) - 1)
        columns = torch.from_numpy(np.where(kept[place] == landmarks, place, -1))
        if self._hidden.series and self._series is not None:
            known, asked = self._series[self._compound_of[kept]], self._series[compounds]
            return OwnLabels(columns[None], None, torch.from_numpy(asked[:, None] == known)[None])
        if self._hidden.compounds or self._model.retrieval is None:
            return OwnLabels(columns[None], None)
        own_labels = (table[torch.from_numpy(kept)] for table in self._memory.of_target(memory_row))
        weight = self._model.retrieval.target_weights(torch.tensor([[own_similarity]]))[0, :, :1]
        sums = (collapsed.evidence[0], collapsed.first[0], collapsed.second[0])
        rest = [
            (total - weight * own)[:, columns.clamp_min(0)] * (columns >= 0)
            for total, own in zip(sums, own_labels, strict=True)
        ]
        rest[0] = rest[0].clamp_min(0)  # what rounding leaves of the only label
        return OwnLabels(columns[None], torch.stack(rest, dim=-1).permute(1, 0, 2)[None])


def nearest_similarity(near: Tensor, own: OwnLabels | None) -> Tensor:
    """Return the similarity of each query's compound to the nearest landmark that has a label it may see.

    Args:
        near: similarity of the queries to the landmarks, float32 [1, c, j].
        own: what the queries must not see; None: nothing is hidden of their own compound.
    """
    if own is None or not near.shape[-1]:
        return near.amax(-1) if near.shape[-1] else near.new_zeros(near.shape[:-1])
    others = own.mask(near).amax(-1)
    if own.rest is None:
        return others
    is_known = own.rest[:, :, 0, 0] > _NO_LABEL
    return torch.where(is_known | (own.columns < 0), near.amax(-1), others)
