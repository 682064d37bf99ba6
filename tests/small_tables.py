"""Small tables of interactions with made-up features, shared by tests."""

from __future__ import annotations

import numpy as np

from hyperpcm.baselines import BaselineInputs
from hyperpcm.datasets import Interactions, Quantity

PKD = Quantity("pKd", "-log10(M)", active_at=7.0)
CLASSES = Quantity("activity", "", kind="binary")


def table(compound, target, values, *, quantity=PKD, relations=None, sizes=None) -> Interactions:
    """Interactions with axes named C0, C1, … and T0, T1, …"""
    n_compounds, n_targets = sizes or (max(compound) + 1, max(target) + 1)
    compounds = tuple(f"C{i}" for i in range(n_compounds))
    targets = tuple(f"T{i}" for i in range(n_targets))
    return Interactions(
        name="made up",
        quantity=quantity,
        compounds=compounds,
        targets=targets,
        compound_names=compounds,
        target_names=targets,
        compound_index=np.array(compound),
        target_index=np.array(target),
        values=np.array(values, dtype=np.float32),
        relations=np.zeros(len(values)) if relations is None else np.array(relations),
    )


def random_table(seed, compounds=12, targets=9, share=0.8, *, quantity=PKD) -> Interactions:
    """A table with a real structure: values depend on compound, target and their product."""
    rng = np.random.default_rng(seed)
    compound, target = np.nonzero(rng.random((compounds, targets)) < share)
    a, b = rng.normal(size=compounds), rng.normal(size=targets)
    values = 6.5 + a[compound] + b[target] + a[compound] * b[target]
    if quantity.kind == "binary":
        values = values > 6.5
    return table(compound, target, values, quantity=quantity, sizes=(compounds, targets))


def inputs_of(interactions: Interactions, seed: int = 0) -> BaselineInputs:
    """Random features for both axes; the similarity is symmetric with ones on its diagonal."""
    rng = np.random.default_rng(seed)
    n_compounds, n_targets = len(interactions.compounds), len(interactions.targets)
    similarity = rng.uniform(0.05, 0.9, size=(n_targets, n_targets))
    similarity = np.maximum(similarity, similarity.T)
    np.fill_diagonal(similarity, 1.0)
    return BaselineInputs(
        interactions,
        rng.poisson(0.4, size=(n_compounds, 64)).astype(np.uint8),
        rng.normal(size=(n_compounds, 5)).astype(np.float32),
        rng.normal(size=(n_targets, 7)).astype(np.float32),
        similarity.astype(np.float32),
    )


def thirds(interactions: Interactions, axis: str, seed: int = 0):
    """Rows of three disjoint groups of compounds or targets: train, valid, test."""
    index = interactions.compound_index if axis == "compound" else interactions.target_index
    group = np.random.default_rng(seed).permutation(index.max() + 1) % 3
    return tuple(np.flatnonzero(group[index] == part) for part in range(3))
