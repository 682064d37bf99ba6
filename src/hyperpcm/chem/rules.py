"""Rules by which medicinal chemists sort out structures: Lipinski's rule of five, and PAINS."""

from __future__ import annotations

import functools

from rdkit import Chem
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams
from rdkit.Chem.rdMolDescriptors import (
    CalcCrippenDescriptors,
    CalcExactMolWt,
    CalcNumLipinskiHBA,
    CalcNumLipinskiHBD,
)
from rdkit.rdBase import BlockLogs

from hyperpcm.errors import InvalidSmilesError

__all__ = ["lipinski_violations", "pains_alerts"]


def lipinski_violations(smiles: str) -> int:
    """Count which of four limits a compound exceeds: 500 Da, log P 5, 5 donors, 10 acceptors; 0 to 4.

    Args:
        smiles: standardised.

    Raises:
        InvalidSmilesError: RDKit cannot read it.

    Source:
        Lipinski et al., Adv. Drug Deliv. Rev. 1997, 23, 3.

    Example:
        >>> lipinski_violations("CCO"), lipinski_violations("C" * 40)
        (0, 2)
    """
    molecule = _molecule(smiles)
    return sum(
        (
            CalcExactMolWt(molecule) > 500,
            CalcCrippenDescriptors(molecule)[0] > 5,
            CalcNumLipinskiHBD(molecule) > 5,
            CalcNumLipinskiHBA(molecule) > 10,
        )
    )


def pains_alerts(smiles: str) -> list[str]:
    """Name the substructures of the PAINS catalog (A, B and C) that a compound has.

    Such compounds are often active in assays for reasons other than the target.

    Args:
        smiles: standardised.

    Raises:
        InvalidSmilesError: RDKit cannot read it.

    Source:
        Baell and Holloway, J. Med. Chem. 2010, 53, 2719; the catalog is RDKit's.

    Example:
        >>> pains_alerts("CCO"), pains_alerts("O=C1C=CC(=O)C=C1")
        ([], ['quinone_A(370)'])
    """
    matches = _pains().GetMatches(_molecule(smiles))
    return sorted(str(match.GetDescription()) for match in matches)


@functools.cache
def _pains() -> FilterCatalog:
    parameters = FilterCatalogParams()
    parameters.AddCatalog(FilterCatalogParams.FilterCatalogs.PAINS)
    return FilterCatalog(parameters)


def _molecule(smiles: str) -> Chem.Mol:
    with BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise InvalidSmilesError("PARSE", f"{smiles[:200]!r} is not a molecule; standardise first.")
    return molecule
