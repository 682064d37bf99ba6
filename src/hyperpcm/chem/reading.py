"""From untrusted text to an RDKit molecule, or the reason why not; costly work comes after the size check."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NoReturn

from rdkit import Chem

from hyperpcm.errors import InvalidSmilesError

__all__ = ["checked_text", "is_plain", "molecule_of", "molecules_of", "parse", "parse_unsanitised"]

_MAX_RINGS = 100  # a fullerene has 31; past this, ring perception is where a hostile SMILES burns time
_INVISIBLE = "\ufeff\u200b\u2060"  # byte-order mark, zero-width space, word joiner: not white space to Python
_MARKS = ("@", "/", "\\", ".")
_QUERY = re.compile(r"~|\[[^\]]*[#&,;!$][^\]]*\]|\*")


def checked_text(smiles: object, max_characters: int) -> str:
    """Give the text without white space at its ends, once nothing in it would mislead the parser.

    Raises:
        InvalidSmilesError: with the code ``TYPE``, ``EMPTY``, ``TOO_LARGE``, ``TRAILING_TEXT`` or ``PARSE``.
    """
    if not isinstance(smiles, str):
        raise InvalidSmilesError(
            "TYPE", f"found {str(smiles)[:50]} ({type(smiles).__name__}), not a SMILES text."
        )
    text = _trimmed(smiles)
    if not text:
        raise InvalidSmilesError("EMPTY", "the SMILES is empty.")
    if len(text) > max_characters:
        raise InvalidSmilesError(
            "TOO_LARGE", f"{len(text)} characters; at most {max_characters} are accepted."
        )
    if not (text.isascii() and text.isprintable()) or " " in text:
        _refuse_odd_character(text)
    return text


def _trimmed(text: str) -> str:
    """Cut white space and invisible marks at both ends, however they alternate."""
    previous = None
    while text != previous:
        previous, text = text, text.strip().strip(_INVISIBLE)
    return text


def _refuse_odd_character(text: str) -> NoReturn:
    """Raise for the first character that no SMILES holds; the caller knows that there is one."""
    place, letter = next(
        (place, letter)
        for place, letter in enumerate(text, start=1)
        if letter.isspace() or not (letter.isascii() and letter.isprintable())
    )
    if letter.isspace():
        raise InvalidSmilesError(
            "TRAILING_TEXT",
            f"text follows the SMILES after character {place - 1}; give names in a column of their own.",
        )
    name = unicodedata.name(letter, f"control character {ord(letter):#04x}")
    hint = "" if letter.isascii() else ", which may look like a plain letter or sign but is another"
    raise InvalidSmilesError("PARSE", f"character {place} is {name}{hint}; type it again.")


def is_plain(text: str) -> bool:
    """Tell whether a checked text is one fragment without stereo, and of its brackets all are ``[nH]``.

    So it has no charge, isotope, atom map, explicit hydrogen or rare element; as six of ten in ChEMBL.
    """
    return not any(mark in text for mark in _MARKS) and "[" not in text.replace("[nH]", "")


def parse(text: str, max_atoms: int, *, stereo: bool = True) -> Chem.Mol:
    """Give the sanitised molecule of a checked text, if it is of a supported kind and size.

    Args:
        text: what `checked_text` gave.
        max_atoms: most heavy atoms.
        stereo: whether stereo is perceived also of a text that `is_plain`, which has none: what could be a
            stereocentre is marked in the molecule then. Without, such a text takes less time.

    Raises:
        InvalidSmilesError: with the code ``UNSUPPORTED``, ``TOO_LARGE``, ``PARSE`` or ``SANITIZE``.
    """
    if ">" in text.replace("->", ""):
        raise InvalidSmilesError("UNSUPPORTED", "this is a reaction; give one compound.")
    if len(text) > min(max_atoms, 2 * _MAX_RINGS):  # shorter texts cannot break either limit
        _refuse_large(text, max_atoms)
    molecule = _read(text, sanitise=True) if stereo or not is_plain(text) else _read_plain(text)
    if molecule is None:
        _refuse_unparsed(text)
    if ("[" in text or "*" in text or "~" in text) and _QUERY.search(text):
        raise InvalidSmilesError(
            "UNSUPPORTED", "this is a query pattern or has a dummy atom (*); give a whole molecule."
        )
    return molecule


def parse_unsanitised(text: str) -> Chem.Mol | None:
    """Give the molecule as it is written, before any check of valence; None where it is not SMILES."""
    return _read(text, sanitise=False)


def _read_plain(text: str) -> Chem.Mol | None:
    """The molecule of a plain text, told that its stereo is known, as there is none."""
    molecule = _read(text, sanitise=False)
    if molecule is None or Chem.SanitizeMol(molecule, catchErrors=True):
        return None
    molecule.SetIntProp("_StereochemDone", 1, True)  # RDKit's own mark, which it heeds when it writes SMILES
    return molecule


def molecule_of(smiles: str) -> Chem.Mol | None:
    """Give the molecule of a standardised SMILES; None where RDKit cannot read it."""
    return Chem.MolFromSmiles(smiles)


def molecules_of(smiles: Sequence[str]) -> Iterator[Chem.Mol]:
    """Yield the molecule of each standardised SMILES.

    Raises:
        InvalidSmilesError: for a text that RDKit cannot read; the reason names its row.
    """
    for row, text in enumerate(smiles):
        molecule = molecule_of(text)
        if molecule is None:
            raise InvalidSmilesError(
                "PARSE", f"row {row}: {text[:200]!r} is not a molecule; standardise first."
            )
        yield molecule


def _read(text: str, sanitise: bool) -> Chem.Mol | None:
    return Chem.MolFromSmiles(text, _parameters(sanitise))


@cache
def _parameters(sanitise: bool) -> Chem.SmilesParserParams:
    parameters = Chem.SmilesParserParams()
    choices = {"allowCXSMILES": False, "parseName": False, "sanitize": sanitise, "removeHs": sanitise}
    for name, value in choices.items():
        setattr(parameters, name, value)
    return parameters


def _refuse_large(text: str, max_atoms: int) -> None:
    """Raise for too many atoms or rings, before the costly perception of rings and aromaticity."""
    raw = parse_unsanitised(text)
    if raw is None:
        return
    atoms = raw.GetNumHeavyAtoms()
    if atoms > max_atoms:
        raise InvalidSmilesError("TOO_LARGE", f"{atoms} heavy atoms; at most {max_atoms} are accepted.")
    rings = raw.GetNumBonds() - raw.GetNumAtoms() + len(Chem.GetMolFrags(raw))
    if rings > _MAX_RINGS:
        raise InvalidSmilesError("TOO_LARGE", f"{rings} rings; at most {_MAX_RINGS} are accepted.")


def _refuse_unparsed(text: str) -> NoReturn:
    """Raise with the reason why RDKit made no molecule of the text."""
    raw = parse_unsanitised(text)
    if raw is None:
        if _QUERY.search(text):
            raise InvalidSmilesError("UNSUPPORTED", "this looks like a SMARTS query; give a whole molecule.")
        raise InvalidSmilesError(
            "PARSE", "this is not valid SMILES: check brackets, ring numbers and symbols."
        )
    problems = Chem.DetectChemistryProblems(raw)
    reason = problems[0].Message().rstrip() if problems else "its valences or aromatic bonds are impossible"
    raise InvalidSmilesError("SANITIZE", f"it reads as SMILES but not as a molecule: {reason}.")
