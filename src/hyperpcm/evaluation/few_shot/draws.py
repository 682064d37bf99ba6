"""Which compounds of a held-out target are measured and which are scored: never of one scaffold."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.errors import ConfigError

__all__ = ["Draw", "FewShotProtocol", "draw_target", "draw_targets", "scaffold_groups"]

Integers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class FewShotProtocol:
    """How measured and scored compounds are drawn.

    Attributes:
        sizes: numbers of measured compounds k, ascending.
        draws: how often each target is divided.
        seed: of all draws.
        min_query: least number of compounds to be scored; a target that cannot keep so many has no draw.
        query_share: share of a target's compounds that are scored, where that is more than ``min_query``.

    Raises:
        ConfigError: a number out of range.
    """

    sizes: tuple[int, ...] = (0, 1, 2, 4, 8, 16, 32, 64)
    draws: int = 5
    seed: int = 0
    min_query: int = 16
    query_share: float = 0.25

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", tuple(self.sizes))
        if not self.sizes or self.sizes[0] < 0 or list(self.sizes) != sorted(set(self.sizes)):
            raise ConfigError(
                f"few-shot sizes are {list(self.sizes)}; give ascending numbers, such as 0, 1, 2, 4."
            )
        if self.draws < 1 or self.seed < 0:
            raise ConfigError(
                f"few-shot draws = {self.draws} and seed = {self.seed}; at least 1 and 0 are needed."
            )
        if self.min_query < 2:
            raise ConfigError(f"few-shot min_query = {self.min_query}; a correlation needs at least 2.")
        if not 0 < self.query_share <= 0.5:
            raise ConfigError(f"few-shot query_share = {self.query_share}; give a share of at most one half.")

    def as_dict(self) -> dict[str, object]:
        """The same as JSON values, with the rule in words."""
        return dataclasses.asdict(self) | {
            "sizes": list(self.sizes),
            "disjoint_by": "Murcko scaffold; a compound without a ring is a scaffold of its own",
        }


@dataclasses.dataclass(frozen=True, eq=False)
class Draw:
    """One division of one target's rows.

    Attributes:
        target: position on the axis of the table.
        number: of the draw, from 0.
        support: rows in the order in which they are measured: the first k are the support of size k.
        query: rows to be scored, ascending; the same for every k.
    """

    target: int
    number: int
    support: Rows
    query: Rows


def scaffold_groups(compounds: Sequence[str]) -> Integers:
    """Number compounds so that two have one number exactly when they share a Murcko scaffold: int64 [n].

    A compound without a ring has no scaffold and stands for itself: it shares its number with the same
    structure only.

    Args:
        compounds: standardised SMILES [n].

    Raises:
        InvalidSmilesError: RDKit cannot read one of them.

    Example:
        >>> scaffold_groups(["CCc1ccccc1", "CCO", "Cc1ccccc1", "CCC"]).tolist()
        [0, 1, 0, 2]
    """
    from hyperpcm.chem import murcko_scaffold

    numbers: dict[tuple[bool, str], int] = {}
    groups = np.empty(len(compounds), dtype=np.int64)
    for place, smiles in enumerate(compounds):
        scaffold = murcko_scaffold(smiles)
        key = (bool(scaffold), scaffold or smiles)
        groups[place] = numbers.setdefault(key, len(numbers))
    return groups


def draw_target(groups: Integers, protocol: FewShotProtocol, key: Sequence[int]) -> tuple[Rows, Rows] | None:
    """Divide the compounds of one target into those that are measured, in order, and those that are scored.

    Scaffolds are walked in random order. One is scored while there are fewer than ``min_query`` compounds to
    score, or fewer than their share; one that would make more than half of the target's compounds scored (or
    more than ``min_query``, if that is more) is measured. The rest is measured, in random order.

    Args:
        groups: scaffold of each compound, int64 [n].
        protocol: the rule.
        key: numbers that the draw is seeded with.

    Returns:
        Positions of measured compounds in random order, and of scored ones, ascending; None where fewer than
        ``min_query`` compounds are left to score.
    """
    generator = np.random.default_rng([*key])
    wanted = max(protocol.min_query, round(protocol.query_share * len(groups)))
    most = max(protocol.min_query, len(groups) // 2)
    names, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    scored = np.zeros(len(names), dtype=np.bool_)
    count = 0
    for scaffold in generator.permutation(len(names)):
        if count < wanted and count + sizes[scaffold] <= most:
            scored[scaffold] = True
            count += int(sizes[scaffold])
    support = np.flatnonzero(~scored[place.reshape(-1)])
    support = support[generator.permutation(len(support))]
    return (support, np.flatnonzero(scored[place.reshape(-1)])) if count >= protocol.min_query else None


def draw_targets(interactions: Interactions, rows: Rows, protocol: FewShotProtocol) -> list[Draw]:
    """Every draw of every target among some rows that has enough compounds, by target and number.

    A draw depends on the protocol, the target's place on its axis and its rows, not on other targets and not
    on any label. A compound that was measured several times has all its rows on one side.

    Args:
        interactions: the table.
        rows: of held-out targets, such as the test side of a cold target split.
        protocol: how compounds are drawn.

    Raises:
        InvalidSmilesError: a compound of the table cannot be read.
    """
    rows = np.sort(np.asarray(rows, dtype=np.int64))
    used, compound = np.unique(interactions.compound_index[rows], return_inverse=True)
    groups = scaffold_groups([interactions.compounds[one] for one in used])[compound.reshape(-1)]
    target_index = interactions.target_index[rows]
    found = []
    for target in np.unique(target_index).tolist():
        own = np.flatnonzero(target_index == target)
        for number in range(protocol.draws):
            divided = draw_target(groups[own], protocol, (protocol.seed, number, target))
            if divided is not None:
                support, query = divided
                found.append(Draw(target, number, rows[own[support]], rows[own[query]]))
    return found
