"""How many items an encoder takes in a second on this machine, on samples that come with the program."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Final

from hyperpcm.encoders.base import Encoder, Side

__all__ = ["items_per_second", "sample_items"]

_DRUGS: Final = (
    "CC(=O)Oc1ccccc1C(=O)O",
    "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
    "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1",
    "COc1cc2ncnc(Nc3ccc(F)c(Cl)c3)c2cc1OCCCN1CCOCC1",
    "CNC(=O)c1cc(Oc2ccc(NC(=O)Nc3ccc(Cl)c(C(F)(F)F)c3)cc2)ccn1",
    "OC(=O)COCCN1CCN(C(c2ccccc2)c2ccc(Cl)cc2)CC1",
    "CN1CCC23c4c5ccc(O)c4OC2C(O)C=CC3C1C5",
)
_FREQUENT: Final = (
    "AAAAAAAARRRRRNNNNDDDDDCQQQQEEEEEEGGGGGGGHHIIIIIILLLLLLLLLKKKKKKMMFFFFPPPPPSSSSSSSTTTTTWYYYVVVVVVV"
)
_LENGTHS: Final = (120, 250, 350, 500, 700, 1200)


def sample_items(side: Side) -> list[str]:
    """Return eight drugs as SMILES, or six made-up proteins of 120 to 1,200 residues; always the same."""
    if side == "compound":
        return list(_DRUGS)
    generator = random.Random(0)
    return ["M" + "".join(generator.choices(_FREQUENT, k=length - 1)) for length in _LENGTHS]


def items_per_second(encoder: Encoder, items: Sequence[str], *, seconds: float = 0.3) -> float:
    """Return how many items the encoder takes in a second, on one process.

    The first pass, which may load libraries and weights, is not counted.

    Args:
        encoder: what is measured.
        items: are encoded again and again.
        seconds: go on until this time has passed, and once at least.
    """
    encoder.encode(items)
    passes, started = 0, time.perf_counter()
    while passes == 0 or time.perf_counter() - started < seconds:
        encoder.encode(items)
        passes += 1
    return passes * len(items) / (time.perf_counter() - started)
