"""Replays: hits are counted right, methods see no label that they did not ask for."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.adaptation.suggest_replay import METHODS, Replay, ReplayProtocol, replayed
from hyperpcm.errors import ConfigError, LabelError
from small_adaptable import adaptable_target, true_values
from small_models import many_smiles

COMPOUNDS = many_smiles(120)
PROTOCOL = ReplayProtocol(rounds=3, batch=8, share=0.1, least_compounds=100, seeds=2)


@pytest.fixture(scope="module")
def target():
    return adaptable_target()


@pytest.fixture(scope="module")
def scores(target):
    return target.score(COMPOUNDS).values


@pytest.fixture(scope="module")
def found(target, scores):
    return replayed(target, COMPOUNDS, true_values(target, COMPOUNDS, scores, 1), PROTOCOL)


def test_every_method_finds_more_with_every_round_and_starts_where_it_says(found, target, scores):
    labels = true_values(target, COMPOUNDS, scores, 1)
    assert list(found) == list(METHODS)
    for shares in found.values():
        assert len(shares) == 3
        assert (np.diff(shares) >= 0).all()
        assert 0 <= shares[0] <= shares[-1] <= 1
    np.testing.assert_allclose(found["random"], np.array([8, 16, 24]) / 120)
    best = labels >= np.sort(labels)[-12]
    order = np.argsort(-scores, kind="stable")
    np.testing.assert_allclose(found["zero_shot"], [best[order[:n]].sum() / 12 for n in (8, 16, 24)])
    assert found["greedy"][0] == found["forest"][0] == found["zero_shot"][0]


def test_the_same_seed_gives_the_same(found, target, scores):
    labels = true_values(target, COMPOUNDS, scores, 1)
    drawn = ["thompson", "forest_random"]
    again = replayed(target, COMPOUNDS, labels, PROTOCOL, drawn)
    assert again == {name: found[name] for name in again}
    other = replayed(target, COMPOUNDS, labels, PROTOCOL, drawn, seed=1)
    assert all(other[name] != again[name] for name in drawn)


@pytest.mark.parametrize("method", ["thompson", "forest", "forest_random"])
def test_what_draws_is_replayed_as_often_as_the_protocol_says_and_the_mean_counts(
    found, target, scores, method
):
    replay = Replay(target, COMPOUNDS, true_values(target, COMPOUNDS, scores, 1), PROTOCOL)
    every = [replay.found(method, [0, number]) for number in range(PROTOCOL.seeds)]
    assert (every[0] != every[1]).any()
    np.testing.assert_allclose(found[method], np.mean(every, axis=0))


def test_a_forest_is_drawn_by_the_whole_key_from_its_second_batch_on(target, scores):
    replay = Replay(target, COMPOUNDS, true_values(target, COMPOUNDS, scores, 1), PROTOCOL)
    one, other = replay.asked("forest", [0, 0]), replay.asked("forest", [7, 0])
    np.testing.assert_array_equal(one[0], other[0])
    assert (one[1] != other[1]).any()


@pytest.mark.parametrize("method", [method for method in METHODS if method != "random"])
def test_labels_that_were_not_asked_for_play_no_part(target, scores, method):
    labels = true_values(target, COMPOUNDS, scores, 1)
    asked = Replay(target, COMPOUNDS, labels, PROTOCOL).asked(method, [0, 0])
    assert [len(places) for places in asked] == [8, 8, 8]
    assert len(set(np.concatenate(asked))) == 24
    known = np.concatenate(asked[:-1])  # what the last batch brings decides nothing either
    hidden = np.setdiff1d(np.arange(len(COMPOUNDS)), known)
    others = labels.copy()
    others[hidden] = 20 - 3 * np.random.default_rng(0).permutation(labels[hidden])
    again = Replay(target, COMPOUNDS, others, PROTOCOL).asked(method, [0, 0])
    np.testing.assert_array_equal(again, asked)
    if method != "zero_shot":
        others[known] = labels[known][::-1]
        differing = Replay(target, COMPOUNDS, others, PROTOCOL).asked(method, [0, 0])
        np.testing.assert_array_equal(differing[0], asked[0])
        assert any((one != other).any() for one, other in zip(differing, asked, strict=True))


def test_where_labels_are_the_scores_all_of_the_best_are_found_at_once(target, scores):
    protocol = ReplayProtocol(rounds=2, batch=12, share=0.1, least_compounds=100)
    assert replayed(target, COMPOUNDS, scores, protocol, ["zero_shot", "greedy"]) == {
        "zero_shot": [1.0, 1.0],
        "greedy": [1.0, 1.0],
    }


def test_compounds_as_good_as_the_last_of_the_best_are_among_them(target, scores):
    labels = np.round(true_values(target, COMPOUNDS, scores, 1), 1)
    last = np.sort(labels)[-12]
    labels[np.argsort(labels)[-24]] = last  # one more at least
    best = Replay(target, COMPOUNDS, labels, PROTOCOL).best
    assert set(np.flatnonzero(best)) == {place for place in range(120) if labels[place] >= last}
    assert 13 <= best.sum() <= 24


def test_a_target_whose_best_are_mostly_ties_is_refused(target):
    floor = np.full(120, 5.0)
    floor[:3] = 6, 7, 8
    with pytest.raises(LabelError, match=r"for ties its best 12 compounds are 120. .* raise most_tied \(2\)"):
        replayed(target, COMPOUNDS, floor, PROTOCOL)
    protocol = ReplayProtocol(3, 8, 0.1, 5, 100)
    labels = np.arange(120.0)
    assert not protocol.is_tied(labels)
    labels[-24:] = 200.0
    assert not protocol.is_tied(labels)
    labels[-25:] = 200.0
    assert protocol.is_tied(labels)
    assert not ReplayProtocol(3, 8, 0.1, 5, 100, most_tied=None).is_tied(floor)


def test_what_cannot_be_replayed_is_refused(target, scores):
    with pytest.raises(LabelError, match="5 compounds and 5 labels"):
        replayed(target, COMPOUNDS[:5], scores[:5], PROTOCOL)
    with pytest.raises(LabelError, match="1 of 120 compounds are not usable"):
        replayed(target, ["C1CC", *COMPOUNDS[1:]], scores, PROTOCOL)
    with pytest.raises(ConfigError, match="no method 'luck'"):
        replayed(target, COMPOUNDS, scores, PROTOCOL, ["luck"])
    with pytest.raises(ConfigError, match="'random' is an expectation"):
        Replay(target, COMPOUNDS, scores, PROTOCOL).asked("random", [0, 0])
    with pytest.raises(ConfigError, match="5 rounds of 24 measure 120"):
        ReplayProtocol(least_compounds=100)
    with pytest.raises(ConfigError, match=r"most_tied is a number from 1 on, not 0\.5"):
        ReplayProtocol(most_tied=0.5)
    with pytest.raises(ConfigError, match="numbers from 1 on"):
        ReplayProtocol(seeds=0)
