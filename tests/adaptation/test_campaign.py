"""Asking and telling: nothing twice, within limits, the same again, and better than scores alone."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from hyperpcm.adaptation import STRATEGIES, Campaign, CompoundTable, HeldCompounds, scored_library
from hyperpcm.chem import morgan_counts, tanimoto
from hyperpcm.chem.rules import lipinski_violations
from hyperpcm.errors import ConfigError, InputError
from hyperpcm.screening import StructureFilter
from hyperpcm.target_model import Measurement
from small_adaptable import COMPOUNDS, COVARIANCE, NAMES, adaptable_target, prior_covariance, true_values
from small_models import WIDTH


@pytest.fixture(scope="module")
def labels(target):
    return dict(zip(COMPOUNDS, true_values(target, COMPOUNDS, target.score(COMPOUNDS).values), strict=True))


def measure(campaign, smiles, labels):
    campaign.tell([Measurement(one, float(labels[one])) for one in smiles])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_was_measured_or_suggested_is_not_suggested_again(target, pool, labels, strategy):
    campaign, seen = Campaign(target, pool), list[str]()
    for turn in range(4):
        asked = campaign.ask(8, strategy).compounds.smiles
        assert len(set(asked)) == 8
        assert not set(asked) & set(seen)
        seen += asked
        if turn % 2:
            measure(campaign, asked, labels)
            assert not set(asked) & campaign.pending
    campaign.release()
    assert not campaign.pending
    measured = {one.smiles for one in campaign.measured}
    assert not set(campaign.ask(100, strategy).compounds.smiles) & measured


def test_means_and_deviations_are_those_of_the_adapted_target(target, pool, labels):
    campaign = Campaign(target, pool)
    measure(campaign, COMPOUNDS[:12], labels)
    found = campaign.ask(10, "greedy")
    every = target.adapt(campaign.measured).score(COMPOUNDS).values
    left = np.sort(every[12:])[::-1]
    np.testing.assert_allclose(found.mean, left[:10], atol=5e-5)
    told = [COMPOUNDS.index(one) for one in found.compounds.smiles]
    prior = prior_covariance(target, COMPOUNDS, target.score(COMPOUNDS).values)
    noisy = prior[:12, :12] + COVARIANCE.noise * np.eye(12)
    variance = prior.diagonal() - (prior[:, :12] * np.linalg.solve(noisy, prior[:12]).T).sum(axis=1)
    np.testing.assert_allclose(found.deviation, np.sqrt(variance[told]), atol=2e-3)
    unadapted = target.score(found.compounds.smiles).values
    np.testing.assert_allclose(found.compounds.scores, unadapted, atol=1e-5)


def test_scores_at_hand_adapt_as_those_computed_anew(target, pool, labels):
    campaign = Campaign(target, pool)
    asked = campaign.ask(6).compounds.smiles
    told = [Measurement(one, float(labels[one])) for one in (*asked, *COMPOUNDS[:3])]
    campaign.tell(told)
    np.testing.assert_allclose(
        campaign.target.score(COMPOUNDS).values, target.adapt(told).score(COMPOUNDS).values, atol=1e-4
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategies_find_more_of_the_best_than_scores_alone(target, pool, strategy):
    scores = target.score(COMPOUNDS).values
    first = {COMPOUNDS[place] for place in np.argsort(-scores)[:40]}
    by_strategy = by_score = 0
    for seed in (1, 2, 3):
        labels = dict(zip(COMPOUNDS, true_values(target, COMPOUNDS, scores, seed), strict=True))
        best = set(sorted(COMPOUNDS, key=lambda one: -labels[one])[:20])
        campaign = Campaign(target, pool, seed=seed)
        for _ in range(5):
            asked = campaign.ask(8, strategy).compounds.smiles
            campaign.tell([Measurement(one, float(labels[one])) for one in asked])
            by_strategy += len(set(asked) & best)
        by_score += len(first & best)
    assert by_strategy > 1.5 * by_score


def test_the_same_seed_asks_the_same_and_another_does_not(target, pool, labels):
    def run(seed):
        campaign, asked = Campaign(target, pool, seed=seed), list[list[str]]()
        for _ in range(2):
            asked.append(campaign.ask(6, "thompson").compounds.smiles)
            measure(campaign, asked[-1], labels)
        return asked

    assert run(0) == run(0)
    assert run(0) != run(1)


def test_a_saved_campaign_goes_on_as_if_never_left(target, pool, labels, tmp_path):
    campaign = Campaign(target, pool, seed=3)
    measure(campaign, campaign.ask(6).compounds.smiles, labels)
    campaign.ask(4)
    campaign.save(tmp_path / "campaign.json")
    loaded = Campaign.load(tmp_path / "campaign.json", target, pool)
    assert loaded.pending == campaign.pending
    assert loaded.measured == campaign.measured
    assert loaded.ask(6, "thompson").compounds.smiles == campaign.ask(6, "thompson").compounds.smiles


def test_a_campaign_of_another_target_or_a_damaged_one_is_refused(target, pool, tmp_path):
    path = tmp_path / "campaign.json"
    Campaign(target, pool).save(path)
    with pytest.raises(InputError, match="of another target"):
        Campaign.load(path, adaptable_target(seed=1), pool)
    path.write_text(path.read_text()[:-5])
    with pytest.raises(InputError, match="not a saved campaign, or it is damaged"):
        Campaign.load(path, target, pool)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_limits_of_likeness_budget_and_table_are_kept(target, pool, strategy):
    prices = {f"c{row}": 1.0 + row % 7 for row in range(150)}
    campaign = Campaign(target, pool, table=CompoundTable("name", prices))
    found = campaign.ask(12, strategy, most_similar=0.7, budget=30)
    assert {int(name[1:]) for name in found.compounds.names} <= set(range(150))
    assert found.prices.sum() <= 30
    np.testing.assert_array_equal(found.prices, [prices[name] for name in found.compounds.names])
    counts = morgan_counts(found.compounds.smiles, width=WIDTH)
    similarity = tanimoto(counts, counts)
    np.fill_diagonal(similarity, 0)
    assert similarity.max() <= 0.7
    assert found.candidates == 150


def test_filters_are_kept_and_the_batch_is_filled_up(target):
    heavy = [f"{'C' * n}c1ccc({'C' * (20 + n)})cc1{'C' * 10}C(=O)NCCCNCCCNCCCNCCCN" for n in range(1, 9)]
    assert min(lipinski_violations(one) for one in heavy) > 1
    pool = HeldCompounds.of(target, [*heavy, *COMPOUNDS[:20]])
    accepted = Campaign(target, pool, only=StructureFilter(["lipinski"])).ask(20).compounds.smiles
    assert sorted(accepted) == sorted(COMPOUNDS[:20])
    with pytest.raises(InputError, match="no compound of the library is lipinski"):
        Campaign(target, HeldCompounds.of(target, heavy), only=StructureFilter(["lipinski"])).ask(1)


def test_where_limits_leave_too_few_of_the_first_candidates_more_are_looked_at(target, pool, monkeypatch):
    monkeypatch.setattr("hyperpcm.adaptation.suggest_batch._CANDIDATES", 8)
    monkeypatch.setattr("hyperpcm.adaptation.suggest_batch._FOR_EACH", 1)
    assert len(Campaign(target, pool).ask(12, "greedy", most_similar=0.6)) == 12
    assert len(Campaign(target, pool).ask(200, "greedy", most_similar=0.6)) < 200


def test_never_keeps_compounds_out_whatever_is_released_saved_or_loaded(target, pool, tmp_path):
    first = Campaign(target, pool).ask(6, "greedy").compounds.smiles
    campaign = Campaign(target, pool, never=first[:2])
    assert campaign.ask(3, "greedy").compounds.smiles == first[2:5]
    assert campaign.pending == set(first[2:5])
    campaign.release()
    assert campaign.ask(3, "greedy").compounds.smiles == first[2:5]
    campaign.save(tmp_path / "campaign.json")
    loaded = Campaign.load(tmp_path / "campaign.json", target, pool, never=first[2:3])
    loaded.release()
    assert loaded.ask(3, "greedy").compounds.smiles == first[3:6]


def test_what_is_on_order_is_believed_and_what_is_barred_is_not(target, pool, labels, tmp_path):
    def asked(**conditions) -> list[str]:
        campaign = Campaign(target, pool, **conditions)
        measure(campaign, COMPOUNDS[:10], labels)
        return list(campaign.ask(6).compounds.smiles)

    first = asked()
    without = HeldCompounds.of(target, [one for one in COMPOUNDS if one not in first])
    campaign = Campaign(target, without)
    measure(campaign, COMPOUNDS[:10], labels)
    unaware = list(campaign.ask(6).compounds.smiles)
    assert asked(never=first) == unaware
    campaign = Campaign(target, pool, ordered=first)
    measure(campaign, COMPOUNDS[:10], labels)
    campaign.save(tmp_path / "campaign.json")
    believed = list(campaign.ask(6).compounds.smiles)
    assert believed != unaware
    whole = Campaign(target, pool)
    measure(whole, COMPOUNDS[:10], labels)
    assert [*first, *believed] == list(whole.ask(12).compounds.smiles)
    assert list(Campaign.load(tmp_path / "campaign.json", target, pool).ask(6).compounds.smiles) == believed


@pytest.mark.parametrize("strategy", ["ucb", "ei"])
def test_what_is_pending_counts_as_measured_for_the_next_batch(target, pool, labels, strategy):
    campaign, whole = Campaign(target, pool), Campaign(target, pool)
    for one in (campaign, whole):
        measure(one, COMPOUNDS[:10], labels)
    halves = [*campaign.ask(6, strategy).compounds.smiles, *campaign.ask(6, strategy).compounds.smiles]
    assert halves == whole.ask(12, strategy).compounds.smiles


def test_a_copy_that_costs_less_is_what_is_bought(target, tmp_path):
    library = tmp_path / "library.csv"
    library.write_text("smiles,compound_id,price\nCCO,A1,100\nCCN,A3,50\nOCC, B2 ,5\n")
    table = CompoundTable.read(library, price_column="price")
    held = HeldCompounds.of(target, ["CCO", "CCN", "OCC"], ["A1", "A3", " B2 "])
    for pool in (scored_library(target, library, tmp_path / "state"), held):
        found = Campaign(target, pool, table=table).ask(3, "greedy", budget=60)
        told = zip(
            found.compounds.rows, (one.strip() for one in found.compounds.names), found.prices, strict=True
        )
        assert sorted(told) == [(1, "A3", 50.0), (2, "B2", 5.0)]
        only = Campaign(target, pool, table=CompoundTable("name", {"B2": 5.0})).ask(3, "greedy")
        assert (only.compounds.smiles, only.prices.tolist()) == (["CCO"], [5.0])


def test_a_target_that_does_not_know_how_sure_it_is_is_greedy_only(target, pool):
    unsure = dataclasses.replace(
        target, residual_prior=None, provenance={"model": {"no_adaptation": "labels are classes."}}
    )
    campaign = Campaign(unsure, pool)
    with pytest.raises(ConfigError, match=r"does not: labels are classes\. Use greedy instead"):
        campaign.ask(3)
    found = campaign.ask(3, "greedy")
    np.testing.assert_allclose(found.mean, np.sort(target.score(COMPOUNDS).values)[::-1][:3], rtol=1e-5)
    assert (found.deviation, found.chance, found.outlook) == (None, None, None)


def test_what_cannot_be_asked_is_refused(target, pool):
    campaign = Campaign(target, pool)
    with pytest.raises(ConfigError, match="1 compound at least, not 0"):
        campaign.ask(0)
    with pytest.raises(ConfigError, match="a budget needs prices"):
        campaign.ask(1, budget=5)
    with pytest.raises(ConfigError, match="a seed is a number from 0 on, not -1"):
        Campaign(target, pool, seed=-1)
    priced = Campaign(target, pool, table=CompoundTable("name", dict.fromkeys(NAMES, 1.0)))
    with pytest.raises(ConfigError, match="a budget is a number from 0 on, not -1"):
        priced.ask(1, budget=-1)
    with pytest.raises(InputError, match="joined by name"):
        Campaign(target, pool, table=CompoundTable("name", {"other": 1.0})).ask(1)
    with pytest.raises(InputError, match="none of the 200 compounds"):
        Campaign(target, pool, never=COMPOUNDS).ask(1)


def test_the_outlook_counts_what_is_known(target, pool, labels):
    campaign = Campaign(target, pool)
    before = campaign.ask(10).outlook
    assert not before.is_measured
    assert before.expected_top + before.expected_left == pytest.approx(0.01 * 200, rel=1e-3)
    campaign.release()
    measure(campaign, COMPOUNDS[:100], labels)
    after = campaign.ask(10, "greedy").outlook
    values = np.array([labels[one] for one in COMPOUNDS[:100]])
    assert after.best == pytest.approx(values.max())
    assert after.measured_top == (values > after.threshold).sum()
    total = after.expected_top + after.expected_left + after.measured_top
    assert total == pytest.approx(0.01 * 200, abs=1.0)  # measured values are whole compounds
    assert after.improvement >= 0


def test_what_cannot_be_asked_is_refused_before_the_library_is_read(target):
    class Unread:
        def __len__(self):
            return 5

    for options in ({"most_similar": 2}, {"strategy": "best"}, {"budget": 3}):
        with pytest.raises(ConfigError):
            Campaign(target, Unread()).ask(1, **options)


def test_an_upper_bound_is_no_value_and_a_repeat_counts_with_its_mean(target, pool):
    bounded = Campaign(target, pool)
    bounded.tell([Measurement(COMPOUNDS[0], 9.5, relation=-1)])
    outlook = bounded.ask(3, "greedy").outlook
    assert not outlook.is_measured
    assert outlook.measured_top == 0
    repeated, scores = Campaign(target, pool), target.score(COMPOUNDS).values
    repeated.tell([Measurement(COMPOUNDS[0], 9.0), Measurement(COMPOUNDS[0], 5.0)])
    repeated.tell([Measurement(one, float(scores[row])) for row, one in enumerate(COMPOUNDS[:60]) if row])
    outlook = repeated.ask(3, "greedy").outlook
    assert outlook.best == pytest.approx(max(7.0, scores[1:60].max()))


def test_measurements_outside_the_library_are_none_of_its_best(target):
    campaign, scores = (
        Campaign(target, HeldCompounds.of(target, COMPOUNDS[:100])),
        target.score(COMPOUNDS).values,
    )
    campaign.tell([Measurement(one, float(scores[row])) for row, one in enumerate(COMPOUNDS[:60])])
    campaign.tell([Measurement(one, 11.0) for one in COMPOUNDS[190:196]])
    outlook = campaign.ask(4, "greedy").outlook
    assert outlook.measured_top == 0
    assert outlook.threshold < outlook.best == 11.0
    assert 0.5 < outlook.expected_top + outlook.expected_left <= 1


def test_where_noise_goes_by_score_the_outlook_has_that_of_the_batch(target):
    prior = dataclasses.replace(
        target.residual_prior, knots=np.array([5.0, 7.0]), scales=np.array([0.25, 1.75]), powers=(1.0, 1.0)
    )
    other = dataclasses.replace(target, residual_prior=prior)
    found = Campaign(other, HeldCompounds.of(other, COMPOUNDS)).ask(5, "greedy")
    assert found.outlook.noise == pytest.approx(np.sqrt(prior.noise(found.compounds.scores).mean()))
    assert found.outlook.noise != pytest.approx(np.sqrt(COVARIANCE.noise), rel=0.05)


@pytest.mark.parametrize(
    ("name", "value"),
    [("measurements", [{"smiles": "CCO", "value": "7"}]), ("seed", "1"), ("pending", "CCO")],
)
def test_a_file_with_a_value_of_another_type_is_refused(target, pool, tmp_path, name, value):
    path = tmp_path / "campaign.json"
    Campaign(target, pool).save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    with pytest.raises(InputError, match="not a saved campaign, or it is damaged"):
        Campaign.load(path, target, pool)
