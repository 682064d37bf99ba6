"""A small model that learned something of its residuals, and tasks on its targets, shared by tests."""

from __future__ import annotations

import numpy as np
import torch

from hyperpcm.adaptation import TargetViews
from hyperpcm.chem import morgan_counts
from hyperpcm.datasets.few_shot import FewShotTask
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.model import HyperPCM
from hyperpcm.protein import alignment_similarity
from hyperpcm.target_model import Covariance, ResidualPrior
from small_models import PKD, QUERY, SEQUENCES, SMILES, WIDTH, made_model, many_smiles

COMPOUNDS = (*SMILES, *many_smiles(12))
TARGETS = (QUERY, "MENFQKVEKIGEGTYGVVYKARNKLTGEVVALKWIR")  # neither of them in the memory
NOISE = 0.2


def learned_model(settings: dict | None = None, correction: float = 1.0) -> HyperPCM:
    """An untrained model with made-up weights of its residuals' covariance."""
    model = made_model() if settings is None else made_model(settings)
    profiles = np.random.default_rng(5).normal(size=(len(SMILES), 2)).astype(np.float32)
    covariance = Covariance(offset=0.2, slope=0.05, structure=0.3, profile=0.4, noise=NOISE)
    model.residual_prior = ResidualPrior(covariance, centre=6.0, spread=0.8, profiles=profiles)
    model.correction.fill_(correction)
    return model


def table(seed: int = 0) -> Interactions:
    """Every compound measured on both targets."""
    n = len(COMPOUNDS)
    return Interactions(
        name="small",
        quantity=PKD,
        compounds=COMPOUNDS,
        targets=TARGETS,
        compound_names=COMPOUNDS,
        target_names=("one", "other"),
        compound_index=np.tile(np.arange(n), 2),
        target_index=np.repeat(np.arange(2), n),
        values=np.random.default_rng(seed).normal(6, 1, 2 * n).astype(np.float32),
        relations=np.zeros(2 * n, dtype=np.int8),
    )


def views_of(model: HyperPCM) -> TargetViews:
    """Views of the targets of `table`."""
    similarity = None
    if model.config.needs_alignment:
        whole = alignment_similarity((*TARGETS, *SEQUENCES))
        similarity = torch.from_numpy(whole[: len(TARGETS), len(TARGETS) :].copy())
    return TargetViews(
        model,
        table(),
        torch.from_numpy(model.compound_encoder.encode(COMPOUNDS)),
        torch.from_numpy(model.target_encoder.encode(TARGETS)),
        similarity,
    )


def model_task(views: TargetViews, target: int = 0, k: int = 6, q: int = 5, seed: int = 0) -> FewShotTask:
    """A task on a target of `table` with the scores of the model."""
    generator = np.random.default_rng(seed)
    chosen = generator.permutation(len(COMPOUNDS))[: k + q]
    scores = views(target).compiled.score([COMPOUNDS[place] for place in chosen]).values
    counts = morgan_counts([COMPOUNDS[place] for place in chosen], width=WIDTH)
    return FewShotTask(
        target=target,
        support=chosen[:k],
        query=chosen[k:],
        labels=(scores[:k] + generator.normal(0.4, 0.7, k)).astype(np.float32),
        zero_shot_support=scores[:k],
        zero_shot_query=scores[k:],
        additive_support=scores[:k],
        additive_query=scores[k:],
        counts_support=counts[:k],
        counts_query=counts[k:],
        training_mean=6.0,
    )
