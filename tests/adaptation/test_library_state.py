"""A library scored once: the same from file, index and list, resumed, and made anew where it is stale."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest

from hyperpcm.adaptation import HeldCompounds, scored_library, state_folder
from hyperpcm.adaptation import library_state as module
from hyperpcm.adaptation.library_state import target_digest
from hyperpcm.errors import ConfigError, InputError, OutputError
from hyperpcm.screening import LibraryIndex, Panel, build_index
from hyperpcm.target_model import Measurement
from small_adaptable import adaptable_target
from small_models import PLAIN, QUERY, made_model, many_smiles

COMPOUNDS = many_smiles(40)


@pytest.fixture(scope="module")
def target():
    return adaptable_target()


@pytest.fixture
def library(tmp_path):
    path = tmp_path / "library.smi"
    lines = [f"{smiles} c{row}" for row, smiles in enumerate(COMPOUNDS)]
    lines[10:10] = ["C1CC broken", f"{COMPOUNDS[3]} again"]
    path.write_text("\n".join(lines) + "\n")
    return path


def everything(pool):
    return pool.taken(np.arange(len(pool)))


def assert_equal(one, other):
    assert (one.smiles, one.names, one.rows.tolist()) == (other.smiles, other.names, other.rows.tolist())
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-6)
    np.testing.assert_allclose(one.profiles, other.profiles, atol=1e-6)
    np.testing.assert_array_equal(one.bits.dense(), other.bits.dense())


@pytest.fixture
def rows_of_eight(monkeypatch):
    monkeypatch.setattr(module, "ROWS", 8)
    monkeypatch.setattr("hyperpcm.screening.library_index.ROWS", 8)


@pytest.mark.parametrize("is_indexed", [False, True])
def test_file_index_and_list_give_the_same_compounds(target, library, tmp_path, rows_of_eight, is_indexed):
    given = library
    if is_indexed:
        given = build_index(library, tmp_path / "index", Panel([target], ["t"]).recipe)
    state = scored_library(target, given, tmp_path / "state")
    texts, names = zip(*[line.split() for line in library.read_text().splitlines()], strict=True)
    assert_equal(everything(state), everything(HeldCompounds.of(target, texts, names)))
    assert (state.rows, len(state), dict(state.refused)) == (42, 40, {"PARSE": 1})
    scores = target.score(COMPOUNDS).values
    np.testing.assert_allclose(everything(state).scores, scores, rtol=1e-5)


def test_some_compounds_come_in_the_order_asked_for(target, library, tmp_path, rows_of_eight):
    state = scored_library(target, library, tmp_path / "state")
    places = np.array([39, 0, 17, 17, 9])
    assert_equal(state.taken(places), everything(state).taken(places))
    assert len(state.taken(places[:0])) == 0


def test_measurements_change_nothing_so_the_pass_is_made_once(target, library, tmp_path):
    told = []
    scored_library(target, library, tmp_path / "state", progress=told.append)
    assert told == [42]
    adapted = target.adapt([Measurement(COMPOUNDS[0], 7.0)])
    again = scored_library(adapted, library, tmp_path / "state", progress=told.append)
    assert told == [42]
    assert again.resumed == 42
    assert state_folder(library, adapted) == state_folder(library, target)


def test_another_target_or_a_changed_library_is_scored_anew(target, library, tmp_path):
    folder = tmp_path / "state"
    scored_library(target, library, folder)
    other = adaptable_target(seed=1)
    assert target_digest(other) != target_digest(target)
    assert scored_library(other, library, folder).resumed == 0
    library.write_text(library.read_text() + "CCCCCCCCO new\n")
    changed = scored_library(other, library, folder)
    assert (changed.resumed, changed.rows) == (0, 43)


def test_the_digest_is_of_what_scores_and_not_of_its_history(target):
    told = dataclasses.replace(target, provenance={"model": {"text": "else"}})
    assert target_digest(told) == target_digest(target)


@pytest.mark.parametrize("is_indexed", [False, True])
def test_a_pass_that_was_stopped_goes_on(target, library, tmp_path, rows_of_eight, is_indexed):
    given = library
    if is_indexed:
        given = build_index(library, tmp_path / "index", Panel([target], ["t"]).recipe)

    def stop(done):
        if done >= 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scored_library(target, given, tmp_path / "state", progress=stop)
    state = scored_library(target, given, tmp_path / "state")
    assert state.resumed == 16
    assert_equal(everything(state), everything(scored_library(target, given, tmp_path / "whole")))


def test_a_damaged_part_is_refused(target, library, tmp_path):
    state = scored_library(target, library, tmp_path / "state")
    part = tmp_path / "state" / "000000.npz"
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(
        InputError, match=r"000000\.npz: this part of the scored library is missing or damaged"
    ):
        list(state.blocks())


def test_a_damaged_record_and_a_folder_of_something_else_are_refused(target, library, tmp_path):
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds something else"):
        scored_library(target, library, folder)
    (folder / "state.json").write_text("{")
    with pytest.raises(InputError, match="not a scored library, or it is damaged"):
        scored_library(target, library, folder)


def test_a_library_that_changes_while_it_is_scored_is_refused(target, library, tmp_path):
    def change(_done):
        os.utime(library, ns=(1, 1))

    with pytest.raises(InputError, match="has changed while it was scored"):
        scored_library(target, library, tmp_path / "state", progress=change)


def test_a_library_without_a_usable_compound_is_refused(target, tmp_path):
    path = tmp_path / "bad.smi"
    path.write_text("C1CC a\n")
    with pytest.raises(InputError, match="none of its 1 rows can be scored"):
        scored_library(target, path, tmp_path / "state")
    with pytest.raises(InputError, match="nothing to choose from"):
        HeldCompounds.of(target, ["C1CC"])


def test_an_index_for_another_encoder_is_refused(target, library, tmp_path):
    other = made_model(PLAIN).compile_target(QUERY)
    build_index(library, tmp_path / "index", Panel([other], ["t"]).recipe)
    found = LibraryIndex.open(tmp_path / "index")
    found.record["recipe"]["encoder"] = {"name": "maccs", "options": {}}
    with pytest.raises(ConfigError):
        scored_library(target, found, tmp_path / "state")
