"""Pictures of a panel: what is alike stands together, and every file is whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hyperpcm.errors import OutputError
from hyperpcm.screening.heat_map import clustered_order, draw_heat_map

SCORES = np.array([[5.0, 9.0, 5.1], [7.0, 2.0, 7.2], [5.1, 9.1, 5.0], [7.1, 2.2, 7.0]])


def test_rows_that_are_alike_stand_together():
    order = clustered_order(SCORES).tolist()
    assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset({0, 2}), frozenset({1, 3})}
    assert clustered_order(SCORES[:2]).tolist() == [0, 1]
    many = np.random.default_rng(0).normal(size=(700, 3))
    assert sorted(clustered_order(many).tolist()) == list(range(700))


@pytest.mark.parametrize(("ending", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_a_picture_is_drawn_twice_alike(ending: str, start: bytes, tmp_path: Path):
    path = tmp_path / f"map{ending}"
    names = (["a", "b", "c", "$x$"], ["one", "two", "a very long name of a compound that nobody reads"])
    draw_heat_map(path, SCORES, *names, title="pKd")
    before = path.read_bytes()
    assert before.startswith(start)
    with pytest.raises(OutputError, match="exists already"):
        draw_heat_map(path, SCORES, *names, title="pKd")
    draw_heat_map(path, SCORES, *names, title="pKd", overwrite=True)
    assert path.read_bytes() == before


def test_compounds_without_a_score_are_left_out_and_many_names_are_counted(tmp_path: Path):
    scores = np.concatenate([SCORES, np.full((4, 1), np.nan)], axis=1)
    draw_heat_map(tmp_path / "a.svg", scores, ["a", "b", "c", "d"], ["x", "y", "z", "nothing"], title="pKd")
    assert "nothing" not in (tmp_path / "a.svg").read_text()
    wide = np.random.default_rng(0).normal(size=(3, 200))
    draw_heat_map(tmp_path / "b.svg", wide, ["a", "b", "c"], [f"name{n}" for n in range(200)], title="pKd")
    drawn = (tmp_path / "b.svg").read_text()
    assert "200 compounds" in drawn
    assert "name7" not in drawn


def test_what_cannot_be_drawn_is_said(tmp_path: Path):
    with pytest.raises(OutputError, match=r"\.png, \.svg, \.pdf"):
        draw_heat_map(tmp_path / "a.gif", SCORES, list("abcd"), list("xyz"), title="pKd")
    with pytest.raises(OutputError, match="no compound has a score"):
        draw_heat_map(tmp_path / "a.png", np.full((2, 2), np.nan), ["a", "b"], ["x", "y"], title="pKd")
    big = np.zeros((1, 4001))
    with pytest.raises(OutputError, match="too many for one picture"):
        draw_heat_map(tmp_path / "a.png", big, ["a"], ["x"] * 4001, title="pKd")
