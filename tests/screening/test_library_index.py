"""An index of a library: the hits of the file, whole after any end, and never taken for another."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.encoders import compound_encoder
from hyperpcm.encoders.parallel import Workers
from hyperpcm.errors import ConfigError, InputError, OutputError, TableError
from hyperpcm.screening import (
    CompoundRecipe,
    LibraryIndex,
    Panel,
    StateFolder,
    build_index,
    library_index,
    screen_library,
)
from hyperpcm.screening.chunk import packed_chunk, unpacked_chunk
from hyperpcm.screening.library import prepared_chunks
from small_models import QUERY, SMALL, made_model, many_smiles
from small_trees import with_trees

RECIPE = CompoundRecipe(compound_encoder(["ecfp", "descriptors"]), ((2, 128), (3, 64)))
ROWS = 70


class KilledError(Exception):
    """Stands for whatever ends a process between two chunks."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = [f"{smiles} m{row}" for row, smiles in enumerate(many_smiles(ROWS - 4))]
    lines += ["C1CC bad", "CCO ätha\u0301nol", "[Na+].[Cl-]", "CCO"]
    random.Random(0).shuffle(lines)
    path = tmp_path_factory.mktemp("library") / "library.smi"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_index, "ROWS", 16)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_chunk_comes_back_as_it_was(library: Path):
    with Workers() as workers:
        (chunk,) = prepared_chunks(library, RECIPE, workers, rows=1000)
    again = unpacked_chunk(packed_chunk(chunk, RECIPE), RECIPE)
    assert again.compounds.embeddings.tobytes() == chunk.compounds.embeddings.tobytes()
    for kind in RECIPE.fingerprints:
        assert np.array_equal(again.compounds.prints[kind].dense(), chunk.compounds.prints[kind].dense())
    for field in ("rows", "places", "smiles", "names", "rejections"):
        assert getattr(again, field) == getattr(chunk, field)
    assert len(packed_chunk(chunk, RECIPE)) < chunk.compounds.embeddings.nbytes / 5


def test_a_screen_of_the_index_is_that_of_the_file(library: Path, tmp_path: Path):
    target = with_trees(made_model(SMALL).compile_target(QUERY, name="a"))
    panel = Panel([target])
    index = build_index(library, tmp_path / "index", panel.recipe)
    assert (index.rows, dict(index.refused)) == (ROWS, {"PARSE": 1, "NO_ORGANIC": 1})
    found = [
        screen_library(source, panel, StateFolder(tmp_path / name, name), top=10)
        for name, source in (("file", library), ("index", LibraryIndex.open(tmp_path / "index")))
    ]
    first, second = (one.hits["a"] for one in found)
    np.testing.assert_allclose([hit.score for hit in first], [hit.score for hit in second], atol=2e-5)
    assert {(hit.row, hit.smiles, hit.name) for hit in first} == {
        (hit.row, hit.smiles, hit.name) for hit in second
    }
    assert dataclasses.replace(found[0], hits={}) == dataclasses.replace(found[1], hits={})
    refused = [list(StateFolder(tmp_path / name, name).refused()) for name in ("file", "index")]
    assert refused[0] == refused[1] != []


def test_a_structure_is_kept_once_and_copies_of_it_are_named(library: Path, tmp_path: Path):
    rows = [line.split(maxsplit=1) for line in library.read_text(encoding="utf-8").splitlines()]
    ethanol = [row for row, words in enumerate(rows) if words[0] == "CCO"]
    index = build_index(library, tmp_path / "index", RECIPE)
    assert (len(ethanol), index.copies, index.rows) == (2, 1, ROWS)
    chunks = list(index.chunks())
    (copy,) = (copy for chunk in chunks for copy in chunk.copies)
    assert copy.first == ethanol[0]
    assert copy.name == (rows[ethanol[1]][1] if len(rows[ethanol[1]]) > 1 else "")
    structures = [smiles for chunk in chunks for smiles in chunk.smiles]
    assert len(structures) == len(set(structures)) == ROWS - 2 - 1
    assert sum(chunk.scored for chunk in chunks) == ROWS - 2
    assert [len(chunk.compounds) for chunk in chunks] == [len(chunk.smiles) for chunk in chunks]


def test_an_index_that_was_stopped_anywhere_ends_as_if_it_had_not_been(library: Path, tmp_path: Path):
    whole = contents(build_index(library, tmp_path / "whole", RECIPE).path)
    stops = 0
    while True:

        def stop(rows: int) -> None:
            raise KilledError

        try:
            build_index(library, tmp_path / "index", RECIPE, progress=stop)
            break
        except KilledError:
            stops += 1
            (tmp_path / "index" / f"{stops:06d}.npz").write_bytes(b"half a chunk, named nowhere")
            with pytest.raises(InputError, match="not finished"):
                LibraryIndex.open(tmp_path / "index")
    assert stops == 5
    left = contents(tmp_path / "index")
    assert {name: left[name] for name in whole} == whole
    assert build_index(library, tmp_path / "index", RECIPE, progress=stop).rows == ROWS  # nothing left to do


def test_chunks_added_by_hand_are_the_index_that_is_built(library: Path, tmp_path: Path):
    built = build_index(library, tmp_path / "built", RECIPE)
    (tmp_path / "added").mkdir()
    index = LibraryIndex.begin(tmp_path / "added", RECIPE, built.record["library"])
    for chunk in built.chunks():
        with pytest.raises(InputError, match="not finished"):
            LibraryIndex.open(index.path)
        index.add(chunk, RECIPE)
    with pytest.raises(ValueError, match="refused rows"):
        index.repeat(9)
    index.finish()
    assert contents(index.path) == contents(built.path)


def test_chunks_that_are_entered_again_are_rows_again(tmp_path: Path):
    library = tmp_path / "good.smi"
    library.write_text("\n".join(many_smiles(32)))
    index = build_index(library, tmp_path / "index", RECIPE)
    index.repeat(5)
    again = LibraryIndex.open(index.path)
    assert again.rows == 5 * 16
    first, second = list(index.chunks())[:2]
    assert [chunk.smiles for chunk in again.chunks()] == [
        one.smiles for one in (first, second, first, second, first)
    ]
    assert len(list(index.path.glob("*.npz"))) == 2


def test_two_processes_write_what_one_writes(library: Path, tmp_path: Path, monkeypatch):
    from hyperpcm.encoders import parallel

    monkeypatch.setattr(parallel, "WARM_UP_S", 0.0)
    one = build_index(library, tmp_path / "one", RECIPE)
    two = build_index(library, tmp_path / "two", RECIPE, processes=2)
    assert contents(one.path) == contents(two.path)


# Refusals


def test_an_index_of_something_else_is_not_gone_on_with(library: Path, tmp_path: Path):
    build_index(library, tmp_path / "index", RECIPE)
    other = CompoundRecipe(compound_encoder("maccs"), ((2, 128),))
    with pytest.raises(OutputError, match="another library or for another encoder"):
        build_index(library, tmp_path / "index", other)
    changed = tmp_path / "library.smi"
    shutil.copy(library, changed)
    with changed.open("a") as file:
        file.write("CCCCC more\n")
    with pytest.raises(OutputError, match="the library has changed"):
        build_index(changed, tmp_path / "index", RECIPE)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    with pytest.raises(OutputError, match="is there already and is no index"):
        build_index(library, tmp_path / "mine", RECIPE)


def test_an_index_that_does_not_serve_the_targets_is_refused(library: Path, tmp_path: Path):
    panel = Panel([made_model(SMALL).compile_target(QUERY, name="a")])
    index = build_index(library, tmp_path / "index", RECIPE)
    with pytest.raises(ConfigError, match=r"holds ecfp\+descriptors, and the targets read ecfp"):
        screen_library(index, panel, StateFolder(tmp_path / "work", "x"), top=3)
    fewer = CompoundRecipe(panel.encoder, ())
    without = build_index(library, tmp_path / "other", fewer)
    with pytest.raises(ConfigError, match="--for TARGET"):
        screen_library(without, panel, StateFolder(tmp_path / "work", "x"), top=3)


def test_an_index_of_other_libraries_or_a_newer_version_is_refused(library: Path, tmp_path: Path):
    folder = build_index(library, tmp_path / "index", RECIPE).path
    record = json.loads((folder / "index.json").read_text())

    def stored(**changes) -> None:
        (folder / "index.json").write_text(json.dumps(record | changes))

    stored(recipe=record["recipe"] | {"libraries": ["rdkit 1999.1"]})
    with pytest.raises(ConfigError, match=r"was made with rdkit 1999\.1, and here are rdkit"):
        next(LibraryIndex.open(folder).chunks())
    stored(version=4)
    with pytest.raises(InputError, match="version 4; versions up to 3"):
        LibraryIndex.open(folder)
    stored(version=2)
    with pytest.raises(InputError, match="version 2, which is no longer read"):
        LibraryIndex.open(folder)
    for content in ("", "{", "[]", '{"version": 3}'):
        (folder / "index.json").write_text(content)
        with pytest.raises(InputError, match="not the index of a library, or it is damaged"):
            LibraryIndex.open(folder)


@pytest.mark.parametrize("damage", ["gone", "short", "altered"])
def test_a_damaged_chunk_is_named(damage: str, library: Path, tmp_path: Path):
    index = build_index(library, tmp_path / "index", RECIPE)
    path = index.path / "000002.npz"
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-9] if damage == "short" else content[:200] + b"x" + content[201:])
    chunks = LibraryIndex.open(index.path).chunks()
    assert [next(chunks).rows, next(chunks).rows] == [16, 16]
    with pytest.raises(InputError, match=r"000002\.npz: this part of the index is missing or damaged"):
        next(chunks)


def test_a_library_without_a_usable_compound_is_refused(tmp_path: Path):
    bad = tmp_path / "bad.smi"
    bad.write_text("C1CC\nnonsense\n")
    with pytest.raises(InputError, match="none of its 2 rows can be indexed"):
        build_index(bad, tmp_path / "index", RECIPE)
    empty = tmp_path / "empty.smi"
    empty.write_text("\n")
    with pytest.raises(TableError, match="no rows"):
        build_index(empty, tmp_path / "other", RECIPE)
