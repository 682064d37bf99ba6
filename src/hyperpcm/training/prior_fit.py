"""Fits what the generated networks are added to: label retrieval, ridge regression, trees and their mix.

`fit_prior` chooses on the validation side; `refit_prior` takes over what was chosen, for more rows.
"""

from __future__ import annotations

import torch

from hyperpcm.config import RunConfig
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.encoders import EmbeddingStore
from hyperpcm.errors import ConfigError
from hyperpcm.model import HyperPCM
from hyperpcm.training.encoded import EncodedData, Progress, build_model, encode, retrieve_rows
from hyperpcm.training.hiding import Hiding
from hyperpcm.training.processes import solving_device
from hyperpcm.training.retrieval_fit import fit_retrieval
from hyperpcm.training.ridge_fit import fit_ridge, fit_ridge_contrast, fit_ridge_share, refit_ridge
from hyperpcm.training.trees_fit import fit_trees, refit_trees

__all__ = ["fit_prior", "prior_alone", "refit_prior"]


def fit_prior(
    model: HyperPCM,
    data: EncodedData,
    split: Split,
    config: RunConfig,
    hiding: Hiding,
    progress: Progress | None = None,
) -> EncodedData:
    """Fit what needs no gradient steps of the networks: label retrieval, ridge regression, trees, their mix.

    Args:
        model: changed in place.
        data: the encoded table.
        split: its division.
        config: the run's settings.
        hiding: what training queries must not see.
        progress: called with a stage, what is done and what there is.

    Returns:
        The data with what is retrieved for the training and validation rows filled in.
    """
    retrieval, device = config.model.retrieval, solving_device(config.training)
    fit_retrieval(model, data, data.learned, retrieval, config.seed, hiding, progress)
    fit_ridge(model, data, split.valid, retrieval, config.seed, progress, device=device)
    data = retrieve_rows(model, data, split.valid, progress)
    fit_ridge_share(model, data, split.valid)
    data = _retrieved_while_hidden(model, data, hiding, progress)
    fit_trees(model, data, split.valid, config, hiding, progress)
    return fit_ridge_contrast(model, retrieve_rows(model, data, split.valid, progress), split.valid)


def refit_prior(
    model: HyperPCM,
    data: EncodedData,
    chosen: HyperPCM,
    config: RunConfig,
    hiding: Hiding,
    progress: Progress | None = None,
) -> EncodedData:
    """Fit the same prior to the rows that ``data`` says are learned from; nothing is chosen any more.

    Args:
        model: changed in place.
        data: the encoded table.
        chosen: the model that `fit_prior` fitted, whose exponents, kernel, shares and number of trees hold.
        config: the run's settings, those of ``chosen``.
        hiding: what training queries must not see.
        progress: called with a stage, what is done and what there is.

    Returns:
        The data with what is retrieved for those rows filled in.
    """
    retrieval = config.model.retrieval
    if model.retrieval is not None and chosen.retrieval is not None:
        model.retrieval.load_state_dict(chosen.retrieval.state_dict())
        model.retrieval.requires_grad_(False)
    device = solving_device(config.training)
    refit_ridge(model, data, chosen, retrieval, config.seed, progress, device=device)
    data = _retrieved_while_hidden(model, data, hiding, progress)
    refit_trees(model, data, chosen, config, hiding, progress)
    return data


def _retrieved_while_hidden(
    model: HyperPCM, data: EncodedData, hiding: Hiding, progress: Progress | None
) -> EncodedData:
    """Return the data with what the rows that are learned from retrieve while something is hidden of each."""
    for hidden, rows in hiding.of(data.learned):
        data = retrieve_rows(model, data, rows, progress, hidden=hidden)
    return data


def prior_alone(
    config: RunConfig,
    interactions: Interactions,
    split: Split,
    store: EmbeddingStore | None = None,
    progress: Progress | None = None,
) -> HyperPCM:
    """Return a model that scores by its prior and nothing else.

    The prior is fitted as in training; the share of the generated networks is 0. The distance between this
    model and a trained one is what the hypernetwork adds.

    Raises:
        ConfigError: the settings disable label retrieval.
    """
    if not config.model.retrieval.enabled:
        raise ConfigError("the prior alone needs model.retrieval.enabled = true.")
    data = encode(config, interactions, split, store, progress)
    torch.manual_seed(config.seed)
    model = build_model(config, interactions, data)
    fit_prior(model, data, split, config, Hiding.as_in_validation(interactions, split, data.series), progress)
    model.correction.fill_(0.0)
    return model
