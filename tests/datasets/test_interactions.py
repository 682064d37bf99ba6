"""The table of interactions: what it accepts, what its values say, what its fingerprint depends on."""

from __future__ import annotations

import dataclasses
import json
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from hyperpcm.datasets.interactions import Interactions, Quantity
from hyperpcm.errors import LabelError, Rejection

PKD = Quantity("pKd", "-log10(M)", active_at=7.0)
BINNED = Quantity("pChEMBL", "-log10(M)", active_at=7.0, bin_width=1.0)


def make(values: list[float], relations: list[int] | None = None, **changes: Any) -> Interactions:
    n = len(values)
    fields: dict[str, Any] = {
        "name": "toy",
        "quantity": PKD,
        "compounds": ("CCO", "CCN"),
        "targets": ("MKV",),
        "compound_names": ("ethanol", "ethylamine"),
        "target_names": ("tiny",),
        "compound_index": [row % 2 for row in range(n)],
        "target_index": [0] * n,
        "values": values,
        "relations": relations or [0] * n,
    }
    return Interactions(**(fields | changes))


def test_columns_have_the_stated_types_and_cannot_be_written():
    table = make([5.0, 7.5], year=[1999, 2001], folds={"published": [-1, 0]})
    columns = {
        "compound_index": np.int64,
        "target_index": np.int64,
        "values": np.float32,
        "relations": np.int8,
        "year": np.int16,
    }
    for name, dtype in columns.items():
        column = getattr(table, name)
        assert column.dtype == dtype
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1
    with pytest.raises(TypeError):
        table.folds["other"] = np.zeros(2, dtype=np.int64)  # type: ignore[index]


def test_arrays_of_the_caller_are_copied():
    values = np.array([5.0, 6.0], dtype=np.float32)
    table = dataclasses.replace(make([0.0, 0.0]), values=values)
    values[0] = 9.0
    assert table.values.tolist() == [5.0, 6.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": [5.0, float("nan")]}, "row 1 holds the value nan"),
        ({"values": [float("inf"), 5.0]}, "row 0 holds the value inf"),
        ({"values": [1e300, 5.0]}, "row 0 holds the value inf"),
        ({"relations": [0, 2]}, "row 1 has the relation 2"),
        ({"relations": [0, 300]}, "do not fit int8"),
        ({"relations": [0]}, "shape"),
        ({"compound_index": [0, 2]}, "compound_index runs from 0 to 2"),
        ({"target_index": [-1, 0]}, "target_index runs from -1"),
        ({"compound_index": [0.5, 1.0]}, "do not fit int64"),
        ({"compound_index": ["0", "1"]}, "not numbers"),
        ({"compounds": ("CCO", "CCO")}, "holds one compound twice"),
        ({"targets": ("",)}, "empty text"),
        ({"target_names": ()}, "one name for each"),
        ({"folds": {"published": [0]}}, "shape"),
        ({"folds": {"published": [-2, 0]}}, "holds -2"),
        ({"year": [2000, 99999]}, "do not fit int16"),
        ({"quantity": Quantity("activity", "", "binary"), "values": [0.0, 0.5]}, "only 0 and 1"),
        (
            {"quantity": Quantity("activity", "", "binary"), "values": [0.0, 1.0], "relations": [0, 1]},
            "only 0 and 1",
        ),
        ({"binned": [True, False]}, "pKd has no bin width"),
        ({"binned": [True], "quantity": BINNED}, "shape"),
        ({"binned": [0, 2], "quantity": BINNED}, "do not fit bool"),
        ({"binned": [False, True], "quantity": BINNED, "relations": [0, 1]}, "row 1 is marked as a bin"),
    ],
)
def test_contradictory_columns_are_refused(changes: dict[str, Any], message: str):
    with pytest.raises(LabelError, match=message):
        dataclasses.replace(make([5.0, 6.0]), **changes)


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "ranking"},
        {"active_at": float("nan")},
        {"bin_width": 0.0},
        {"bin_width": float("inf")},
        {"kind": "binary", "bin_width": 1.0},
    ],
)
def test_a_quantity_without_meaning_is_refused(settings: dict[str, Any]):
    with pytest.raises(LabelError):
        Quantity("q", "", **settings)


def test_bounds_of_points_bins_and_censored_values():
    infinity = float("inf")
    for quantity, upper_of_exact in ((PKD, 6.0), (BINNED, 7.0)):
        lower, upper = make([6.0, 6.0, 6.0], [0, 1, -1], quantity=quantity).bounds()
        assert lower.tolist() == [6.0, 6.0, -infinity]
        assert upper.tolist() == [upper_of_exact, infinity, 6.0]
        assert lower.dtype == upper.dtype == np.float32


def test_point_is_the_centre_of_a_bin_and_the_value_otherwise():
    assert make([6.0, 6.0, 6.0], [0, 1, -1], quantity=BINNED).point().tolist() == [6.5, 6.0, 6.0]
    assert make([6.0, 6.0], [0, -1]).point().tolist() == [6.0, 6.0]


def test_points_beside_bins_are_read_as_points():
    infinity, marks = float("inf"), [True, False, False, False]
    mixed = make([6.0, 6.5, 7.0, 6.0], [0, 0, 0, 1], quantity=BINNED, binned=marks)
    lower, upper = mixed.bounds()
    assert lower.tolist() == [6.0, 6.5, 7.0, 6.0]
    assert upper.tolist() == [7.0, 6.5, 7.0, infinity]
    assert mixed.point().tolist() == [6.5, 6.5, 7.0, 6.0]
    assert mixed.is_active().tolist() == [False, False, True, False]
    assert mixed.activity_is_known().tolist() == [True, True, True, False]
    assert mixed.describe()["binned"] == 1
    assert mixed.select([1, 0]).is_binned().tolist() == [False, True]
    assert pickle.loads(pickle.dumps(mixed)).is_binned().tolist() == marks  # noqa: S301


def test_a_table_that_marks_all_values_as_bins_says_what_its_quantity_says():
    rows = [6.0, 7.0, 8.0], [0, 1, -1]
    plain, marked = (make(*rows, quantity=BINNED, binned=marks) for marks in (None, [True, False, False]))
    for one, other in zip(plain.bounds(), marked.bounds(), strict=True):
        assert one.tolist() == other.tolist()
    assert plain.point().tolist() == marked.point().tolist()
    assert plain.is_binned().tolist() == marked.is_binned().tolist()
    assert make(*rows).is_binned().tolist() == [False] * 3


def test_the_fingerprint_tells_bins_from_points():
    marks = (None, [True, True], [True, False], [False, False])
    found = {make([6.0, 7.0], quantity=BINNED, binned=mark).fingerprint() for mark in marks}
    assert len(found) == len(marks)


@pytest.mark.parametrize(
    ("value", "relation", "quantity", "active", "known"),
    [
        (7.0, 0, PKD, True, True),
        (6.99, 0, PKD, False, True),
        (7.0, 1, PKD, True, True),
        (6.0, 1, PKD, False, False),
        (7.0, -1, PKD, False, True),
        (8.0, -1, PKD, False, False),
        (5.0, -1, PKD, False, True),
        (6.0, 0, BINNED, False, True),
        (7.0, 0, BINNED, True, True),
        (6.5, 0, BINNED, False, False),
        (10.0, 1, BINNED, True, True),
    ],
)
def test_activity_is_what_the_bounds_prove(
    value: float, relation: int, quantity: Quantity, active: bool, known: bool
):
    table = make([value], [relation], quantity=quantity)
    assert table.is_active().tolist() == [active]
    assert table.activity_is_known().tolist() == [known]


def test_binary_labels_are_active_at_one():
    table = make([0.0, 1.0], quantity=Quantity("activity", "", "binary"))
    assert table.is_active().tolist() == [False, True]
    assert table.activity_is_known().all()


def test_activity_without_a_threshold_is_refused():
    table = make([5.0], quantity=Quantity("score", ""))
    with pytest.raises(LabelError, match="no threshold"):
        table.is_active()
    assert table.describe()["active"] is None


def test_selection_keeps_axes_and_order_of_the_rows_asked_for():
    table = make([5.0, 6.0, 7.0], [0, 1, -1], year=[1, 2, 3], folds={"published": [-1, 0, 1]})
    some = table.select([2, 0])
    assert some.values.tolist() == [7.0, 5.0]
    assert some.relations.tolist() == [-1, 0]
    assert some.year is not None
    assert some.year.tolist() == [3, 1]
    assert some.folds["published"].tolist() == [1, -1]
    assert some.compounds == table.compounds
    assert table.select([True, False, True]).values.tolist() == [5.0, 7.0]
    assert len(table.select([])) == 0


@pytest.mark.parametrize("rows", [[3], [True], [-5]])
def test_selection_outside_the_table_is_refused(rows: list[int]):
    with pytest.raises(LabelError):
        make([5.0, 6.0, 7.0]).select(rows)


def test_fingerprint_depends_on_content_and_on_nothing_else():
    table = make([5.0, 6.0], folds={"published": [0, 1]})
    assert (
        dataclasses.replace(table, name="x", notes=("n",), target_names=("other",)).fingerprint()
        == table.fingerprint()
    )
    changed = [
        dataclasses.replace(table, values=[5.0, 6.5]),
        dataclasses.replace(table, relations=[0, 1]),
        dataclasses.replace(table, compounds=("CC", "CCN")),
        dataclasses.replace(table, compounds=("CCOC", "CN")),  # the same letters, divided elsewhere
        dataclasses.replace(table, quantity=Quantity("pKi", "-log10(M)", active_at=7.0)),
        dataclasses.replace(table, folds={}),
        dataclasses.replace(table, folds={"published": [1, 0]}),
        dataclasses.replace(table, year=[0, 0]),
        table.select([1, 0]),
    ]
    prints = {one.fingerprint() for one in (table, *changed)}
    assert len(prints) == len(changed) + 1


def test_fingerprint_is_the_same_in_another_process():
    code = (
        "import numpy as np; from hyperpcm.datasets.interactions import Interactions, Quantity as Q;"
        "print(Interactions('other', Q('pKd', '-log10(M)', active_at=7.0), ('CCO', 'CCN'), ('MKV',),"
        "('a', 'b'), ('t',), [0, 1], [0, 0], [5.0, 6.0], [0, 0]).fingerprint())"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert said == make([5.0, 6.0]).fingerprint()


def test_a_table_survives_pickling():
    table = make([5.0, 6.0], folds={"published": [0, 1]}, rejections=(Rejection(0, "x", "PARSE", "bad"),))
    again = pickle.loads(pickle.dumps(table))  # noqa: S301
    assert again.fingerprint() == table.fingerprint()
    assert again.rejections == table.rejections


def test_description_counts_and_is_json():
    said = json.loads(json.dumps(make([5.0, 8.0, 9.0], [-1, 0, 1]).describe()))
    assert (said["interactions"], said["exact"], said["above"], said["below"]) == (3, 1, 1, 1)
    assert (said["lowest"], said["median"], said["highest"], said["active"]) == (5.0, 8.0, 9.0, 2)
    assert (said["compounds"], said["targets"]) == (2, 1)
    assert json.dumps(make([]).describe())
