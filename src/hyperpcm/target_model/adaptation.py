"""What measurements on a target change about its scores: a linear correction in closed form, which it keeps.

    label = score + columns(compound) · weights + noise

The columns are those of the `ResidualPrior`; the part that goes by structure is written over anchors, which
are measured compounds, so that every part is linear. With no more measured compounds than anchors that is
exact; with more it is the Nyström approximation, and what it leaves out counts as noise.

Source: Snelson and Ghahramani, "Sparse Gaussian processes using pseudo-inputs", NeurIPS 2005; Kass and
Raftery, "Bayes factors", J. Am. Stat. Assoc. 1995 (evidence of 3 is strong).
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
from hyperpcm.target_model.linear_posterior import LinearPosterior, fit_linear
from hyperpcm.target_model.residual_prior import ResidualPrior, smoothed_profiles

__all__ = ["ANCHORS", "Adaptation", "Corrected", "Measurement", "fit_adaptation"]

Floats = npt.NDArray[np.float64]
Choice = Literal["posterior", "blend", "none"]

ANCHORS: Final = 512
"""Most measured compounds that the part by structure is written over."""
_JITTER: Final = 1e-6
_OF_WEIGHTS: Final = ("mean", "root", "expected", "left_out")
_SHARES: Final[Mapping[Choice, float]] = {"posterior": 1.0, "blend": 0.5, "none": 0.0}
_EVIDENCE: Final = 3.0  # natural logarithm of the odds against the posterior at which less of it is used


@dataclass(frozen=True)
class Measurement:
    """One measured compound.

    Attributes:
        smiles: standardised.
        value: in the quantity of the model.
        relation: 0: the value; 1: what was measured lies above it; -1: below.
        source: where it comes from: a file, and what the user says of it.
    """

    smiles: str
    value: float
    relation: int = 0
    source: str = ""


@dataclass(frozen=True, eq=False)
class Corrected:
    """Scores after adaptation.

    Attributes:
        values: in label units, float64 [n].
        narrowing: standard deviation of what is not known of each label, over that before the measurements,
            in (0, 1].
        moved: by how much each score was corrected, in label units, float64 [n].
        inflation: as `ResidualPrior` has it.
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
        return np.where(self.moved == 0, hard, found)


@dataclass(frozen=True, eq=False)
class Adaptation:
    """The correction that measurements give, and the measurements.

    Attributes:
        prior: what was known before; its profiles are those of the landmarks that the target keeps.
        anchors: presence bits of the anchors' fingerprints, uint8 [z, w].
        radius: of those fingerprints.
        whitening: W with W Wᵀ the inverse of the anchors' likeness [z, z].
        weights: posterior of the weights, offset and slope first, then profile, then structure.
        before: scores of the measured compounds without what was measured, in label units [n].
        choice: what leaving one measurement out at a time speaks for: the posterior, half of it, or none.
        densities: mean log density of a measurement given the others, for each choice.
        measurements: all that were seen, in their order.
    """

    prior: ResidualPrior
    anchors: UInt8[np.ndarray, "z w"]
    radius: int
    whitening: Float[np.ndarray, "z z"]
    weights: LinearPosterior
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
        narrowing = 1 + share * (np.sqrt(np.minimum((variance + rest + noise) / before, 1.0)) - 1)
        return Corrected(values + share * mean, narrowing, share * mean, self.prior.inflation)

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
            "expected": torch.from_numpy(self.weights.expected.copy()),
            "left_out": torch.from_numpy(self.weights.left_out.copy()),
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
        weights = (tensors[name].double().numpy() for name in _OF_WEIGHTS)
        return cls(
            prior=prior,
            anchors=np.unpackbits(tensors["anchors"].numpy(), axis=1, count=width),
            radius=int(header["radius"]),
            whitening=tensors["whitening"].double().numpy(),
            weights=LinearPosterior(*weights),
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
    most_anchors: int = ANCHORS,
) -> Adaptation:
    """Return the correction that measurements give, in closed form.

    Args:
        prior: what is known before.
        measurements: one at least.
        scores: of the measured compounds before, in label units [n].
        near: Tanimoto similarity of them to the landmarks [n, j]; None where the target has none.
        counts: Morgan counts of them, uint8 [n, w].
        radius: of those.
        most_anchors: that the part by structure may be written over.
    """
    values = np.array([one.value for one in measurements], dtype=np.float64)
    relations = np.array([one.relation for one in measurements], dtype=np.int64)
    before = np.asarray(scores, dtype=np.float64)
    bits = (counts > 0).astype(np.uint8)
    anchors, whitening = _anchored(prior, bits, most_anchors)
    profiles = _profiles(prior, near, len(values))
    columns, rest = _columns(prior, before, profiles, tanimoto(bits, anchors), whitening)
    noise = prior.noise(before) + rest
    weights = fit_linear(columns, values - before, noise, relations)
    weights = dataclasses.replace(weights, root=_kept(weights.root))
    densities = _densities(columns, values - before, noise, relations, weights)
    best = max(_SHARES, key=lambda name: densities[name])
    is_clear = len(values) * (densities[best] - densities["posterior"]) > _EVIDENCE
    choice: Choice = best if is_clear else "posterior"
    return Adaptation(
        prior, anchors, radius, whitening, weights, before, choice, densities, tuple(measurements)
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
        rows[step] = row / np.sqrt(max(left[pivot], _JITTER))
        left = np.maximum(left - rows[step] ** 2, 0.0)
        chosen.append(pivot)
    return np.sort(np.array(chosen))


def _densities(
    columns: Floats,
    residuals: Floats,
    noise: Floats,
    relations: npt.NDArray[np.integer],
    weights: LinearPosterior,
) -> dict[str, float]:
    """Mean log density of each measurement given the others, for each choice."""
    from scipy.special import log_ndtr

    total = np.square(columns).sum(axis=1) + noise
    z = residuals / np.sqrt(total)
    exact = -0.5 * z**2 - 0.5 * np.log(2 * np.pi * total)
    nothing = np.where(relations == 0, exact, log_ndtr(-relations * z))
    mixed = np.logaddexp(nothing, weights.left_out) - np.log(2)
    return {
        "posterior": float(weights.left_out.mean()),
        "blend": float(mixed.mean()),
        "none": float(nothing.mean()),
    }
