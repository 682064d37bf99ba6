"""What is known of the errors of a target's model before anything was measured on it.

The label of a compound is the score of the model, plus a residual, plus noise. Residuals of one target are a
Gaussian process over compounds; its covariance was learned from other targets while their labels were hidden,

    k(c, d) = u(c) u(d) [s_o + s_b z(c) z(d)] + v(c) v(d) [s_t tanimoto(c, d)^a + s_p ψ(c)ᵀψ(d)],

offset of the assay, slope of the assay over the standardised score z, likeness of structures, and profile:
ψ(c) says on which known targets the compound was stronger or weaker than the model said, as the factors of a
factor analysis of their residuals. Compounds that erred together elsewhere err together here.
u and v are powers of how far scores as high are off: compounds whose scores are right as a rule, such as the
inactive ones, hardly move.

Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, section 2.7 (explicit basis
functions); Tipping and Bishop, "Probabilistic principal component analysis", J. R. Stat. Soc. B 1999.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Float32, Int, UInt8
from torch import Tensor

from hyperpcm.chem import ComparedTable

__all__ = [
    "Covariance",
    "ResidualPrior",
    "averaged_profiles",
    "profile_weights",
    "read_profiles",
    "smoothed_profiles",
]

_Array = TypeVar("_Array", npt.NDArray[np.float64], Tensor)

Floats = npt.NDArray[np.float64]

_SHARPNESS: Final = 8  # power of the Tanimoto similarity that a profile is read from landmarks with
_SIMILARITIES: Final = 8_000_000  # held at once, 64 MB in double precision
_NOTHING: Final = 0.2  # weight of "no profile" beside that of the landmarks; that of the compound itself is 1


@dataclass(frozen=True)
class Covariance:
    """The weights of the parts of the covariance, in squared label units.

    Attributes:
        offset: s_o, variance of the offset of a target.
        slope: s_b, variance of its slope over standardised scores.
        structure: s_t, variance of what similar compounds share.
        profile: s_p, scale of what compounds share that erred together on known targets; a factor.
        noise: variance of what no compound shares, the noise of the assay with it.
    """

    offset: float
    slope: float
    structure: float
    profile: float
    noise: float


def smoothed_profiles(near: npt.NDArray[np.floating], profiles: npt.NDArray[np.floating]) -> Floats:
    """Return ψ of compounds, float64 [n, r], read from those of the landmarks.

    Σ_j w_j ψ_j / (Σ_j w_j + 0.2) with w_j = tanimoto^8: a landmark has nearly its own, and a compound unlike
    all of them none.

    Args:
        near: Tanimoto similarity to the landmarks [n, j].
        profiles: of the landmarks [j, r].
    """
    return averaged_profiles(profile_weights(np.asarray(near, dtype=np.float64)), profiles)


def read_profiles(
    bits: UInt8[np.ndarray, "n w"], known: UInt8[np.ndarray, "j w"], profiles: npt.NDArray[np.floating]
) -> Float32[np.ndarray, "n r"]:
    """Return ψ of compounds as `smoothed_profiles`, from fingerprints; some compounds at a time.

    Args:
        bits: fingerprints of the compounds.
        known: of the landmarks.
        profiles: of the landmarks [j, r].
    """
    found = np.zeros((len(bits), profiles.shape[1]), dtype=np.float32)
    rows = max(1, _SIMILARITIES // max(1, len(known)))
    compared = ComparedTable(known)
    for start in range(0, len(bits), rows):
        near = compared.tanimoto(bits[start : start + rows])
        found[start : start + rows] = smoothed_profiles(near, profiles)
    return found


def profile_weights(similarity: _Array) -> _Array:
    """Return the weights that profiles of landmarks have, from Tanimoto similarities."""
    weights: _Array = similarity**_SHARPNESS
    return weights


def averaged_profiles(weights: Floats, profiles: npt.NDArray[np.floating]) -> Floats:
    """Return ψ of compounds, float64 [n, r], from the weights of the landmarks [n, j]."""
    found: Floats = (weights @ profiles) / (weights.sum(axis=1, keepdims=True) + _NOTHING)
    return found


@dataclass(frozen=True, eq=False)
class ResidualPrior:
    """The learned covariance of a target's residuals, and the profiles of its landmarks.

    Attributes:
        covariance: weights of its parts.
        centre: mean of the scores that it was learned on, in label units.
        spread: their standard deviation.
        profiles: ψ of the landmark compounds, float32 [j, r]; r = 0 where there are none.
        exponent: a, of the Tanimoto similarity.
        caution: what measurements say counts as if their noise were so many times as large, 1 or more.
        knots: scores, ascending, float64 [k], as single precision has them; of size 0 where errors do not go
            by score.
        scales: mean absolute error at each of them over that of all, float64 [k].
        powers: of that which u and v are.
        inflation: of intervals after adaptation, that they hold on targets that were held out.
        learned: what it was learned from (JSON values).
    """

    covariance: Covariance
    centre: float
    spread: float
    profiles: Float[np.ndarray, "j r"]
    exponent: float = 2.0
    caution: float = 1.0
    knots: Float[np.ndarray, "k"] = field(default_factory=lambda: np.zeros(0))
    scales: Float[np.ndarray, "k"] = field(default_factory=lambda: np.zeros(0))
    powers: tuple[float, float] = (0.0, 0.0)
    inflation: float = 1.0
    learned: Mapping[str, Any] = field(default_factory=dict)

    def standardised(self, scores: npt.ArrayLike) -> Floats:
        """Return z, the scores as the slope reads them."""
        return (np.asarray(scores, dtype=np.float64) - self.centre) / self.spread

    def sizes(self, scores: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return u and v of compounds with these scores [n]."""
        values = np.asarray(scores, dtype=np.float64)
        if not len(self.knots):
            return np.ones(len(values)), np.ones(len(values))
        scale = np.interp(values, self.knots, self.scales)
        return scale ** self.powers[0], scale ** self.powers[1]

    def noise(self, scores: npt.ArrayLike) -> Floats:
        """Return the variance of the noise of each label [n], in squared label units."""
        shared, _ = self.sizes(scores)
        return self.covariance.noise * shared**2

    def shared_columns(self, scores: npt.ArrayLike, profiles: Floats) -> Floats:
        """Return the columns of offset, slope and profile, whose products are their parts of the covariance.

        Args:
            scores: of the compounds, in label units [n].
            profiles: ψ of them [n, r].

        Returns:
            float64 [n, 2 + r].
        """
        weights, z = self.covariance, self.standardised(scores)
        shared, own = self.sizes(scores)
        return np.column_stack(
            [
                np.sqrt(weights.offset) * shared,
                np.sqrt(weights.slope) * shared * z,
                np.sqrt(weights.profile) * own[:, None] * profiles,
            ]
        )

    def likeness(self, tanimoto: npt.ArrayLike) -> Floats:
        """Return the part of the covariance that goes by structure, for v = 1."""
        similarity = np.asarray(tanimoto, dtype=np.float64)
        found: Floats = self.covariance.structure * similarity**self.exponent
        return found

    def only(self, kept: Int[Tensor, "k"]) -> ResidualPrior:
        """Return the prior over some landmarks.

        Args:
            kept: their positions, ascending.
        """
        return dataclasses.replace(self, profiles=self.profiles[kept.numpy()])

    def over(
        self, places: npt.NDArray[np.int64], bits: UInt8[np.ndarray, "m w"], known: UInt8[np.ndarray, "j w"]
    ) -> ResidualPrior:
        """Return the prior over other landmarks: those that were there keep their profiles.

        The others read theirs from those that were there, as any compound does. How they err was not
        learned; with no profile they would count as landmarks that err with nothing, and hide the profiles of
        those like them.

        Args:
            places: of the other landmarks among those that were there, −1 where one was not [n].
            bits: fingerprints of those that were not there, in their order.
            known: fingerprints of those that were there.
        """
        found = np.zeros((len(places), self.profiles.shape[1]), dtype=np.float32)
        found[places >= 0] = self.profiles[places[places >= 0]]
        if self.profiles.shape[1]:
            found[places < 0] = read_profiles(bits, known, self.profiles)
        return dataclasses.replace(self, profiles=found)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors and JSON header from which `from_state` rebuilds it."""
        header = {
            "covariance": dataclasses.asdict(self.covariance),
            "centre": self.centre,
            "spread": self.spread,
            "exponent": self.exponent,
            "caution": self.caution,
            "inflation": self.inflation,
            "powers": list(self.powers),
            "learned": dict(self.learned),
        }
        arrays = {"profiles": self.profiles, "knots": self.knots, "scales": self.scales}
        return {name: torch.from_numpy(array.astype(np.float32)) for name, array in arrays.items()}, header

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> Self:
        """Return the prior that `state` described."""
        return cls(
            covariance=Covariance(**{name: float(x) for name, x in header["covariance"].items()}),
            centre=float(header["centre"]),
            spread=float(header["spread"]),
            profiles=tensors["profiles"].numpy(),
            exponent=float(header["exponent"]),
            caution=float(header.get("caution", 1.0)),  # models of older versions have none
            knots=tensors["knots"].double().numpy(),
            scales=tensors["scales"].double().numpy(),
            powers=(float(header["powers"][0]), float(header["powers"][1])),
            inflation=float(header["inflation"]),
            learned=header["learned"],
        )
