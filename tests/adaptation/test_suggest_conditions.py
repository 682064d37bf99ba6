"""Prices and conditions out of a table."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.adaptation import CompoundTable, Condition
from hyperpcm.errors import ConfigError, TableError

TABLE = """compound_id,smiles,price,stock,vendor
a,CCO,10,5,Acme
b,c1ccccc1,2.5,0,Acme
c,CC(=O)O,,9,Other
a,OCC,8,1,Other
d,CCN,7,,Acme
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text(TABLE)
    return file


@pytest.mark.parametrize(
    ("text", "cell", "holds"),
    [
        ("stock > 0", "5", True),
        ("stock>=5", "5.0", True),
        ("stock < 5", "5", False),
        ("stock <= 5", "many", False),
        ("stock = 5", "5.0", True),
        ("vendor == Acme Inc", "Acme Inc", True),
        ("vendor != Acme", "Acme", False),
        ("vendor != Acme", None, False),
        ("log P < -1.5", "-2", True),
    ],
)
def test_a_condition_compares_numbers_as_numbers_and_texts_as_texts(text, cell, holds):
    assert Condition.parsed(text).holds(cell) is holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stock", "write a column"),
        ("vendor > Acme", "no number"),
        ("> 5", "write a column"),
        ("stock => 5", "the value '> 5' begins with a sign"),
        ("stock =< 5", "begins with a sign"),
        ("stock === 5", "begins with a sign"),
    ],
)
def test_a_condition_that_says_nothing_is_refused(text, said):
    with pytest.raises(ConfigError, match=said):
        Condition.parsed(text)


def test_the_cheapest_row_that_fulfils_all_counts(path):
    table = CompoundTable.read(path, price_column="price")
    assert (table.joined_by, dict(table.prices)) == ("name", {"a": 8.0, "b": 2.5, "d": 7.0})
    stocked = CompoundTable.read(path, price_column="price", where=[Condition.parsed("stock > 2")])
    assert dict(stocked.prices) == {"a": 10.0}
    free = CompoundTable.read(path, where=[Condition.parsed("stock > 2"), Condition.parsed("vendor = Other")])
    assert dict(free.prices) == {"c": 0.0}


def test_without_names_compounds_are_joined_by_structure(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("smiles,price\nOCC,3\nC1CC,4\n")
    table = CompoundTable.read(path, price_column="price")
    assert (table.joined_by, dict(table.prices)) == ("smiles", {"CCO": 3.0})
    np.testing.assert_array_equal(table.of(["x", "y"], ["CCO", "CCN"]), [3.0, np.nan])


def test_white_space_around_names_plays_no_part():
    table = CompoundTable("name", {"a": 3.0})
    np.testing.assert_array_equal(table.of(["a ", " a", "b"], ["", "", ""]), [3.0, 3.0, np.nan])


def test_what_the_table_lacks_is_told(path, tmp_path):
    with pytest.raises(TableError, match="no column 'cost'"):
        CompoundTable.read(path, price_column="cost")
    with pytest.raises(TableError, match="no column 'purity'"):
        CompoundTable.read(path, where=[Condition.parsed("purity > 90")])
    odd = tmp_path / "odd.csv"
    odd.write_text("compound_id,price\na,cheap\n")
    with pytest.raises(TableError, match=r"line 2: the price 'cheap' in 'price' is no number"):
        CompoundTable.read(odd, price_column="price")
    odd.write_text("first,price\na,1\n")
    with pytest.raises(TableError, match="no column tells the compounds"):
        CompoundTable.read(odd, price_column="price")
