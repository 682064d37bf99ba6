"""Streams of the program: who hears what, and that nothing written can do harm."""

from __future__ import annotations

import json
import logging
import math

import numpy as np
import pytest

from hyperpcm.cli.console import Console, plain_json, printable


@pytest.mark.parametrize(
    ("verbosity", "heard"), [(-1, {"error"}), (0, {"error", "warning"}), (1, {"error", "warning", "info"})]
)
def test_the_library_is_heard_as_much_as_is_wanted(verbosity: int, heard: set[str], capsys):
    logger = logging.getLogger("hyperpcm.somewhere")
    with Console(verbosity).logging():
        for level in ("debug", "info", "warning", "error"):
            getattr(logger, level)("level-%s \x1b", level)
    logger.error("after the block")
    out, err = capsys.readouterr()
    assert out == ""
    assert {level for level in ("debug", "info", "warning", "error") if f"level-{level}" in err} == heard
    assert "\x1b" not in err
    assert "after the block" not in err.splitlines()


def test_logging_of_others_is_left_as_it_was():
    before = (logging.getLogger("hyperpcm").level, list(logging.getLogger("hyperpcm").handlers))
    with Console(2).logging():
        pass
    assert (logging.getLogger("hyperpcm").level, logging.getLogger("hyperpcm").handlers) == before


def test_printable_writes_control_characters_out():
    assert printable("a\x1b[2J\x07\nb\u202e") == "a\\x1b[2J\\x07\\nb\\u202e"
    assert printable("β-Lactam ÅC=C\\C") == "β-Lactam ÅC=C\\C"


def test_json_holds_no_nan_and_no_numpy():
    value = {"a": math.nan, "b": [np.float32(0.5), np.int64(3), math.inf], "c": (True, None, "x")}
    assert plain_json(value) == {"a": None, "b": [0.5, 3, None], "c": [True, None, "x"]}
    json.dumps(plain_json(value), allow_nan=False)
