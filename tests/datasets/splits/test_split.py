"""A split keeps its promises as a value, and survives a file."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from hyperpcm.datasets.interactions import Interactions, Quantity
from hyperpcm.datasets.splits import Split, make_splits
from hyperpcm.errors import SplitError


def table(shift: float = 0.0) -> Interactions:
    compound, target = np.divmod(np.arange(60), 6)
    return Interactions(
        name="made",
        quantity=Quantity("pKd", "-log10(M)"),
        compounds=tuple("C" * (length + 1) for length in range(10)),
        targets=tuple("M" + "A" * length for length in range(6)),
        compound_names=("",) * 10,
        target_names=("",) * 6,
        compound_index=compound,
        target_index=target,
        values=np.linspace(5, 9, 60) + shift,
        relations=np.zeros(60),
    )


def split_of(**changes) -> Split:
    fields = {
        "name": "random",
        "fold": 0,
        "folds": 2,
        "seed": 0,
        "train": np.array([3, 1, 2]),
        "valid": np.array([0]),
        "test": np.array([4]),
        "how": "By hand.",
        "unused": 0,
    }
    return Split(**{**fields, **changes})


def test_rows_come_out_sorted_as_int64_and_read_only():
    given = np.array([3, 1, 2], dtype=np.int32)
    split = split_of(train=given)
    assert split.train.tolist() == [1, 2, 3]
    assert split.train.dtype == np.int64
    assert given.tolist() == [3, 1, 2]
    with pytest.raises(ValueError, match="read-only"):
        split.train[0] = 7
    with pytest.raises(dataclasses.FrozenInstanceError):
        split.seed = 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": np.array([], dtype=np.int64)}, "train side is empty"),
        ({"valid": np.array([], dtype=np.int64)}, "valid side is empty"),
        ({"valid": np.array([0.5])}, "valid side is empty or not a list"),
        ({"train": np.array([1, 1])}, "or one twice"),
        ({"train": np.array([-1, 1])}, "negative"),
        ({"test": np.array([3, 4])}, "1 row numbers are on more than one side"),
        ({"valid": np.array([True])}, "valid side is empty or not a list"),
    ],
)
def test_a_split_that_leaks_or_lacks_a_side_cannot_exist(changes, message):
    with pytest.raises(SplitError, match=message):
        split_of(**changes)


def test_a_split_comes_back_from_json_as_it_was():
    for split in make_splits(table(), "cold_both", folds=3, valid_share=0.3):
        again = Split.from_json(split.to_json(table()), table())
        for field in dataclasses.fields(Split):
            one, other = getattr(split, field.name), getattr(again, field.name)
            assert np.array_equal(one, other)
            assert type(one) is type(other)


def test_without_a_test_side_its_rows_are_trained_on_and_the_same_rows_choose():
    for split in make_splits(table(), "cold_target", folds=3):
        whole = split.without_test(table())
        assert whole.test.size == 0
        assert whole.valid.tolist() == split.valid.tolist()
        assert whole.train.tolist() == sorted(set(range(len(table()))) - set(split.valid.tolist()))
        assert "Nothing is held out for a test" in whole.how
        again = Split.from_json(whole.to_json(table()), table())
        assert (again.train.tolist(), again.test.tolist()) == (whole.train.tolist(), [])
        split.check_tested()
        with pytest.raises(SplitError, match="test side is empty"):
            whole.check_tested()


def test_a_kind_of_split_that_leaves_nothing_to_test_is_refused():
    known = dataclasses.replace(table(), folds={"new": np.zeros(len(table()), dtype=np.int64)})
    with pytest.raises(SplitError, match="test side is empty"):
        make_splits(known, "forward", column="new")


def test_a_split_of_another_table_is_refused():
    text = make_splits(table(), "random")[0].to_json(table())
    with pytest.raises(SplitError, match="another table"):
        Split.from_json(text, table(shift=0.5))


def test_a_split_that_does_not_account_for_all_rows_is_not_written():
    with pytest.raises(SplitError, match="accounts for 5 rows"):
        split_of().to_json(table())


def altered(**changes) -> str:
    record = json.loads(make_splits(table(), "random")[0].to_json(table()))
    return json.dumps({**record, **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[1, 2]", "its format is not"),
        ("{}", "its format is not"),
        (altered(format="hyperpcm split 2"), "its format is not"),
        (altered(extra=1), "unknown entries: extra"),
        (altered(train=[0.5]), "no list of row numbers under 'train'"),
        (altered(train="all"), "no list of row numbers under 'train'"),
        (altered(train=[10**30]), "beyond 64 bits"),
        (altered(seed="0"), "holds '0' under 'seed'"),
        (altered(fold=True), "holds True under 'fold'"),
        (altered(how=None), "holds None under 'how'"),
        (altered(unused=3), "accounts for 63 rows"),
        (altered(test=[]), "accounts for 48 rows"),
        (altered(valid=[]), "valid side is empty"),
    ],
)
def test_a_damaged_record_is_refused(text, message):
    with pytest.raises(SplitError, match=message):
        Split.from_json(text, table())
