"""Views of targets: the compiled target, what networks read, and one target at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hyperpcm.nn.qsar import qsar_scores
from small_models import GRAPHS, PLAIN, SMALL
from small_views import COMPOUNDS, learned_model, table, views_of


@pytest.mark.parametrize("settings", [SMALL, PLAIN, GRAPHS], ids=["labels", "plain", "graphs"])
def test_the_networks_on_what_they_read_make_the_scores_of_the_compiled_target(settings):
    model = learned_model(settings)
    view = views_of(model)(1)
    base = torch.zeros(len(COMPOUNDS))
    if view.near is not None:
        base = view.compiled.prior.features_and_mean(torch.from_numpy(view.near), view.embeddings)[1][0]
    with torch.no_grad():
        total = torch.stack([qsar_scores(network, view.inputs[None])[0] for network in view.networks]).mean(0)
    found = model.label_scale.to_labels(base + total).numpy()
    np.testing.assert_allclose(found, view.compiled.score(COMPOUNDS).values, rtol=1e-4)


def test_a_view_is_kept_until_another_target_is_asked_for():
    views = views_of(learned_model())
    first = views(0)
    assert views(0) is first
    assert views(1).compiled.sequence == table().targets[1]
    assert views(0) is not first


def test_places_on_the_table_are_places_among_the_targets_compounds():
    view = views_of(learned_model())(0)
    asked = np.array([5, 2, 11])
    assert [view.smiles[place] for place in view.of(asked)] == [COMPOUNDS[place] for place in asked]
