"""Compounds: from SMILES to a validated identity, to fingerprints, scaffolds and clusters.

The only place where the package reads SMILES as its user wrote them.
"""

from hyperpcm.chem.fingerprints import morgan_counts, tanimoto
from hyperpcm.chem.standardise import Compound, standardise, standardise_all

__all__ = [
    "Compound",
    "morgan_counts",
    "standardise",
    "standardise_all",
    "tanimoto",
]
