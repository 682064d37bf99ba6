"""Rivals of the posterior: Gaussian processes on residuals with one kernel, set by validation targets.

    residual_ridge  structures alone: the Tanimoto kernel
    head            an offset, and the last hidden layer of the generated networks: Bayesian linear regression
                    whose prior mean is the generated output layer

Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, sections 2.1 and 2.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, Self, final

import numpy as np
import numpy.typing as npt
import torch
from scipy import linalg

from hyperpcm.adaptation.marginal_likelihood import fit_variances
from hyperpcm.adaptation.views import TargetViews
from hyperpcm.chem import tanimoto
from hyperpcm.datasets.few_shot import FewShotTask
from hyperpcm.errors import LabelError

__all__ = ["HeadRegression", "ResidualRidge"]

Floats = npt.NDArray[np.float64]
_PART: Final = 0.3  # share of the residual variance of a part, and of the noise, before the first step


@final
class ResidualRidge:
    """Kernel ridge regression of zero-shot residuals on structures; the penalty is noise over variance."""

    name: ClassVar[str] = "residual_ridge"
    uses_zero_shot: ClassVar[bool] = True

    def __init__(self, variance: float, noise: float) -> None:
        """Args: variance: of what likeness tells, in squared label units; noise: of the rest, above 0."""
        self.variance, self.noise = variance, noise

    @classmethod
    def fitted(cls, tasks: Sequence[FewShotTask]) -> Self:
        """Return it with the variances under which the residuals of whole validation targets are likeliest.

        Args:
            tasks: one for each target, all its labels among the measured.

        Raises:
            LabelError: no residual differs from 0.
        """
        kernels = [tanimoto(task.counts_support, task.counts_support)[None] for task in tasks]
        variance, noise = _variances(kernels, tasks)
        return cls(variance, noise)

    def scores(self, task: FewShotTask, *, seed: int) -> npt.NDArray[np.floating]:
        """Score the query compounds: float64 [q]."""
        own = self.variance * tanimoto(task.counts_support, task.counts_support)
        across = self.variance * tanimoto(task.counts_query, task.counts_support)
        return _corrected(task, own, across, self.noise)


@final
class HeadRegression:
    """Bayesian linear regression on the last hidden layer of a target's generated networks, and an offset.

    Hidden activations are those of `TargetView.hidden`: centred for the target and of unit length.
    """

    name: ClassVar[str] = "head"
    uses_zero_shot: ClassVar[bool] = True

    def __init__(self, views: TargetViews, offset: float, variance: float, noise: float) -> None:
        """Args: offset, variance: prior variances of the offset and of a weight; noise: above 0."""
        self.offset, self.variance, self.noise = offset, variance, noise
        self._views = views

    @classmethod
    def fitted(cls, views: TargetViews, tasks: Sequence[FewShotTask]) -> Self:
        """Return it with the likeliest variances; arguments and errors as for `ResidualRidge.fitted`."""
        kernels = []
        for task in tasks:
            own = _hidden(views, task, task.support)
            kernels.append(np.stack([np.ones((len(own), len(own))), own @ own.T]))
        return cls(views, *_variances(kernels, tasks))

    def scores(self, task: FewShotTask, *, seed: int) -> npt.NDArray[np.floating]:
        """Score the query compounds: float64 [q]."""
        if len(task.support) == 0:
            return task.zero_shot_query
        measured, scored = (_hidden(self._views, task, side) for side in (task.support, task.query))
        own = self.offset + self.variance * measured @ measured.T
        across = self.offset + self.variance * scored @ measured.T
        return _corrected(task, own, across, self.noise)


def _hidden(views: TargetViews, task: FewShotTask, compounds: npt.NDArray[np.int64]) -> Floats:
    view = views(task.target)
    found: Floats = view.hidden.numpy()[view.of(compounds)]
    return found


def _variances(kernels: Sequence[npt.NDArray[np.floating]], tasks: Sequence[FewShotTask]) -> list[float]:
    residuals = [task.labels.astype(np.float64) - task.zero_shot_support for task in tasks]
    total = float(np.mean(np.square(np.concatenate(residuals)))) if residuals else 0.0
    if not total > 0:
        raise LabelError("no validation label differs from its score: there is nothing to learn from.")
    parts = [torch.from_numpy(kernel.astype(np.float64)) for kernel in kernels]
    start = [_PART] * (len(parts[0]) + 1)
    _, shares = fit_variances(parts, [torch.from_numpy(own) for own in residuals], total, start)
    return [float(share * total) for share in shares]


def _corrected(
    task: FewShotTask,
    own: npt.NDArray[np.floating],
    across: npt.NDArray[np.floating],
    noise: float,
) -> Floats:
    """Zero-shot scores and the mean of the process given the residuals of the support."""
    scores = task.zero_shot_query.astype(np.float64)
    if len(task.support) == 0:
        return scores
    residuals = task.labels.astype(np.float64) - task.zero_shot_support
    covariance = np.asarray(own, dtype=np.float64) + noise * np.eye(len(own))
    corrected: Floats = scores + across @ linalg.solve(covariance, residuals, assume_a="pos")
    return corrected
