"""The verdict on measured mutants: where differences can be told, where not, and where nothing is known."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, spearmanr

from hyperpcm.trust import Differences, MutantFigures, MutantTest, judged


def made(
    mutants: int = 12,
    compounds: int = 30,
    *,
    known: int = 0,
    skill: float = 0.0,
    shrinkage: float = 0.0,
    noise: float = 0.2,
    seed: int = 0,
) -> Differences:
    """Mutants with changes of their own; ``skill`` of a model for them, ``shrinkage`` of any new sequence."""
    generator = np.random.default_rng(seed)
    wild = generator.normal(6.5, 1, compounds)
    effect = generator.normal(0, 1, (mutants, compounds))
    measured = effect - 0.5 * (wild - 6.5)
    towards_mean = -shrinkage * (wild - 6.5)
    predicted = skill * effect + towards_mean + generator.normal(0, noise, effect.shape)
    random = towards_mean[None, :, None] + generator.normal(0, noise, (mutants, compounds, 3))
    is_new = np.arange(mutants) >= known
    random[~is_new] = np.nan
    return Differences(
        mutants=tuple(f"KIN(M{number})" for number in range(mutants)),
        wild_types=tuple(f"KIN{number % 3}" for number in range(mutants)),
        mutations=tuple(f"M{number}A" for number in range(mutants)),
        is_new=is_new,
        mutant=np.repeat(np.arange(mutants), compounds),
        compound=np.tile(np.arange(compounds), mutants),
        measured=measured.ravel(),
        predicted=predicted.ravel(),
        random=random.reshape(-1, 3),
    )


def test_figures_are_those_of_independent_formulas():
    found = made(skill=0.7)
    figures = MutantFigures.of(found)
    x, y = found.measured, found.predicted
    assert (figures.mutants, figures.proteins, figures.differences, figures.compounds) == (12, 3, 360, 30)
    assert figures.pearson == pytest.approx(pearsonr(x, y).statistic)
    assert figures.spearman == pytest.approx(spearmanr(x, y).statistic)
    within = [pearsonr(x[found.mutant == one], y[found.mutant == one]).statistic for one in range(12)]
    assert figures.mean_pearson == pytest.approx(np.mean(within))
    clear = [(a, b) for a, b in zip(x, y, strict=True) if abs(a) >= 0.5]
    assert figures.clear == len(clear)
    assert figures.sign_agreement == pytest.approx(np.mean([a * b > 0 for a, b in clear]))
    assert figures.rmse == pytest.approx(np.sqrt(np.mean((x - y) ** 2)))
    assert figures.no_change_rmse == pytest.approx(np.sqrt(np.mean(x**2)))
    random = [pearsonr(x, found.random[:, column]).statistic for column in range(3)]
    assert figures.random_pearson == pytest.approx(np.mean(random))
    assert figures.gain == pytest.approx(figures.pearson - np.mean(random))


def test_the_interval_is_that_of_resampled_mutants():
    found = made(skill=0.4, mutants=8)
    generator, samples = np.random.default_rng(5), []
    for _ in range(1000):
        rows = np.concatenate([np.flatnonzero(found.mutant == one) for one in generator.integers(0, 8, 8)])
        samples.append(pearsonr(found.measured[rows], found.predicted[rows]).statistic)
    low, high = np.quantile(samples, [0.025, 0.975])
    interval = MutantFigures.of(found).interval
    assert interval == pytest.approx((low, high), abs=0.03)
    assert MutantFigures.of(found, seed=1).interval != interval
    assert MutantFigures.of(found).interval == interval


def test_a_model_that_predicts_the_changes_can_tell():
    test = judged(made(skill=0.8))
    assert test.verdict == "can_tell"
    assert test.new.pearson > 0.7
    assert test.sentence().startswith("The model can tell mutants apart: over 360 differences of 12 mutants")
    assert f"r = {test.new.pearson:.2f}" in test.sentence()


def test_chance_is_no_knowledge():
    test = judged(made(skill=0.0))
    assert test.verdict == "cannot_tell"
    assert "correlate is not certain" in test.sentence()
    assert "is not below that of “no change”" in test.sentence()


def test_a_step_towards_the_mean_is_no_knowledge_of_a_mutant():
    """It correlates with what was measured and has a lower error than no change: random mutations do, too."""
    test = judged(made(shrinkage=0.5))
    assert test.new.interval[0] > 0
    assert test.new.rmse < test.new.no_change_rmse
    assert test.verdict == "cannot_tell"
    assert "random substitutions in the same proteins would explain" in test.sentence()
    assert judged(made(shrinkage=0.5, skill=0.8)).verdict == "can_tell"


def test_the_luck_of_the_wild_type_is_no_knowledge_of_a_mutant():
    """Where its labels are off by chance, all mutants differ from it alike, and their relatives tell so."""
    found, generator = made(mutants=18, noise=0.3), np.random.default_rng(7)
    luck = generator.normal(0, 1, (3, 30))[found.mutant % 3, found.compound]
    found = dataclasses.replace(found, measured=found.measured - luck, predicted=found.predicted - 0.7 * luck)
    test = judged(found)
    assert test.new.interval[0] > 0
    assert test.new.rmse < test.new.no_change_rmse
    assert test.new.gain_interval[0] > 0
    assert test.verdict == "cannot_tell"
    assert "18 mutants are not told from others of the same protein" in test.sentence()
    told = dataclasses.replace(found, predicted=found.predicted + 0.5 * found.measured)
    assert judged(told).verdict == "can_tell"


def test_mutants_of_one_protein_are_compared_on_the_same_compound():
    found = made(mutants=7, skill=0.5)
    figures = MutantFigures.of(found)
    frame = pd.DataFrame(
        {
            "protein": [found.wild_types[one] for one in found.mutant],
            "compound": found.compound,
            "x": found.measured,
            "y": found.predicted,
        }
    )
    groups = frame.groupby(["protein", "compound"])[["x", "y"]]
    centred = (frame[["x", "y"]] - groups.transform("mean"))[groups.transform("size") > 1]
    assert figures.among == pytest.approx(pearsonr(centred["x"], centred["y"]).statistic)
    assert figures.among_mutants == 7
    assert figures.among_interval[0] < figures.among < figures.among_interval[1]


def test_mutants_without_company_are_not_compared():
    found = made(mutants=6, skill=0.9)
    alone = dataclasses.replace(found, wild_types=tuple("abcdef"))
    figures = MutantFigures.of(alone)
    assert (figures.among, figures.among_interval, figures.among_mutants) == (None, None, 0)
    assert judged(alone).verdict == "can_tell"


def test_an_error_above_that_of_no_change_is_refused_whatever_the_correlation():
    found = made(skill=1.0)
    test = judged(dataclasses.replace(found, predicted=4 * found.predicted))
    assert test.new.interval[0] > 0.5
    assert test.verdict == "cannot_tell"
    assert "is not below" in test.sentence()
    assert "not certain" not in test.sentence()


def test_a_model_that_predicts_no_change_cannot_tell():
    found = made()
    test = judged(dataclasses.replace(found, predicted=np.zeros_like(found.predicted)))
    assert test.verdict == "cannot_tell"
    assert test.new.pearson is None
    assert "are all the same" in test.sentence()


def test_random_mutations_that_change_nothing_explain_nothing():
    found = made(skill=0.8)
    test = judged(dataclasses.replace(found, random=np.zeros_like(found.random)))
    assert test.verdict == "can_tell"
    assert test.new.gain == pytest.approx(test.new.pearson)


@pytest.mark.parametrize("mutants", [1, 4])
def test_fewer_than_five_mutants_are_no_test(mutants: int):
    test = judged(made(skill=1.0, mutants=mutants))
    assert test.verdict == "untested"
    assert f"{mutants} mutant" in test.sentence()
    assert "5 are needed" in test.sentence()
    assert judged(made(skill=1.0, mutants=5)).verdict == "can_tell"


def test_no_mutants_at_all_are_untested():
    nothing = made(known=12).of(new=True)
    assert nothing.mutants == ()
    test = judged(nothing)
    assert (test.verdict, test.new, test.known) == ("untested", None, None)
    assert "hold 0 mutants" in test.sentence()


def test_known_mutants_are_told_apart_from_new_ones():
    """A model that recalls the labels of mutants it was trained on has learnt nothing about others."""
    found = made(mutants=16, known=8, skill=0.0)
    rows = ~found.is_new[found.mutant]
    recalled = np.where(rows, found.measured, found.predicted)
    test = judged(dataclasses.replace(found, predicted=recalled))
    assert test.known.mutants == 8
    assert test.known.pearson == pytest.approx(1.0)
    assert test.known.random_pearson is None
    assert test.new.mutants == 8
    assert test.verdict == "cannot_tell"
    few = judged(dataclasses.replace(found, is_new=np.arange(16) >= 14))
    assert few.verdict == "untested"
    assert few.known.mutants == 14


def test_a_test_and_its_differences_survive_json():
    found = made(skill=0.6, known=3)
    test = judged(found)
    assert MutantTest.of_record(json.loads(json.dumps(test.record()))) == test
    read = Differences.of_record(json.loads(json.dumps(found.record())))
    assert read.mutants == found.mutants
    np.testing.assert_allclose(read.predicted, found.predicted, atol=1e-4)
    np.testing.assert_allclose(read.random, found.random, atol=1e-4)
    assert judged(read).verdict == test.verdict
    nothing = found.of(new=True).of(new=False)
    assert Differences.of_record(nothing.record()).measured.shape == (0,)


def test_folds_are_joined_mutant_by_mutant():
    one, other = made(skill=0.6, mutants=6), made(skill=0.6, mutants=7, seed=1)
    whole = Differences.joined([one, other])
    figures = MutantFigures.of(whole)
    assert figures.mutants == 13
    both = np.concatenate([one.predicted, other.predicted])
    expected = pearsonr(np.concatenate([one.measured, other.measured]), both).statistic
    assert figures.pearson == pytest.approx(expected)
    assert (np.bincount(whole.mutant) == 30).all()
