"""A small untrained model of the real architecture, with a memory of real sequences, shared by tests."""

from __future__ import annotations

import itertools

import numpy as np
import torch

from hyperpcm.chem import morgan_counts, standardise
from hyperpcm.config import ModelConfig
from hyperpcm.datasets.interactions import Quantity
from hyperpcm.encoders import compound_encoder, target_encoder
from hyperpcm.model import ContextMemory, HyperPCM
from hyperpcm.protein import alignment_similarity

PKD = Quantity("pKd", "-log10(M)", active_at=7.0)
ACTIVE = Quantity("activity", "", kind="binary")

SEQUENCES = (
    "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ",
    "MENFQKVEKIGEGTYGVVYKARNKLTGEVVALKKIR",
    "MGSNKSKPKDASQRRRSLEPAENVHGAGGGAFPASQ",
    "MLEICLKLVGCKSKKGLSSSSSCYLEEALQRPVASD",
    "MSHHWGYGKHNGPEHWHKDFPIAKGERQSPVDIDTH",
)
QUERY = "MKTAYIAKQRQVSFVKSHFSRQLEDRLGLIEVQ"  # two mutations from the first of the memory
SMILES = tuple(
    standardise(text).smiles
    for text in (
        "CCO",
        "c1ccccc1",
        "CC(=O)Nc1ccc(O)cc1",
        "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
        "CN1CCC[C@H]1c1cccnc1",
        "O=C(O)c1ccccc1OC(C)=O",
        "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
        "Clc1ccc(cc1)C(c1ccccc1)N1CCNCC1",
    )
)
WIDTH = 64  # of fingerprints

SMALL = {
    "members": 2,
    "alignment_components": 3,
    "qsar": {"hidden": [16], "zero_start": False},
    "hypernetwork": {"trunk": [16], "rank": 2},
    "context": {"heads": 2, "head_width": 8},
}
PUBLISHED = {
    "members": 1,
    "alignment_components": 0,
    "scale_labels": False,
    "label_centre": 7.0,
    "qsar": {"hidden": [16, 8], "noise_head": 8, "zero_start": False},
    "hypernetwork": {"trunk": [16], "parts": "full", "shared": False, "initialisation": "published"},
    "context": {"heads": 2, "head_width": 8, "dropout": 0.5, "guided": False},
    "retrieval": {"enabled": False},
}
PLAIN = {
    "members": 1,
    "alignment_components": 0,
    "qsar": {"hidden": [8], "zero_start": False},
    "hypernetwork": {"trunk": [8], "parts": "gates"},
    "context": {"enabled": False},
    "retrieval": {"enabled": False},
}
GRAPHS = {
    **SMALL,
    "compound": {"learned": "dmpnn", "width": 12, "depth": 2},
}


def measured(
    quantity: Quantity = PKD, seed: int = 0, compounds: int = len(SMILES)
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Memory rows, landmark columns and values of about two thirds of all pairs."""
    generator = np.random.default_rng(seed)
    rows, columns = np.nonzero(generator.random((len(SEQUENCES), compounds)) < 0.65)
    values = (5.0 + 0.5 * rows + 0.25 * (columns % 8) + generator.normal(0, 0.3, len(rows))).astype(
        np.float32
    )
    return rows, columns, (values > 6.6).astype(np.float32) if quantity.kind == "binary" else values


def made_model(
    settings: dict = SMALL, quantity: Quantity = PKD, seed: int = 0, compounds: tuple[str, ...] = SMILES
) -> HyperPCM:
    """An untrained model with fitted scalers and a memory with labels, in evaluation mode."""
    config = ModelConfig.model_validate(settings)
    encoder = compound_encoder("ecfp", options={"ecfp": {"width": WIDTH}})
    own_encoder = target_encoder("composition")
    rows, columns, values = measured(quantity, compounds=len(compounds))
    memory = ContextMemory(
        sequences=SEQUENCES,
        names=tuple(f"target {row}" for row in range(len(SEQUENCES))),
        embeddings=own_encoder.encode(SEQUENCES),
        compounds=compounds,
        landmarks=morgan_counts(compounds, width=WIDTH),
        rows=rows,
        columns=columns,
        values=values,
        similarity=alignment_similarity(SEQUENCES) if config.needs_alignment else None,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = HyperPCM(config, quantity, memory, encoder, own_encoder)
    model.fit_scalers(torch.from_numpy(encoder.encode(compounds)), torch.from_numpy(values))
    return model.eval()


def many_smiles(number: int) -> list[str]:
    """Different structures, as many as asked for: two substituents on a ring."""
    groups = ["C" * n for n in range(1, 9)] + ["O" + "C" * n for n in range(1, 9)]
    groups += [f"N{'C' * n}" for n in range(1, 9)] + ["F", "Cl", "Br", "C(=O)O", "C#N", "S(C)(=O)=O"]
    pairs = itertools.combinations(groups, 2)
    made = [standardise(f"{one}c1ccc({other})cc1").smiles for one, other in itertools.islice(pairs, number)]
    assert len(set(made)) == number
    return made
