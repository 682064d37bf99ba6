"""From a SMILES as somebody wrote it to the one standardised SMILES that identifies the compound.

The policy, in order: white space at both ends is cut; atom-map numbers are removed; of several fragments
the largest organic one is kept (see `standardise`); charges are neutralised where adding or removing
hydrogen can do it; the result is written as canonical SMILES, with or without stereo. Tautomers are left as
they are given. Explicit hydrogen becomes implicit; isotopes stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcExactMolWt
from rdkit.Chem.rdqueries import FormalChargeEqualsQueryAtom
from rdkit.rdBase import BlockLogs

from hyperpcm.chem.reading import checked_text, is_plain, parse, parse_unsanitised
from hyperpcm.errors import InvalidSmilesError

if TYPE_CHECKING:
    from rdkit.Chem.MolStandardize.rdMolStandardize import Uncharger

__all__ = ["Compound", "Limits", "standardise", "standardised_and_read"]

_TETRAHEDRAL = re.compile(r"@+")
_DIRECTION = re.compile(r"[/\\]")
_CARBON_OF_PLAIN = re.compile(r"C(?!l)|c")
_ATOM_MAP = re.compile(r":\d+\]")
_NITRO = ("[N+](=O)[O-]", "O=[N+]([O-])", "[N+]([O-])=O")
_DIRECTED = (Chem.BondDir.ENDUPRIGHT, Chem.BondDir.ENDDOWNRIGHT)


@dataclass(frozen=True, slots=True)
class Compound:
    """One small molecule under its identity.

    Attributes:
        smiles: standardised canonical SMILES; two compounds are the same exactly when these are equal.
        given: the text it was made from, with white space cut at both ends.
        changes: what was done beyond rewriting, in order: ``ATOM_MAP_REMOVED``, ``FRAGMENT_STRIPPED``,
            ``NEUTRALISED``, ``STEREO_REMOVED`` (asked for), ``STEREO_DROPPED`` (a written stereo mark that
            contradicts another one or sits where there is no stereo).
    """

    smiles: str
    given: str
    changes: tuple[str, ...] = ()


def standardise(
    smiles: object, *, keep_stereo: bool = True, max_atoms: int = 300, max_characters: int = 2000
) -> Compound:
    """Give the compound that a SMILES stands for.

    The largest organic fragment is the one with a carbon atom and the most heavy atoms; among equals the
    heavier one in mass, then the first in the alphabetical order of canonical SMILES, so the order in which
    fragments are written never matters. The function is idempotent: a standardised SMILES comes back as it
    is. Deterministic. RDKit writes nothing to stderr meanwhile.

    Args:
        smiles: the text; anything but a `str` is refused, so a missing value never becomes a molecule.
        keep_stereo: False removes all stereo, so that stereoisomers become one compound.
        max_atoms: most heavy atoms that may be written, all fragments together; also at most 100 rings.
        max_characters: longest text that is looked at.

    Raises:
        InvalidSmilesError: with the code ``TYPE``, ``EMPTY``, ``TOO_LARGE``, ``TRAILING_TEXT``, ``PARSE``,
            ``SANITIZE`` (valence, aromaticity), ``UNSUPPORTED`` (reaction, query, dummy atom) or
            ``NO_ORGANIC`` (no fragment holds carbon).

    Example:
        >>> standardise("CC(=O)[O-].[Na+]")
        Compound(smiles='CC(=O)O', given='CC(=O)[O-].[Na+]', changes=('FRAGMENT_STRIPPED', 'NEUTRALISED'))
    """
    with BlockLogs():
        return standardised_and_read(smiles, Limits(keep_stereo, max_atoms, max_characters), stereo=False)[0]


class Limits(NamedTuple):
    """What `standardise` is asked for."""

    keep_stereo: bool = True
    max_atoms: int = 300
    max_characters: int = 2000


def standardised_and_read(
    smiles: object, limits: Limits, *, stereo: bool
) -> tuple[Compound, Chem.Mol | None]:
    """Give the compound of a text, and its molecule where the text is the standardised SMILES already.

    The molecule is what reading that SMILES gives then, atoms in the same order. RDKit may write to stderr.

    Args:
        smiles: the text.
        limits: as for `standardise`, which also says what is raised.
        stereo: as for `hyperpcm.chem.reading.parse`.
    """
    given = checked_text(smiles, limits.max_characters)
    molecule = parse(given, limits.max_atoms, stereo=stereo)
    result, changes = _rewritten(molecule, given, limits.keep_stereo)
    if changes:
        result = _settled(result, limits.keep_stereo, limits.max_atoms)
    if len(result) > limits.max_characters:  # a text this function would not take back
        raise InvalidSmilesError("TOO_LARGE", f"{len(result)} characters once standardised.")
    compound = Compound(smiles=result, given=given, changes=changes)
    return compound, molecule if result == given and not changes else None


def _rewritten(molecule: Chem.Mol, given: str, keep_stereo: bool) -> tuple[str, tuple[str, ...]]:
    """As `_reduced`; at once for a plain text, unless reading it has made charges, as of CN(=O)=O."""
    if is_plain(given) and _CARBON_OF_PLAIN.search(given):
        result = Chem.MolToSmiles(molecule)
        if "+" not in result:
            return result, ()
    return _reduced(molecule, given, keep_stereo)


def _reduced(molecule: Chem.Mol, given: str, keep_stereo: bool) -> tuple[str, tuple[str, ...]]:
    """Canonical SMILES of the neutral largest organic fragment, and what that took."""
    changes: list[str] = []
    if _ATOM_MAP.search(given):
        for atom in molecule.GetAtoms():
            atom.SetAtomMapNum(0)
        changes.append("ATOM_MAP_REMOVED")
    marked = "@" in given or _DIRECTION.search(given) is not None
    whole = Chem.MolToSmiles(molecule) if marked and "." in given else ""
    molecule, stripped = _largest_organic(molecule, several="." in given)
    if stripped:
        changes.append("FRAGMENT_STRIPPED")
    if "+" in given or "-" in given:
        molecule, neutralised = (molecule, False) if _is_settled(molecule, given) else _neutral(molecule)
        if neutralised:
            changes.append("NEUTRALISED")
    if marked and not keep_stereo:
        Chem.RemoveStereochemistry(molecule)
        changes.append("STEREO_REMOVED")
    result = Chem.MolToSmiles(molecule)
    if marked and keep_stereo and _lost_stereo(given, whole or result):
        changes.append("STEREO_DROPPED")
    return result, tuple(changes)


def _largest_organic(molecule: Chem.Mol, several: bool) -> tuple[Chem.Mol, bool]:
    """The fragment to keep, and whether others were left out."""
    fragments = Chem.GetMolFrags(molecule, asMols=True, sanitizeFrags=False) if several else (molecule,)
    organic = [one for one in fragments if any(atom.GetAtomicNum() == 6 for atom in one.GetAtoms())]
    if not organic:
        raise InvalidSmilesError("NO_ORGANIC", "no part of it holds a carbon atom.")
    if len(fragments) == 1:
        return molecule, False
    most = max(one.GetNumHeavyAtoms() for one in organic)
    largest = [one for one in organic if one.GetNumHeavyAtoms() == most]
    if len(largest) > 1:
        largest.sort(key=lambda one: (-round(CalcExactMolWt(one), 4), Chem.MolToSmiles(one)))
    return largest[0], True


@cache
def _uncharger() -> Uncharger:
    from rdkit.Chem.MolStandardize.rdMolStandardize import Uncharger

    return Uncharger()


@cache
def _charged() -> Chem.QueryAtom:
    return FormalChargeEqualsQueryAtom(0, negate=True)


def _is_settled(molecule: Chem.Mol, given: str) -> bool:
    """Whether one fragment has no charges but those of nitro groups, which no hydrogen can mend."""
    if "." in given:
        return False
    return len(molecule.GetAtomsMatchingQuery(_charged())) == 2 * sum(map(given.count, _NITRO))


def _neutral(molecule: Chem.Mol) -> tuple[Chem.Mol, bool]:
    """The molecule with its removable charges removed, and whether there were any.

    A charge that makes a ring aromatic, as in cyclopentadienide, leaves bonds without sense behind; there
    the bonds are made single and double first. Should that not help, the charges stay.
    """
    before = _charges(molecule)
    if not any(before):
        return molecule, False
    neutral = _uncharger().uncharge(molecule)
    if Chem.SanitizeMol(neutral, catchErrors=True):
        alternating = Chem.Mol(molecule)
        Chem.Kekulize(alternating, clearAromaticFlags=True)
        neutral = _uncharger().uncharge(alternating)
        if Chem.SanitizeMol(neutral, catchErrors=True):
            return molecule, False
    return neutral, _charges(neutral) != before


def _charges(molecule: Chem.Mol) -> list[int]:
    return [atom.GetFormalCharge() for atom in molecule.GetAtoms()]


def _settled(result: str, keep_stereo: bool, max_atoms: int) -> str:
    """The SMILES at which reading and reducing again changes nothing.

    Leaving out a charge or a fragment can leave stereo or aromaticity that a fresh reading sees otherwise.
    One more round settles all but oddities; should rounds cycle, the first SMILES of the cycle in
    alphabetical order is taken, from wherever it is entered.
    """
    path = [result]
    while True:
        again, _ = _rewritten(parse(path[-1], max_atoms, stereo=False), path[-1], keep_stereo)
        if again in path:
            return min(path[path.index(again) :])
        path.append(again)


def _lost_stereo(given: str, canonical: str) -> bool:
    """Whether the text states stereo that the molecule does not have."""
    if given == canonical:
        return False
    if len(_TETRAHEDRAL.findall(given)) > len(_TETRAHEDRAL.findall(canonical)):
        return True
    if len(_DIRECTION.findall(given)) <= len(_DIRECTION.findall(canonical)):
        return False
    return _directed_double_bonds(given) > _directed_double_bonds(canonical)  # marks may merely be redundant


def _directed_double_bonds(text: str) -> int:
    """Number of double bonds with a direction mark on both sides."""
    raw = parse_unsanitised(text)
    bonds = raw.GetBonds() if raw is not None else ()
    double = (bond for bond in bonds if bond.GetBondType() == Chem.BondType.DOUBLE)
    return sum(_directed(bond.GetBeginAtom()) and _directed(bond.GetEndAtom()) for bond in double)


def _directed(atom: Chem.Atom) -> bool:
    return any(bond.GetBondDir() in _DIRECTED for bond in atom.GetBonds())
