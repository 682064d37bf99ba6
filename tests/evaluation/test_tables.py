from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from hyperpcm.errors import TableError
from hyperpcm.evaluation import ResultRow, compare, render_table


def row(model, fold, mse, *, r=None, seed=0):
    return ResultRow(model, fold, seed, 10, {"mse": mse, "ci": None, "per_target": {"pearson": r}}, 1.0)


OURS = [0.30, 0.40, 0.35, 0.51]
KERNEL = [0.33, 0.45, 0.34, 0.58]
GBM = [0.29, 0.38, 0.36, 0.49]


def rows():
    found = [row("hyperpcm", fold, value, r=0.7 + fold / 100) for fold, value in enumerate(OURS)]
    found += [row("kernel_knn", fold, value, r=0.6) for fold, value in enumerate(KERNEL)]
    return found + [row("gbm", fold, value, r=0.5) for fold, value in enumerate(GBM)]


def line_of(text, start):
    return next(line for line in text.splitlines() if line.startswith(start))


def test_the_interval_is_that_of_a_paired_t_test():
    found = compare(rows(), "kernel_knn", "mse")
    wanted = stats.ttest_rel(OURS, KERNEL).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))
    assert found.difference == pytest.approx(np.mean(OURS) - np.mean(KERNEL))
    assert found.is_better


def test_seeds_of_one_fold_count_once_and_only_shared_folds_count():
    some = [row("hyperpcm", 0, 0.2, seed=0), row("hyperpcm", 0, 0.4, seed=1), row("hyperpcm", 1, 0.5)]
    some += [row("gbm", 0, 0.5), row("gbm", 2, 0.1)]
    found = compare(some, "gbm", "mse")
    assert (found.folds, found.mean, found.other_mean) == (1, pytest.approx(0.3), 0.5)
    assert math.isnan(found.low)
    assert not found.is_decided
    assert "one fold only" in found.sentence()
    assert compare(some, "gbm", "ci") is None
    assert compare(some, "additive", "mse") is None


@pytest.mark.parametrize(
    ("metric", "ours", "better"), [("mse", 0.3, True), ("auroc", 0.3, False), ("mse", 0.4, False)]
)
def test_lower_errors_and_higher_everything_else_are_better_and_a_tie_is_not(metric, ours, better):
    pair = [
        ResultRow(name, 0, 0, 1, {metric: value}, 1.0) for name, value in (("hyperpcm", ours), ("gbm", 0.4))
    ]
    assert compare(pair, "gbm", metric).is_better is better


def test_a_cell_is_mean_and_standard_deviation_and_the_best_null_of_a_column_is_marked():
    text = render_table(rows(), metrics=("mse", "ci", "per_target.pearson"))
    table = text.split("\n\n")[0]
    spread = np.std(GBM, ddof=1)
    assert f"{np.mean(GBM):.3f} ± {spread:.3f} *" in line_of(table, "| gbm")
    assert "0.600 ± 0.000 *" in line_of(table, "| kernel_knn")
    assert line_of(table, "| kernel_knn").count("*") == line_of(table, "| gbm").count("*") == 1
    assert "*" not in line_of(table, "| hyperpcm")
    assert "| CI" not in table  # a column that no row has


def test_where_the_model_is_not_better_a_sentence_says_so():
    text = render_table(rows(), metrics=("mse", "per_target.pearson"))
    numbers = f"{np.mean(OURS):.3f} against {np.mean(GBM):.3f} over 4 folds"
    assert f"- hyperpcm is not better than gbm in MSE: {numbers}" in text
    assert "not better than kernel_knn" not in text
    assert "in r per target" not in text


def test_where_the_model_is_better_everywhere_that_is_said_with_its_doubts():
    some = [found for found in rows() if found.model != "gbm"]
    text = render_table(some, metrics=("mse", "per_target.pearson"))
    assert "hyperpcm is better than every null in every metric above." in text
    assert "In 1 of 2 comparisons the folds do not decide." in text


def test_without_the_model_there_is_a_table_and_no_comparison():
    text = render_table([found for found in rows() if found.model != "hyperpcm"], metrics=("mse",))
    assert "minus" not in text
    assert "better" not in text


def test_every_line_of_a_table_has_as_many_cells_as_its_head():
    for style, sign in (("markdown", "|"), ("plain", None)):
        text = render_table(rows(), metrics=("mse", "per_target.pearson"), style=style)
        if sign:
            for block in (block for block in text.split("\n\n") if block.startswith("|")):
                assert len({line.count(sign) for line in block.splitlines()}) == 1
                assert len({len(line) for line in block.splitlines()}) == 1
        else:
            assert "|" not in text
            assert "gbm" in text


def test_a_variant_of_the_model_is_no_null():
    some = [*rows(), *(row("hyperpcm_lowrank", fold, 0.1, r=0.9) for fold in range(4))]
    text = render_table(some, metrics=("mse",))
    table, differences = (block for block in text.split("\n\n") if block.startswith("|"))
    assert "*" not in line_of(table, "| hyperpcm_lowrank")
    assert "+0.2" in line_of(differences, "| hyperpcm_lowrank")
    assert "than hyperpcm_lowrank" not in text


def test_a_metric_whose_name_holds_a_point_has_a_column():
    metrics = {"per_target": {"roc_enrichment_0.5": 12.5}}
    text = render_table(
        [ResultRow("hyperpcm", 0, 0, 10, metrics, 1.0)], metrics=("per_target.roc_enrichment_0.5",)
    )
    assert "ROC enr. 0.5 %" in text
    assert "12.500" in text


def test_no_rows_make_no_table():
    with pytest.raises(TableError):
        render_table([])
