"""The product's own way to learn from a few measured compounds, behind the call of the few-shot benchmark."""

from __future__ import annotations

import dataclasses
from typing import final

import numpy as np
import numpy.typing as npt

from hyperpcm.adaptation.views import TargetViews
from hyperpcm.chem import tanimoto
from hyperpcm.datasets.few_shot import FewShotTask
from hyperpcm.errors import ConfigError
from hyperpcm.target_model import Measurement
from hyperpcm.target_model.adaptation import fit_adaptation

__all__ = ["Posterior"]


@final
class Posterior:
    """Zero-shot scores and the correction in closed form of an adapted target; see `TargetModel.adapt`.

    Every label counts as a value, that of a bound too, as it does where scores are compared with labels.
    """

    uses_zero_shot = True

    def __init__(self, views: TargetViews, *, gated: bool = True) -> None:
        """Args: gated: whether measurements may speak against the correction; otherwise it is always made.

        Raises:
            ConfigError: the model learned nothing of its residuals; it says why.
        """
        if views.model.residual_prior is None:
            reason = views.model.card.get("no_adaptation", "an older version trained it.")
            raise ConfigError(f"this model cannot learn from measurements: {reason}")
        self.name = "posterior" if gated else "posterior_ungated"
        self._views, self._gated = views, gated

    def scores(self, task: FewShotTask, *, seed: int) -> npt.NDArray[np.floating]:
        """Score the query compounds: float64 [q]."""
        if len(task.support) == 0:
            return task.zero_shot_query
        view = self._views(task.target)
        prior = view.compiled.residual_prior
        if prior is None:
            raise ConfigError("a target was compiled without the residual prior of its model")
        measured, scored = view.of(task.support), view.of(task.query)
        near_measured, near_scored = (
            None if view.near is None else view.near[own] for own in (measured, scored)
        )
        values = zip((view.smiles[place] for place in measured), task.labels.tolist(), strict=True)
        measurements = [Measurement(smiles, value) for smiles, value in values]
        found = fit_adaptation(
            prior, measurements, task.zero_shot_support, near_measured, view.counts[measured], view.radius
        )
        if not self._gated:
            found = dataclasses.replace(found, choice="posterior")
        to_anchors = tanimoto(view.counts[scored], found.anchors)
        return found.corrected(task.zero_shot_query, near_scored, to_anchors).values
