"""What a division lets through: shared pairs, compounds, targets, scaffolds and near relatives.

*Seen* is what training and validation hold: all that a model was fitted to or chosen by.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import EXACT, Interactions
from hyperpcm.datasets.leaks import check_cold
from hyperpcm.datasets.nearest import nearest_compound_similarity, nearest_target_similarity
from hyperpcm.datasets.splits.base import Rows, Split
from hyperpcm.errors import SplitError

__all__ = ["Audit", "Nearest", "Overlap", "Side", "audit", "check_cold"]

COMPOUND_LIMITS = (0.85, 1.0)
"""Tanimoto similarities at which near relatives are counted: close analogue, same fingerprint."""
TARGET_LIMITS = (0.4, 0.9)
"""Alignment similarities at which near relatives are counted: same family, nearly the same protein."""

_ROUNDING = 1e-6


@dataclasses.dataclass(frozen=True, slots=True)
class Side:
    """What one side of a division holds.

    Attributes:
        rows: interactions.
        compounds: distinct compounds.
        targets: distinct targets.
        censored: share of rows whose value is only a bound, in [0, 1].
        active: share of active rows among those whose class is known; None without a threshold or such rows.
    """

    rows: int
    compounds: int
    targets: int
    censored: float
    active: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Overlap:
    """What one side has in common with another.

    Attributes:
        rows: rows of the first side whose (compound, target) is also measured in the second.
        pairs: distinct (compound, target) in both.
        compounds: distinct compounds in both.
        targets: distinct targets in both.
    """

    rows: int
    pairs: int
    compounds: int
    targets: int


@dataclasses.dataclass(frozen=True, slots=True)
class Nearest:
    """How near the seen compounds, or targets, come to those of the test side.

    Attributes:
        examined: how many of the test side were looked at.
        of: how many there are.
        mean: mean similarity to the nearest seen one, in [0, 1].
        shares: share of the examined ones whose nearest seen one reaches each limit.
        row_shares: share of the test rows of the examined ones that these hold.
    """

    examined: int
    of: int
    mean: float
    shares: Mapping[float, float]
    row_shares: Mapping[float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Audit:
    """The findings about one division of one table.

    Attributes:
        interactions: name of the table.
        split: which division.
        train: what the training side holds.
        valid: what the validation side holds.
        test: what the test side holds.
        unused: rows on no side.
        repeats: rows of the table beyond the first of each (compound, target).
        test_in_seen: what test shares with training and validation.
        valid_in_train: what validation shares with training.
        known_scaffolds: share of the examined test compounds whose Murcko scaffold was seen; None if not
            asked for, or nothing is tested.
        nearest_compound: similarity to seen compounds; None likewise.
        nearest_target: similarity to seen targets; None likewise.
    """

    interactions: str
    split: str
    train: Side
    valid: Side
    test: Side
    unused: int
    repeats: int
    test_in_seen: Overlap
    valid_in_train: Overlap
    known_scaffolds: float | None
    nearest_compound: Nearest | None
    nearest_target: Nearest | None

    def lines(self) -> list[str]:
        """The findings for people, one per line."""
        lines = [f"{self.interactions}, {self.split}: {self.unused} rows unused, {self.repeats} repeated"]
        for name, side in (("train", self.train), ("valid", self.valid), ("test", self.test)):
            active = "" if side.active is None else f", {side.active:.1%} active"
            lines.append(
                f"{name}: {side.rows} rows, {side.compounds} compounds, {side.targets} targets, "
                f"{side.censored:.1%} censored{active}"
            )
        for name, shared in (("test in seen", self.test_in_seen), ("valid in train", self.valid_in_train)):
            lines.append(
                f"{name}: {shared.rows} rows repeat a pair, {shared.compounds} compounds and "
                f"{shared.targets} targets shared"
            )
        if self.known_scaffolds is not None:
            lines.append(f"test compounds with a seen scaffold: {self.known_scaffolds:.1%}")
        for name, near in (("compound", self.nearest_compound), ("target", self.nearest_target)):
            if near is not None:
                shares = [
                    f"{share:.1%} ({near.row_shares[limit]:.1%} of their rows) at {limit:g} or more"
                    for limit, share in near.shares.items()
                ]
                lines.append(
                    f"nearest seen {name} of {near.examined} of {near.of} test {name}s: "
                    f"mean similarity {near.mean:.2f}, {', '.join(shares)}"
                )
        return lines

    def as_dict(self) -> dict[str, Any]:
        """The findings as plain JSON values."""
        record = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name, value in record.items():
            if isinstance(value, Nearest):
                shares = {f"{limit:g}": share for limit, share in value.shares.items()}
                row_shares = {f"{limit:g}": share for limit, share in value.row_shares.items()}
                record[name] = {
                    "examined": value.examined,
                    "of": value.of,
                    "mean": value.mean,
                    "shares": shares,
                    "row_shares": row_shares,
                }
            elif dataclasses.is_dataclass(value) and not isinstance(value, type):
                record[name] = dataclasses.asdict(value)
        return record


def audit(
    interactions: Interactions,
    split: Split,
    *,
    similarity: bool = True,
    max_compounds: int = 1000,
    max_targets: int = 100,
    seed: int = 0,
) -> Audit:
    """What crosses one division of a table.

    Counts are exact. Similarities are those of at most so many test compounds and targets, drawn without
    replacement, to *all* seen ones, so the shares are unbiased estimates where there are more. Without
    similarities it takes a second on 460,000 rows; with them some minutes on one core (250,000 structures
    are read), in little memory.

    Args:
        interactions: the table that was divided.
        split: one division of it.
        similarity: whether to look at scaffolds and nearest relatives.
        max_compounds: how many test compounds to compare.
        max_targets: how many test targets to compare.
        seed: of the draw.

    Raises:
        SplitError: the division is not one of this table.
    """
    split.check_rows(len(interactions))
    seen = split.seen
    pair = _pairs_of(interactions)
    scaffolds = nearest_compound = nearest_target = None
    if similarity and split.test.size:
        scaffolds, nearest_compound = _compounds_of(interactions, split.test, seen, max_compounds, seed)
        nearest_target = _targets_of(interactions, split.test, seen, max_targets, seed)
    return Audit(
        interactions=interactions.name,
        split=split.label(),
        train=_side(interactions, split.train),
        valid=_side(interactions, split.valid),
        test=_side(interactions, split.test),
        unused=split.unused,
        repeats=len(interactions) - _distinct(pair).size,
        test_in_seen=_overlap(interactions, pair, split.test, seen),
        valid_in_train=_overlap(interactions, pair, split.valid, split.train),
        known_scaffolds=scaffolds,
        nearest_compound=nearest_compound,
        nearest_target=nearest_target,
    )


def _pairs_of(interactions: Interactions) -> Rows:
    """One number for each (compound, target), int64 [n]."""
    return interactions.compound_index * len(interactions.targets) + interactions.target_index


def _distinct(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Distinct labels, ascending. `numpy.unique` hashes integers, which is many times slower here."""
    ordered = np.sort(labels)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if ordered.size else ordered


def _side(interactions: Interactions, rows: Rows) -> Side:
    part = interactions.select(rows)
    active = None
    if part.quantity.active_at is not None:
        known = part.activity_is_known()
        active = float(part.is_active()[known].mean()) if known.any() else None
    return Side(
        rows=rows.size,
        compounds=_distinct(part.compound_index).size,
        targets=_distinct(part.target_index).size,
        censored=float(np.mean(part.relations != EXACT)) if rows.size else 0.0,
        active=active,
    )


def _overlap(interactions: Interactions, pair: Rows, one: Rows, other: Rows) -> Overlap:
    return Overlap(
        rows=int(np.isin(pair[one], pair[other]).sum()),
        pairs=_shared(pair[one], pair[other]),
        compounds=_shared(interactions.compound_index[one], interactions.compound_index[other]),
        targets=_shared(interactions.target_index[one], interactions.target_index[other]),
    )


def _shared(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> int:
    return int(np.intersect1d(_distinct(one), _distinct(other), assume_unique=True).size)


def _compounds_of(
    interactions: Interactions, test: Rows, seen: Rows, at_most: int, seed: int
) -> tuple[float, Nearest]:
    """Share of test compounds with a seen scaffold, and how near the seen compounds come."""
    from hyperpcm.chem import murcko_scaffold

    texts = interactions.compounds
    queries, of = _drawn(interactions.compound_index[test], at_most, seed)
    references = [texts[place] for place in _distinct(interactions.compound_index[seen])]
    query_texts = [texts[place] for place in queries]
    seen_scaffolds = {murcko_scaffold(text) for text in references}
    known = float(np.mean([murcko_scaffold(text) in seen_scaffolds for text in query_texts]))
    similarity = nearest_compound_similarity(query_texts, references)
    rows = _rows_of(queries, interactions.compound_index[test])
    return known, _nearest(similarity, rows, of, COMPOUND_LIMITS)


def _targets_of(interactions: Interactions, test: Rows, seen: Rows, at_most: int, seed: int) -> Nearest:
    texts = interactions.targets
    queries, of = _drawn(interactions.target_index[test], at_most, seed)
    references = [texts[place] for place in _distinct(interactions.target_index[seen])]
    similarity = nearest_target_similarity([texts[place] for place in queries], references)
    rows = _rows_of(queries, interactions.target_index[test])
    return _nearest(similarity, rows, of, TARGET_LIMITS)


def _drawn(labels: npt.NDArray[np.int64], at_most: int, seed: int) -> tuple[npt.NDArray[np.int64], int]:
    """At most so many distinct labels, drawn without replacement, and how many there are."""
    distinct = _distinct(labels)
    if at_most < 1:
        raise SplitError(f"audit: {at_most} of the test side asked for: at least 1, or similarity=False.")
    if distinct.size <= at_most:
        return distinct, distinct.size
    return np.random.default_rng(seed).choice(distinct, at_most, replace=False), distinct.size


def _rows_of(queries: Rows, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many labels are each of the queries, int64 [q]."""
    counts: npt.NDArray[np.int64] = np.bincount(labels)[queries].astype(np.int64)
    return counts


def _nearest(
    similarity: npt.NDArray[np.float32], rows: npt.NDArray[np.int64], of: int, limits: tuple[float, ...]
) -> Nearest:
    near = {limit: similarity >= limit - _ROUNDING for limit in limits}
    shares = {limit: float(np.mean(reached)) for limit, reached in near.items()}
    row_shares = {limit: float(rows[reached].sum() / rows.sum()) for limit, reached in near.items()}
    return Nearest(
        similarity.size, of, float(similarity.mean()), MappingProxyType(shares), MappingProxyType(row_shares)
    )
