"""The quantitative estimate of drug-likeness (QED) with the digits of RDKit's, in less time.

RDKit searches every molecule for 116 structural alerts and computes afresh what it weighs. Here alerts that
the molecule's atoms rule out are not searched for, and what the caller knows already is not computed again.

Source: Bickerton et al., Nature Chemistry 2012, 4, 90; `rdkit.Chem.QED`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from rdkit import Chem
from rdkit.Chem import QED, rdMolDescriptors

from hyperpcm.chem.query_screen import AtomKind, QueryScreen, atom_kinds

__all__ = ["WeighedProperties", "drug_likeness", "weighed_properties"]


class WeighedProperties(NamedTuple):
    """What QED weighs and other descriptors give as well.

    Attributes:
        weight: average molecular weight, g/mol.
        log_p: after Wildman and Crippen.
        donors: of hydrogen bonds.
        polar_area: TPSA, Å².
        rotatable: rotatable bonds, amides and the like not counted.
    """

    weight: float
    log_p: float
    donors: float
    polar_area: float
    rotatable: float


def weighed_properties(molecule: Chem.Mol) -> WeighedProperties:
    """Return the properties of a molecule."""
    return WeighedProperties(
        rdMolDescriptors._CalcMolWt(molecule),
        rdMolDescriptors.CalcCrippenDescriptors(molecule)[0],
        rdMolDescriptors.CalcNumHBD(molecule),
        rdMolDescriptors.CalcTPSA(molecule),
        rdMolDescriptors.CalcNumRotatableBonds(molecule, rdMolDescriptors.NumRotatableBondsOptions.Strict),
    )


def drug_likeness(molecule: Chem.Mol, known: WeighedProperties, kinds: Sequence[AtomKind]) -> float:
    """Return the QED of a molecule, 0 to 1; equal to ``rdkit.Chem.QED.qed(molecule)``.

    Args:
        molecule: sanitised.
        known: its properties.
        kinds: of its atoms.

    Example:
        >>> ethanol = Chem.MolFromSmiles("CCO")
        >>> round(drug_likeness(ethanol, weighed_properties(ethanol), atom_kinds(ethanol)), 3)
        0.407
    """
    stripped = Chem.RemoveHs(molecule)
    if _written_otherwise(molecule, stripped):
        known, kinds = weighed_properties(stripped), atom_kinds(stripped)
    acceptors, alerts = _screens()
    unsaturated = Chem.DeleteSubstructs(Chem.Mol(stripped), QED.AliphaticRings)
    qed: Any = QED
    properties = qed.QEDproperties(
        MW=known.weight,
        ALOGP=known.log_p,
        HBA=sum(len(stripped.GetSubstructMatches(pattern)) for pattern in acceptors.possible(kinds)),
        HBD=known.donors,
        PSA=known.polar_area,
        ROTB=known.rotatable,
        AROM=len(Chem.GetSSSR(unsaturated)),
        ALERTS=sum(stripped.HasSubstructMatch(alert) for alert in alerts.possible(kinds)),
    )
    return float(qed.qed(stripped, qedProperties=properties))


def _written_otherwise(molecule: Chem.Mol, stripped: Chem.Mol) -> bool:
    """Whether leaving hydrogens out has removed an atom, or aromaticity is seen otherwise since."""
    return molecule.GetNumAtoms() != stripped.GetNumAtoms() or _aromatic(molecule) != _aromatic(stripped)


def _aromatic(molecule: Chem.Mol) -> list[bool]:
    return [bond.GetIsAromatic() for bond in molecule.GetBonds()]


@cache
def _screens() -> tuple[QueryScreen, QueryScreen]:
    """Screens of the patterns of acceptors and of the structural alerts."""
    return QueryScreen(QED.Acceptors), QueryScreen(QED.StructuralAlerts)
