"""`hyperpcm cache`: what the store holds, whether it is whole, what may go."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hyperpcm.cli.main import app
from hyperpcm.encoders import EmbeddingStore, compound_encoder
from hyperpcm.encoders.store import usual_store

CHAINS = ["C" * length for length in range(1, 31)]


def call(*arguments: object):
    return CliRunner().invoke(app, ["cache", *(str(one) for one in arguments)])


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The usual store, in a folder of its own: ecfp, maccs that is stale, an array and a leftover."""
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "data"))
    path = usual_store()
    with EmbeddingStore(path) as store:
        store.encode(compound_encoder("ecfp+maccs"), CHAINS)
        store.arrays.get("morgan-counts", "ab" * 32, lambda: np.arange(99))
    change(path, "UPDATE encoders SET key = 'old' WHERE name = 'maccs'")
    path.with_name(f"{path.name}.damaged-20260101T000000-1-1").write_bytes(b"damaged")
    return path


def change(file: Path, statement: str) -> None:
    connection = sqlite3.connect(file)
    with connection:
        connection.execute(statement)
    connection.close()


def names(file: Path) -> dict[str, int]:
    with EmbeddingStore(file) as store:
        return {one.encoder: one.rows for one in store.info().holdings}


def test_info_shows_where_how_much_and_of_what(file: Path):
    done = call("info")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{file}: ")
    assert lines[1].split() == ["encoder", "width", "vectors", "size", "state", "options"]
    assert {line.split()[0]: line.split()[5] for line in lines[2:4]} == {"ecfp": "current", "maccs": "stale"}
    assert "radius=2 width=2048" in done.stdout
    assert "1 whole arrays beside it" in done.stdout
    assert "1 files left over: 7 B" in done.stdout
    assert "maccs (30 vectors) is stale: made with other versions than rdkit" in done.stderr


def test_info_as_json(file: Path):
    found = json.loads(call("info", "--json").stdout)
    assert found["path"] == str(file)
    assert found["bytes"] >= file.stat().st_size
    assert {one["name"]: (one["rows"], one["width"], one["state"]) for one in found["encoders"]} == {
        "ecfp": (30, 2048, "current"),
        "maccs": (30, 166, "stale"),
    }
    assert [one["name"] for one in found["arrays"]] == ["morgan-counts"]
    assert len(found["leftovers"]) == 1


def test_a_store_that_is_not_there_yet_is_no_error_for_info(tmp_path: Path):
    done = call("info", "--store", tmp_path / "none.sqlite")
    assert done.exit_code == 0
    assert "nothing is stored yet" in done.stdout
    assert call("verify", "--store", tmp_path / "none.sqlite").exit_code == 2
    assert call("prune", "--store", tmp_path / "none.sqlite").stdout == "Nothing to remove.\n"
    assert not (tmp_path / "none.sqlite").exists()


def test_another_file_is_refused(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("some words\n" * 100)
    for command in ("info", "verify", "prune"):
        done = call(command, "--store", tmp_path / "notes.txt")
        assert done.exit_code == 2
        assert "notes.txt" in done.stderr


def test_a_whole_store_verifies():
    done = call("verify")
    assert (done.exit_code, done.stdout) == (
        2,
        "60 vectors read, 30 damaged (maccs 30)\n1 arrays read, 0 damaged\n",
    ), "a key that was changed in the file is damage: a checksum covers its place"
    assert call("prune", "--yes").exit_code == 0
    done = call("verify")
    assert (done.exit_code, done.stdout) == (0, "30 vectors read, 0 damaged\n1 arrays read, 0 damaged\n")


def test_damage_is_counted_and_repaired_on_request(file: Path):
    assert call("prune", "--yes").exit_code == 0
    change(file, "UPDATE vectors SET data = zeroblob(LENGTH(data)) WHERE rowid IN (3, 7)")
    (array,) = file.with_name(f"{file.name}-arrays").glob("*.npy")
    array.write_bytes(array.read_bytes()[:-1])
    done = call("verify")
    assert done.exit_code == 2
    assert "2 damaged (ecfp 2)" in done.stdout
    assert "cache verify --repair" in done.stderr
    found = json.loads(call("verify", "--repair", "--json").stdout)
    assert (found["vectors"], found["damaged"], found["removed"]) == (30, {"ecfp": 2}, 3)
    assert names(file) == {"ecfp": 28}
    assert not array.exists()
    assert call("verify").exit_code == 0


def test_pruning_shows_what_would_go_and_does_nothing(file: Path):
    done = call("prune")
    assert done.exit_code == 0
    assert [line[:9] for line in done.stdout.splitlines()] == ["would go:"] * 2
    assert "30 vectors of maccs, stale" in done.stdout
    assert "add --yes" in done.stderr
    assert names(file) == {"ecfp": 30, "maccs": 30}


@pytest.mark.parametrize(
    ("options", "left", "arrays"),
    [
        ([], {"ecfp": 30}, 1),
        (["--stale"], {"ecfp": 30}, 1),
        (["--encoder", "ecfp"], {"maccs": 30}, 1),
        (["--encoder", "ecfp", "--stale"], {}, 1),
        (["--arrays"], {"ecfp": 30, "maccs": 30}, 0),
        (["--all"], {}, 0),
    ],
)
def test_pruning_removes_what_was_asked_for(
    file: Path, options: list[str], left: dict[str, int], arrays: int
):
    dry = call("prune", *options, "--json")
    assert not json.loads(dry.stdout)["done"]
    assert names(file) == {"ecfp": 30, "maccs": 30}
    done = call("prune", *options, "--yes", "--json")
    assert done.exit_code == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["vectors_removed"] == 60 - sum(left.values())
    assert record["bytes_freed"] > 0
    assert names(file) == left
    assert len(list(file.with_name(f"{file.name}-arrays").glob("*.npy"))) == arrays
    assert not list(file.parent.glob("*.damaged-*"))


def test_an_encoder_that_is_not_held_is_refused():
    done = call("prune", "--encoder", "fcfp")
    assert done.exit_code == 2
    assert "It holds: ecfp, maccs." in done.stderr


def test_a_locked_store_is_said(file: Path, monkeypatch):
    monkeypatch.setattr("hyperpcm.encoders.store_access.WAIT_S", 0.1)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        done = call("prune", "--yes")
    finally:
        other.close()
    assert done.exit_code == 2
    assert "locked" in done.stderr
