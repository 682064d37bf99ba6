"""A library is divided once, whatever its form, and a plan is never taken for another."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rdkit import Chem

from hyperpcm.datasets.compound_files import compound_parts
from hyperpcm.datasets.compound_pieces import read_pieces
from hyperpcm.errors import ConfigError, InputError, OutputError, TableError
from hyperpcm.scaleout import LocalEngine, Plan, Settings, plan_screen, run_shards
from hyperpcm.screening import screen
from small_models import SMILES
from small_shards import library_lines, merged, planned, screened_whole


def as_csv(path: Path, lines: list[str]) -> None:
    rows = [line.rpartition(" ")[::2] for line in lines]
    text = "".join(f'"{name}",{smiles}\r\n' for name, smiles in ((b, a) for a, b in rows))
    path.write_bytes(b"\xef\xbb\xbf" + f"id,smiles\r\n{text},\r\nlast,\r\n".encode())


def as_sdf(path: Path, lines: list[str]) -> None:
    records = []
    for line in lines[:60]:
        mol = Chem.MolFromSmiles(line.rpartition(" ")[0])
        block = "name\n\n\nnot a block\n" if mol is None else Chem.MolToMolBlock(mol)
        records.append(f"{line.rpartition(' ')[2]}\n{block.partition(chr(10))[2]}$$$$\n")
    path.write_text("".join(records) + "cut\n\n\n  3  2  0  0  0  0")


def as_parquet(path: Path, lines: list[str]) -> None:
    rows = [line.rpartition(" ")[::2] for line in lines]
    table = pa.table({"smiles": [smiles for smiles, _ in rows], "id": [name for _, name in rows]})
    pq.write_table(table, path, row_group_size=50)  # so that not all batches are full


def as_gzip(path: Path, lines: list[str]) -> None:
    path.write_bytes(gzip.compress("\n".join(lines).encode()))


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.csv", as_csv), ("a.sdf", as_sdf), ("a.parquet", as_parquet), ("a.smi.gz", as_gzip)],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_form_of_a_library_gives_what_one_screen_gives(name: str, write, targets, tmp_path: Path):
    library = tmp_path / name
    write(library, library_lines())
    folder = planned(tmp_path / "plan", library, targets, rows=40)
    assert len(Plan.read(folder).shards) > 1
    run_shards(folder, LocalEngine(1))
    assert merged(folder) == screened_whole(library, targets, tmp_path / "work")


def test_rows_are_laid_aside_as_they_were_read(library: Path, targets, tmp_path: Path):
    folder = planned(tmp_path / "plan", library, targets, rows=40)
    laid = [piece for path in sorted((folder / "rows").iterdir()) for piece in read_pieces(path)]
    assert laid == list(compound_parts(library, rows=16))
    plan = Plan.read(folder)
    assert [(shard.first, shard.rows) for shard in plan.shards] == [
        (0, 48),
        (48, 48),
        (96, 48),
        (144, 48),
        (192, 3),
    ]
    assert plan.rows == 195


def test_an_index_is_divided_between_chunks_and_nothing_is_copied(index: Path, targets, tmp_path: Path):
    folder = planned(tmp_path / "plan", index, targets, rows=40)
    assert [(shard.first, shard.rows) for shard in Plan.read(folder).shards][-2:] == [(144, 48), (192, 3)]
    assert list((folder / "rows").iterdir()) == []


def test_the_same_plan_again_is_the_same_and_another_is_refused(library: Path, targets, tmp_path: Path):
    folder, settings = tmp_path / "plan", Settings(top=20, rows=40)
    first, there = plan_screen(folder, library, targets, settings)
    assert not there
    assert plan_screen(folder, library, targets, settings) == (first, True)
    others = [
        (library, targets, Settings(top=21, rows=40)),
        (library, targets, Settings(top=20, rows=41)),
        (library, targets, Settings(top=20, rows=40, only=("pains",))),
        (library, targets[:2], settings),
    ]
    changed = tmp_path / "changed.smi"
    changed.write_text(library.read_text() + "CCCC more\n")
    others.append((changed, targets, settings))
    for other_library, other_targets, other in others:
        with pytest.raises(OutputError, match="holds the plan of another screen"):
            plan_screen(folder, other_library, other_targets, other)
    assert Plan.read(folder) == first


def test_a_plan_that_was_cut_short_is_made_again(library: Path, targets, tmp_path: Path, monkeypatch):
    folder, read = tmp_path / "plan", compound_parts

    def cut(*arguments, **options):
        for number, part in enumerate(read(*arguments, **options)):
            if number == 7:
                raise KeyboardInterrupt
            yield part

    monkeypatch.setattr("hyperpcm.scaleout.planning.compound_parts", cut)
    with pytest.raises(KeyboardInterrupt):
        planned(folder, library, targets, rows=16)
    assert len(list((folder / "rows").iterdir())) == 7
    assert not Plan.is_in(folder)
    monkeypatch.undo()
    monkeypatch.setattr(screen, "BATCH", 16)
    planned(folder, library, targets, rows=96)
    assert len(list((folder / "rows").iterdir())) == 3


def test_moving_all_files_changes_no_job(library: Path, targets, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    copies = [Path(shutil.copy2(path, elsewhere)) for path in (library, *targets)]
    here = Plan.read(planned(tmp_path / "here", library, targets))
    there = Plan.read(planned(tmp_path / "there", copies[0], copies[1:]))
    assert here.job == there.job
    assert here.library.path != there.library.path


# Refusals


def test_what_cannot_be_planned_is_said_and_leaves_no_plan(
    library: Path, index: Path, targets, tmp_path: Path
):
    folder = tmp_path / "plan"
    ragged = tmp_path / "ragged.csv"
    ragged.write_text("smiles,id\n" + "CCO,a\n" * 100 + "CCO,a,b\n")
    empty = tmp_path / "empty.smi.gz"
    empty.write_bytes(gzip.compress(b""))
    for path, says in ((ragged, "line 102 has 3 cells"), (empty, "the file is empty")):
        with pytest.raises(TableError, match=says):
            planned(folder, path, targets)
    with pytest.raises(ConfigError, match="there is no filter 'nice'"):
        plan_screen(folder, library, targets, Settings(top=3, only=("nice",)))
    with pytest.raises(ConfigError, match="two targets of the panel are called 'a'"):
        planned(folder, library, [targets[0], targets[0]])
    damaged = tmp_path / "damaged.index"
    shutil.copytree(index, damaged)
    record = json.loads((damaged / "index.json").read_text())
    (damaged / "index.json").write_text(json.dumps({**record, "complete": False}))
    with pytest.raises(InputError, match="this index is not finished"):
        planned(folder, damaged, targets)
    assert not Plan.is_in(folder)
    planned(folder, library, targets)  # what was left is no hindrance


def test_a_folder_with_other_files_is_left_alone(library: Path, targets, tmp_path: Path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="is there already and holds no plan"):
        planned(folder, library, targets)
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 1}', '{"version": 9}'])
def test_a_damaged_or_newer_plan_is_named(content: str, tmp_path: Path):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=r"manifest\.json: this (plan has version 9|is not the plan)"):
        Plan.read(tmp_path)


def test_a_plan_that_was_edited_is_refused(library: Path, targets, tmp_path: Path):
    folder = planned(tmp_path / "plan", library, targets)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"top": 20', '"top": 30'))
    with pytest.raises(InputError, match="does not fit its fingerprint"):
        Plan.read(folder)


def test_a_target_or_an_index_that_changed_is_refused_by_every_run(
    library: Path, index: Path, targets, tmp_path: Path
):
    mine = Path(shutil.copy2(targets[0], tmp_path / "mine.hpcm"))
    folder = planned(tmp_path / "plan", library, [mine])
    shutil.copy2(targets[1], mine)
    with pytest.raises(InputError, match=r"mine\.hpcm: this target is not the one that was planned with"):
        run_shards(folder, LocalEngine(1))
    copy = tmp_path / "library.index"
    shutil.copytree(index, copy)
    folder = planned(tmp_path / "other", copy, targets)
    record = json.loads((copy / "index.json").read_text())
    (copy / "index.json").write_text(json.dumps({**record, "note": "edited"}))
    with pytest.raises(InputError, match=r"library\.index: this index is not the one"):
        run_shards(folder, LocalEngine(1))


def test_a_library_that_changes_while_it_is_read_is_refused(
    targets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    library = tmp_path / "library.smi"
    library.write_text("\n".join(SMILES))
    read = compound_parts

    def changing(path: Path, **options):
        yield from read(path, **options)
        os.utime(path, ns=(0, 0))

    monkeypatch.setattr("hyperpcm.scaleout.planning.compound_parts", changing)
    with pytest.raises(InputError, match="changed while it was read"):
        planned(tmp_path / "plan", library, targets)
