from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as oracle

from hyperpcm.datasets import Quantity
from hyperpcm.errors import LabelError
from hyperpcm.evaluation import choose_threshold, evaluate_scores
from small_tables import CLASSES, random_table, table

LAYOUT = {"mse", "mae", "ci", "rm2", "pearson", "spearman", "auroc", "auprc", "mcc", "per_target"}
PER_TARGET = {"n_targets", "pearson", "spearman", "mse", "auroc", "bedroc", "mcc"}
ROC_ENRICHMENT = {f"roc_enrichment_{percent}" for percent in ("0.5", "1", "2", "5")}


def noisy(interactions, rows, seed=0):
    noise = np.random.default_rng(seed).normal(size=len(rows))
    return interactions.values[rows] + noise


def test_every_entry_of_the_results_layout_is_there():
    interactions = random_table(0, compounds=30)
    rows = np.arange(len(interactions))
    found = evaluate_scores(interactions, rows, noisy(interactions, rows), threshold=6.5)
    assert set(found) >= LAYOUT | {"rmse", "r2", "ef1", "bedroc"}
    assert set(found["per_target"]) >= PER_TARGET | ROC_ENRICHMENT
    assert None not in found["per_target"].values()
    assert [name for name, value in found.items() if value is None] == ["interval_mae"]
    json.dumps(found, allow_nan=False)


def test_metrics_are_those_of_other_libraries_on_the_rows_asked_for():
    interactions = random_table(1, compounds=40)
    rows = np.arange(len(interactions))[::-2]
    scores = noisy(interactions, rows)
    labels = interactions.values[rows].astype(float)
    active = labels >= 7.0
    found = evaluate_scores(interactions, rows, scores, threshold=6.8)
    assert found["mse"] == pytest.approx(oracle.mean_squared_error(labels, scores))
    assert found["mae"] == pytest.approx(oracle.mean_absolute_error(labels, scores))
    assert found["r2"] == pytest.approx(oracle.r2_score(labels, scores))
    assert found["pearson"] == pytest.approx(stats.pearsonr(labels, scores)[0])
    assert found["spearman"] == pytest.approx(stats.spearmanr(labels, scores)[0])
    assert found["auroc"] == pytest.approx(oracle.roc_auc_score(active, scores))
    assert found["auprc"] == pytest.approx(oracle.average_precision_score(active, scores))
    assert found["mcc"] == pytest.approx(oracle.matthews_corrcoef(active, scores >= 6.8))
    correlations = []
    for target in np.unique(interactions.target_index[rows]):
        own = interactions.target_index[rows] == target
        if own.sum() >= 10:
            correlations.append(stats.pearsonr(labels[own], scores[own])[0])
    assert found["per_target"]["n_targets"] == len(correlations)
    assert found["per_target"]["pearson"] == pytest.approx(np.mean(correlations))


def test_errors_and_correlations_do_not_apply_to_classes():
    interactions = random_table(2, compounds=40, quantity=CLASSES)
    rows = np.arange(len(interactions))
    scores = noisy(interactions, rows)
    found = evaluate_scores(interactions, rows, scores, threshold=0.5)
    for name in ("mse", "rmse", "mae", "r2", "ci", "rm2", "pearson", "spearman"):
        assert found[name] is None
    for name in ("pearson", "spearman", "mse"):
        assert found["per_target"][name] is None
    assert found["auroc"] == pytest.approx(oracle.roc_auc_score(interactions.values, scores))
    areas = []
    for target in range(9):
        own = interactions.target_index == target
        if own.sum() >= 10 and 0 < interactions.values[own].mean() < 1:
            areas.append(oracle.roc_auc_score(interactions.values[own], scores[own]))
    assert found["per_target"]["auroc"] == pytest.approx(np.mean(areas))
    assert found["per_target"]["n_targets"] == len(areas) > 0


def test_classification_does_not_apply_without_a_threshold_of_the_quantity():
    interactions = random_table(3, quantity=Quantity("KIBA score", ""))
    rows = np.arange(len(interactions))
    scores = noisy(interactions, rows)
    found = evaluate_scores(interactions, rows, scores, threshold=6.5)
    assert all(found[name] is None for name in ("auroc", "auprc", "mcc", "ef1", "bedroc"))
    assert found["n_classified"] == 0
    assert found["mse"] is not None
    assert choose_threshold(interactions, rows, scores) is None


def test_one_class_gives_null_for_classification_and_numbers_for_the_rest():
    interactions = table([0, 1, 2, 3], [0, 0, 1, 1], [5.0, 5.5, 6.0, 6.5])
    found = evaluate_scores(interactions, np.arange(4), [5.0, 5.0, 6.0, 6.0], threshold=7.0)
    assert found["auroc"] is None
    assert found["mcc"] is None
    assert found["mse"] == pytest.approx(0.125)
    assert found["n_classified"] == 4
    assert choose_threshold(interactions, np.arange(4), [5.0, 5.0, 6.0, 6.0]) is None


def test_constant_labels_and_constant_scores_give_null_correlations():
    interactions = table([0, 1, 2], [0, 0, 0], [5.0, 5.0, 5.0])
    found = evaluate_scores(interactions, np.arange(3), [4.0, 5.0, 6.0])
    assert found["pearson"] is None
    assert found["ci"] is None
    assert found["mse"] == pytest.approx(2 / 3)
    interactions = table([0, 1, 2], [0, 0, 0], [5.0, 6.0, 7.0])
    found = evaluate_scores(interactions, np.arange(3), [6.0, 6.0, 6.0])
    assert found["spearman"] is None
    assert found["ci"] == pytest.approx(0.5)


def test_a_binned_label_is_compared_by_its_centre_and_classified_by_its_bin():
    binned = Quantity("pX", "-log10(M)", active_at=7.0, bin_width=1.0)
    interactions = table(range(4), [0] * 4, [5.0, 6.0, 7.0, 9.0], quantity=binned, relations=[-1, 0, 0, 1])
    found = evaluate_scores(interactions, np.arange(4), [5.0, 6.5, 7.5, 9.0], threshold=7.0)
    assert found["mse"] == pytest.approx(0.0)
    assert found["n_classified"] == 4
    assert found["mcc"] == pytest.approx(1.0)


def test_rows_of_unknown_class_do_not_enter_classification():
    interactions = table(range(5), [0] * 5, [5.0, 8.0, 6.0, 9.0, 8.0], relations=[0, 0, 1, 0, -1])
    scores = [5.0, 8.0, 9.9, 9.0, 1.0]
    found = evaluate_scores(interactions, np.arange(5), scores, threshold=7.0)
    assert found["n_classified"] == 3
    assert found["auroc"] == 1.0
    assert found["mcc"] == pytest.approx(1.0)


def test_the_threshold_is_the_best_one_on_the_validation_rows():
    interactions = random_table(5, compounds=30)
    rows = np.arange(len(interactions))
    scores = noisy(interactions, rows) * 0.3
    found = choose_threshold(interactions, rows, scores)
    active = interactions.values >= 7.0
    values = [oracle.matthews_corrcoef(active, scores >= cut) for cut in scores]
    assert oracle.matthews_corrcoef(active, scores >= found) == pytest.approx(max(values))


@pytest.mark.parametrize("scores", [[1.0], [[1.0, 2.0]], [1.0, math.nan], [math.inf, 1.0]])
def test_scores_that_are_missing_or_not_finite_are_refused(scores):
    interactions = table([0, 1], [0, 0], [5.0, 6.0])
    with pytest.raises(LabelError, match="score"):
        evaluate_scores(interactions, np.arange(2), scores)
    with pytest.raises(LabelError, match="score"):
        choose_threshold(interactions, np.arange(2), scores)


def test_a_threshold_that_is_no_number_is_refused():
    interactions = table([0, 1], [0, 0], [5.0, 8.0])
    with pytest.raises(LabelError, match="threshold"):
        evaluate_scores(interactions, np.arange(2), [5.0, 8.0], threshold=math.nan)


def test_bins_and_bounds_count_as_the_intervals_they_are():
    bins = Quantity("pChEMBL", "-log10(M)", active_at=7.0, bin_width=1.0)
    made = table([0, 1, 2, 3], [0, 0, 0, 0], [5, 6, 7, 10], quantity=bins, relations=[0, 0, 0, 1])
    scores = [5.25, 7.5, 6.0, 12.0]
    found = evaluate_scores(made, np.arange(4), scores)
    assert found["interval_mae"] == pytest.approx((0 + 0.5 + 1.0 + 0) / 4)
    centres = np.array([5.5, 6.5, 7.5, 10.0])
    assert found["mse"] == pytest.approx(np.mean((centres - scores) ** 2))
    points = table([0, 1, 2], [0, 0, 0], [5, 6, 7])
    assert evaluate_scores(points, np.arange(3), [5.0, 6.0, 8.0])["interval_mae"] is None


def test_among_points_and_bins_each_row_counts_as_what_it_is():
    bins = Quantity("pChEMBL", "-log10(M)", active_at=7.0, bin_width=1.0)
    made = table([0, 1, 2], [0, 0, 0], [6, 6.25, 7.5], quantity=bins)
    mixed = dataclasses.replace(made, binned=[True, False, False])
    scores = [7.25, 6.5, 7.0]
    found = evaluate_scores(mixed, np.arange(3), scores)
    assert found["interval_mae"] == pytest.approx((0.25 + 0.25 + 0.5) / 3)
    assert found["mae"] == pytest.approx((0.75 + 0.25 + 0.5) / 3)
    assert found["n_classified"] == 3  # the point 6.25 is inactive; as a bin its class would be open
    assert evaluate_scores(made, np.arange(3), scores)["n_classified"] == 2
    assert evaluate_scores(mixed, np.array([1, 2]), scores[1:])["interval_mae"] is None


def test_ranks_of_heavily_tied_bins_are_those_of_other_libraries():
    generator = np.random.default_rng(8)
    bins = Quantity("pChEMBL", "-log10(M)", active_at=7.0, bin_width=1.0)
    labels = generator.integers(5, 10, 300)
    scores = (labels + generator.normal(0, 1.5, 300)).round(1)
    made = table(range(300), generator.integers(0, 6, 300).tolist(), labels, quantity=bins)
    found = evaluate_scores(made, np.arange(300), scores, threshold=7.0)
    assert found["spearman"] == pytest.approx(stats.spearmanr(labels, scores)[0])
    ordered, equal, pairs = 0, 0, 0
    for i in range(300):
        above = labels > labels[i]
        pairs += above.sum()
        ordered += (scores[above] > scores[i]).sum()
        equal += (scores[above] == scores[i]).sum()
    assert found["ci"] == pytest.approx((ordered + equal / 2) / pairs)
    assert found["auroc"] == pytest.approx(oracle.roc_auc_score(labels >= 7, scores))
    assert found["mcc"] == pytest.approx(oracle.matthews_corrcoef(labels >= 7, scores >= 7.0))
    own = [stats.spearmanr(labels[at], scores[at])[0] for at in (made.target_index == t for t in range(6))]
    assert found["per_target"]["spearman"] == pytest.approx(np.mean(own))


def test_probabilities_of_classes_have_errors_and_other_scores_have_none():
    interactions = random_table(2, compounds=30, quantity=CLASSES)
    rows = np.arange(len(interactions))
    p = 1 / (1 + np.exp(-noisy(interactions, rows)))
    found = evaluate_scores(interactions, rows, p)
    assert found["brier"] == pytest.approx(oracle.brier_score_loss(interactions.values, p))
    assert found["log_loss"] == pytest.approx(oracle.log_loss(interactions.values, p))
    assert 0 < found["ece"] < 1
    other = evaluate_scores(interactions, rows, noisy(interactions, rows))
    assert [other[name] for name in ("brier", "log_loss", "ece")] == [None, None, None]
    assert other["auroc"] is not None
    values = random_table(2, compounds=30)
    assert "brier" not in evaluate_scores(values, rows[: len(values)], np.full(len(values), 0.5))
