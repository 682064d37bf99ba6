"""What forms hold: the fields as they were sent, to be shown again, and the target that they name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from hyperpcm.errors import InputError
from hyperpcm.web.asked import AskedTarget

if TYPE_CHECKING:
    from hyperpcm.web.answers import KnownTargets

__all__ = ["ADAPT_FIELDS", "SCREEN_FIELDS", "TARGET_FIELDS", "asked_target", "fields", "known_view"]

TARGET_FIELDS: Final = {"target_by": "known", "known": "", "sequence": "", "target": ""}
"""Fields of the choice of a target, and what they hold at first."""
SCREEN_FIELDS: Final = {
    **TARGET_FIELDS,
    "compounds_by": "smiles",
    "smiles": "",
    "smiles_column": "",
    "name_column": "",
}
ADAPT_FIELDS: Final = {**TARGET_FIELDS, "measurements": "", "measured": "", "unit": ""}


def fields(sent: Mapping[str, Any], first: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a form as text; what was not sent is as it is at first."""
    found = {name: sent.get(name, value) for name, value in first.items()}
    return {name: value if isinstance(value, str) else "" for name, value in found.items()}


def asked_target(form: Mapping[str, str]) -> AskedTarget:
    """Return the target that a form names.

    Raises:
        InputError: it names none.
    """
    by = form["target_by"]
    if by == "own" and form["target"]:
        return AskedTarget(id=form["target"])
    if by == "sequence":
        if not form["sequence"].strip():
            raise InputError("there is no sequence yet: paste one, or pick a known target.")
        return AskedTarget(sequence=form["sequence"])
    if not form["known"].strip():
        raise InputError("no target is chosen yet: type its name and pick it, or paste a sequence.")
    return AskedTarget(known=form["known"].strip())


def known_view(known: KnownTargets) -> dict[str, Any]:
    """Return what the choice of a known target needs."""
    names = [one.name for one in known.targets]
    more = known.matching - len(names)
    told = f"One of the {known.matching:,} targets that the model learned from; type a part of its name."
    return {
        "names": names,
        "told": told,
        "search": "/api/v1/known-targets" if more else "",
        "without_search": f"The first {len(names):,} are suggested." if more else "",
    }
