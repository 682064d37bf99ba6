"""Intervals hold after adaptation too: held-out targets are adapted to, and the errors looked at."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from hyperpcm.chem import tanimoto
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.evaluation.few_shot import Draw, FewShotProtocol, draw_targets
from hyperpcm.model import HyperPCM
from hyperpcm.model.compiling import collapse_labels
from hyperpcm.target_model import Measurement, ResidualPrior
from hyperpcm.target_model.adaptation import fit_adaptation
from hyperpcm.target_model.calibration import GRID, NOT_THERE
from hyperpcm.training.encoded import EncodedData
from hyperpcm.trust import HeldOut

__all__ = ["fit_inflation"]

_LEVEL: Final = 0.8
_SIZES: Final = (2, 8, 32)  # measured compounds
_MOST_TARGETS: Final = 100
_MOST_QUERY: Final = 64
_LEAST_RATIOS: Final = 30
_LARGEST: Final = 10.0


def fit_inflation(
    model: HyperPCM,
    data: EncodedData,
    interactions: Interactions,
    valid: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    held_out: HeldOut,
    seed: int,
) -> None:
    """Set by how much intervals are widened after adaptation, so that those of 80 % hold on held-out targets.

    Compounds to be scored share no scaffold with those that are measured. The covariance of the residuals was
    learned from the same targets; of the few numbers that it has, one is set here once more.

    Args:
        model: with calibration and residual prior; changed in place.
        data: the encoded table.
        interactions: the table.
        valid: validation rows, int64 [n].
        scores: of those rows, in label units, float32 [n].
        held_out: what the calibration took of those rows.
        seed: of the draws.
    """
    prior, calibration = model.residual_prior, model.calibration
    if prior is None or calibration is None:
        return
    generator = np.random.default_rng([seed, 31])
    place = np.full(len(interactions), -1, dtype=np.int64)
    place[valid] = np.arange(len(valid))
    groups = np.searchsorted(calibration.bounds, held_out.nearest_target, side="right")
    quantiles = calibration.quantiles[groups, round(_LEVEL * (GRID + 1)) - 1]
    ratios = [np.zeros(0)]
    for draw in _draws(interactions, valid, seed):
        query, support = _at_most(place[draw.query], generator), place[draw.support]
        if (quantiles[query] == NOT_THERE).any():
            continue
        measured = [_measurement(interactions, data, int(row)) for row in draw.support]
        ratios += list(
            _ratios(model, prior, data, valid, scores, held_out, quantiles, measured, support, query)
        )
    found = np.concatenate(ratios)
    if len(found) < _LEAST_RATIOS:
        return
    at = min(math.ceil((len(found) + 1) * _LEVEL), len(found)) - 1
    inflation = float(np.clip(np.sort(found)[at], 1 / _LARGEST, _LARGEST))
    learned = {**prior.learned, "interval_rows": len(found)}
    model.residual_prior = dataclasses.replace(prior, inflation=inflation, learned=learned)


def _draws(interactions: Interactions, valid: npt.NDArray[np.int64], seed: int) -> list[Draw]:
    draws = draw_targets(interactions, valid, FewShotProtocol(sizes=_SIZES, draws=1, seed=seed, min_query=4))
    if len(draws) <= _MOST_TARGETS:
        return draws
    kept = np.random.default_rng([seed, 29]).choice(len(draws), _MOST_TARGETS, replace=False)
    return [draws[number] for number in np.sort(kept)]


def _at_most(rows: npt.NDArray[np.int64], generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """The rows, or some of them where they are many."""
    return rows if len(rows) <= _MOST_QUERY else np.sort(generator.choice(rows, _MOST_QUERY, replace=False))


def _measurement(interactions: Interactions, data: EncodedData, row: int) -> Measurement:
    """What one row of the table says, as adapting takes it: bounds are bounds."""
    smiles = interactions.compounds[interactions.compound_index[row]]
    return Measurement(smiles, float(data.labels[row]), int(interactions.relations[row]))


def _ratios(
    model: HyperPCM,
    prior: ResidualPrior,
    data: EncodedData,
    valid: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    held_out: HeldOut,
    quantiles: npt.NDArray[np.float32],
    measured: Sequence[Measurement],
    support: npt.NDArray[np.int64],
    query: npt.NDArray[np.int64],
) -> Iterator[npt.NDArray[np.float64]]:
    """Of each number of measured compounds, errors over half the widths that intervals have uninflated.

    Where nothing is corrected, nothing is inflated either: such draws do not count.
    """
    both = np.concatenate([support, query])
    compounds = data.compound_index[valid[both]]
    near, own = np.zeros((len(both), 0), dtype=np.float32), prior
    if model.retrieval is not None and data.similarity is not None:
        target = int(data.target_index[valid[both[0]]])
        with torch.no_grad():
            _, kept = collapse_labels(model, model.label_memory(), data.similarity[target : target + 1])
        near, own = data.similarity_to(kept, compounds), prior.only(torch.from_numpy(kept))
    counts, labels = data.counts[compounds], data.labels.numpy()[valid]
    number = len(support)
    for size in _SIZES:
        if size > number:
            return
        adapted = fit_adaptation(
            own, measured[:size], scores[support[:size]], near[:size], counts[:size], model.radius
        )
        if adapted.choice == "none":
            continue
        to_anchors = tanimoto(counts[number:], adapted.anchors)
        found = adapted.corrected(scores[query], near[number:], to_anchors)
        uninflated = dataclasses.replace(found, inflation=1.0)
        half = quantiles[query] * uninflated.difficulty(held_out.difficulty[query], quantiles[query])
        yield np.abs(labels[query] - found.values) / half
