"""A table of values becomes one of two classes; what a bound leaves open is left out and counted."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.config import load_config
from hyperpcm.datasets.classes import as_classes, with_kind
from hyperpcm.errors import LabelError
from hyperpcm.training.run import open_data
from small_tables import CLASSES, table


def values(**changed):
    made = {"relations": [0, 0, -1, 1, -1, 1]}
    return table([0, 1, 2, 0, 1, 2], [0, 0, 0, 1, 1, 1], [7.0, 6.9, 5.0, 8.0, 9.0, 6.0], **(made | changed))


def test_rows_from_the_threshold_on_are_active_and_open_ones_are_gone():
    found = as_classes(values())
    assert found.quantity.kind == "binary"
    assert found.quantity.name == "pKd of 7 or more"
    np.testing.assert_array_equal(found.values, [1, 0, 0, 1])
    np.testing.assert_array_equal(found.relations, 0)
    np.testing.assert_array_equal(found.compound_index, [0, 1, 2, 0])
    assert "2 of 4 rows are active" in found.notes[-1]
    assert "2 rows left out, whose bound leaves their class open" in found.notes[-1]


def test_another_threshold_can_be_given():
    found = as_classes(values(relations=None), 6.9)
    np.testing.assert_array_equal(found.values, [1, 1, 0, 1, 1, 0])
    assert "left out" not in found.notes[-1]


def test_a_threshold_that_divides_nothing_is_refused():
    with pytest.raises(LabelError, match="pKd = 12 on 0 of 5 rows are active"):
        as_classes(values(relations=[0, 0, 0, 0, 0, 1]), 12.0)


def test_classes_stay_as_they_are():
    classes = table([0, 1], [0, 0], [0, 1], quantity=CLASSES)
    assert as_classes(classes) is classes
    with pytest.raises(LabelError, match="two classes already"):
        as_classes(classes, 7.0)


def test_a_kind_or_a_threshold_that_is_asked_for_is_given_or_refused():
    interactions, classes = values(), table([0, 1], [0, 0], [0, 1], quantity=CLASSES)
    assert with_kind(interactions, None, None) is interactions
    assert with_kind(interactions, "regression", None) is interactions
    assert with_kind(interactions, None, 6.0).quantity.active_at == 6.0
    np.testing.assert_array_equal(with_kind(interactions, "binary", None).values, [1, 0, 0, 1])
    assert with_kind(classes, None, None) is classes
    with pytest.raises(LabelError, match="two classes already"):
        with_kind(classes, None, 6.0)
    with pytest.raises(LabelError, match="two classes, not values"):
        with_kind(classes, "regression", None)


@pytest.mark.mirror
def test_settings_ask_for_classes_and_thresholds_of_a_catalogued_set(mirror, monkeypatch, tmp_path):
    monkeypatch.setenv("HYPERPCM_MIRROR", str(mirror))
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path))
    plain, name = load_config(overrides=["data.name=kiba_sample"]), "data.name=kiba_sample"
    interactions = open_data(plain.data)
    classes = open_data(load_config(overrides=[name, "data.kind=binary", "data.active_at=11"]).data)
    np.testing.assert_array_equal(classes.values, interactions.values >= 11)
    own = open_data(load_config(overrides=[name, "data.kind=binary"]).data)
    np.testing.assert_array_equal(own.values, interactions.is_active())
    moved = open_data(load_config(overrides=[name, "data.active_at=11"]).data)
    assert moved.quantity.active_at == 11
    np.testing.assert_array_equal(moved.values, interactions.values)
