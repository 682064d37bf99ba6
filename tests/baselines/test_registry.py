from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.baselines import NULLS, RIVALS, build_baseline, prepare_inputs
from hyperpcm.chem import morgan_counts
from hyperpcm.datasets import Interactions, Quantity
from hyperpcm.encoders import EmbeddingStore, compound_encoder
from hyperpcm.errors import ConfigError, SplitError
from hyperpcm.protein import alignment_similarity
from small_tables import CLASSES, PKD, inputs_of, random_table, thirds


def test_the_names_are_those_of_the_results_layout():
    assert NULLS == ("compound_mean", "target_mean", "additive", "kernel_knn", "gbm", "ligand_only")
    assert all(build_baseline(name).name == name for name in NULLS)


def test_an_unknown_name_or_no_thread_is_refused():
    with pytest.raises(ConfigError, match="kernel_knn"):
        build_baseline("knn")
    with pytest.raises(ConfigError, match="threads"):
        build_baseline("gbm", threads=0)
    with pytest.raises(ConfigError, match="threads"):
        build_baseline("additive", threads=0)


QUICK = {
    "random_forest": {"trees": 5},
    "per_target_forest": {"trees": 5},
    "deep_pcm": {"epochs": 2},
    "xgboost": {"trees": 20},
}


@pytest.fixture(params=[*NULLS, *RIVALS])
def name(request):
    if request.param == "xgboost":
        pytest.importorskip("xgboost")
    return request.param


def quick(name):
    return build_baseline(name, options=QUICK.get(name))


def test_rivals_are_known_by_name_and_no_null():
    assert not set(RIVALS) & set(NULLS)
    assert all(build_baseline(rival).name == rival for rival in RIVALS if rival != "xgboost")


def test_an_option_reaches_the_baseline():
    interactions = random_table(3)
    train, valid, _ = thirds(interactions, "compound")
    baseline = build_baseline("random_forest", options={"trees": 3})
    baseline.fit(inputs_of(interactions), train, valid, seed=0)
    assert sum(len(forest.estimators_) for forest in baseline._forests) == 3


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("random_forest", {"tree": 3}, ["random_forest", "'tree'", "trees, max_features"]),
        ("random_forest", {"threads": 3}, ["'threads'", "trees"]),
        ("additive", {"penalty": 3}, ["'penalty'", "has none"]),
        ("gbm", {"trees": 0}, ["'gbm'", "trees is 0"]),
        ("gbm", {"patience": 2.5}, ["patience is 2.5"]),
        ("random_forest", {"max_features": 2}, ["max_features is 2", "at most 1"]),
        ("deep_pcm", {"learning_rate": "fast"}, ["learning_rate is 'fast'"]),
        ("per_target_forest", {"min_rows": 1}, ["at least 2"]),
        ("nearest_neighbour", {"memory": True}, ["memory is True"]),
    ],
)
def test_an_unknown_option_or_value_is_answered_with_what_there_is(name, options, words):
    with pytest.raises(ConfigError) as caught:
        build_baseline(name, options=options)
    assert all(word in str(caught.value) for word in words)


def test_one_class_alone_and_equal_labels_do_no_harm(name):
    for quantity in (PKD, CLASSES):
        made = random_table(5, quantity=quantity)
        interactions = type(made)(**{**vars(made), "values": np.ones(len(made))})
        train, valid, test = thirds(interactions, "compound")
        baseline = quick(name)
        baseline.fit(inputs_of(interactions), train, valid, seed=0)
        scores = baseline.predict(test)
        assert np.isfinite(scores).all()
        if name != "nearest_neighbour" or quantity is PKD:
            np.testing.assert_allclose(scores, 1.0, atol=1e-5)


def test_censored_and_binned_rows_are_taken_at_their_point(name):
    binned = Quantity("pX", "-log10(M)", active_at=7.0, bin_width=1.0)
    made = random_table(6)
    relations = np.random.default_rng(0).integers(-1, 2, len(made))
    rough = type(made)(**{**vars(made), "relations": relations, "quantity": binned})
    plain = type(made)(**{**vars(made), "values": rough.point()})
    train, valid, test = thirds(made, "compound")
    scores = []
    for interactions in (rough, plain):
        baseline = quick(name)
        baseline.fit(inputs_of(interactions), train, valid, seed=0)
        scores.append(baseline.predict(test))
    np.testing.assert_allclose(*scores, rtol=1e-6)


@pytest.mark.parametrize("quantity", [PKD, CLASSES], ids=["regression", "classes"])
def test_every_baseline_scores_any_rows_with_finite_numbers(name, quantity):
    interactions = random_table(0, quantity=quantity)
    inputs = inputs_of(interactions)
    train, valid, test = thirds(interactions, "compound")
    baseline = quick(name)
    baseline.fit(inputs, train, valid, seed=0)
    scores = baseline.predict(test)
    assert scores.dtype == np.float32
    assert scores.shape == test.shape
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(baseline.predict(test[::-1])[::-1], scores, rtol=1e-5)
    np.testing.assert_allclose(baseline.predict(test[:1]), scores[:1], rtol=1e-5)
    assert baseline.predict(np.array([], dtype=np.int64)).shape == (0,)


def test_every_baseline_is_repeatable_and_forgets_the_fit_before(name):
    interactions = random_table(1)
    inputs = inputs_of(interactions)
    train, valid, test = thirds(interactions, "target")
    fresh, used = quick(name), quick(name)
    used.fit(inputs, test, valid, seed=0)
    used.fit(inputs, train, valid, seed=3)
    fresh.fit(inputs, train, valid, seed=3)
    np.testing.assert_array_equal(used.predict(test), fresh.predict(test))


def test_every_baseline_refuses_rows_it_cannot_have(name):
    interactions = random_table(2)
    inputs = inputs_of(interactions)
    rows = np.arange(len(interactions))
    baseline = quick(name)
    with pytest.raises(RuntimeError, match="before it was fitted"):
        baseline.predict(rows)
    for train, valid in [
        (rows[:0], rows[:3]),
        (rows[:3], rows[:0]),
        (rows + 1, rows[:3]),
        (rows[:3], -rows - 1),
    ]:
        with pytest.raises(SplitError, match="rows"):
            baseline.fit(inputs, train, valid, seed=0)
    baseline.fit(inputs, rows[:30], rows[30:40], seed=0)
    with pytest.raises(SplitError, match="the table has"):
        baseline.predict(rows + 1)


@pytest.mark.parametrize("quantity", [PKD, CLASSES], ids=["regression", "classes"])
def test_learning_again_from_the_training_rows_changes_nothing(name, quantity):
    interactions = random_table(7, quantity=quantity)
    train, valid, test = thirds(interactions, "compound")
    baseline = quick(name)
    baseline.fit(inputs_of(interactions), train, valid, seed=2)
    before = baseline.predict(test)
    baseline.refit(train, seed=2)
    np.testing.assert_allclose(baseline.predict(test), before, rtol=1e-6)


def test_learning_again_from_more_rows_uses_their_labels_and_no_others(name):
    made = random_table(8, compounds=40)
    rows = np.random.default_rng(1).permutation(len(made))
    train, valid, test = rows[: len(rows) // 2], rows[len(rows) // 2 : -60], rows[-60:]
    found = []
    for changed in (None, valid, test):
        values = made.values.copy()
        if changed is not None:
            values[changed] += 3.0
        baseline = quick(name)
        baseline.fit(inputs_of(made), train, valid, seed=0)  # the choice is the same for all three
        interactions = type(made)(**{**vars(made), "values": values})
        baseline._inputs = inputs_of(interactions)
        baseline.refit(np.sort(np.concatenate([train, valid])), seed=0)
        found.append(baseline.predict(test))
    np.testing.assert_array_equal(found[0], found[2])
    assert np.abs(found[0] - found[1]).mean() > 0.1


def test_what_was_not_fitted_or_has_no_rows_is_not_fitted_again(name):
    interactions = random_table(2)
    rows = np.arange(len(interactions))
    baseline = quick(name)
    with pytest.raises(RuntimeError, match="before it was fitted"):
        baseline.refit(rows, seed=0)
    baseline.fit(inputs_of(interactions), rows[:30], rows[30:40], seed=0)
    with pytest.raises(SplitError, match="refit rows"):
        baseline.refit(rows[:0], seed=0)


def real_axes():
    compounds, targets = (
        ("CCO", "c1ccccc1O", "CC(=O)Nc1ccc(O)cc1"),
        ("MKTAYIAKQRQISFVK", "MKTAYIAKQRLISFVKSH"),
    )
    return Interactions(
        name="axes",
        quantity=PKD,
        compounds=compounds,
        targets=targets,
        compound_names=compounds,
        target_names=targets,
        compound_index=np.array([0]),
        target_index=np.array([0]),
        values=np.array([5.0]),
        relations=np.array([0]),
    )


def test_inputs_are_those_of_the_encoders_row_by_row_of_the_axes():
    interactions = real_axes()
    stages = []
    inputs = prepare_inputs(interactions, progress=lambda *stage: stages.append(stage))
    np.testing.assert_array_equal(inputs.compound_counts, morgan_counts(interactions.compounds))
    descriptors = compound_encoder("descriptors").encode(interactions.compounds)
    np.testing.assert_array_equal(inputs.compound_descriptors, descriptors)
    np.testing.assert_array_equal(inputs.target_similarity, alignment_similarity(interactions.targets))
    assert inputs.target_features.shape[0] == 2
    finished = {stage for stage, done, total in stages if done == total}
    assert finished == {"descriptors", "composition", "fingerprints", "alignment"}


def test_a_store_is_used_for_what_it_holds(tmp_path):
    with EmbeddingStore(tmp_path / "store.sqlite") as store:
        first = prepare_inputs(real_axes(), store)
        computed = store.info().computed
        second = prepare_inputs(real_axes(), store)
        assert computed > 0
        assert store.info().computed == computed
    np.testing.assert_array_equal(first.compound_descriptors, second.compound_descriptors)
