from __future__ import annotations

import sys

import numpy as np
import pytest

from hyperpcm.baselines import build_baseline, xgboost_trees
from hyperpcm.baselines.xgboost_trees import XGBoost
from hyperpcm.errors import MissingExtraError
from small_tables import CLASSES, inputs_of, random_table, thirds


def test_without_the_package_the_message_holds_the_install_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'hyperpcm\[xgboost\]'"):
        build_baseline("xgboost")


@pytest.mark.parametrize("quantity", [None, CLASSES], ids=["regression", "classes"])
def test_trees_are_those_of_the_package_on_one_dense_table(monkeypatch, quantity):
    xgboost = pytest.importorskip("xgboost")
    monkeypatch.setattr(xgboost_trees, "_READ_BLOCK", 17)
    interactions = random_table(1, compounds=40, **({} if quantity is None else {"quantity": quantity}))
    inputs = inputs_of(interactions)
    train, valid, test = thirds(interactions, "target")
    baseline = XGBoost(trees=20, patience=20)
    baseline.fit(inputs, train, valid, seed=4)
    rows, labels = baseline._features.rows, interactions.values
    model = (xgboost.XGBRegressor if quantity is None else xgboost.XGBClassifier)(
        n_estimators=20,
        learning_rate=0.03,
        max_depth=19,
        reg_alpha=5,
        min_child_weight=5,
        colsample_bytree=0.8,
        tree_method="hist",
        random_state=4,
        n_jobs=1,
        base_score=float(labels[train].mean()),
        early_stopping_rounds=20,
    )
    model.fit(rows(train), labels[train], eval_set=[(rows(valid), labels[valid])], verbose=False)
    wanted = model.predict(rows(test)) if quantity is None else model.predict_proba(rows(test))[:, 1]
    np.testing.assert_allclose(baseline.predict(test), wanted, rtol=1e-4)


def test_the_number_of_trees_is_the_best_one_on_the_validation_rows():
    pytest.importorskip("xgboost")
    interactions = random_table(2, compounds=60)
    inputs = inputs_of(interactions)
    train, valid, _ = thirds(interactions, "target")
    errors = []
    for trees in (1, 5, 20, 60):
        every = XGBoost(trees=trees, patience=trees)
        every.fit(inputs, train, valid, seed=0)
        errors.append(np.mean((every.predict(valid) - interactions.values[valid]) ** 2))
    best = XGBoost(trees=60, patience=60)
    best.fit(inputs, train, valid, seed=0)
    found = np.mean((best.predict(valid) - interactions.values[valid]) ** 2)
    assert found <= min(errors) + 1e-9
