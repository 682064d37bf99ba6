"""A library scored once: the same from file, index and list, resumed, and made anew where it is stale."""

from __future__ import annotations

import dataclasses
import json
import os

import numpy as np
import pytest

from hyperpcm.adaptation import HeldCompounds, scored_library, state_folder
from hyperpcm.adaptation import library_state as module
from hyperpcm.adaptation.library_state import target_digest
from hyperpcm.adaptation.suggest_compounds import CompoundScorer
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


@pytest.mark.parametrize("build", [scored_library, build_index])
def test_a_folder_in_which_the_first_write_was_killed_is_gone_on_with(target, library, tmp_path, build):
    folder, name = tmp_path / "folder", "state.json" if build is scored_library else "index.json"
    folder.mkdir()
    (folder / f".{name}.abc123.part").write_bytes(b"half")
    if build is scored_library:
        assert len(scored_library(target, library, folder)) == 40
    else:
        assert build_index(library, folder, Panel([target], ["t"]).recipe).rows == 42
    assert not list(folder.glob(".*.part"))


def test_a_pass_with_parts_of_another_size_or_other_libraries_is_made_anew(
    target, library, tmp_path, monkeypatch
):
    folder = tmp_path / "state"

    def stop(done):
        if done >= 8:
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "ROWS", 8)
    with pytest.raises(KeyboardInterrupt):
        scored_library(target, library, folder, progress=stop)
    monkeypatch.setattr(module, "ROWS", 16)
    state = scored_library(target, library, folder)
    assert (state.resumed, state.rows, len(state)) == (0, 42, 40)
    encoder = CompoundScorer(target).recipe.encoder
    monkeypatch.setattr(type(encoder), "libraries", lambda _self: ("rdkit 1",))
    assert scored_library(target, library, folder).resumed == 0


@pytest.mark.parametrize("is_indexed", [False, True])
def test_copies_keep_their_rows_and_names(target, library, tmp_path, rows_of_eight, is_indexed):
    given = build_index(library, tmp_path / "index", Panel([target], ["t"]).recipe) if is_indexed else library
    state = scored_library(target, given, tmp_path / "state")
    copies = [one for block in state.blocks() for one in block.copies]
    assert [(one.place, one.first, one.name) for one in copies] == [(11, 3, "again")]
    texts, names = zip(*[line.split() for line in library.read_text().splitlines()], strict=True)
    held = HeldCompounds.of(target, texts, names)
    assert [one for block in held.blocks() for one in block.copies] == copies


@pytest.mark.parametrize(
    "parts", [[{}], [{"file": "../mine.txt"}], [{"file": "000000.npz", "rows": "8"}], {"a": 1}]
)
def test_a_record_with_damaged_parts_is_refused_and_nothing_is_removed(target, library, tmp_path, parts):
    folder, mine = tmp_path / "state", tmp_path / "mine.txt"
    mine.write_text("mine")
    scored_library(target, library, folder)
    record = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps({**record, "parts": parts, "target": "other"}))
    with pytest.raises(InputError, match="not a scored library, or it is damaged"):
        scored_library(target, library, folder)
    assert mine.read_text() == "mine"


def test_old_parts_go_after_the_record_that_names_them(target, library, tmp_path, monkeypatch):
    folder = tmp_path / "state"
    scored_library(target, library, folder)

    def killed(_path, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.unlink", killed)
    with pytest.raises(KeyboardInterrupt):
        scored_library(adaptable_target(seed=1), library, folder)
    assert json.loads((folder / "state.json").read_text())["complete"] is False
    monkeypatch.undo()
    assert len(scored_library(target, library, folder)) == 40
