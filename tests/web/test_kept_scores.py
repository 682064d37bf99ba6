"""Scores that are at hand are those that would be computed."""

from __future__ import annotations

import pytest

from hyperpcm.errors import Rejection
from hyperpcm.screening import CompoundRecipe
from hyperpcm.target_model import Measurement
from hyperpcm.web.kept_scores import KeptScores, ScoredText
from hyperpcm.web.read_scores import Landmarks
from hyperpcm.web.reading import CompoundReader
from small_adaptable import adaptable_target
from small_calibrations import calibrated_model
from small_models import QUERY, many_smiles

TEXTS = [*many_smiles(20), "OCC", "CCO", "C1CC", "CCO"]


@pytest.fixture(scope="module")
def target():
    return calibrated_model().compile_target(QUERY)


def reader_for(target):
    prior = target.prior
    recipe = CompoundRecipe(target.encoder, ((prior.radius, prior.landmarks.shape[1]),))
    return CompoundReader(recipe, processes=0, most=100)


@pytest.mark.parametrize("reads", [False, True])
def test_whatever_was_asked_before_the_scores_are_the_same(target, reads):
    kept = KeptScores(100, reader_for(target) if reads else None)
    kept.score("a", target, TEXTS[::3], level=0.8, nearest=False)
    found = kept.score("a", target, TEXTS, level=0.8, nearest=False)
    expected = target.score(TEXTS, level=0.8)
    for row, one in enumerate(found):
        if isinstance(one, Rejection):
            assert one.code == expected.rejections[0].code
            continue
        assert one.smiles == expected.smiles[row]
        assert one.score == float(expected.values[row])
        assert one.lower == float(expected.intervals.lower[row])
        assert one.domain == expected.intervals.verdicts[row]
    assert [type(one) for one in found[-4:]] == [ScoredText, ScoredText, Rejection, ScoredText]


def test_compounds_that_were_read_before_score_as_they_do_by_themselves_adapted_or_not(target):
    own = adaptable_target()
    measured = [Measurement(smiles, 6.5 + 0.2 * row, 0, "") for row, smiles in enumerate(many_smiles(6))]
    texts = many_smiles(90)
    for one in (target, own, own.adapt(measured)):
        kept = KeptScores(100, reader_for(one))
        expected, nearest = one.score(texts), one.nearest_landmarks(texts)
        found = [kept.score("a", one, [text], level=0.8, nearest=True)[0] for text in texts[:5]]
        found += kept.score("a", one, texts[5:], level=0.8, nearest=True)
        assert [kept_one.score for kept_one in found] == expected.values.tolist()
        assert [kept_one.nearest for kept_one in found] == list(nearest)


def test_landmarks_of_targets_of_one_model_are_held_once():
    model, landmarks = calibrated_model(), Landmarks()
    first, second = (model.compile_target(sequence) for sequence in (QUERY, "MKTAYIAKQRQISFVKSHF"))
    landmarks.of(first.prior)
    shared = landmarks.shared(second)
    assert shared.prior.landmarks is first.prior.landmarks
    assert landmarks.of(shared.prior) is landmarks.of(first.prior)
    assert shared.score(TEXTS[:5]).values.tolist() == second.score(TEXTS[:5]).values.tolist()


def test_targets_levels_and_what_is_told_are_kept_apart(target):
    kept = KeptScores(100)
    narrow, wide = (kept.score("a", target, ["CCO"], level=level, nearest=False)[0] for level in (0.5, 0.9))
    assert wide.upper - wide.lower > narrow.upper - narrow.lower
    assert narrow.nearest is None
    near = kept.score("a", target, ["CCO"], level=0.5, nearest=True)[0]
    assert near.nearest == target.nearest_landmarks(["CCO"])[0]
    other = calibrated_model().compile_target("MKTAYIAKQRQISFVKSHF")
    assert kept.score("b", other, ["CCO"], level=0.5, nearest=False)[0].score == float(
        other.score(["CCO"]).values[0]
    )
    assert len(kept) == 4


def test_only_so_many_are_kept_the_last_ones(target):
    kept = KeptScores(5)
    kept.score("a", target, TEXTS[:20], level=0.8, nearest=False)
    assert len(kept) == 5
    kept.score("a", target, ["C" * 600], level=0.8, nearest=False)
    assert len(kept) == 5
