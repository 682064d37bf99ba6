"""What is known of the values of compounds on one target: means, variances and how they go together.

Values are those that a measurement without noise would give. Before anything is measured, what is known is
the target's score and the prior of its residuals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from scipy import linalg

from hyperpcm.adaptation.suggest_compounds import ScoredCompounds
from hyperpcm.chem import tanimoto
from hyperpcm.screening.adapted import itself, kernel_values, kernels_of
from hyperpcm.screening.tensors import Entries
from hyperpcm.target_model import TargetModel

__all__ = ["LinearValues", "TargetPosterior"]

Floats = npt.NDArray[np.float64]

_CPU: Final = torch.device("cpu")
_NUMBERS: Final = 4_000_000  # similarities held at once, 32 MB
_LEAST_ROWS: Final = 64


@dataclass(frozen=True, eq=False)
class LinearValues:
    """Values of compounds: mean, plus columns times weights that are standard normal, plus a rest of each.

    Attributes:
        mean: of the values [n].
        columns: what each of the shared weights adds, in label units [n, d].
        rest: variance of what no column explains [n].
    """

    mean: Floats
    columns: Floats
    rest: Floats

    @property
    def deviation(self) -> Floats:
        """Standard deviation of each value [n]."""
        found: Floats = np.sqrt(np.square(self.columns).sum(axis=1) + self.rest)
        return found


class TargetPosterior:
    """What a target, adapted or not, says of compounds and how sure it is.

    Args:
        target: its scores are means; where it has no prior of its residuals, their variance counts as 0.
    """

    def __init__(self, target: TargetModel) -> None:
        self._prior, self._adaptation = target.residual_prior, target.adaptation
        anchors = np.zeros((0, 0), dtype=np.uint8) if self._adaptation is None else self._adaptation.anchors
        self._anchors = kernels_of(anchors, itself, _CPU)
        self._root: Floats | None = None
        if self._adaptation is not None:
            weights = self._adaptation.weights
            self._root = _mixed_root(weights.mean, weights.root, self._adaptation.share)

    @property
    def has_deviations(self) -> bool:
        """Whether the target knows how sure its scores are; else they count as exact."""
        return self._prior is not None

    def noise(self, compounds: ScoredCompounds) -> Floats:
        """Return the variance of one measurement of each compound, in squared label units [n]."""
        return np.zeros(len(compounds)) if self._prior is None else self._prior.noise(compounds.scores)

    def marginal(self, compounds: ScoredCompounds) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of the value of each compound, float64 [n]."""
        means, deviations = zip(*((one.mean, one.deviation) for one in self.linear(compounds)), strict=True)
        return np.concatenate(means), np.concatenate(deviations)

    def linear(self, compounds: ScoredCompounds) -> Iterator[LinearValues]:
        """Yield what is known of the values of some compounds at a time, as a sum of parts they share."""
        if self._prior is None:
            nothing = np.zeros(len(compounds))
            yield LinearValues(compounds.scores.astype(np.float64), nothing[:, None][:, :0], nothing)
            return
        for own, to_anchors in self._compared(compounds):
            mean, columns, rest, _ = self._linear(own, to_anchors)
            yield LinearValues(mean, columns, rest)

    def joint(self, compounds: ScoredCompounds) -> tuple[Floats, Floats]:
        """Return means [n] and covariance [n, n] of the values of some compounds; it takes n² numbers."""
        if self._prior is None:
            return compounds.scores.astype(np.float64), np.zeros((len(compounds), len(compounds)))
        to_anchors = np.concatenate([found for _, found in self._compared(compounds)])
        mean, columns, rest, structure = self._linear(compounds, to_anchors)
        bits = compounds.bits.dense().astype(np.uint8)
        covariance: Floats = columns @ columns.T
        if self._prior.covariance.structure > 0:
            _, own = self._prior.sizes(compounds.scores)
            left_out = np.outer(own, own) * self._prior.likeness(tanimoto(bits, bits))
            left_out -= structure @ structure.T
            left_out.flat[:: len(left_out) + 1] = rest
            covariance += left_out
        return mean, covariance

    def _compared(self, compounds: ScoredCompounds) -> Iterator[tuple[ScoredCompounds, Floats]]:
        """Some compounds at a time with their similarities to the anchors."""
        if self._anchors is None:
            yield compounds, np.zeros((len(compounds), 0))
            return
        entries, size = Entries.of(compounds.bits, _CPU), max(_LEAST_ROWS, _NUMBERS // len(self._anchors))
        if len(compounds) <= size:
            yield compounds, kernel_values(self._anchors, entries)
            return
        for start in range(0, len(compounds), size):
            own = compounds.taken(np.arange(start, min(start + size, len(compounds))))
            yield own, kernel_values(self._anchors, entries[start : start + size])

    def _linear(
        self, compounds: ScoredCompounds, to_anchors: Floats
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Means, C with C Cᵀ the covariance of the linear part, the variance of the rest, and the columns
        of the part by structure.
        """
        assert self._prior is not None
        scores, profiles = compounds.scores.astype(np.float64), compounds.profiles.astype(np.float64)
        if self._adaptation is None or self._root is None:
            columns = self._prior.shared_columns(scores, profiles)
            rest = self._prior.covariance.structure * self._prior.sizes(scores)[1] ** 2
            return scores, columns, rest, columns[:, :0]
        columns, rest = self._adaptation.columns(scores, profiles, to_anchors)
        mean = scores + self._adaptation.share * (columns @ self._adaptation.weights.mean)
        structure = columns[:, columns.shape[1] - to_anchors.shape[1] :]
        return mean, columns @ self._root, rest, structure


def _mixed_root(mean: Floats, root: Floats, share: float) -> Floats:
    """A root of the covariance of weights that follow the posterior with this probability, else the prior.

    The mixture has the mean that scores are corrected with, ``share`` of the posterior's. Its covariance adds
    the distance between the two means to the parts, and does not depend on which root the posterior has.
    """
    if share in (0.0, 1.0):
        return root if share else np.eye(len(root))
    covariance = share * root @ root.T + (1 - share) * np.eye(len(root))
    covariance += share * (1 - share) * np.outer(mean, mean)
    lower: Floats = linalg.cholesky(covariance, lower=True)
    return lower
