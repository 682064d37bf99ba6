"""Errors travel between processes as they are."""

from __future__ import annotations

import pickle

import pytest

from hyperpcm.errors import InvalidSequenceError, InvalidSmilesError, MissingExtraError, TableError


@pytest.mark.parametrize(
    "error",
    [
        InvalidSmilesError("PARSE", "no SMILES"),
        InvalidSequenceError("BAD_RESIDUE", "a digit", 7),
        MissingExtraError("xgboost", "xgboost"),
        TableError("a.csv: no rows."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_the_same_in_another_process(error):
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(again) is type(error)
    assert (str(again), vars(again)) == (str(error), vars(error))
