"""Kernel rivals: against scikit-learn, against weights instead of a kernel, and their variances."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge

from hyperpcm.adaptation import HeadRegression, ResidualRidge
from hyperpcm.chem import tanimoto
from hyperpcm.errors import LabelError
from hyperpcm.nn.qsar import qsar_hidden
from small_tasks import task
from small_views import learned_model, model_task, views_of


def test_residual_ridge_is_kernel_ridge_on_residuals():
    one = task(k=6, q=4)
    ridge = KernelRidge(alpha=0.5 / 2.0, kernel="precomputed")
    ridge.fit(tanimoto(one.counts_support, one.counts_support), one.labels - one.zero_shot_support)
    wanted = one.zero_shot_query + ridge.predict(tanimoto(one.counts_query, one.counts_support))
    np.testing.assert_allclose(ResidualRidge(2.0, 0.5).scores(one, seed=0), wanted, rtol=1e-5)
    np.testing.assert_array_equal(ResidualRidge(2.0, 0.5).scores(one.first(0), seed=0), one.zero_shot_query)


def test_variances_of_the_ridge_follow_the_residuals_of_the_targets():
    def residuals_of(target: int, structured: bool):
        one = task(k=30, q=2, seed=target, width=12)
        generator = np.random.default_rng(target)
        covariance = 0.8 * tanimoto(one.counts_support, one.counts_support) if structured else 0.0
        drawn = generator.multivariate_normal(np.zeros(30), covariance + 0.1 * np.eye(30))
        labels = (one.zero_shot_support + drawn).astype(np.float32)
        return dataclasses.replace(one, target=target, labels=labels)

    found = ResidualRidge.fitted([residuals_of(target, True) for target in range(60)])
    assert (found.variance, found.noise) == pytest.approx((0.8, 0.1), rel=0.35)
    flat = ResidualRidge.fitted([residuals_of(target, False) for target in range(60)])
    assert flat.variance < 0.02
    assert flat.noise == pytest.approx(0.1, rel=0.1)


def test_the_head_is_bayesian_linear_regression_on_hidden_activations():
    model = learned_model()
    views = views_of(model)
    one = model_task(views)
    view = views(0)
    offset, variance, noise = 0.3, 0.7, 0.2
    activations = []
    for inputs in (
        view.inputs,
        view.inputs[: len(model.landmark_compounds)],
    ):  # landmarks come first in the table
        with torch.no_grad():
            parts = [qsar_hidden(network, inputs[None])[0] for network in view.networks]
        activations.append(torch.cat(parts, dim=1).double().numpy())
    centred = activations[0] - activations[1].mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    columns = np.column_stack([np.full(len(unit), np.sqrt(offset)), np.sqrt(variance) * unit])
    known, asked = columns[view.of(one.support)], columns[view.of(one.query)]
    residuals = one.labels.astype(np.float64) - one.zero_shot_support
    weights = np.linalg.solve(known.T @ known / noise + np.eye(known.shape[1]), known.T @ residuals / noise)
    found = HeadRegression(views, offset, variance, noise).scores(one, seed=0)
    np.testing.assert_allclose(found, one.zero_shot_query + asked @ weights, rtol=1e-5)
    np.testing.assert_array_equal(
        HeadRegression(views, offset, variance, noise).scores(one.first(0), seed=0), one.zero_shot_query
    )


def test_variances_of_the_head_come_from_the_tasks():
    views = views_of(learned_model())
    tasks = [model_task(views, target, k=14, q=2, seed=target) for target in (0, 1)]
    even = [dataclasses.replace(one, labels=one.zero_shot_support + np.float32(0.9)) for one in tasks]
    found = HeadRegression.fitted(views, even)
    assert found.offset > 10 * found.noise
    assert found.offset > 10 * found.variance
    exact = [dataclasses.replace(one, labels=one.zero_shot_support) for one in tasks]
    with pytest.raises(LabelError, match="nothing to learn from"):
        HeadRegression.fitted(views, exact)
