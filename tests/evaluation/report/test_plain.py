"""Plain words follow the numbers: what is supported, what is not, and what nobody asked."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hyperpcm.datasets import Quantity
from hyperpcm.evaluation.report import DataSummary, ScoredRows, SplitSummary
from hyperpcm.evaluation.report.plain import plain_words
from report_pages import TRUST, full_inputs, row
from small_tables import CLASSES, PKD

MODEL = row("hyperpcm", mse=0.3, ci=0.8, r=0.7)


def words(**changes):
    return plain_words(full_inputs(**changes))


def said(sentences, part: str) -> str:
    found = [one for one in sentences if part in one]
    assert len(found) == 1, (part, sentences)
    return found[0]


def test_a_model_that_beats_the_nulls_may_rank_and_estimate():
    can = words(results=(MODEL, row("additive"), row("kernel_knn", r=0.6, mse=0.35))).can
    assert said(can, "Rank compounds for one protein").endswith(
        "r per target is 0.700; kernel_knn, the best null, reaches 0.600."
    )
    assert "a factor of" in said(can, "Estimate pKd")


def test_a_model_that_a_null_beats_is_sent_back():
    cannot = words(results=(MODEL, row("kernel_knn", r=0.75, mse=0.2))).cannot
    assert "no better than kernel_knn (r per target 0.700 against 0.750)" in said(cannot, "To rank compounds")
    assert "0.300 against 0.200" in said(cannot, "Do not take its values")


def test_a_model_without_order_is_not_to_rank():
    cannot = words(results=(row("hyperpcm", r=-0.1), row("additive", r=-0.2))).cannot
    assert "r per target is −0.10" in said(cannot, "Do not rank")


def test_single_targets_that_fail_are_counted():
    labels = np.tile(np.linspace(5, 8, 12), 2)
    scores = np.concatenate([labels[:12], labels[12:][::-1]])
    test = ScoredRows(labels, scores, np.repeat([0, 1], 12), ("a", "b"))
    assert "for 1 of 2 targets" in said(words(test=test).cannot, "A single protein can fail")
    assert not [one for one in words(test=dataclasses.replace(test, scores=labels)).cannot if "fail" in one]


def test_a_model_that_does_not_look_at_the_protein_is_found_out():
    cannot = words(results=(MODEL, row("hyperpcm_shuffled", r=0.7))).cannot
    assert "0.70 against 0.70" in said(cannot, "Do not use it to tell proteins apart")
    assert not [
        one for one in words(results=(MODEL, row("hyperpcm_shuffled", r=0.1))).cannot if "apart" in one
    ]


def test_the_shuffled_model_is_no_null():
    can = words(results=(MODEL, row("hyperpcm_shuffled", r=0.1), row("additive", r=0.05))).can
    assert "additive, the best null, reaches 0.050" in said(can, "Rank compounds")


def test_intervals_are_read_where_they_held():
    can = words(trust=TRUST).can
    assert said(can, "80 % intervals held 79.0 %").startswith("Read its intervals")
    assert "0.30 inside, 0.50 edge and 0.90 outside" in said(can, "Heed its domain")


@pytest.mark.parametrize(
    ("held", "parts", "expected"),
    [(0.6, [0.6, 0.6, 0.6], "Do not rely on its intervals"), (0.8, [0.6, 0.9, 0.9], "farthest third")],
)
def test_intervals_that_did_not_hold_are_told(held, parts, expected):
    coverage = TRUST["coverage"] | {"held": {"0.8": held}, "held_by_bin": {"0.8": parts}}
    assert "60.0 %" in said(words(trust=TRUST | {"coverage": coverage}).cannot, expected)


def test_a_domain_whose_errors_do_not_grow_is_told():
    coverage = TRUST["coverage"] | {"rmse_by_verdict": {"inside": 0.5, "edge": 0.4}}
    cannot = words(trust=TRUST | {"coverage": coverage}).cannot
    assert "0.50 inside and 0.40 edge" in said(cannot, "Do not go by its domain")


def test_why_there_are_no_intervals_is_told():
    assert "validation has 3 rows." in said(
        words(trust={"no_intervals": "validation has 3 rows."}).cannot, "no intervals"
    )


def test_what_the_division_did_not_ask_is_told():
    audit = {"test_in_seen": {"compounds": 9, "targets": 0}, "test": {"compounds": 10, "targets": 5}}
    cannot = words(split=SplitSummary("cold_target", 0, 5, 0, "", audit)).cannot
    assert "90.0 % of the test compounds" in said(cannot, "new compounds was not asked")
    assert not [one for one in cannot if "new targets" in one]


def test_one_fold_is_said_to_be_one():
    assert said(words(results=(MODEL,)).cannot, "one fold")
    two = (MODEL, dataclasses.replace(MODEL, fold=1))
    assert not [one for one in words(results=two).cannot if "one fold" in one]


def test_an_unevaluated_run_has_no_skill_to_speak_of():
    found = words(results=(), test=None)
    assert found.can == ()
    assert found.cannot == ("Nothing is known of its skill: it has not been evaluated.",)


def test_classes_are_ranked_and_no_value_is_estimated():
    inputs = full_inputs(CLASSES, results=(row("hyperpcm", auroc=0.9), row("additive", auroc=0.7)))
    can = plain_words(inputs).can
    assert "AUROC per target is 0.900" in said(can, "Rank compounds")
    assert not [one for one in can if "Estimate" in one]


def test_without_a_logarithm_there_is_no_factor():
    data = DataSummary(Quantity("KIBA score", ""))
    assert "factor" not in said(words(data=data, results=(MODEL, row("additive"))).can, "Estimate KIBA score")
    assert PKD.unit == "-log10(M)"
