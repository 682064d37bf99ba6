"""Heat maps of a scan of substitutions, positions by residues: no script, nothing fetched, light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hyperpcm.cli.pages import page_environment

if TYPE_CHECKING:
    from hyperpcm.trust import MutationScan

__all__ = ["write_mutation_page"]

_DRAWN: Final = 12  # compounds on one page
_STRONGEST: Final = 70  # percent of a colour that the largest change has


def write_mutation_page(
    path: Path,
    scan: MutationScan,
    names: Sequence[str],
    *,
    title: str,
    target: str,
    says: str,
    is_believed: bool,
    smallest: float | None,
    overwrite: bool,
) -> None:
    """Draw what single substitutions change, a map for each of the first twelve compounds.

    Args:
        path: of the page, ``.html`` by custom.
        scan: what was found; mutations of several residues have no place on a map and are counted.
        names: of the compounds.
        title: what a score is.
        target: what the protein is called.
        says: what the test on measured mutants found.
        is_believed: whether that test was passed.
        smallest: change that means anything; smaller ones stay without colour. None: that is not known.
        overwrite: whether a file that is there may be replaced.

    Raises:
        OutputError: the path exists and ``overwrite`` is not set, or it cannot be written.
        DiskFullError: no space is left; what was at the path before is still there.
    """
    from hyperpcm.datasets.output_files import atomic_file
    from hyperpcm.protein.sequence import AMINO_ACIDS

    single = {
        (one.substitutions[0].position, one.substitutions[0].residue): place
        for place, one in enumerate(scan.mutations)
        if len(one.substitutions) == 1
    }
    wild = {
        one.substitutions[0].position: one.substitutions[0].wild_type
        for one in scan.mutations
        if len(one.substitutions) == 1
    }
    positions, changes = sorted(wild), scan.changes
    largest = float(abs(changes[list(single.values())]).max()) if single else 0.0

    def cell(position: int, residue: str, compound: int) -> dict[str, Any]:
        place = single.get((position, residue))
        if place is None:
            return {
                "text": "·" if wild[position] == residue else "",
                "tells": "",
                "share": 0,
                "raises": False,
            }
        change = float(changes[place, compound])
        counts = smallest is None or abs(change) >= smallest
        return {
            "text": f"{change:+.2f}".replace("-", "−"),
            "tells": f"{wild[position]}{position}{residue}: {change:+.2f}",
            "share": round(_STRONGEST * abs(change) / largest) if counts and largest else 0,
            "raises": change > 0,
        }

    maps = [
        {
            "name": names[compound],
            "wild_type": f"{float(scan.wild_type[compound]):.2f}",
            "rows": [
                {"residue": residue, "cells": [cell(position, residue, compound) for position in positions]}
                for residue in AMINO_ACIDS
            ],
        }
        for compound in range(min(_DRAWN, len(names)))
    ]
    text = (
        page_environment()
        .get_template("mutations.html")
        .render(
            target=target,
            title=title,
            says=says,
            is_believed=is_believed,
            smallest=None if smallest is None else f"{smallest:.2f}",
            columns=[f"{wild[position]}{position}" for position in positions],
            maps=maps if positions else [],
            left_out=max(0, len(names) - _DRAWN),
            joined=len(scan.mutations) - len(single),
        )
    )
    with atomic_file(path, overwrite=overwrite) as file:
        file.write(text.encode())
