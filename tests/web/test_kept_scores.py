"""Scores that are at hand are those that would be computed."""

from __future__ import annotations

import pytest

from hyperpcm.errors import Rejection
from hyperpcm.web.kept_scores import KeptScores, ScoredText
from small_calibrations import calibrated_model
from small_models import QUERY, many_smiles

TEXTS = [*many_smiles(20), "OCC", "CCO", "C1CC", "CCO"]


@pytest.fixture(scope="module")
def target():
    return calibrated_model().compile_target(QUERY)


def test_whatever_was_asked_before_the_scores_are_the_same(target):
    kept = KeptScores(100)
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
