"""Which column of a table plays which role, told by its name."""

from __future__ import annotations

import dataclasses
import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from hyperpcm.datasets.units import CONCENTRATIONS, P_SCALES, Unit, known_unit
from hyperpcm.errors import TableError

__all__ = [
    "ROLES",
    "Columns",
    "check_header",
    "find_column",
    "guess_columns",
    "listed",
    "plain_name",
    "split_unit",
]

ROLES: Mapping[str, str] = {
    "smiles": "the SMILES of the compound",
    "sequence": "the amino-acid sequence of the target",
    "target": "the identifier of the target",
    "value": "the measured value",
    "label": "active or inactive",
    "relation": "the relation (=, >, <) of the value",
    "unit": "the unit of the value",
    "year": "the year of the measurement",
    "compound_id": "the name of the compound",
}
"""The roles a column can play, and what it then holds."""

# Earlier groups win over later ones; two columns within one group are a question for the user.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "smiles": (
        "smiles canonicalsmiles isomericsmiles structure smilesstring compoundsmiles drugsmiles ligandsmiles "
        "moleculesmiles inputsmiles standardizedsmiles standardisedsmiles smilescanonical smi",
        "drug compound molecule ligand mol",
    ),
    "target": (
        "targetid proteinid uniprot uniprotid uniprotaccession uniprotkb uniprotacc accession targetchemblid "
        "targetaccession proteinaccession targetuniprot targetuniprotid",
        "target protein",
        "targetname proteinname gene genename genesymbol targetprefname prefname",
    ),
    "sequence": (
        "sequence proteinsequence targetsequence aminoacidsequence aasequence seq aaseq proteinseq targetseq "
        "bindingdbtargetchainsequence targetproteinsequence fastasequence",
        "target protein fasta",
    ),
    "value": (
        " ".join((*CONCENTRATIONS, *P_SCALES)) + " value standardvalue affinity bindingaffinity "
        "affinityvalue potency measurement measuredvalue activityvalue kiba kibascore",
        "y activity response measured score",
    ),
    "label": (
        "label active isactive activityclass class outcome activityoutcome activitylabel binarylabel binder "
        "isbinder binding interaction interacts activitycomment",
    ),
    "relation": (
        "relation standardrelation operator qualifier sign relationship valuerelation standardqualifier",
    ),
    "unit": ("unit units standardunit standardunits valueunit valueunits affinityunit affinityunits",),
    "year": ("year documentyear publicationyear docyear pubyear yearofpublication assayyear",),
    "compound_id": (
        "compoundid moleculeid drugid ligandid moleculechemblid compoundchemblid compoundidentifier chemblid "
        "cid zincid molid",
        "compoundname drugname moleculename ligandname",
        "compound molecule drug ligand name id title",
    ),
}


_OF_VALUES = ("value", "label", "relation", "unit")


@dataclasses.dataclass(frozen=True, slots=True)
class Columns:
    """Which column plays which role.

    Attributes:
        names: the column of each role that is played.
        given: roles that the user assigned; the others were guessed.
    """

    names: Mapping[str, str]
    given: frozenset[str]

    def describe(self) -> str:
        """The assignment in one sentence."""
        roles = ", ".join(f"{role} = {name!r}" for role, name in self.names.items())
        return f"Columns: {roles}."


def plain_name(name: str) -> str:
    """A column name for comparison: lower-case letters and digits only."""
    text = unicodedata.normalize("NFKC", name).replace("μ", "u").lower()
    text = re.sub(r"^\s*-\s*log(?:10)?[\s_(\[]*(?=[kieax])", "p", text)
    return re.sub(r"[^a-z0-9]", "", text)


def split_unit(name: str) -> tuple[str, Unit | None]:
    """A column name without its unit, and that unit: of ``Ki (nM)``, ``Kd[nM]``, ``IC50_uM``, ``EC50 in M``.

    Example:
        >>> split_unit("IC50_uM")
        ('IC50', Unit(name='uM', exponent=-6, is_p=False))
    """
    if bracket := re.fullmatch(r"\s*(.*?\S)[\s_]*[(\[{]\s*(.+?)\s*[)\]}]\s*", name):
        unit = known_unit(bracket[2])
        if unit is not None and not bracket[1].lstrip().startswith("-"):
            return bracket[1].strip(), unit
    if tail := re.fullmatch(r"\s*(.*?\S)(?:[\s_./,-]+in)?[\s_./,-]+([^\s_.,-]+(?:/[lL])?)\s*", name):
        unit = known_unit(tail[2])
        if unit is not None and unit.exponent is not None:
            return tail[1].strip(), unit
    return name.strip(), None


def check_header(names: Sequence[str], path: Path) -> tuple[str, ...]:
    """The column names without surrounding white space; a nameless column is called after its place.

    Raises:
        TableError: two columns of one name.
    """
    header = tuple(name.strip() or f"(unnamed {place})" for place, name in enumerate(names, start=1))
    if len(set(header)) < len(header):
        double = sorted({name for name in header if header.count(name) > 1})
        raise TableError(f"{path}: several columns are called {listed(double)}. Rename all but one.")
    return header


def guess_columns(
    header: Sequence[str],
    path: Path,
    *,
    given: Mapping[str, str] | None = None,
    quantity: str | None = None,
    kind: str | None = None,
    sequence_needed: bool = True,
    target_needed: bool = True,
    value_needed: bool = True,
) -> Columns:
    """The column of every role, from the names of the columns.

    Args:
        header: all column names.
        path: for messages.
        given: the column of a role, instead of guessing; an empty name says that no column plays it.
        quantity: of several columns of measurements, the one of this name is taken.
        kind: ``binary`` prefers a column of labels to one of values.
        sequence_needed: whether there is no other source of sequences.
        target_needed: whether rows belong to different targets.
        value_needed: whether values or classes are read; otherwise no column of them is looked for.

    Raises:
        TableError: an unknown role, a column that is not there, one column in two roles, a role that several
            columns fit, or a role that must be played and is not.
    """
    chosen = _given_columns(header, path, given or {})
    for role in _NAMES:  # the target before the sequence: beside a "target_id", a "target" is a sequence
        if role in _OF_VALUES and not value_needed:
            chosen[role] = None
        elif role not in chosen:
            free = [name for name in header if name not in chosen.values()]
            chosen[role] = find_column(role, free, path, quantity=quantity)
    if chosen["value"] and chosen["label"]:
        unused = "value" if kind == "binary" and "value" not in (given or {}) else "label"
        chosen[unused] = None
    names = {role: name for role in ROLES if (name := chosen[role])}
    needed = ["smiles"]
    if target_needed:
        needed.append("sequence" if sequence_needed else "target")
    missing = [role for role in needed if role not in names]
    if value_needed and not names.keys() & {"value", "label"}:
        missing.append("value")
    if missing:
        raise _missing(missing, header, path, sequence_needed)
    return Columns(names, frozenset(role for role, name in (given or {}).items() if name))


def find_column(role: str, header: Sequence[str], path: Path, *, quantity: str | None = None) -> str | None:
    """The one column whose name fits the role, or ``None``.

    Raises:
        TableError: several fit equally well.
    """
    plain = {name: plain_name(split_unit(name)[0] if role == "value" else name) for name in header}
    for group in _NAMES[role]:
        words = frozenset(group.split())
        fitting = [name for name in header if plain[name] in words]
        if len(fitting) > 1 and role == "value" and quantity:
            fitting = _of_quantity(fitting, plain, quantity)
        if len(fitting) > 1:
            raise TableError(
                f"{path}: {listed(fitting)} could each be {ROLES[role]}. Say which: --column "
                f"{role}={fitting[0]!r} (in Python: columns={{{role!r}: {fitting[0]!r}}})."
            )
        if fitting:
            return fitting[0]
    return None


def _of_quantity(fitting: list[str], plain: Mapping[str, str], quantity: str) -> list[str]:
    """The columns of that quantity, on its very scale if there is one; all of them if there is none."""
    wanted = plain_name(quantity)
    on_p = {"p" + wanted, P_SCALES.get(wanted, wanted).lower()}
    for accepted in ({wanted, wanted + "value"}, {wanted.removeprefix("p")}, on_p):
        if chosen := [name for name in fitting if plain[name] in accepted]:
            return chosen
    return fitting


def _given_columns(header: Sequence[str], path: Path, given: Mapping[str, str]) -> dict[str, str | None]:
    chosen: dict[str, str | None] = {}
    for role, name in given.items():
        if role not in ROLES:
            near = difflib.get_close_matches(role, ROLES, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise TableError(f"there is no role {role!r}; the roles are {', '.join(ROLES)}.{hint}")
        if name and name not in header:
            near = difflib.get_close_matches(name, header, n=3, cutoff=0.5)
            hint = f" Did you mean {listed(near)}?" if near else ""
            raise TableError(
                f"{path}: there is no column {name!r} ({role}). Its columns are {listed(header)}.{hint}"
            )
        if name and name in chosen.values():
            raise TableError(
                f"{path}: column {name!r} is given two roles. Give each role a column of its own."
            )
        chosen[role] = name or None
    return chosen


def _missing(roles: list[str], header: Sequence[str], path: Path, sequence_needed: bool) -> TableError:
    lines = [
        f"{path}: no column holds {' or '.join(ROLES[role] for role in roles)}. Its columns are "
        f"{listed(header)}."
    ]
    for role in roles:
        synonyms = [word for group in _NAMES[role] for word in group.split()]
        near = [
            name for name in header if difflib.get_close_matches(plain_name(name), synonyms, n=1, cutoff=0.7)
        ]
        hint = f" (nearest: {listed(near)})" if near else ""
        lines.append(f"Say which: --column {role}=NAME{hint}.")
    if "sequence" in roles and sequence_needed:
        lines.append(
            "Or give the sequences as a FASTA file (targets) whose names stand in the target column."
        )
    if any(re.fullmatch(r"[-+.\d]+", name) for name in header):
        lines.append("The first line must hold the names of the columns.")
    return TableError(" ".join(lines))


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names in quotes for a message, shortened if there are many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + more
