from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from hyperpcm.baselines import BaselineInputs, features
from hyperpcm.baselines.features import (
    feature_table,
    fingerprint_places,
    principal_components,
    target_columns,
)
from hyperpcm.errors import LabelError
from small_tables import inputs_of, random_table


def test_principal_components_are_those_of_the_known_rows():
    rng = np.random.default_rng(0)
    table = (rng.normal(size=(30, 8)) * np.arange(1, 9)).astype(np.float32)
    known = np.arange(20)
    found = principal_components(table, known, 3)
    wanted = PCA(3).fit(table[known]).transform(table)
    assert found.shape == (30, 3)
    np.testing.assert_allclose(np.abs(found), np.abs(wanted), atol=1e-4)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_few_or_equal_known_rows_give_few_components_and_no_fault(rows):
    table = np.zeros((5, 4), dtype=np.float32)
    table[1, 0] = table[2, 1] = 1.0
    found = principal_components(table, np.arange(rows), 3)
    assert found.shape == (5, rows - 1)
    assert np.isfinite(found).all()


def test_fingerprint_columns_are_those_that_vary_most_over_known_compounds(monkeypatch):
    monkeypatch.setattr(features, "FINGERPRINT_COLUMNS", 2)
    inputs = inputs_of(random_table(0))
    inputs.compound_counts[:] = 0
    inputs.compound_counts[:8, 0] = 1  # all known ones
    inputs.compound_counts[:4, 5] = 3  # half of them
    inputs.compound_counts[:3, 9] = 2
    inputs.compound_counts[:1, 20] = 1
    inputs.compound_counts[8:, 30] = 1  # unknown ones only
    assert fingerprint_places(inputs.compound_counts, np.arange(8)).tolist() == [5, 9]


def test_columns_do_not_depend_on_what_is_not_in_training():
    inputs = inputs_of(random_table(1))
    compounds, targets = np.arange(6), np.arange(5)
    before = fingerprint_places(inputs.compound_counts, compounds), target_columns(inputs, targets, 0)[:5]
    inputs.compound_counts[6:] = 7
    inputs.target_features[5:] = 100.0
    inputs.target_similarity[5:, :] = inputs.target_similarity[:, 5:] = 0.0
    np.testing.assert_array_equal(fingerprint_places(inputs.compound_counts, compounds), before[0])
    np.testing.assert_array_equal(target_columns(inputs, targets, 0)[:5], before[1])


def test_similarity_to_every_known_target_is_a_column_up_to_a_limit(monkeypatch):
    inputs = inputs_of(random_table(2))
    known = np.array([0, 3, 4, 8])
    np.testing.assert_array_equal(target_columns(inputs, known, 0)[:, :4], inputs.target_similarity[:, known])
    monkeypatch.setattr(features, "SIMILARITY_COLUMNS", 2)
    drawn = target_columns(inputs, known, 0)
    columns = {tuple(inputs.target_similarity[:, target]) for target in known}
    assert {tuple(drawn[:, 0]), tuple(drawn[:, 1])} < columns
    np.testing.assert_array_equal(target_columns(inputs, known, 0), drawn)


def test_a_row_holds_the_columns_of_its_compound_of_its_target_and_its_own():
    interactions = random_table(3)
    inputs = inputs_of(interactions)
    train = np.arange(0, len(interactions), 2)
    own = np.random.default_rng(0).normal(size=(len(interactions), 2)).astype(np.float32)
    table = feature_table(inputs, train, with_targets=True, seed=0, of_rows=own)
    known = np.unique(interactions.compound_index[train]), np.unique(interactions.target_index[train])
    places = fingerprint_places(inputs.compound_counts, known[0])
    targets = target_columns(inputs, known[1], 0)
    rows = np.array([5, 1, 5])
    for line, row in zip(table.rows(rows), rows, strict=True):
        compound, target = interactions.compound_index[row], interactions.target_index[row]
        of_compound = [*inputs.compound_descriptors[compound], *inputs.compound_counts[compound, places]]
        np.testing.assert_array_equal(line, [*of_compound, *targets[target], *own[row]])
        np.testing.assert_array_equal(table.compounds(np.array([compound]))[0], of_compound)
    assert table.rows(rows).shape[1] == table.width
    blind = feature_table(inputs, train, with_targets=False, seed=0)
    assert blind.rows(rows).shape[1] == blind.width == blind.compound_width


@pytest.mark.parametrize(
    "name", ["compound_counts", "compound_descriptors", "target_features", "target_similarity"]
)
def test_features_of_another_table_are_refused(name):
    inputs = inputs_of(random_table(4))
    arrays = {field: getattr(inputs, field) for field in inputs.__dataclass_fields__}
    arrays[name] = arrays[name][:-1]
    with pytest.raises(LabelError, match=name):
        BaselineInputs(**arrays)


def test_a_similarity_that_is_not_square_is_refused():
    inputs = inputs_of(random_table(4))
    arrays = {field: getattr(inputs, field) for field in inputs.__dataclass_fields__}
    arrays["target_similarity"] = arrays["target_similarity"][:, :-1]
    with pytest.raises(LabelError, match="square"):
        BaselineInputs(**arrays)
