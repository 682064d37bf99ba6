"""Models of the real architecture with every learned part set, and the same without some known targets."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch

from hyperpcm.chem import morgan_counts
from hyperpcm.config import ModelConfig
from hyperpcm.encoders import compound_encoder, target_encoder
from hyperpcm.model import ContextMemory, HyperPCM
from hyperpcm.model.sizes import ModelSizes
from hyperpcm.protein import alignment_similarity
from small_calibrations import calibration
from small_models import PKD, SEQUENCES, SMALL, WIDTH, many_smiles
from small_trees import some_trees

COMPOUNDS = tuple(many_smiles(14))
# Compound 3 was measured on target 1 alone, 7 and 9 on targets 1 and 2 alone; 13 twice on target 0 alone.
LABELS = (
    *((0, column, 5 + 0.2 * column) for column in (0, 1, 2, 4, 5, 6, 13, 13)),
    *((1, column, 6 + 0.1 * column) for column in (1, 2, 3, 7, 8, 9)),
    *((2, column, 7 - 0.2 * column) for column in (0, 2, 4, 7, 9, 11)),
    *((3, column, 4 + 0.3 * column) for column in (1, 5, 6, 8, 10, 12)),
    *((4, column, 8 - 0.1 * column) for column in (0, 6, 10, 11, 12)),
)
SETTINGS = {
    "default": SMALL,
    "no ridge": SMALL | {"retrieval": {"ridge": False}},
    "context alone": SMALL | {"retrieval": {"enabled": False}},
    "labels alone": SMALL | {"context": {"enabled": False}, "alignment_components": 0},
    "few landmarks": SMALL | {"retrieval": {"max_landmarks": 4, "ridge_landmarks": 6}},
}


def memory_of(rows: Sequence[int], config: ModelConfig) -> ContextMemory:
    """The memory that holds these targets and what was measured on them, from the start."""
    sequences = tuple(SEQUENCES[row] for row in rows)
    labels = [one for one in LABELS if one[0] in rows]
    columns = sorted({column for _, column, _ in labels})
    compounds = tuple(COMPOUNDS[column] for column in columns)
    return ContextMemory(
        sequences=sequences,
        names=tuple(f"target {row}" for row in rows),
        embeddings=target_encoder("composition").encode(sequences),
        compounds=compounds,
        landmarks=morgan_counts(compounds, width=WIDTH),
        rows=np.array([list(rows).index(row) for row, _, _ in labels]),
        columns=np.array([columns.index(column) for _, column, _ in labels]),
        values=np.array([value for _, _, value in labels], dtype=np.float32),
        similarity=alignment_similarity(sequences) if config.needs_alignment else None,
    )


def model_of(
    memory: ContextMemory, config: ModelConfig, seed: int = 0, sizes: ModelSizes | None = None
) -> HyperPCM:
    encoder = compound_encoder("ecfp", options={"ecfp": {"width": WIDTH}})
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return HyperPCM(config, PKD, memory, encoder, target_encoder("composition"), sizes=sizes).eval()


def learned_model(settings: dict = SMALL, *, trees: bool = True) -> HyperPCM:
    """A model of all five targets whose ridge regression, trees, shares and calibration say something."""
    config = ModelConfig.model_validate(settings)
    memory = memory_of(range(len(SEQUENCES)), config)
    model = model_of(memory, config)
    embeddings = torch.from_numpy(model.compound_encoder.encode(COMPOUNDS))
    model.fit_scalers(embeddings, torch.from_numpy(memory.values))
    generator = torch.Generator().manual_seed(1)
    model.correction.copy_(torch.tensor([0.6, 0.25]))
    if model.ridge is not None:
        model.ridge_share.fill_(0.4)
        model.ridge_contrast = (0.4, 0.2)
        ridge = model.ridge
        ridge.weights.copy_(torch.tensor([0.5, 0.3, 0.2, 0.0]))
        ridge.target_exponents.copy_(torch.tensor([0.0, 1.0, 3.0, 1.0]))
        ridge.compound_exponents.copy_(torch.tensor([1.0, 2.0, 4.0, 1.0]))
        ridge.coefficients.copy_(0.3 * torch.randn(ridge.coefficients.shape, generator=generator))
        drawn = torch.randperm(len(COMPOUNDS), generator=generator)[: len(model.ridge_columns)]
        model.ridge_columns.copy_(drawn.sort().values)
    if model.retrieval is not None and trees:
        described = model.target_scaler.mean.shape[0]
        model.trees = some_trees(model.retrieval.width + 2 + WIDTH + described)
        model.trees_share.fill_(0.5)
        model.trees_carry.fill_(0.4)
    model.calibration = calibration(0 if model.retrieval is None else model.retrieval.width)
    return model


@torch.no_grad()
def never_held(learned: HyperPCM, removed: Sequence[int], sizes: ModelSizes | None = None) -> HyperPCM:
    """A model built from a memory without some of the targets, with the learned weights of another."""
    kept = [row for row in range(len(SEQUENCES)) if row not in removed]
    memory = memory_of(kept, learned.config)
    at = [COMPOUNDS.index(compound) for compound in memory.compounds]
    of_ridge = [column for column in learned.ridge_columns.tolist() if column in at]
    retrieval = learned.config.retrieval.model_copy(update={"ridge_landmarks": max(1, len(of_ridge))})
    config = learned.config.model_copy(update={"retrieval": retrieval})
    fitted = memory if sizes is None else dataclasses.replace(memory, similarity=None)
    model = model_of(fitted, config, seed=7, sizes=sizes)
    model.trees = learned.trees
    model.calibration, model.ridge_contrast = learned.calibration, learned.ridge_contrast
    theirs, own = learned.state_dict(), model.state_dict()
    for name, tensor in own.items():
        if not name.startswith(("memory_", "landmarks", "alignment.", "ridge_columns", "ridge.coefficients")):
            tensor.copy_(theirs[name])
    model.ridge_columns.copy_(torch.tensor([at.index(column) for column in of_ridge]))
    model.alignment.mean.copy_(learned.alignment.mean[kept])
    model.alignment.axes.copy_(learned.alignment.axes[kept])
    if memory.similarity is not None:
        similarity = torch.from_numpy(memory.similarity).double()
        centred = similarity - model.alignment.mean.double()
        model.alignment.memory.copy_(centred @ model.alignment.axes.double())
    if model.ridge is not None:
        before = learned.ridge_columns.tolist()
        for row, target in enumerate(kept):
            for place, column in enumerate(of_ridge):
                model.ridge.coefficients[:, row, place] = learned.ridge.coefficients[
                    :, target, before.index(column)
                ]
    return model
