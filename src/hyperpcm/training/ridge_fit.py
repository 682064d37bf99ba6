"""Solves the kernel ridge regression over the memory's labels, and finds how much of it to mix in."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hyperpcm.chem import tanimoto
from hyperpcm.config import RetrievalConfig
from hyperpcm.model import HyperPCM
from hyperpcm.nn.kernel_ridge import KernelPart, RidgeProblem, ridge_scores, solve_ridge
from hyperpcm.training.correction import supported_share
from hyperpcm.training.encoded import EncodedData, Progress

__all__ = ["CANDIDATES", "fit_ridge", "fit_ridge_share"]

_NOTHING: Final = KernelPart(0.0, 1.0, 1.0)
_OF_COMPOUNDS: Final = (KernelPart(0.5, 0.0, 4.0), KernelPart(0.5, 0.0, 16.0))  # the same for all targets
CANDIDATES: Final = (
    ((KernelPart(1.0, 0.5, 1.0), KernelPart(1.0, 4.0, 8.0), *_OF_COMPOUNDS), 0.1),
    ((KernelPart(1.0, 1.0, 2.0), KernelPart(1.0, 4.0, 8.0), *_OF_COMPOUNDS), 0.1),
    ((KernelPart(1.0, 0.5, 1.0), KernelPart(1.0, 3.0, 2.0), _NOTHING, _NOTHING), 0.1),
    ((KernelPart(1.0, 1.0, 1.0), _NOTHING, _NOTHING, _NOTHING), 0.1),
)
"""Kernels, each with its noise, of which the validation side chooses one: with effects of compounds that all
targets share, for new targets; without, for new compounds."""

_CHOICE_ROWS = 20_000  # validation rows that the kernel is chosen on


def fit_ridge(
    model: HyperPCM,
    data: EncodedData,
    valid: npt.NDArray[np.int64],
    config: RetrievalConfig,
    seed: int,
    progress: Progress | None = None,
) -> None:
    """Set the model's ridge regression to the solution that validates best; nothing where it has none.

    Args:
        model: with memory and scalers set; changed in place.
        data: the encoded table.
        valid: validation interactions, int64 [n].
        config: steps of the solver.
        seed: of the choice of landmarks, where there are more compounds than landmarks.
        progress: called with the number of kernels tried.
    """
    if model.ridge is None or data.similarity is None:
        return
    bits = model.landmark_bits()
    columns = _landmarks(len(bits), len(model.ridge_columns), seed)
    model.ridge_columns.copy_(torch.from_numpy(columns.astype(np.int32)))
    problem = RidgeProblem(
        similarity=data.similarity[torch.from_numpy(data.memory_targets)],
        tanimoto=torch.from_numpy(tanimoto(bits, bits[columns])),
        landmarks=torch.from_numpy(columns),
        targets=model.memory_rows.long(),
        compounds=model.memory_columns.long(),
        labels=model.label_scale.to_scaled(model.memory_values),
    )
    rows = valid
    if len(rows) > _CHOICE_ROWS:
        rows = np.sort(np.random.default_rng([seed, 11]).choice(rows, _CHOICE_ROWS, replace=False))
    labels = model.label_scale.to_scaled(data.labels[torch.from_numpy(rows.copy())])
    # A step between landmarks is dear, and the order of the kernels shows after a few of them.
    steps = config.ridge_iterations if problem.is_exact else -(-config.ridge_iterations // 4)
    best, kept, chosen = float("inf"), None, CANDIDATES[0]
    for number, (parts, noise) in enumerate(CANDIDATES):
        if progress is not None:
            progress("kernel ridge", number, len(CANDIDATES))
        found = solve_ridge(problem, parts, noise, iterations=steps)
        model.ridge.set(parts, found)
        error = float((_scores(model, data, rows, bits[columns]) - labels).square().mean())
        if error < best:
            best, kept, chosen = error, found, (parts, noise)
    if kept is None or not problem.is_exact:
        kept = solve_ridge(problem, *chosen, iterations=config.ridge_iterations)
    model.ridge.set(chosen[0], kept)
    if progress is not None:
        progress("kernel ridge", len(CANDIDATES), len(CANDIDATES))


def fit_ridge_share(model: HyperPCM, data: EncodedData, valid: npt.NDArray[np.int64]) -> None:
    """Set how much of the ridge score is mixed into the retrieved mean: what validation supports."""
    if model.retrieval is None or data.retrieved is None or data.ridge is None:
        return
    at = torch.from_numpy(valid.copy())
    mean = model.retrieval.scores(data.retrieved[at])
    labels = model.label_scale.to_scaled(data.labels[at])
    difference = (data.ridge[at] - mean).numpy()
    model.ridge_share.fill_(supported_share((labels - mean).numpy(), difference, data.target_index[valid]))


def _landmarks(compounds: int, most: int, seed: int) -> npt.NDArray[np.int64]:
    if compounds == most:
        return np.arange(compounds)
    return np.sort(np.random.default_rng([seed, 13]).choice(compounds, most, replace=False))


@torch.no_grad()
def _scores(
    model: HyperPCM, data: EncodedData, rows: npt.NDArray[np.int64], landmarks: npt.NDArray[np.uint8]
) -> Tensor:
    """Return the ridge scores of some interactions, in scaled label units."""
    assert model.ridge is not None
    assert data.similarity is not None
    targets, scores = data.target_index[rows], torch.zeros(len(rows))
    compounds, place = np.unique(data.compound_index[rows], return_inverse=True)
    near = torch.from_numpy(tanimoto(data.counts[compounds], landmarks))
    for target in np.unique(targets):
        own = np.flatnonzero(targets == target)
        collapsed = model.ridge.collapse(data.similarity[int(target)][None])
        scores[own] = ridge_scores(collapsed, model.ridge.compound_exponents, near[place[own]][None])[0]
    return scores
