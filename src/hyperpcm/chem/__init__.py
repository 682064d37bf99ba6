"""Compounds: from SMILES to a validated identity, to fingerprints, scaffolds and clusters.

The only place where the package reads SMILES as its user wrote them.
"""

from hyperpcm.chem.clusters import butina_clusters
from hyperpcm.chem.drawing import depict_svg
from hyperpcm.chem.fingerprints import morgan_counts, morgan_environments, tanimoto
from hyperpcm.chem.scaffolds import murcko_scaffold
from hyperpcm.chem.standardise import Compound, standardise, standardise_all

__all__ = [
    "Compound",
    "butina_clusters",
    "depict_svg",
    "morgan_counts",
    "morgan_environments",
    "murcko_scaffold",
    "standardise",
    "standardise_all",
    "tanimoto",
]
