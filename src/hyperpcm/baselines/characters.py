"""A linear model of the characters of a SMILES: what the mere spelling of a compound gives away."""

from __future__ import annotations

from typing import Any, ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.baselines.base import Baseline, BaselineInputs, Rows, squared_error

__all__ = ["RawString"]

_COLUMNS: Final = 1 << 18
_STRENGTHS: Final = (1e-6, 1e-5, 1e-4)
_PASSES: Final = 5  # over the training rows
_BLOCK: Final = 65_536  # rows scored at a time


@final
class RawString(Baseline):
    """Linear regression (logistic for classes) on n-grams of characters of the SMILES *as published*.

    It sees no protein and no chemistry: runs of one to four characters, hashed to 262,144 columns, each
    compound's vector of unit length. Where a source writes actives and inactives in different dialects of
    SMILES, as DUD-E does, this row shows what a model that reads raw strings can learn from the dialect
    alone. Only for such sources are published strings known (see `datasets.published_texts`); elsewhere it
    reads the standardised SMILES.

    Fitted by stochastic gradient descent, five passes; the L2 penalty is chosen among 1e-6, 1e-5 and 1e-4 by
    the squared error on the validation rows. A fold of DUD-E with 240,000 compounds costs about a minute and
    1.5 GB on one core.
    """

    name: ClassVar[str] = "raw_string"

    def _fit(self, inputs: BaselineInputs, train: Rows, valid: Rows, seed: int) -> None:
        from hyperpcm.datasets.published_texts import published_smiles

        table = inputs.interactions
        labels = table.point()[valid].astype(np.float64)
        self._characters = _characters(published_smiles(table))
        self.errors: dict[float, float] = {}
        models = self._fitted(inputs, train, _STRENGTHS, seed)
        for strength, model in models.items():
            self.errors[strength] = squared_error(labels, self._scores(model, table.compound_index[valid]))
        self.strength = min(self.errors, key=self.errors.__getitem__, default=_STRENGTHS[0])
        self._model = models.get(self.strength)

    def _refit(self, inputs: BaselineInputs, rows: Rows, seed: int) -> None:
        self._model = self._fitted(inputs, rows, (self.strength,), seed).get(self.strength)

    def _fitted(
        self, inputs: BaselineInputs, rows: Rows, strengths: tuple[float, ...], seed: int
    ) -> dict[float, Any]:
        """A model for each penalty; none where all labels are the same."""
        table = inputs.interactions
        labels = table.point()[rows].astype(np.float64)
        binary = table.quantity.kind == "binary"
        constant = bool((labels == labels[0]).all())
        self._centre = float(labels.mean()) if constant or not binary else 0.0
        self._spread = 1.0 if constant or binary else float(labels.std())
        if constant:
            return {}
        features = self._characters[table.compound_index[rows]]
        wanted = labels if binary else (labels - self._centre) / self._spread
        return {
            strength: _linear_model(binary, strength, seed).fit(features, wanted) for strength in strengths
        }

    def _predict(self, inputs: BaselineInputs, rows: Rows) -> npt.NDArray[np.floating]:
        if self._model is None:
            return np.full(len(rows), self._centre)
        return self._scores(self._model, inputs.interactions.compound_index[rows])

    def _scores(self, model: Any, compounds: npt.NDArray[np.int64]) -> npt.NDArray[np.floating]:
        different, place = np.unique(compounds, return_inverse=True)
        blocks = []
        for start in range(0, len(different), _BLOCK):
            features = self._characters[different[start : start + _BLOCK]]
            if hasattr(model, "predict_proba"):
                blocks.append(model.predict_proba(features)[:, 1])
            else:
                blocks.append(self._centre + self._spread * model.predict(features))
        scores: npt.NDArray[np.floating] = np.concatenate(blocks)[place]
        return scores


def _characters(smiles: tuple[str, ...]) -> Any:
    """Hashed counts of character n-grams, rows of unit length: sparse float32 [n_compounds, columns]."""
    from sklearn.feature_extraction.text import HashingVectorizer

    hashing = HashingVectorizer(
        analyzer="char",
        ngram_range=(1, 4),
        lowercase=False,
        n_features=_COLUMNS,
        alternate_sign=False,
        dtype=np.float32,
    )
    return hashing.transform(smiles)


def _linear_model(binary: bool, strength: float, seed: int) -> Any:
    from sklearn.linear_model import SGDClassifier, SGDRegressor

    # tol=None: a fixed number of passes, so that equal data give equal work and no stopping rule decides.
    settings: dict[str, Any] = {"alpha": strength, "max_iter": _PASSES, "tol": None, "random_state": seed}
    if binary:
        return SGDClassifier(loss="log_loss", **settings)
    return SGDRegressor(loss="squared_error", **settings)
