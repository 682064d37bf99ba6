"""The evidence of one compound as its page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from hyperpcm.chem.atom_environments import atom_symbols
from hyperpcm.web.pages.drawings import drawing, weighted_drawing
from hyperpcm.web.pages.words import counted, number, titled

if TYPE_CHECKING:
    from hyperpcm.web.answers import Atoms, CompoundEvidence

__all__ = ["evidence_view", "nearness"]

_DRAWING: Final = (300, 210)  # pixels
_SMALL: Final = (150, 100)
_NEARNESS: Final = (  # from which Tanimoto similarity on; a convention of the pages
    (0.7, "a close analogue of a training compound"),
    (0.4, "related to a training compound"),
)


def evidence_view(found: CompoundEvidence, *, with_known: bool) -> dict[str, Any]:
    """Return what the template of the page needs.

    Args:
        found: what is told.
        with_known: whether it holds the known targets; else the page asks for them at an address of its own.
    """
    compound, target, atoms = found.compound, found.target, found.atoms
    weights = () if atoms is None else atoms.weights
    asked = {"target": target.id, "smiles": compound.smiles, "name": compound.name}
    known = compound.lower is not None and compound.upper is not None
    return {
        "target": target.name or target.known or "the target",
        "compound": compound.name or "This compound",
        "smiles": compound.smiles,
        "score": number(compound.score),
        "title": titled(target.quantity),
        "interval": f"{number(compound.lower)} to {number(compound.upper)}" if known else "",
        "level": "" if compound.level is None else f"{100 * compound.level:g}",
        "domain": compound.domain,
        "nearest": nearness(compound.smiles, compound.nearest_compound, compound.nearest_similarity),
        "own": found.own,
        "measured": None if compound.measured is None else number(compound.measured),
        "drawing": weighted_drawing(compound.smiles, weights, *_DRAWING)
        if weights
        else drawing(compound.smiles, *_DRAWING),
        "largest": number(max(map(abs, weights), default=0.0)),
        "atoms": _atoms(compound.smiles, weights),
        "rest": [] if atoms is None else _rest(atoms),
        "adds": atoms is not None and atoms.adds is not None,
        "panel": f"/compound?{urlencode({'smiles': compound.smiles})}",
        "known": _known(found) if with_known else None,
        "rest_address": f"/evidence?{urlencode(asked | {'known_targets': '1'})}",
    }


def nearness(smiles: str, nearest: str | None, similarity: float | None) -> str:
    """What the similarity to the nearest training compound amounts to, in words; nothing if there is none.

    >>> nearness("CCO", "CCCO", 0.56)
    'related to a training compound, similarity 0.56'
    """
    if nearest is None or similarity is None:
        return ""
    if nearest == smiles:
        return "a training compound"
    for least, words in _NEARNESS:
        if similarity >= least:
            return f"{words}, similarity {similarity:.2f}"
    return f"unlike all training compounds, the nearest has similarity {similarity:.2f}"


def _atoms(smiles: str, weights: tuple[float, ...]) -> list[dict[str, str]]:
    """The atoms that change the score most, the largest first."""
    if not weights:
        return []
    symbols = atom_symbols(smiles)
    order = sorted(range(len(weights)), key=lambda atom: -abs(weights[atom]))
    return [{"name": f"{symbols[atom]} {atom + 1}", "adds": _signed(weights[atom])} for atom in order]


def _rest(atoms: Atoms) -> list[tuple[str, str]]:
    """What makes the sum whole, where contributions add up."""
    if atoms.adds is None:
        return []
    whole = [] if atoms.is_exact or atoms.whole is None else [("said of no atom", _signed(atoms.whole))]
    return [*whole, ("baseline", number(atoms.baseline)), ("score", number(atoms.score))]


def _known(found: CompoundEvidence) -> dict[str, Any]:
    none = "This model retrieves nothing from its memory for this."
    if found.target.adapted is not None:
        none = "Of a target that has learned from measurements, the known targets are not told."
    return {
        "none": none,
        "memory": "",
        "scored": True,
        "attended": False,
        "weighed": found.of_mean is not None,
        "others": _percent(found.other_targets),
        "of_mean": _percent(found.of_mean),
        "retrieved": [_target(one) for one in found.retrieved],
    }


def _target(one: Mapping[str, Any]) -> dict[str, Any]:
    near = "the target itself;" if one["is_own"] else f"similarity {number(one['similarity'])};"
    return {
        "name": one["name"] or f"row {one['row']} of the memory",
        "told": (near, counted(one["labels"], "label")),
        "weight": _percent(one["weight"]),
        "mean_label": number(one["mean_label"]),
        "without": number(one["score_without"]),
        "change": "" if one["change"] is None else _signed(one["change"]),
        "measured": [_measured(compound) for compound in one["nearest"]],
    }


def _measured(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "smiles": one["smiles"],
        "label": number(one["label"]),
        "similarity": number(one["similarity"]),
        "drawing": drawing(one["smiles"], *_SMALL),
    }


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def _signed(change: float) -> str:
    return f"{change:+.3f}".replace("-0.000", "+0.000").replace("-", "\N{MINUS SIGN}")
