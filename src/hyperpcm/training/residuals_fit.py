"""Learns what measurements on a new target start from: how the residuals of a target go together.

Profiles come from training rows, each as it looks while its own labels are hidden. The weights of the parts
of the covariance maximise the marginal likelihood of the residuals of the validation side, target by target,
times a wide prior around usual shares of the residual variance, which matters where targets are few; so do
the powers. A label that is a bound counts as a value where it lies.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse.linalg import ArpackError
from torch import Tensor

from hyperpcm.adaptation.marginal_likelihood import fit_variances
from hyperpcm.chem import tanimoto
from hyperpcm.errors import LabelError
from hyperpcm.model import HyperPCM
from hyperpcm.model.compiling import collapse_labels
from hyperpcm.nn.label_memory import LabelMemory
from hyperpcm.target_model import Covariance, ResidualPrior
from hyperpcm.target_model.residual_prior import smoothed_profiles
from hyperpcm.training.encoded import EncodedData, Progress
from hyperpcm.training.factor_analysis import column_factors
from hyperpcm.training.residual_scale import residual_scale
from hyperpcm.training.target_rows import rows_by_target

__all__ = ["fit_residual_prior"]

Floats = npt.NDArray[np.float64]

_RANKS: Final = (4, 8, 16)
_LARGE: Final = 100_000  # labels; of more, the largest rank is not tried
_LEAST_ROWS: Final = 4
_LEAST_PART: Final = 1e-3  # of the residual variance: a part of less is left out
_LEAST_SPREAD: Final = 1e-6  # of scores, relative to them: of less, single precision tells nothing
_PARTS: Final = 4  # offset, slope, structure, profile; those of `Covariance` before the noise
_USUAL: Final = (0.1, 0.05, 0.2, 0.5, 0.4)  # shares of the parts and of the noise
_WIDTH: Final = 1.5  # standard deviation of their logarithms
_POWERS: Final = ((0.0, 0.0), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0))  # of u and v
_EXPONENTS: Final = (1.0, 2.0, 4.0)
_CAUTION: Final = (
    3.0  # chosen on validation targets of Davis, KIBA and ChEMBL 20; their test sides played no part
)
_ANY: Final = Covariance(1.0, 1.0, 1.0, 1.0, 1.0)  # in the place of weights that are not fitted yet


def fit_residual_prior(
    model: HyperPCM,
    data: EncodedData,
    valid: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    seed: int,
    progress: Progress | None = None,
) -> None:
    """Set ``model.residual_prior``; say in the model's card why not.

    Args:
        model: trained; changed in place.
        data: with what training rows find while their own labels are hidden.
        valid: validation rows, int64 [n].
        scores: of those rows, in label units, float32 [n].
        seed: of the rows that are drawn.
        progress: called before and after.
    """
    if model.quantity.kind == "binary":
        model.card["no_adaptation"] = "labels are classes; adaptation is for measured values."
        return
    if progress is not None:
        progress("residuals", 0, 1)
    try:
        model.residual_prior = _fitted(model, data, valid, scores, seed)
    except LabelError as error:
        model.card["no_adaptation"] = str(error)
    except (np.linalg.LinAlgError, ArpackError, torch.linalg.LinAlgError) as error:  # type: ignore[attr-defined]
        model.card["no_adaptation"] = f"how its residuals go together cannot be computed: {error}."
    if progress is not None:
        progress("residuals", 1, 1)


def _fitted(
    model: HyperPCM,
    data: EncodedData,
    valid: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    seed: int,
) -> ResidualPrior:
    targets_of_rows = data.target_index[valid]
    groups = rows_by_target(targets_of_rows, np.random.default_rng([seed, 23]), least=_LEAST_ROWS)
    if not groups:
        raise LabelError(
            f"no validation target has {_LEAST_ROWS} measured compounds, which are needed to learn how "
            "residuals go together."
        )
    residuals = data.labels.numpy()[valid].astype(np.float64) - scores
    total = float(np.square(residuals).mean())
    centre, spread = float(scores.mean(dtype=np.float64)), float(scores.std(dtype=np.float64))
    if not total > 0 or spread <= _LEAST_SPREAD * max(1.0, abs(centre)):
        raise LabelError(
            "all validation residuals, or all scores, are equal: there is nothing to learn from."
        )
    nothing = np.zeros((len(model.landmark_compounds), 0), dtype=np.float32)
    memory = None if model.retrieval is None else model.label_memory()
    hidden = _hidden_rows(model, data)
    bare = ResidualPrior(_ANY, centre, spread, nothing, caution=_CAUTION)
    if hidden is not None:
        knots, scales = residual_scale(*hidden)
        bare = replace(bare, knots=knots, scales=scales)
    targets = [_Target(model, data, valid[own], scores[own], residuals[own], memory) for own in groups]
    tried = [replace(bare, powers=powers) for powers in (_POWERS if len(bare.knots) else _POWERS[:1])]
    best, _ = _likeliest(targets, tried, total)
    tried = [replace(best, exponent=exponent) for exponent in _EXPONENTS]
    best, weighed = _likeliest(targets, tried, total)
    if hidden is not None:
        tables = _profile_tables(model, data, *hidden, best, seed)
        with_profiles = [replace(best, profiles=profiles) for profiles in tables]
        found, likelier = _likeliest(targets, with_profiles, total) if tables else (best, np.inf)
        if likelier < weighed and found.covariance.profile > 0:
            best, weighed = found, likelier
    learned = {
        "targets": len(groups),
        "rows": int(sum(map(len, groups))),
        "residual_variance": total,
        "log_posterior": -weighed / sum(map(len, groups)),
        "factors": best.profiles.shape[1],
        "powers": list(best.powers),
        "exponent": best.exponent,
        "covariance": asdict(best.covariance),
    }
    return replace(best, learned=learned)


def _likeliest(
    targets: list[_Target], tried: list[ResidualPrior], total: float
) -> tuple[ResidualPrior, float]:
    """The prior under which the residuals are likeliest, with its weights, and the value of that."""
    found = []
    for prior in tried:
        value, weights = _weights(targets, prior, total)
        found.append((value, replace(prior, covariance=weights)))
    value, best = min(found, key=lambda one: one[0])
    return best, value


def _hidden_rows(model: HyperPCM, data: EncodedData) -> tuple[Floats, Floats] | None:
    """Scores and residuals of the training rows, their own labels hidden; None where nothing is retrieved."""
    if data.prior is None:
        return None
    rows, scale = torch.from_numpy(data.learned.copy()), model.label_scale
    expected = scale.to_labels(scale.prior(data.prior[rows])).double().numpy()
    return expected, data.labels[rows].double().numpy() - expected


def _profile_tables(
    model: HyperPCM,
    data: EncodedData,
    expected: Floats,
    residuals: Floats,
    prior: ResidualPrior,
    seed: int,
) -> list[npt.NDArray[np.float32]]:
    """The profiles of all landmarks with each number of factors."""
    rows = data.learned
    # between residuals as they are and residuals of equal size, whichever score they belong to
    residuals = residuals / np.sqrt(prior.sizes(expected)[1])
    targets, compounds = data.memory_row[data.target_index[rows]], data.landmark_of[data.compound_index[rows]]
    number = len(model.landmark_compounds)
    shared = np.bincount(compounds, minlength=number) > 1  # measured once, a compound goes with no other
    own = shared[compounds]
    kept = np.flatnonzero(shared)
    shape = (len(model.memory_sequences), len(kept))
    tables = []
    for factors in _RANKS:
        if factors >= min(shape) or (factors == _RANKS[-1] and len(rows) > _LARGE):
            continue
        places = np.searchsorted(kept, compounds[own])
        table = np.zeros((number, factors), dtype=np.float32)
        table[kept] = column_factors(residuals[own], targets[own], places, shape, factors, seed=seed)
        tables.append(table)
    return tables


class _Target:
    """The residuals of some compounds of one target, and the parts of their covariance."""

    def __init__(
        self,
        model: HyperPCM,
        data: EncodedData,
        rows: npt.NDArray[np.int64],
        scores: npt.NDArray[np.float32],
        residuals: Floats,
        memory: LabelMemory | None,
    ) -> None:
        compounds = data.compound_index[rows]
        counts = data.counts[compounds]
        self.scores, self._residuals = scores, residuals
        self._tanimoto = tanimoto(counts, counts).astype(np.float64)
        self.kept, self.near = np.zeros(0, dtype=np.int64), np.zeros((len(rows), 0), dtype=np.float32)
        if memory is not None and data.similarity is not None:
            target = int(data.target_index[rows[0]])
            similarity = data.similarity[target : target + 1]
            with torch.no_grad():
                _, self.kept = collapse_labels(model, memory, similarity)
            self.near = data.similarity_to(self.kept, compounds)

    def parts(self, prior: ResidualPrior) -> Tensor:
        """The parts of the covariance, float64 [p, n, n], in units of the noise of each row."""
        shared, own = prior.sizes(self.scores)
        own = own / shared
        z = prior.standardised(self.scores)
        likeness = np.outer(own, own) * self._tanimoto**prior.exponent
        found = [np.ones_like(likeness), np.outer(z, z), likeness]
        if prior.profiles.shape[1]:
            psi = own[:, None] * smoothed_profiles(self.near, prior.profiles[self.kept])
            found.append(psi @ psi.T)
        return torch.from_numpy(np.stack(found))

    def residuals(self, prior: ResidualPrior) -> Tensor:
        """The residuals, float64 [n], in the same units."""
        return torch.from_numpy(self._residuals / prior.sizes(self.scores)[0])

    def log_units(self, prior: ResidualPrior) -> float:
        """The logarithm of what residuals were divided by, summed over rows."""
        return float(np.log(prior.sizes(self.scores)[0]).sum())


def _weights(targets: list[_Target], prior: ResidualPrior, total: float) -> tuple[float, Covariance]:
    """The negative log posterior density at its least, and the weights there."""
    parts = [target.parts(prior) for target in targets]
    number = len(parts[0])
    usual = (*_USUAL[:number], _USUAL[-1])
    residuals = [target.residuals(prior) for target in targets]
    value, shares = fit_variances(parts, residuals, total, usual, width=_WIDTH)
    sizes = [float(np.mean([own[part].diagonal().mean() for own in parts])) for part in range(number)]
    kept = [
        float(share * total) if share * size >= _LEAST_PART else 0.0
        for share, size in zip(shares[:-1], sizes, strict=True)
    ]
    offset, slope, structure, profile = *kept, *[0.0] * (_PARTS - number)
    noise = float(shares[-1] * total)
    value += sum(target.log_units(prior) for target in targets)
    return value, Covariance(offset, slope, structure, profile, noise)
