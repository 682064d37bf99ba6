"""Solves the kernel ridge regression over the memory's labels, and finds how much of it to mix in."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hyperpcm.chem import tanimoto
from hyperpcm.config import RetrievalConfig
from hyperpcm.model import HyperPCM
from hyperpcm.model.memory_ridge import ridge_problem
from hyperpcm.nn.kernel_ridge import NOISE, KernelPart, RidgeProblem, ridge_scores
from hyperpcm.nn.ridge_solver import known_scores, solve_ridge, solve_ridge_for
from hyperpcm.training.correction import supported_share
from hyperpcm.training.encoded import EncodedData, Progress
from hyperpcm.training.hiding import Hidden, families

__all__ = [
    "CANDIDATES",
    "fit_ridge",
    "fit_ridge_contrast",
    "fit_ridge_share",
    "refit_ridge",
    "ridge_out_of_fold",
]

_NOTHING: Final = KernelPart(0.0, 1.0, 1.0)
_OF_COMPOUNDS: Final = (KernelPart(0.5, 0.0, 4.0), KernelPart(0.5, 0.0, 16.0))  # the same for all targets
CANDIDATES: Final = (
    (KernelPart(1.0, 0.5, 1.0), KernelPart(1.0, 4.0, 8.0), *_OF_COMPOUNDS),
    (KernelPart(1.0, 1.0, 2.0), KernelPart(1.0, 4.0, 8.0), *_OF_COMPOUNDS),
    (KernelPart(1.0, 0.5, 1.0), KernelPart(1.0, 3.0, 2.0), _NOTHING, _NOTHING),
    (KernelPart(1.0, 1.0, 1.0), _NOTHING, _NOTHING, _NOTHING),
)
"""Kernels of which the validation side chooses one: with effects of compounds that all targets share, for new
targets; without, for new compounds."""
_CHOICE_ROWS: Final = 20_000  # validation rows that the kernel is chosen on
_LARGE: Final = 100_000  # labels; of more, this many choose the kernel, and there are fewer parts
_PARTS, _PARTS_OF_LARGE = 5, 3  # of the training rows
_PARTS_OF_BOTH: Final = 3  # of each axis where both are hidden, nine in all


def fit_ridge(
    model: HyperPCM,
    data: EncodedData,
    valid: npt.NDArray[np.int64],
    config: RetrievalConfig,
    seed: int,
    progress: Progress | None = None,
    *,
    device: torch.device | str = "cpu",
) -> None:
    """Set the model's ridge regression to the solution that validates best; nothing where it has none.

    Args:
        model: with memory and scalers set; changed in place.
        data: the encoded table.
        valid: validation interactions, int64 [n].
        config: steps of the solver.
        seed: of the choice of landmarks, where there are more compounds than landmarks.
        progress: called with the number of kernels tried.
        device: where the regression is solved.
    """
    if model.ridge is None or data.similarity is None:
        return
    bits = model.landmark_bits()
    columns = _landmarks(len(bits), len(model.ridge_columns), seed)
    model.ridge_columns.copy_(torch.from_numpy(columns.astype(np.int32)))
    problem = _problem(model, data, columns).to(device)
    rows = valid
    if len(rows) > _CHOICE_ROWS:
        rows = np.sort(np.random.default_rng([seed, 11]).choice(rows, _CHOICE_ROWS, replace=False))
    labels = model.label_scale.to_scaled(data.labels[torch.from_numpy(rows.copy())])
    steps = -(-config.ridge_iterations // 4)  # the order of the kernels shows after a few
    sample = problem.only(_drawn(len(problem.labels), _LARGE, seed).to(device))
    best, chosen = float("inf"), CANDIDATES[0]
    for number, parts in enumerate(CANDIDATES):
        if progress is not None:
            progress("kernel ridge", number, len(CANDIDATES))
        model.ridge.set(parts, solve_ridge(sample, parts, NOISE, iterations=steps))
        error = float((_scores(model, data, rows, bits[columns]) - labels).square().mean())
        if error < best:
            best, chosen = error, parts
    model.ridge.set(chosen, solve_ridge(problem, chosen, NOISE, iterations=config.ridge_iterations))
    if progress is not None:
        progress("kernel ridge", len(CANDIDATES), len(CANDIDATES))


def refit_ridge(
    model: HyperPCM,
    data: EncodedData,
    chosen: HyperPCM,
    config: RetrievalConfig,
    seed: int,
    progress: Progress | None = None,
    *,
    device: torch.device | str = "cpu",
) -> None:
    """Solve the regression for the model's own memory, with the kernel and the share of another model.

    Args:
        model: with memory and scalers set; changed in place.
        data: the encoded table.
        chosen: the model that was fitted with validation.
        config: steps of the solver.
        seed: of the choice of landmarks.
        progress: called before and after.
        device: where it is solved.
    """
    if model.ridge is None or chosen.ridge is None or data.similarity is None:
        return
    if progress is not None:
        progress("kernel ridge", 0, 1)
    columns = _landmarks(len(model.landmark_bits()), len(model.ridge_columns), seed)
    model.ridge_columns.copy_(torch.from_numpy(columns.astype(np.int32)))
    kernel = chosen.ridge.kernel_parts()
    problem = _problem(model, data, columns).to(device)
    model.ridge.set(kernel, solve_ridge(problem, kernel, NOISE, iterations=config.ridge_iterations))
    model.ridge_share.copy_(chosen.ridge_share)
    model.ridge_contrast = chosen.ridge_contrast
    if progress is not None:
        progress("kernel ridge", 1, 1)


def fit_ridge_share(model: HyperPCM, data: EncodedData, valid: npt.NDArray[np.int64]) -> None:
    """Set how much of the ridge score is mixed into the retrieved mean: what validation supports."""
    if model.retrieval is None or data.retrieved is None or data.ridge is None:
        return
    at = torch.from_numpy(valid.copy())
    mean = model.retrieval.scores(data.retrieved[at])
    labels = model.label_scale.to_scaled(data.labels[at])
    difference = (data.ridge[at] - mean).numpy()
    units = (data.target_index[valid], data.compound_index[valid])
    model.ridge_share.fill_(supported_share((labels - mean).numpy(), difference, *units))


def fit_ridge_contrast(model: HyperPCM, data: EncodedData, valid: npt.NDArray[np.int64]) -> EncodedData:
    """Set how much more counts of how the ridge score tells the compounds of one target apart.

    Its share in the mean is that of its whole error. On a target without known relatives most of that is an
    error of the level, for all compounds alike, and says little about their order; a target of the memory has
    labels that tell its level. So new targets and known ones have a share each, as validation rows of their
    kind support it; of a kind without rows nothing is known, and the share is 0.

    Args:
        model: with its whole prior fitted; changed in place.
        data: with what is retrieved for the validation rows.
        valid: validation rows, int64 [n].

    Returns:
        The data, with the prior of the validation rows as it is now.
    """
    if data.contrast is None or data.prior is None:
        return data
    on_known, prior = data.memory_row[data.target_index[valid]] >= 0, data.prior.clone()
    shares = []
    for rows in (valid[~on_known], valid[on_known]):
        at = torch.from_numpy(rows)
        errors = (model.label_scale.to_scaled(data.labels[at]) - prior[at]).numpy()
        units = (data.target_index[rows], data.compound_index[rows])
        shares.append(supported_share(errors, data.contrast[at].numpy(), *units))
        prior[at] += shares[-1] * data.contrast[at]
    model.ridge_contrast = (shares[0], shares[1])
    return replace(data, prior=prior)


def ridge_out_of_fold(
    model: HyperPCM,
    data: EncodedData,
    config: RetrievalConfig,
    hidden: Hidden,
    seed: int,
    progress: Progress | None = None,
    *,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Return the score of each training row by a regression that has not seen what is hidden from the row.

    Rows are divided in five, more than 100,000 in three: by family of targets, or by compound or series of
    compounds where those are hidden, else one by one. Where both are hidden each axis is divided in three,
    and a row is scored without the part of its target and the part of its compound. The kernel is that of
    the model.

    Args:
        model: with its regression fitted.
        data: the encoded table.
        config: steps of the solver, of which a part is done with half.
        hidden: what a training row must not see.
        seed: of the division.
        progress: called with the steps of the solver that are done.
        device: where the regressions are solved.

    Returns:
        Scaled label units, float32 [n], in the order of the memory's labels.
    """
    if model.ridge is None:
        raise ValueError("this model has no ridge regression (model.retrieval.ridge = false)")
    whole = _problem(model, data, model.ridge_columns.numpy().astype(np.int64))
    rows = len(whole.labels)
    parts = _PARTS if rows <= _LARGE else _PARTS_OF_LARGE
    family = families(data.allowed[torch.from_numpy(data.memory_targets)].numpy())
    compounds = whole.compounds.numpy()
    if hidden.series and data.series is not None:
        compounds = data.series[np.flatnonzero(data.landmark_of >= 0)][compounds]
    axes = ((family[whole.targets.numpy()], hidden.targets), (compounds, hidden.compounds))
    groups = [
        _parts_of(axis, _PARTS_OF_BOTH if hidden.targets and hidden.compounds else parts, seed)
        for axis, is_hidden in axes
        if is_hidden
    ] or [_parts_of(np.arange(rows), parts, seed)]
    asked, seen = [], []
    for part in itertools.product(*(range(int(group.max()) + 1) for group in groups)):
        matches = np.array([group == chosen for group, chosen in zip(groups, part, strict=True)])
        if not matches.any(axis=0).all():  # else nothing is left to learn from: the mean of all is said
            asked.append(torch.from_numpy(np.flatnonzero(matches.all(axis=0))))
            seen.append(torch.from_numpy(~matches.any(axis=0)))
    scores, whole = torch.zeros(rows), whole.to(device)
    if not asked:
        return scores
    kernel, steps = model.ridge.kernel_parts(), -(-config.ridge_iterations // 2)

    def told(step: int) -> None:
        if progress is not None:
            progress("kernel ridge without a part", step, steps)

    told(0)
    found = solve_ridge_for(
        whole, torch.stack(seen).to(device), kernel, NOISE, iterations=steps, progress=told
    )
    for own, coefficients in zip(asked, found, strict=True):
        at = own.to(device)
        scores[own] = known_scores(whole, kernel, coefficients, whole.targets[at], whole.compounds[at]).cpu()
    return scores


def _parts_of(axis: npt.NDArray[np.int64], parts: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the part of each row; rows of one unit stay together."""
    units, place = np.unique(axis, return_inverse=True)
    return (np.random.default_rng([seed, 17]).permutation(len(units)) % parts)[place]


def _problem(model: HyperPCM, data: EncodedData, columns: npt.NDArray[np.int64]) -> RidgeProblem:
    """Return the regression of all labels of the memory on these landmarks."""
    assert data.similarity is not None
    return ridge_problem(model, data.similarity[torch.from_numpy(data.memory_targets)], columns)


def _drawn(size: int, most: int, seed: int) -> Tensor:
    """Return the positions of all, or of this many drawn ones, ascending."""
    if size <= most:
        return torch.arange(size)
    drawn = np.random.default_rng([seed, 19]).choice(size, most, replace=False)
    return torch.from_numpy(np.sort(drawn))


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
