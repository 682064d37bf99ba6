"""What a memory is said to hold."""

from __future__ import annotations

import pytest

from hyperpcm.model.listing import known_labels, known_targets, labels_on
from small_models import QUERY, made_model


def test_the_labels_on_a_protein_are_those_that_are_listed():
    model = made_model()
    for row, target in enumerate(known_targets(model)):
        found = labels_on(model, target.sequence)
        assert len(found) == target.labels > 0
        assert found == pytest.approx({one.smiles: one.label for one in known_labels(model, row)})
        assert (min(found.values()), max(found.values())) == pytest.approx((target.lowest, target.highest))


def test_nothing_is_known_of_a_protein_that_is_not_in_the_memory():
    assert labels_on(made_model(), QUERY) == {}
