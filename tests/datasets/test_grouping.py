"""Identity is content: several identifiers of one text share one entry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpcm.datasets.grouping import group_by_content


def test_names_of_one_content_are_joined_once_and_in_order():
    axis = group_by_content(["A", "B", "A", None, "A"], ["a1", "b", "a2", "x", "a1"])
    assert axis.content == ("A", "B")
    assert axis.names == ("a1|a2", "b")
    assert axis.index.tolist() == [0, 1, 0, -1, 0]


def test_content_without_a_name_is_named_by_itself():
    assert group_by_content(["A"], [""]).names == ("A",)


def test_one_name_for_each_item_is_demanded():
    with pytest.raises(ValueError):
        group_by_content(["A", "B"], ["a"])


@given(st.lists(st.one_of(st.none(), st.sampled_from("ABCD"))))
def test_the_index_leads_back_to_the_items(items: list[str | None]):
    axis = group_by_content(items, ["n"] * len(items))
    assert [None if place < 0 else axis.content[place] for place in axis.index] == items
    assert len(set(axis.content)) == len(axis.content)
