"""A task checks itself and shrinks without touching what is scored."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hyperpcm.errors import LabelError
from small_tasks import task


def test_the_first_k_keep_the_query_and_cut_everything_of_the_support():
    whole = task(k=6, q=4)
    short = whole.first(2)
    for field in dataclasses.fields(whole):
        one, other = getattr(whole, field.name), getattr(short, field.name)
        if field.name in ("support", "labels") or field.name.endswith("_support"):
            np.testing.assert_array_equal(other, one[:2])
        else:
            np.testing.assert_array_equal(other, one)
    assert len(whole.first(0).support) == 0


@pytest.mark.parametrize("k", [-1, 7])
def test_more_measured_compounds_than_there_are_is_an_error(k):
    with pytest.raises(LabelError, match="there are 6"):
        task(k=6).first(k)


def test_scores_that_do_not_belong_to_the_compounds_are_refused():
    whole = task(k=6, q=4)
    with pytest.raises(LabelError, match="zero_shot_query has 3 entries for 4 query"):
        dataclasses.replace(whole, zero_shot_query=whole.zero_shot_query[:3])
    with pytest.raises(LabelError, match="labels is not finite"):
        dataclasses.replace(whole, labels=np.full(6, np.nan, dtype=np.float32))
