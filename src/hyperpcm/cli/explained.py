"""What `hyperpcm explain` tells of a target and of a compound, as tables and as JSON values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hyperpcm.cli.intervals import told_interval
from hyperpcm.cli.tables import aligned, shortened, terminal_width

if TYPE_CHECKING:
    from hyperpcm.target_model import NearestLandmark, Scores
    from hyperpcm.trust import AtomContributions, Evidence, MaskedAtoms, RetrievedTarget

__all__ = [
    "Explained",
    "as_record",
    "atom_weights",
    "atoms_table",
    "evidence_record",
    "known_targets_table",
    "other_weight",
]

_NAME = 28  # characters of a known target's name in a table


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


def atoms_table(one: Explained) -> str:
    """Return the atoms of one compound, those that add most first, or whose loss is largest."""
    from hyperpcm.chem.atom_environments import atom_symbols

    symbols, found = atom_symbols(one.smiles), one.atoms
    parts = [*([] if found is None else [found.atoms]), *([] if one.masked is None else [one.masked.losses])]
    order = sorted(range(len(symbols)), key=lambda atom: -abs(parts[0][atom]))
    rows = [[f"{symbols[atom]} {atom + 1}", *(f"{part[atom]:+.3f}" for part in parts)] for atom in order[:10]]
    blank = [""] * (len(parts) - 1)
    if found is not None:
        left = float(sum(found.atoms[atom] for atom in order[10:]))
        rows += [["other atoms", f"{left:+.3f}", *blank]] if len(order) > 10 else []
        rows += [["said of no atom", f"{found.whole:+.3f}", *blank]] if not found.is_exact else []
        rows += [["baseline", f"{found.baseline:.3f}", *blank]]
    rows += [["score", f"{one.score:.3f}", *blank]]
    header = [*([] if found is None else ["adds"]), *([] if one.masked is None else ["masked"])]
    title = " ".join(part for part in (one.name, one.smiles) if part)
    return f"{title}\n{aligned(['atom', *header], rows, right=set(header), width=terminal_width())}"


def atom_weights(one: Explained) -> list[float]:
    """Return how strongly each atom is drawn: what it adds, or the loss when it is masked."""
    if one.atoms is not None:
        return [float(value) for value in one.atoms.atoms]
    return [] if one.masked is None else [float(value) for value in one.masked.losses]


def known_targets_table(card: Evidence) -> str:
    """Return the known targets on a card; with a compound, the score without each of them."""
    if not card.retrieved:
        return "This model retrieves nothing from its memory for this."
    of_compound = card.smiles is not None
    header = ["known target", "similarity", "labels", "weight"]
    header += ["mean label", "without it", "change"] if of_compound else ["attention"]
    rows = [
        [*_first(one), *(_scored(one) if of_compound else [_share(one.attention)])] for one in card.retrieved
    ]
    others = other_weight(card)
    if card.of_mean is not None and others is not None:
        rest = [""] * (len(header) - 4)
        rows += [["other known targets", "", "", _share(others), *rest]]
        rows += [["mean of all labels", "", "", _share(card.of_mean), *rest]]
    return aligned(header, rows, right=set(header[1:]), width=terminal_width())


def other_weight(card: Evidence) -> float | None:
    """Return the weight of the known targets that are not on a card; None where labels have no weight."""
    if card.of_mean is None:
        return None
    return max(0.0, 1.0 - card.of_mean - sum(one.weight or 0.0 for one in card.retrieved))


def _first(one: RetrievedTarget) -> list[str]:
    own = " (itself)" if one.is_own else ""
    return [
        shortened(one.name or f"row {one.row}", _NAME) + own,
        f"{one.similarity:.2f}",
        f"{one.labels:,}",
        _share(one.weight),
    ]


def _scored(one: RetrievedTarget) -> Sequence[str]:
    return [
        _number(one.mean_label),
        _number(one.score_without),
        "" if one.change is None else f"{one.change:+.3f}",
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"
