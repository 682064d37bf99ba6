"""Compounds: from SMILES to a validated identity, to fingerprints, scaffolds and clusters.

The only place where the package reads SMILES as its user wrote them. Public names are imported when they are
first asked for: scoring needs RDKit and NumPy alone, clusters need SciPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.chem.canonical import canonical_smiles
    from hyperpcm.chem.clusters import butina_clusters
    from hyperpcm.chem.column import standardise_all
    from hyperpcm.chem.drawing import depict_svg
    from hyperpcm.chem.environments import morgan_environments
    from hyperpcm.chem.fingerprints import (
        MACCS_KEYS,
        ComparedTable,
        atom_pair_counts,
        feature_counts,
        maccs_keys,
        morgan_counts,
        tanimoto,
        torsion_counts,
    )
    from hyperpcm.chem.scaffolds import murcko_scaffold
    from hyperpcm.chem.standardisation import Compound, standardise

__all__ = [
    "MACCS_KEYS",
    "ComparedTable",
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

_HOMES = {
    "butina_clusters": "clusters",
    "canonical_smiles": "canonical",
    "depict_svg": "drawing",
    "morgan_environments": "environments",
    "murcko_scaffold": "scaffolds",
    **dict.fromkeys(
        (
            "MACCS_KEYS",
            "ComparedTable",
            "atom_pair_counts",
            "feature_counts",
            "maccs_keys",
            "morgan_counts",
            "tanimoto",
            "torsion_counts",
        ),
        "fingerprints",
    ),
    "standardise_all": "column",
    **dict.fromkeys(("Compound", "standardise"), "standardisation"),
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
