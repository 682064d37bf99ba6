"""The table of a result: what its addresses ask for, and what they leave out."""

from __future__ import annotations

import dataclasses
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpcm.web.answers import CompoundScore, Job, QuantityAnswer, ResultPage
from hyperpcm.web.asked import SORTABLE, ResultQuery
from hyperpcm.web.pages.hits import hits_view, query_of

QUANTITY = QuantityAnswer("pKd", "-log10(M)", "regression", "pKd [-log10(M)]", 7.0)
JOB = Job("a" * 32, "screen", "done", "title", 0.0, 0.0, 0.0, 3, 3, None, {}, 1)


def page(offset: int = 0, matching: int = 3, intervals: bool = True) -> ResultPage:
    rows = tuple(
        CompoundScore(
            offset + row + 1, row + 1, f"c{row}", "CCO", 8.0 - row,
            *((7.0 - row, 9.0 - row, 0.8, "inside") if intervals else ()),
        )
        for row in range(3)
    )  # fmt: skip
    return ResultPage(JOB, QUANTITY, rows, matching, 200, offset, "rank", False)


@given(
    st.dictionaries(
        st.sampled_from(["sort", "order", "domain", "least", "find", "page"]), st.text(max_size=30)
    )
)
def test_whatever_stands_in_an_address_is_a_query(asked: dict[str, str]) -> None:
    found = query_of(asked)
    assert found.sort in SORTABLE
    assert found.offset >= 0
    assert found.at_least is None or abs(found.at_least) < 1e12


@pytest.mark.parametrize(
    "query",
    [
        ResultQuery(sort="score", descending=True, at_least=6.5, search="a&b=c", domain="edge"),
        ResultQuery(sort="name"),
        ResultQuery(search="æ%20"),
    ],
)
def test_the_links_of_a_table_ask_for_the_same_filters(query: ResultQuery) -> None:
    view = hits_view(page(matching=120), query, "/jobs/x", "t")
    addresses = [column["address"] for column in view["columns"] if column["address"]]
    addresses += [address for address, _ in view["pages_of_table"]["links"]]
    assert len(addresses) >= 4
    for address in addresses:
        asked = query_of(dict(parse_qsl(urlsplit(address).query)))
        assert (asked.search, asked.at_least, asked.domain) == (query.search, query.at_least, query.domain)


def test_measured_labels_have_a_column_where_there_are_some() -> None:
    shown = page()
    titles = [column["title"] for column in hits_view(shown, ResultQuery(), "/jobs/x", "t")["columns"]]
    assert "Measured" not in titles
    first, *others = shown.rows
    shown = dataclasses.replace(shown, rows=(dataclasses.replace(first, measured=6.25), *others))
    view = hits_view(shown, ResultQuery(), "/jobs/x", "t")
    assert "Measured" in [column["title"] for column in view["columns"]]
    assert [row.measured for row in view["rows"]] == ["6.25", "", ""]


def test_a_second_click_on_a_column_turns_the_order() -> None:
    view = hits_view(page(), ResultQuery(sort="score", descending=True), "/jobs/x", "t")
    (score,) = [column for column in view["columns"] if column["title"] == QUANTITY.name]
    assert score["sorted"] == "descending"
    assert not query_of(dict(parse_qsl(urlsplit(score["address"]).query))).descending


def test_the_range_of_each_compound_holds_its_score() -> None:
    for row in hits_view(page(), ResultQuery(), "/jobs/x", "t")["rows"]:
        assert row.start < row.at < row.end


def test_without_intervals_there_are_no_columns_of_them() -> None:
    view = hits_view(page(intervals=False), ResultQuery(), "/jobs/x", "t")
    assert not view["with_intervals"]
    assert "Domain" not in [column["title"] for column in view["columns"]]


def test_pages_are_linked_where_there_are_more() -> None:
    links = [
        [
            name
            for _, name in hits_view(page(offset, 103), ResultQuery(offset=offset), "/j", "t")[
                "pages_of_table"
            ]["links"]
        ]
        for offset in (0, 50, 100)
    ]
    assert links == [["Next"], ["Previous", "Next"], ["Previous"]]
