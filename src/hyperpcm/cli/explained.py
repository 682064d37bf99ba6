"""What `hyperpcm explain` tells of a target and of a compound, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hyperpcm.cli.tables import aligned, shortened, terminal_width

if TYPE_CHECKING:
    from hyperpcm.trust import Evidence, RetrievedTarget
    from hyperpcm.trust.explained import Explained

__all__ = ["atoms_table", "known_targets_table"]

_NAME = 28  # characters of a known target's name in a table


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


def known_targets_table(card: Evidence) -> str:
    """Return the known targets on a card; with a compound, the score without each of them."""
    from hyperpcm.trust.explained import other_weight

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
