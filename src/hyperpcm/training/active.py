"""Campaigns replayed on the held-out targets of one fold: trains the model, then lets each method choose."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from hyperpcm.adaptation.suggest_replay import ReplayProtocol, replayed
from hyperpcm.config import RunConfig
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.encoders import EmbeddingStore
from hyperpcm.errors import ConfigError, SplitError
from hyperpcm.model import HyperPCM
from hyperpcm.training.encoded import Progress
from hyperpcm.training.run import train_model

__all__ = ["ACTIVE_SPLITS", "replayed_fold", "replayed_targets"]

ACTIVE_SPLITS: Final = ("cold_target", "homology_target")
"""Splits that hold targets out."""


def replayed_fold(
    config: RunConfig,
    interactions: Interactions,
    split: Split,
    protocol: ReplayProtocol,
    *,
    store: EmbeddingStore | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train on the training side and replay campaigns on the test side; see `replayed_targets`.

    Raises:
        SplitError: a split that is not by target, or no held-out target can be replayed.
        ConfigError: the model cannot learn from measurements.
    """
    if split.name not in ACTIVE_SPLITS:
        raise SplitError(
            f"active learning needs held-out targets: use {' or '.join(ACTIVE_SPLITS)}, not {split.name}."
        )
    model, _ = train_model(config, interactions, split, store=store, progress=progress)
    return replayed_targets(model, interactions, split, protocol, seed=config.seed, progress=progress)


def replayed_targets(
    model: HyperPCM,
    interactions: Interactions,
    split: Split,
    protocol: ReplayProtocol,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Replay campaigns on every held-out target that has enough measured compounds.

    Args:
        model: trained on the training side.
        interactions: the table; of several rows of a compound and target the mean counts.
        split: its division by target.
        protocol: how campaigns are replayed.
        seed: of all draws.
        progress: called with a stage, what is done and what there is.

    Returns:
        JSON values: ``targets`` (positions on the axis of the table), ``compounds`` of each, and ``found``:
        method → share of the best found after each round, for each target; ``tied``: positions of the targets
        that were left out because ties make their best too many.

    Raises:
        SplitError: no held-out target has enough compounds, or ties make the best of all too many.
        ConfigError: the model cannot learn from measurements.
    """
    if model.residual_prior is None:
        reason = model.card.get("no_adaptation", "an older version trained it; train it again.")
        raise ConfigError(f"the model cannot learn from measurements: {reason}")
    target_index = interactions.target_index[split.test]
    compound_index = interactions.compound_index[split.test]
    labels = interactions.point()[split.test].astype(np.float64)
    pools = {
        int(target): np.unique(compound_index[target_index == target]) for target in np.unique(target_index)
    }
    pools = {target: own for target, own in pools.items() if len(own) >= protocol.least_compounds}
    if not pools:
        raise SplitError(
            f"{split.label()}: no held-out target of {interactions.name!r} has {protocol.least_compounds} "
            "measured compounds. Lower least_compounds."
        )
    means = {}
    for target, own in pools.items():
        of_target = target_index == target
        places = np.searchsorted(own, compound_index[of_target])
        means[target] = np.bincount(places, weights=labels[of_target]) / np.bincount(places)
    tied = [target for target, own in means.items() if protocol.is_tied(own)]
    pools = {target: own for target, own in pools.items() if target not in tied}
    if not pools:
        raise SplitError(
            f"{split.label()}: of all held-out targets of {interactions.name!r} with "
            f"{protocol.least_compounds} measured compounds more than {protocol.most_tied:g} times as many "
            "as the best are tied with them. Raise share, least or most_tied."
        )
    found: dict[str, list[list[float]]] = {}
    for number, (target, own) in enumerate(pools.items()):
        if progress is not None:
            progress("campaigns", number, len(pools))
        compiled = model.compile_target(interactions.targets[target], name=interactions.target_names[target])
        smiles = [interactions.compounds[one] for one in own]
        for method, shares in replayed(compiled, smiles, means[target], protocol, seed=seed).items():
            found.setdefault(method, []).append(shares)
    if progress is not None:
        progress("campaigns", len(pools), len(pools))
    compounds = [len(own) for own in pools.values()]
    return {"targets": list(pools), "compounds": compounds, "found": found, "tied": tied}
