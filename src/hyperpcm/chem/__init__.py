"""Compounds: from SMILES to a validated identity, to fingerprints, scaffolds and clusters.

The only place where the package reads SMILES as its user wrote them.
"""

from hyperpcm.chem.canonical import canonical_smiles
from hyperpcm.chem.clusters import butina_clusters
from hyperpcm.chem.drawing import depict_svg
from hyperpcm.chem.fingerprints import (
    MACCS_KEYS,
    atom_pair_counts,
    feature_counts,
    maccs_keys,
    morgan_counts,
    morgan_environments,
    tanimoto,
    torsion_counts,
)
from hyperpcm.chem.scaffolds import murcko_scaffold
from hyperpcm.chem.standardise import Compound, standardise, standardise_all

__all__ = [
    "MACCS_KEYS",
    "Compound",
    "atom_pair_counts",
    "butina_clusters",
    "canonical_smiles",
    "depict_svg",
    "feature_counts",
    "maccs_keys",
    "morgan_counts",
    "morgan_environments",
    "murcko_scaffold",
    "standardise",
    "standardise_all",
    "tanimoto",
    "torsion_counts",
]
