"""Gradient rivals: what they tune, what holds them back, and how their settings are chosen."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from hyperpcm.adaptation import FineTuning, tunable_embedding, tunable_weights
from hyperpcm.errors import LabelError
from hyperpcm.nn.qsar import qsar_scores
from small_models import PUBLISHED, SMALL
from small_views import learned_model, model_task, views_of

BOTH = pytest.mark.parametrize("tunable", [tunable_weights, tunable_embedding])
PLAINLY = {**PUBLISHED, "qsar": {"hidden": [16], "zero_start": False}}
CHOICES = pytest.mark.parametrize(
    "settings", [SMALL, PUBLISHED, PLAINLY], ids=["small", "noise head", "full"]
)


@BOTH
@CHOICES
def test_unchanged_they_give_the_scores_of_the_generated_networks(tunable, settings):
    view = views_of(learned_model(settings))(0)
    _, coordinates = view.reduced
    found = tunable(view, coordinates[:3])
    networks = found.networks(torch.zeros(found.size))
    for network, generated in zip(networks, view.networks, strict=True):
        torch.testing.assert_close(
            qsar_scores(network, coordinates[None]),
            qsar_scores(generated, view.inputs[None]),
            rtol=1e-4,
            atol=1e-4,
        )


@BOTH
@CHOICES
@pytest.mark.parametrize("correction", [0.0, 0.5])
def test_a_weak_pull_fits_what_was_measured_and_a_strong_one_changes_nothing(tunable, settings, correction):
    views = views_of(learned_model(settings, correction))
    task = model_task(views, k=3)
    task = dataclasses.replace(task, query=task.support, **{
        f"{name}_query": getattr(task, f"{name}_support") for name in ("zero_shot", "additive", "counts")
    })  # fmt: skip
    off = np.abs(task.labels - task.zero_shot_query).mean()
    loose = FineTuning("tuned", views, tunable, 1e-6, 300).scores(task, seed=0)
    assert np.abs(task.labels - loose).mean() < 0.5 * off
    tight = FineTuning("tuned", views, tunable, 1e9, 300).scores(task, seed=0)
    np.testing.assert_allclose(tight, task.zero_shot_query, atol=1e-4)


@BOTH
def test_equal_seeds_or_other_ones_give_equal_scores_and_nothing_measured_the_zero_shot_ones(tunable):
    views = views_of(learned_model())
    adapter, task = FineTuning("tuned", views, tunable, 1.0, 20), model_task(views)
    np.testing.assert_array_equal(adapter.scores(task, seed=0), adapter.scores(task, seed=1))
    np.testing.assert_array_equal(adapter.scores(task.first(0), seed=0), task.zero_shot_query)


def test_tuned_weights_over_coordinates_are_those_of_the_whole_network():
    """Weight decay towards what was generated, on the whole first layer, by plain gradient descent."""
    views = views_of(learned_model(PLAINLY, 1.0))
    task, view, pull = model_task(views, k=3), views(0), 50.0
    model = views.model
    network = view.networks[0].densified()
    start = [part for layer in network.layers for part in (layer.delta, layer.bias)]
    tuned = [part.clone().requires_grad_() for part in start]

    def scores(parts, places):
        layers = tuple(
            dataclasses.replace(layer, delta=weight, bias=bias)
            for layer, weight, bias in zip(network.layers, parts[::2], parts[1::2], strict=True)
        )
        return qsar_scores(dataclasses.replace(network, layers=layers), view.inputs[places][None])[0]

    known, asked = (torch.from_numpy(view.of(side)) for side in (task.support, task.query))
    wanted = scores(start, known).detach() + torch.from_numpy(task.labels - task.zero_shot_support)
    optimiser = torch.optim.SGD(tuned, lr=2e-3)
    for _ in range(3000):
        optimiser.zero_grad()
        loss = (wanted - scores(tuned, known)).square().sum()
        for part, before in zip(tuned, start, strict=True):
            loss = loss + pull * (part - before).square().sum()
        loss.backward()
        optimiser.step()
    change = (scores(tuned, asked) - scores(start, asked)).detach().numpy() * model.label_scale.scale
    found = FineTuning("tuned", views, tunable_weights, pull, 500).scores(task, seed=0)
    assert np.abs(change).max() > 0.02
    np.testing.assert_allclose(found - task.zero_shot_query, change, atol=0.02 * np.abs(change).max())


@BOTH
def test_the_settings_are_those_with_the_least_error_on_the_tasks(tunable):
    views = views_of(learned_model())
    tasks = [model_task(views, target, k=8) for target in (0, 1)]
    unmoved = [(task, task.zero_shot_query) for task in tasks]
    held = FineTuning.tuned("tuned", views, tunable, unmoved)
    moving = [
        (dataclasses.replace(task, labels=task.zero_shot_support + 1), task.zero_shot_query + 1)
        for task in tasks
    ]
    moved = FineTuning.tuned("tuned", views, tunable, moving)
    assert held.pull > moved.pull

    def error(adapter):
        return sum(np.mean((adapter.scores(task, seed=0) - labels) ** 2) for task, labels in moving)

    assert error(moved) < error(held)


def test_without_a_task_there_is_nothing_to_tune_on():
    with pytest.raises(LabelError, match="fine_tune: no validation target"):
        FineTuning.tuned("fine_tune", views_of(learned_model()), tunable_embedding, [])
