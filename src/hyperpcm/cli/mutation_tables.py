"""A scan of substitutions as a file, as JSON and as the terminal shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hyperpcm.cli.tables import aligned, terminal_width
from hyperpcm.target_model.told import score_title

if TYPE_CHECKING:
    from hyperpcm.datasets.output import Column
    from hyperpcm.trust import MutantTest, MutationScan

__all__ = ["SCAN_SCHEMA", "Scanned", "scan_columns", "scan_record", "scan_table"]

SCAN_SCHEMA: Final[dict[str, type]] = {
    "substitution": str,
    "position": int,
    "from": str,
    "to": str,
    "compound": str,
    "smiles": str,
    "score": float,
    "wild_type_score": float,
    "change": float,
    "domain": str,
}
"""Columns of the file."""


@dataclass(frozen=True, eq=False)
class Scanned:
    """A scan and the compounds in it, in the order given.

    Attributes:
        scan: what was found.
        names: of the compounds; what was given where there is none.
        smiles: standardised.
    """

    scan: MutationScan
    names: tuple[str, ...]
    smiles: tuple[str, ...]


def scan_columns(scanned: Scanned) -> dict[str, Column]:
    """All rows, mutant by mutant, in the order of the compounds given."""
    scan, number = scanned.scan, len(scanned.smiles)
    single = [one.substitutions[0] if len(one.substitutions) == 1 else None for one in scan.mutations]
    domain = [[None] * number for _ in scan.mutations] if scan.domain is None else scan.domain

    def each(values: Sequence[object]) -> list[object]:
        return [value for value in values for _ in range(number)]

    return {
        "substitution": each([str(one) for one in scan.mutations]),
        "position": each([None if one is None else one.position for one in single]),
        "from": each([None if one is None else one.wild_type for one in single]),
        "to": each([None if one is None else one.residue for one in single]),
        "compound": list(scanned.names) * len(single),
        "smiles": list(scanned.smiles) * len(single),
        "score": scan.scores.ravel(),
        "wild_type_score": list(map(float, scan.wild_type)) * len(single),
        "change": scan.changes.ravel(),
        "domain": [verdict for of in domain for verdict in of],
    }


def _strongest(scan: MutationScan, top: int | None) -> list[tuple[int, int]]:
    """Mutant and compound of each change, the largest first; of equal ones the first."""
    import numpy as np

    order = np.argsort(-np.abs(scan.changes.ravel()), kind="stable")[:top]
    return [divmod(int(place), scan.scores.shape[1]) for place in order]


def scan_record(scanned: Scanned, test: MutantTest | None, found: str, top: int | None) -> dict[str, Any]:
    """The strongest changes as JSON values, with the verdict of the test and what it says."""
    scan = scanned.scan
    new = None if test is None else test.new
    changes = [
        {
            "substitution": str(scan.mutations[mutant]),
            "compound": scanned.names[compound],
            "smiles": scanned.smiles[compound],
            "score": float(scan.scores[mutant, compound]),
            "wild_type_score": float(scan.wild_type[compound]),
            "change": float(scan.changes[mutant, compound]),
            "domain": None if scan.domain is None else scan.domain[mutant][compound],
        }
        for mutant, compound in _strongest(scan, top)
    ]
    return {
        "quantity": scan.target.quantity.name,
        "unit": scan.target.quantity.unit,
        "verdict": "untested" if test is None else test.verdict,
        "says": found,
        "smallest_change": None if new is None else new.rmse,
        "licences": scan.target.licences,
        "changes": changes,
    }


def scan_table(scanned: Scanned, top: int) -> str:
    """The strongest changes as a table."""
    scan = scanned.scan
    title = score_title(scan.target.quantity)
    header = ["substitution", "change", title, "wild type", *([] if scan.domain is None else ["domain"])]
    rows = [
        [
            str(scan.mutations[mutant]),
            f"{scan.changes[mutant, compound]:+.3f}",
            f"{scan.scores[mutant, compound]:.3f}",
            f"{scan.wild_type[compound]:.3f}",
            *([] if scan.domain is None else [scan.domain[mutant][compound] or ""]),
            scanned.names[compound],
        ]
        for mutant, compound in _strongest(scan, top)
    ]
    right = {"change", title, "wild type"}
    return aligned([*header, "compound"], rows, right=right, flexible="compound", width=terminal_width())
