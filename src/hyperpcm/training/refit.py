"""Learns once more, from training and validation rows together, what validation has chosen.

Once settings, kernels, shares and numbers of trees and epochs are chosen, nothing is left to hold the
validation rows back for: whoever uses the model wants it to know all labels.
"""

from __future__ import annotations

import numpy as np
import torch

from hyperpcm.checkpoint import save_model
from hyperpcm.config import RunConfig
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.encoders import EmbeddingStore
from hyperpcm.model import HyperPCM
from hyperpcm.model.card import card_text
from hyperpcm.training.card import learned_counts
from hyperpcm.training.encoded import Progress, build_model, encode
from hyperpcm.training.hiding import Hiding
from hyperpcm.training.loggers import RunLoggers
from hyperpcm.training.prepared import PreparedRun, train_prepared
from hyperpcm.training.prior_fit import refit_prior
from hyperpcm.training.run_folder import RunFolder, outer_processes

__all__ = ["refit_model"]


def refit_model(
    chosen: HyperPCM,
    config: RunConfig,
    interactions: Interactions,
    split: Split,
    *,
    run: RunFolder | None = None,
    resume: bool = False,
    store: EmbeddingStore | None = None,
    progress: Progress | None = None,
) -> HyperPCM:
    """Return a model that has learned from the training and the validation side what another one chose.

    The prior takes over the exponents, the kernel, the shares and the numbers of trees. The networks start
    anew and repeat the epochs up to the best one, with their learning rates and the share that validation
    supports; where that share is 0 they are not trained.

    Args:
        chosen: trained on the training side, by `train_model` or `prior_alone`.
        config: its settings.
        interactions: the table.
        split: the division that it was trained on.
        run: the folder that gets the model, and checkpoints on the way; None keeps nothing.
        resume: go on from the folder's training state.
        store: where embeddings are kept.
        progress: called with a stage, what is done and what there is.
    """
    data = encode(config, interactions, split, store, progress, learned=split.seen)
    torch.manual_seed(config.seed)
    model = build_model(config, interactions, data)
    model.card |= chosen.card | learned_counts(data) | {"refit": True}
    hiding = Hiding.as_in_validation(interactions, split, data.series)
    data = refit_prior(model, data, chosen, config, hiding, progress)
    model.correction.copy_(chosen.correction)
    model.calibration, model.logit_map = chosen.calibration, chosen.logit_map  # no rows are left to hold back
    if chosen.residual_prior is not None:
        known = {compound: place for place, compound in enumerate(chosen.landmark_compounds)}
        places = np.array([known.get(one, -1) for one in model.landmark_compounds], dtype=np.int64)
        new = model.landmark_bits()[places < 0]
        model.residual_prior = chosen.residual_prior.over(places, new, chosen.landmark_bits())
    rates = tuple(chosen.card.get("learning_rates", ()))
    if bool(chosen.correction.any()) and rates:
        prepared = PreparedRun(config, interactions, split, model, data, run, resume, rates)
        return train_prepared(prepared, progress)
    model.eval()
    model.card["text"] = card_text(model)
    outer = outer_processes()
    if run is not None and (outer is None or outer.rank == 0):
        save_model(model, run.model_path, overwrite=True)
        with RunLoggers(config, run, run.history()) as loggers:
            loggers.files(run.model_path, run.split_path)
    return model
