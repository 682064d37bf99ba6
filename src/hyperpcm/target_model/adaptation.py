"""What measurements on a target change about its scores: a linear correction in closed form, which it keeps.

    label = score + columns(compound) · weights + noise

The columns are those of the `ResidualPrior`; the part that goes by structure is written over anchors, which
are measured compounds, so that every part is linear. With no more measured compounds than anchors that is
exact; with more it is the Nyström approximation, and what it leaves out counts as noise.
All measurements of one compound are one row: the noise was learned from one label of each compound, and most
of it is what sets this compound apart, which no repetition averages away.
Measured compounds and those to be scored are of different series as a rule, so that what is measured counts
for less than it would if residuals were just such a process: the likelihood to a power below 1, which for
values is a larger noise (`ResidualPrior.caution`).

Source: Snelson and Ghahramani, "Sparse Gaussian processes using pseudo-inputs", NeurIPS 2005; Kass and
Raftery, "Bayes factors", J. Am. Stat. Assoc. 1995 (evidence of 3 is strong); Grünwald and van
Ommen, "Inconsistency of Bayesian inference for misspecified linear models, and a proposal for repairing it",
Bayesian Analysis 2017 (the power).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, UInt8
from scipy import linalg
from torch import Tensor

from hyperpcm.chem import morgan_counts, tanimoto
from hyperpcm.target_model.linear_posterior import (
    LeftOut,
    LinearPosterior,
    fit_linear,
    joint_log_density,
    log_densities,
)
from hyperpcm.target_model.measurement import Measurement, pooled
from hyperpcm.target_model.residual_prior import ResidualPrior, smoothed_profiles

__all__ = ["ANCHORS", "Adaptation", "Corrected", "fit_adaptation"]

Floats = npt.NDArray[np.float64]
Choice = Literal["posterior", "blend", "none"]

ANCHORS: Final = 512
"""Most measured compounds that the part by structure is written over."""
_JITTER: Final = 1e-6
_SHARES: Final[Mapping[Choice, float]] = {"posterior": 1.0, "blend": 0.5, "none": 0.0}
_EVIDENCE: Final = 3.0  # natural logarithm of the odds against the posterior at which less of it is used


@dataclass(frozen=True, eq=False)
class Corrected:
    """Scores after adaptation.

    Attributes:
        values: in label units, float64 [n].
        narrowing: standard deviation of what is not known of each label, over that before the measurements,
            in (0, 1].
        moved: by how much each score was corrected, in label units, float64 [n].
        inflation: as `ResidualPrior` has it; 1 where no correction was made.
    """

    values: Floats
    narrowing: Floats
    moved: Floats
    inflation: float

    def difficulty(self, before: npt.ArrayLike, quantile: npt.ArrayLike) -> Floats:
        """Return the absolute error to be expected of each score, in label units [n].

        What was not known shrinks as the posterior does, and the correction itself may be wrong: many labels
        of inactive compounds lie exactly on a bound that the score had right.

        Args:
            before: the same before the measurements [n].
            quantile: of error over difficulty that intervals of 80 % are made with, or one for each.
        """
        hard = np.asarray(before, dtype=np.float64) * self.narrowing
        found: Floats = self.inflation * np.hypot(hard, self.moved / np.asarray(quantile, dtype=np.float64))
        return found


@dataclass(frozen=True, eq=False)
class Adaptation:
    """The correction that measurements give, and the measurements.

    Attributes:
        prior: what was known before; its profiles are those of the landmarks that the target keeps.
        anchors: presence bits of the anchors' fingerprints, uint8 [z, w].
        radius: of those fingerprints.
        whitening: W with W Wᵀ the inverse of the anchors' likeness [z, z].
        weights: posterior of the weights, offset and slope first, then profile, then structure.
        expected: what the other compounds say of the label of each measured one, less its score, in label
            units; one for each measurement [n].
        left_out: log density of what was measured of that compound given the others, likewise [n].
        before: scores of the measured compounds without what was measured, in label units [n].
        choice: what leaving one compound out at a time speaks for: the posterior, half of it, or none.
        densities: log density of the compounds, each told by the others, over their number, for each choice.
        measurements: all that were seen, in their order.
    """

    prior: ResidualPrior
    anchors: UInt8[np.ndarray, "z w"]
    radius: int
    whitening: Float[np.ndarray, "z z"]
    weights: LinearPosterior
    expected: Floats
    left_out: Floats
    before: Floats
    choice: Choice
    densities: Mapping[str, float]
    measurements: tuple[Measurement, ...]

    def similarity(self, smiles: Sequence[str]) -> Float[np.ndarray, "n z"]:
        """Return the Tanimoto similarity of standardised SMILES to the anchors."""
        counts = morgan_counts(smiles, radius=self.radius, width=self.anchors.shape[1])
        return tanimoto(counts, self.anchors)

    def corrected(
        self,
        scores: npt.ArrayLike,
        near: npt.NDArray[np.floating] | None,
        to_anchors: npt.NDArray[np.floating],
    ) -> Corrected:
        """Return scores with what was measured.

        Args:
            scores: before, in label units [n].
            near: Tanimoto similarity to the landmarks [n, j]; None where the target has none.
            to_anchors: likewise to the anchors [n, z].
        """
        profiles = _profiles(self.prior, near, len(to_anchors))
        return self.corrected_from(scores, profiles, to_anchors)

    def corrected_from(
        self, scores: npt.ArrayLike, profiles: Floats, to_anchors: npt.NDArray[np.floating]
    ) -> Corrected:
        """Return what `corrected` returns, from profiles that are at hand [n, r]."""
        values = np.asarray(scores, dtype=np.float64)
        columns, rest = self.columns(values, profiles, to_anchors)
        mean, variance = self.weights.at(columns)
        noise = self.prior.noise(values)
        before = np.square(columns).sum(axis=1) + rest + noise
        share = self.share
        narrowing = _narrowing(share, variance + rest + noise, before)
        inflation = self.prior.inflation if share > 0 else 1.0
        return Corrected(values + share * mean, narrowing, share * mean, inflation)

    @property
    def share(self) -> float:
        """How much of the posterior counts, in [0, 1]; the rest is the prior."""
        return _SHARES[self.choice]

    def columns(
        self, scores: npt.ArrayLike, profiles: Floats, to_anchors: npt.NDArray[np.floating]
    ) -> tuple[Floats, Floats]:
        """Return the columns of the linear model [n, d], and the variance that anchors leave out [n].

        Args:
            scores: before, in label units [n].
            profiles: ψ of the compounds [n, r].
            to_anchors: Tanimoto similarity to the anchors [n, z].
        """
        values = np.asarray(scores, dtype=np.float64)
        return _columns(self.prior, values, profiles, to_anchors, self.whitening)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors and JSON header from which `from_state` rebuilds it, but for the prior."""
        tensors = {
            "anchors": torch.from_numpy(np.packbits(self.anchors > 0, axis=1)),
            "before": torch.from_numpy(self.before.copy()),
            "whitening": torch.from_numpy(self.whitening).float(),
            "mean": torch.from_numpy(self.weights.mean.copy()),
            "root": torch.from_numpy(self.weights.root).float(),
            "expected": torch.from_numpy(self.expected.copy()),
            "left_out": torch.from_numpy(self.left_out.copy()),
        }
        header = {
            "radius": self.radius,
            "width": self.anchors.shape[1],
            "choice": self.choice,
            "densities": dict(self.densities),
            "measurements": [dataclasses.asdict(one) for one in self.measurements],
        }
        return tensors, header

    @classmethod
    def from_state(
        cls, tensors: Mapping[str, Tensor], header: Mapping[str, Any], prior: ResidualPrior
    ) -> Self:
        """Return the adaptation that `state` described."""
        width, choice = int(header["width"]), header["choice"]
        if choice not in _SHARES:
            raise ValueError(f"an adaptation chooses {', '.join(_SHARES)}, not {choice!r}")
        mean, root, expected, left_out = (
            tensors[name].double().numpy() for name in ("mean", "root", "expected", "left_out")
        )
        return cls(
            prior=prior,
            anchors=np.unpackbits(tensors["anchors"].numpy(), axis=1, count=width),
            radius=int(header["radius"]),
            whitening=tensors["whitening"].double().numpy(),
            weights=LinearPosterior(mean, root),
            expected=expected,
            left_out=left_out,
            before=tensors["before"].numpy(),
            choice=choice,
            densities=header["densities"],
            measurements=tuple(Measurement(**one) for one in header["measurements"]),
        )


def fit_adaptation(
    prior: ResidualPrior,
    measurements: Sequence[Measurement],
    scores: npt.ArrayLike,
    near: npt.NDArray[np.floating] | None,
    counts: npt.NDArray[np.uint8],
    radius: int,
    *,
    profiles: Floats | None = None,
    most_anchors: int = ANCHORS,
) -> Adaptation:
    """Return the correction that measurements give, in closed form.

    Args:
        prior: what is known before.
        measurements: one at least; those with the same SMILES are of one compound.
        scores: of the measured compounds before, in label units [n].
        near: Tanimoto similarity of them to the landmarks [n, j]; None where the target has none.
        counts: Morgan counts of them, uint8 [n, w].
        radius: of those.
        profiles: ψ of them where that is at hand [n, r]; ``near`` plays no part then.
        most_anchors: that the part by structure may be written over.
    """
    before, rows = np.asarray(scores, dtype=np.float64), pooled(measurements)
    own = before[rows.first]
    if profiles is None:
        near = None if near is None else near[rows.first]
        psi = _profiles(prior, near, len(own))
    else:
        psi = profiles[rows.first]
    bits = (counts[rows.first] > 0).astype(np.uint8)
    anchors, whitening = _anchored(prior, bits, most_anchors)
    columns, rest = _columns(prior, own, psi, tanimoto(bits, anchors), whitening)
    noise, lower, upper = prior.noise(own) + rest, rows.lower - own, rows.upper - own
    doubted = noise + (prior.caution - 1) * prior.noise(own)
    weights, told = fit_linear(columns, lower, upper, doubted)
    told = dataclasses.replace(told, variance=told.variance - doubted + noise)
    weights = dataclasses.replace(weights, root=_kept(weights.root))
    each = _told(np.square(columns).sum(axis=1) + noise, told)
    densities: dict[str, float] = {
        name: joint_log_density(found.mean, found.variance, lower, upper) / len(own)
        for name, found in each.items()
    }
    best = max(_SHARES, key=lambda name: densities[name])
    is_clear = len(own) * (densities[best] - densities["posterior"]) > _EVIDENCE
    return Adaptation(
        prior=prior,
        anchors=anchors,
        radius=radius,
        whitening=whitening,
        weights=weights,
        expected=told.mean[rows.of],
        left_out=log_densities(told.mean, told.variance, lower, upper)[rows.of],
        before=before,
        choice=best if is_clear else "posterior",
        densities=densities,
        measurements=tuple(measurements),
    )


def _profiles(prior: ResidualPrior, near: npt.NDArray[np.floating] | None, rows: int) -> Floats:
    width = prior.profiles.shape[1]
    if near is None or not width:
        return np.zeros((rows, width))
    return smoothed_profiles(near, prior.profiles)


def _columns(
    prior: ResidualPrior,
    scores: Floats,
    profiles: Floats,
    to_anchors: npt.NDArray[np.floating],
    whitening: Floats,
) -> tuple[Floats, Floats]:
    """The columns of the linear model, and the variance of what the anchors leave out of each row."""
    _, own = prior.sizes(scores)
    structure = prior.likeness(to_anchors) @ whitening
    rest = np.maximum(prior.covariance.structure - np.square(structure).sum(axis=1), 0.0)
    columns = np.concatenate([prior.shared_columns(scores, profiles), own[:, None] * structure], axis=1)
    return columns, own**2 * rest


def _anchored(
    prior: ResidualPrior, bits: npt.NDArray[np.uint8], most: int
) -> tuple[npt.NDArray[np.uint8], Floats]:
    """The different fingerprints, or as many as are allowed, each the one least like those before.

    Source: Fine and Scheinberg, "Efficient SVM training using low-rank kernel representations", JMLR 2001
    (pivoted Cholesky).
    """
    different = np.unique(bits, axis=0)
    if prior.covariance.structure <= 0 or not len(different):
        return different[:0], np.zeros((0, 0))
    if len(different) > most:
        different = different[_pivots(prior, different, most)]
    kernel = prior.likeness(tanimoto(different, different))
    kernel.flat[:: len(kernel) + 1] += _JITTER * prior.covariance.structure
    lower = linalg.cholesky(kernel, lower=True)
    return different, _kept(linalg.solve_triangular(lower, np.eye(len(lower)), lower=True).T)


def _kept(matrix: Floats) -> Floats:
    """The digits of a matrix that a file keeps, so that a loaded adaptation is the one that was saved."""
    return matrix.astype(np.float32).astype(np.float64)


def _pivots(prior: ResidualPrior, bits: npt.NDArray[np.uint8], most: int) -> npt.NDArray[np.int64]:
    left = np.full(len(bits), prior.covariance.structure)
    rows, chosen = np.zeros((most, len(bits))), []
    for step in range(most):
        pivot = int(left.argmax())
        row = prior.likeness(tanimoto(bits[pivot : pivot + 1], bits))[0]
        row -= rows[:step].T @ rows[:step, pivot]
        rows[step] = row / np.sqrt(max(left[pivot], _JITTER * prior.covariance.structure))
        left = np.maximum(left - rows[step] ** 2, 0.0)
        chosen.append(pivot)
        left[chosen] = -1.0  # none is chosen again
    return np.sort(np.array(chosen))


def _told(total: Floats, told: LeftOut) -> dict[Choice, LeftOut]:
    """What the other compounds say of each, under what each choice makes of them.

    Args:
        total: variance of the residual of each before anything was measured, noise with it [c].
        told: what the others say of it.
    """
    found: dict[Choice, LeftOut] = {}
    for choice, share in _SHARES.items():
        narrowing = _narrowing(share, told.variance, total)
        found[choice] = LeftOut(share * told.mean, total * narrowing**2)
    return found


def _narrowing(share: float, after: Floats, before: Floats) -> Floats:
    """The standard deviation where so much of the posterior counts, over that of the prior."""
    found: Floats = 1 + share * (np.sqrt(np.minimum(after / before, 1.0)) - 1)
    return found
