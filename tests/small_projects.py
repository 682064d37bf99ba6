"""Measurements of a project that a model was not trained on, shared by tests of its memory."""

from __future__ import annotations

import numpy as np

from hyperpcm.datasets.interactions import Interactions, Quantity
from hyperpcm.model import HyperPCM
from small_models import PKD, SEQUENCES, SMILES
from small_removals import COMPOUNDS
from small_runs import fingerprint

NEW = "MSTNPKPQRKTKRNTNRRPQDVKFPGGGQIVGGVYLLPRR"
ASKED = (*SMILES, *COMPOUNDS)


def measurements(
    rows: list[tuple[str, str, float]], quantity: Quantity = PKD, relations: list[int] | None = None
) -> Interactions:
    """A table of targets, compounds and values."""
    targets, compounds = (tuple(dict.fromkeys(row[axis] for row in rows)) for axis in (0, 1))
    return Interactions(
        name="project",
        quantity=quantity,
        compounds=compounds,
        targets=targets,
        compound_names=tuple(f"compound {place}" for place in range(len(compounds))),
        target_names=tuple(f"protein {place}" for place in range(len(targets))),
        compound_index=[compounds.index(row[1]) for row in rows],
        target_index=[targets.index(row[0]) for row in rows],
        values=[row[2] for row in rows],
        relations=relations or [0] * len(rows),
    )


PROJECT = measurements(
    [
        (NEW, SMILES[0], 8.5),
        (NEW, SMILES[3], 4.5),
        (NEW, COMPOUNDS[2], 6.0),
        (SEQUENCES[1], SMILES[3], 7.5),
        (SEQUENCES[1], COMPOUNDS[5], 5.0),
    ]
)


def scored(model: HyperPCM, sequence: str) -> np.ndarray:
    return model.compile_target(sequence, exact=True).score(ASKED).values


def same(one: HyperPCM, other: HyperPCM) -> bool:
    """Whether two models are equal bit for bit."""
    states = one.state(), other.state()
    return fingerprint(states[0][0]) == fingerprint(states[1][0]) and states[0][1] == states[1][1]
