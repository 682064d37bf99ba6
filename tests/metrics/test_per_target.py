"""Per-target metrics against a loop over targets with SciPy and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as oracle

from hyperpcm.errors import LabelError
from hyperpcm.metrics import ROC_ENRICHMENT, bedroc, pearson, per_target


def table(seed: int = 0):
    generator = np.random.default_rng(seed)
    target = generator.choice([2, 3, 7, 9], size=300, p=[0.5, 0.3, 0.18, 0.02])
    labels = 5 + target / 3 + generator.normal(0, 1, 300)
    scores = labels + generator.normal(0, 1, 300)
    return labels, scores, target


def test_means_equal_a_loop_over_targets():
    labels, scores, target = table()
    active = labels > 7
    result = per_target(labels, scores, target, active)
    kept = [t for t in (2, 3, 7, 9) if np.sum(target == t) >= 10]
    assert kept == [2, 3, 7]
    rows = [target == t for t in kept]
    expected = {
        "pearson": np.mean([stats.pearsonr(labels[r], scores[r]).statistic for r in rows]),
        "spearman": np.mean([stats.spearmanr(labels[r], scores[r]).statistic for r in rows]),
        "mse": np.mean([oracle.mean_squared_error(labels[r], scores[r]) for r in rows]),
        "auroc": np.mean([oracle.roc_auc_score(active[r], scores[r]) for r in rows]),
        "auprc": np.mean([oracle.average_precision_score(active[r], scores[r]) for r in rows]),
    }
    for metric, value in expected.items():
        assert result.mean(metric) == pytest.approx(value)
        assert result.n_targets(metric) == 3
        assert result.as_dict()[metric] == {"mean": result.mean(metric), "n_targets": 3}


def test_early_recognition_and_mcc_are_those_of_each_target_alone():
    labels, scores, target = table()
    active = labels > 7
    result = per_target(labels, scores, target, active, threshold=6.8)
    rows = [target == t for t in (2, 3, 7)]
    calls = scores >= 6.8
    expected = np.mean([oracle.matthews_corrcoef(active[r], calls[r]) for r in rows])
    assert result.mean("mcc") == pytest.approx(expected)
    assert result.mean("bedroc") == pytest.approx(np.mean([bedroc(active[r], scores[r]) for r in rows]))
    for percent in (0.5, 1, 2, 5):
        rates = []
        for r in rows:
            false, true, _ = oracle.roc_curve(active[r], scores[r], drop_intermediate=False)
            last = np.flatnonzero(false <= percent / 100)[-1]  # no ties: the curve is a staircase
            slope = (true[last + 1] - true[last]) / (false[last + 1] - false[last])
            rates.append((true[last] + slope * (percent / 100 - false[last])) / (percent / 100))
        assert result.mean(f"roc_enrichment_{percent:g}") == pytest.approx(np.mean(rates))
    assert tuple(result.roc_enrichment) == tuple(ROC_ENRICHMENT)
    assert math.isnan(per_target(labels, scores, target, active).mean("mcc"))


def test_each_target_keeps_its_index_and_its_number_of_labels():
    labels, scores, target = table()
    result = per_target(labels, scores, target)
    assert result.targets.tolist() == [2, 3, 7, 9]
    assert result.n.tolist() == [np.sum(target == t) for t in (2, 3, 7, 9)]
    assert np.isnan(result.pearson).tolist() == [False, False, False, True]


def test_target_means_look_good_pooled_and_worthless_per_target():
    labels, _, target = table()
    means = np.array([labels[target == t].mean() for t in target])
    assert pearson(labels, means) > 0.4
    result = per_target(labels, means, target)
    assert result.mean("pearson") == 0.0
    assert result.mean("spearman") == 0.0
    assert result.mean("concordance_index") == 0.5


def test_which_targets_count_does_not_depend_on_the_scores():
    labels, scores, target = table()
    constant = np.where(target == 2, 6.0, scores)
    for metric in ("pearson", "mse", "concordance_index"):
        one, two = per_target(labels, scores, target), per_target(labels, constant, target)
        assert one.n_targets(metric) == two.n_targets(metric) == 3


def test_a_target_without_spread_or_with_one_class_does_not_count():
    target = np.repeat([0, 1], 12)
    labels = np.concatenate([np.full(12, 5.0), np.arange(12.0)])
    scores = np.arange(24.0)
    result = per_target(labels, scores, target, active=labels > 5)
    assert result.n_targets("mse") == result.n_targets("pearson") == result.n_targets("auroc") == 1
    assert result.mean("pearson") == pytest.approx(1.0)


def test_without_classes_the_classification_metrics_are_nan():
    result = per_target(*table())
    assert math.isnan(result.mean("auroc"))
    assert result.n_targets("auroc") == 0


def test_no_rows_have_no_targets():
    result = per_target([], [], [])
    assert result.targets.size == result.n.size == 0
    assert math.isnan(result.mean("mse"))


def test_wrong_input_is_refused():
    labels, scores, target = table()
    with pytest.raises(LabelError, match="target_index"):
        per_target(labels, scores, target[:-1])
    with pytest.raises(LabelError, match="target_index"):
        per_target(labels, scores, target + 0.5)
    with pytest.raises(LabelError, match="min_labels"):
        per_target(labels, scores, target, min_labels=1)
    with pytest.raises(LabelError, match="threshold is not a number"):
        per_target(labels, scores, target, labels > 7, threshold=math.nan)
    with pytest.raises(LabelError, match="not a metric per target"):
        per_target(labels, scores, target).mean("targets")
