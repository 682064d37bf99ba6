"""The product's own adapter: what a compiled target gives after adapt, with the gate and without."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hyperpcm.adaptation import Posterior
from hyperpcm.errors import ConfigError
from hyperpcm.target_model.adaptation import Measurement
from small_models import PLAIN, made_model
from small_views import COMPOUNDS, learned_model, model_task, views_of


@pytest.mark.parametrize("settings", [None, PLAIN], ids=["retrieves labels", "retrieves none"])
def test_scores_are_those_of_the_adapted_target(settings):
    model = learned_model(settings)
    views = views_of(model)
    for target in (0, 1):
        task = model_task(views, target)
        compiled = model.compile_target(views(target).compiled.sequence, exact=True)
        adapted = compiled.adapt(
            [
                Measurement(COMPOUNDS[place], float(value))
                for place, value in zip(task.support, task.labels, strict=True)
            ]
        )
        wanted = adapted.score([COMPOUNDS[place] for place in task.query]).values
        found = Posterior(views).scores(task, seed=0)
        np.testing.assert_allclose(found, wanted, rtol=1e-5)
        assert np.abs(found - task.zero_shot_query).max() > 0.01


def test_nothing_measured_gives_the_zero_shot_scores():
    views = views_of(learned_model())
    for gated in (True, False):
        task = model_task(views).first(0)
        np.testing.assert_array_equal(
            Posterior(views, gated=gated).scores(task, seed=0), task.zero_shot_query
        )


def test_the_gate_leaves_scores_alone_where_measurements_contradict_the_prior_and_without_it_they_move():
    """A prior that is sure of one common offset, and residuals of both signs."""
    model = learned_model()
    prior = model.residual_prior
    large = dataclasses.replace(prior.covariance, offset=9.0, slope=0, structure=0, profile=0, noise=0.05)
    model.residual_prior = dataclasses.replace(prior, covariance=large)
    views = views_of(model)
    task = model_task(views, k=11)
    jagged = task.zero_shot_support + 6 * np.where(np.arange(11) % 2, 1, -1).astype(np.float32)
    task = dataclasses.replace(task, labels=jagged.astype(np.float32))
    gated, ungated = (Posterior(views, gated=gate) for gate in (True, False))
    assert (gated.name, ungated.name) == ("posterior", "posterior_ungated")
    assert np.abs(ungated.scores(task, seed=0) - task.zero_shot_query).min() > 0.1
    np.testing.assert_allclose(gated.scores(task, seed=0), task.zero_shot_query, rtol=1e-6)


def test_a_model_that_learned_nothing_of_its_residuals_is_refused_with_the_reason():
    model = made_model()
    model.card["no_adaptation"] = "3 validation targets are too few."
    with pytest.raises(ConfigError, match="3 validation targets are too few"):
        Posterior(views_of(model))
