"""What is told of a compound on a target: its atoms, its nearest known compound, its card; as JSON values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hyperpcm.target_model import NearestLandmark, Scores, TargetModel
from hyperpcm.target_model.told import told_interval
from hyperpcm.trust.attribution import ORDERS, AtomContributions, atom_contributions, reads_fingerprint
from hyperpcm.trust.card import Evidence
from hyperpcm.trust.masking import MaskedAtoms, masked_atoms

__all__ = ["Explained", "as_record", "atom_weights", "atoms_of", "evidence_record", "other_weight"]


@dataclass(frozen=True)
class Explained:
    """One compound.

    Attributes:
        row: of it in what was given.
        name: that it was given.
        smiles: of the compound, standardised.
        atoms: what they add; None where the target reads no fingerprint.
        masked: what the score loses when each of them is masked; None where that was not asked for.
        nearest: training compound that is nearest to it.
        card: known targets that its score rests on; None where the memory is not at hand or not asked for.
    """

    row: int
    name: str | None
    smiles: str
    atoms: AtomContributions | None
    masked: MaskedAtoms | None
    nearest: NearestLandmark | None
    card: Evidence | None = None

    @property
    def score(self) -> float:
        """The score that is explained; a logit where the model gives a probability."""
        told = self.masked if self.atoms is None else self.atoms
        return math.nan if told is None else told.score


def as_record(one: Explained, scores: Scores) -> dict[str, Any]:
    """Return one compound as JSON values."""
    of_atoms = dict.fromkeys(("baseline", "whole", "atoms", "standard_errors", "exact"))
    return {
        "row": one.row + 1,
        "name": one.name,
        "smiles": one.smiles,
        "score": one.score,
        **(of_atoms if one.atoms is None else one.atoms.as_dict()),
        "masked": None if one.masked is None else one.masked.as_dict()["losses"],
        **told_interval(scores.intervals, one.row),
        "nearest_compound": None if one.nearest is None else one.nearest.smiles,
        "nearest_similarity": None if one.nearest is None else round(one.nearest.similarity, 4),
        "evidence": None if one.card is None else evidence_record(one.card),
    }


def evidence_record(card: Evidence) -> dict[str, Any]:
    """Return what a card tells of the memory as JSON values."""
    told = card.as_dict()
    return {name: told[name] for name in ("own", "targets", "of_mean", "entropy", "retrieved")}


def atom_weights(one: Explained) -> list[float]:
    """Return how strongly each atom is drawn: what it adds, or the loss when it is masked."""
    if one.atoms is not None:
        return [float(value) for value in one.atoms.atoms]
    return [] if one.masked is None else [float(value) for value in one.masked.losses]


def atoms_of(
    target: TargetModel,
    smiles: str,
    other: TargetModel | None = None,
    *,
    orders: int = ORDERS,
    mask: bool = False,
) -> tuple[AtomContributions | None, MaskedAtoms | None]:
    """Return what the atoms add, where the targets read a fingerprint, and what is lost when they are masked.

    Args:
        target: whose score is explained.
        smiles: of the compound, standardised.
        other: a target whose scores are subtracted.
        orders: of atoms, where contributions are not exact.
        mask: mask atoms even where the targets read a fingerprint.

    Raises:
        ConfigError: the targets read neither a fingerprint nor wildcards.
    """

    atoms = masked = None
    if all(reads_fingerprint(one) for one in (target, other or target)):
        atoms = atom_contributions(target, smiles, orders=orders)
        if other is not None:
            atoms = atoms.minus(atom_contributions(other, smiles, orders=orders))
    if mask or atoms is None:
        masked = masked_atoms(target, smiles)
        if other is not None:
            masked = masked.minus(masked_atoms(other, smiles))
    return atoms, masked


def other_weight(card: Evidence) -> float | None:
    """Return the weight of the known targets that are not on a card; None where labels have no weight."""
    if card.of_mean is None:
        return None
    return max(0.0, 1.0 - card.of_mean - sum(one.weight or 0.0 for one in card.retrieved))
