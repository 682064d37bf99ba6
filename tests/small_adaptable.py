"""A small compiled target that can learn from measurements, and what its prior says written out in full."""

from __future__ import annotations

import dataclasses

import numpy as np

from hyperpcm.chem import morgan_counts, tanimoto
from hyperpcm.target_model import Covariance, ResidualPrior, TargetModel
from hyperpcm.target_model.residual_prior import smoothed_profiles
from small_models import QUERY, SMILES, WIDTH, made_model, many_smiles

LANDMARKS = (*SMILES, *many_smiles(16))
COMPOUNDS = many_smiles(200)
NAMES = [f"c{row}" for row in range(len(COMPOUNDS))]
COVARIANCE = Covariance(offset=0.3, slope=0.1, structure=0.4, profile=0.8, noise=0.05)


def adaptable_target(seed: int = 0, covariance: Covariance = COVARIANCE) -> TargetModel:
    """A compiled target with a prior of its residuals over all landmarks."""
    target = made_model(seed=seed, compounds=LANDMARKS).compile_target(QUERY, name="adaptable", exact=True)
    assert target.prior is not None
    profiles = np.random.default_rng(seed).normal(size=(len(target.prior.landmarks), 2)).astype(np.float32)
    prior = ResidualPrior(covariance, centre=6.0, spread=0.7, profiles=profiles)
    return dataclasses.replace(target, residual_prior=prior)


def prior_covariance(target: TargetModel, smiles: list[str], scores: np.ndarray) -> np.ndarray:
    """k(c, d) of the residuals of all pairs, from its formula."""
    prior, retrieved = target.residual_prior, target.prior
    assert prior is not None
    assert retrieved is not None
    weights, z = prior.covariance, (scores - prior.centre) / prior.spread
    counts = morgan_counts(smiles, radius=retrieved.radius, width=WIDTH)
    profiles = smoothed_profiles(tanimoto(counts, retrieved.landmarks), prior.profiles)
    return (
        weights.offset
        + weights.slope * np.outer(z, z)
        + weights.structure * tanimoto(counts, counts).astype(np.float64) ** prior.exponent
        + weights.profile * profiles @ profiles.T
    )


def true_values(target: TargetModel, smiles: list[str], scores: np.ndarray, seed: int = 0) -> np.ndarray:
    """Labels of compounds drawn as the prior has it, noise included [n]."""
    covariance = prior_covariance(target, smiles, scores)
    covariance += target.residual_prior.covariance.noise * np.eye(len(smiles))
    return scores + np.random.default_rng(seed).multivariate_normal(np.zeros(len(smiles)), covariance)
