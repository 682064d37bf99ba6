"""Published properties of the twenty amino acids, and what the other letters of sequences stand for."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.protein.sequence import AMINO_ACIDS

__all__ = ["ALPHABET", "AMBIGUOUS", "CONJOINT_GROUPS", "PROPERTIES", "SCALES", "letter_table"]

ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Every letter that a sequence may hold."""

AMBIGUOUS: Final = MappingProxyType({"B": "DN", "Z": "EQ", "J": "IL", "U": "C", "O": "K", "X": ""})
"""What the other six letters count as, in equal parts.

B, Z and J are undecided pairs (IUPAC-IUB 1984); selenocysteine (U) counts as cysteine and pyrrolysine (O) as
lysine, which they are built from; X is any residue and counts as none.
"""

CONJOINT_GROUPS: Final = ("AGV", "ILFP", "YMTS", "HNQW", "RK", "DE", "C")
"""Seven groups of similar dipole and side-chain volume.

Source: Shen et al., Predicting protein-protein interactions based only on sequences information, PNAS 104
(2007) 4337-4341.
"""

SCALES: Final = ("hydropathy", "volume", "charge", "z1", "z2", "z3", "z4", "z5")
"""Names of the columns of `PROPERTIES`."""

# Source, by column:
#   hydropathy  dimensionless, -4.5 to 4.5: Kyte and Doolittle, J. Mol. Biol. 157 (1982) 105-132.
#   volume      of the residue, Å³: Zamyatnin, Prog. Biophys. Mol. Biol. 24 (1972) 107-123.
#   charge      of the side chain at pH 7, elementary charges; histidine with a pKa of 6 carries
#               1 / (1 + 10^(7 - 6)) = 0.09, written as 0.1.
#   z1 to z5    principal properties (lipophilicity, size, polarity, two electronic ones), dimensionless:
#               Sandberg et al., J. Med. Chem. 41 (1998) 2481-2491. Some reprints give -0.34 for z4 of E.
PROPERTIES: Final = MappingProxyType(
    {
        "A": (1.8, 88.6, 0.0, 0.24, -2.32, 0.60, -0.14, 1.30),
        "C": (2.5, 108.5, 0.0, 0.84, -1.67, 3.71, 0.18, -2.65),
        "D": (-3.5, 111.1, -1.0, 3.98, 0.93, 1.93, -2.46, 0.75),
        "E": (-3.5, 138.4, -1.0, 3.11, 0.26, -0.11, -3.04, -0.25),
        "F": (2.8, 189.9, 0.0, -4.22, 1.94, 1.06, 0.54, -0.62),
        "G": (-0.4, 60.1, 0.0, 2.05, -4.06, 0.36, -0.82, -0.38),
        "H": (-3.2, 153.2, 0.1, 2.47, 1.95, 0.26, 3.90, 0.09),
        "I": (4.5, 166.7, 0.0, -3.89, -1.73, -1.71, -0.84, 0.26),
        "K": (-3.9, 168.6, 1.0, 2.29, 0.89, -2.49, 1.49, 0.31),
        "L": (3.8, 166.7, 0.0, -4.28, -1.30, -1.49, -0.72, 0.84),
        "M": (1.9, 162.9, 0.0, -2.85, -0.22, 0.47, 1.94, -0.98),
        "N": (-3.5, 114.1, 0.0, 3.05, 1.62, 1.04, -1.15, 1.61),
        "P": (-1.6, 112.7, 0.0, -1.66, 0.27, 1.84, 0.70, 2.00),
        "Q": (-3.5, 143.8, 0.0, 1.75, 0.50, -1.44, -1.34, 0.66),
        "R": (-4.5, 173.4, 1.0, 3.52, 2.50, -3.50, 1.99, -0.17),
        "S": (-0.8, 89.0, 0.0, 2.39, -1.07, 1.15, -1.39, 0.67),
        "T": (-0.7, 116.1, 0.0, 0.75, -2.18, -1.12, -1.46, -0.40),
        "V": (4.2, 140.0, 0.0, -2.59, -2.64, -1.54, -0.85, -0.02),
        "W": (-0.9, 227.8, 0.0, -4.36, 3.94, 0.59, 3.44, -1.59),
        "Y": (-1.3, 193.6, 0.0, -2.54, 2.44, 0.43, 0.04, -1.47),
    }
)
"""Values of the eight `SCALES` for each amino acid."""


def letter_table() -> npt.NDArray[np.float64]:
    """What each letter counts as: float64 [26 letters, 20 amino acids]; each row sums to 1, X to 0."""
    table = np.zeros((len(ALPHABET), len(AMINO_ACIDS)))
    for row, letter in enumerate(ALPHABET):
        meaning = AMBIGUOUS.get(letter, letter)
        for amino_acid in meaning:
            table[row, AMINO_ACIDS.index(amino_acid)] = 1 / len(meaning)
    return table
