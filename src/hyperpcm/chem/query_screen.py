"""Which substructure queries a molecule cannot match, told from its atoms one by one, before any is searched.

What RDKit says of the atoms of a query is read as necessary conditions on element, aromaticity, charge,
isotope, hydrogens and neighbours; whatever else it says is taken as fulfilled. So a query is only ever left
out where it has no match.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from rdkit import Chem

__all__ = ["AtomKind", "QueryScreen", "atom_kinds"]

_AROMATIC: Final = 1000  # what RDKit adds to the element of an aromatic atom in a query
_LINE = re.compile(r"( *)(\w+)(?: (-?\d+) = val)?\s*")


class AtomKind(NamedTuple):
    """What a query can ask of an atom without looking at others.

    Attributes:
        element: atomic number.
        aromatic: whether it is.
        charge: formal.
        isotope: 0 for none in particular.
        hydrogens: attached to it, as atoms of the molecule or not.
        neighbours: with its hydrogens.
    """

    element: int
    aromatic: bool
    charge: int
    isotope: int
    hydrogens: int
    neighbours: int


def atom_kinds(molecule: Chem.Mol) -> list[AtomKind]:
    """Return the kind of each atom, in their order."""
    return [
        AtomKind(
            atom.GetAtomicNum(),
            atom.GetIsAromatic(),
            atom.GetFormalCharge(),
            atom.GetIsotope(),
            atom.GetTotalNumHs(includeNeighbors=True),
            atom.GetTotalDegree(),
        )
        for atom in molecule.GetAtoms()
    ]


class QueryScreen:
    """Leaves out queries that cannot match.

    Args:
        queries: molecules made from SMARTS.
    """

    def __init__(self, queries: Sequence[Chem.Mol]) -> None:
        asked = [{atom.DescribeQuery() for atom in query.GetAtoms()} for query in queries]
        self._conditions = [_Condition(text) for text in sorted(set().union(*asked))]
        bits = {condition.text: 1 << place for place, condition in enumerate(self._conditions)}
        self._needs = [
            (query, sum(bits[text] for text in texts)) for query, texts in zip(queries, asked, strict=True)
        ]
        self._known: dict[AtomKind, int] = {}

    def possible(self, kinds: Iterable[AtomKind]) -> list[Chem.Mol]:
        """Return the queries that may match a molecule, in their order.

        Args:
            kinds: of the molecule's atoms.
        """
        met = 0
        for kind in set(kinds):
            if kind not in self._known:
                self._known[kind] = sum(
                    1 << place for place, condition in enumerate(self._conditions) if condition.allows(kind)
                )
            met |= self._known[kind]
        return [query for query, needed in self._needs if not needed & ~met]


class _Condition:
    """What a query asks of one of its atoms."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _lines(self) -> list[tuple[int, str, int | None]]:
        """Depth, name and number of each line; of one that is not understood, an empty name."""
        found = []
        for line in self.text.splitlines():
            parts = _LINE.fullmatch(line)
            depth = (len(line) - len(line.lstrip())) // 2
            name, number = (parts[2], parts[3]) if parts else ("", None)
            found.append((depth, name, None if number is None else int(number)))
        return found

    def allows(self, kind: AtomKind) -> bool:
        """Whether an atom of this kind may be the one asked for."""
        return self._allows(0, kind)

    def _allows(self, line: int, kind: AtomKind) -> bool:
        depth, name, number = self._lines[line]
        if name in ("AtomAnd", "AtomOr") and number is None:
            children = []
            for place in range(line + 1, len(self._lines)):
                if self._lines[place][0] <= depth:
                    break
                if self._lines[place][0] == depth + 1:
                    children.append(self._allows(place, kind))
            return all(children) if name == "AtomAnd" else any(children)
        if number is None:
            return True
        return {
            "AtomType": kind.element + _AROMATIC * kind.aromatic,
            "AtomAtomicNum": kind.element,
            "AtomFormalCharge": kind.charge,
            "AtomIsotope": kind.isotope,
            "AtomHCount": kind.hydrogens,
            "AtomTotalDegree": kind.neighbours,
        }.get(name, number) == number
