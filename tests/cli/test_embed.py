"""`hyperpcm embed`: what is shown, what is kept, and what becomes of interruptions, damage and full disks."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from hyperpcm.chem import standardise
from hyperpcm.cli.main import app
from hyperpcm.encoders import EmbeddingStore, compound_encoder

PROGRAM = [sys.executable, "-m", "hyperpcm"]
LINES = "CCO ethanol\nC1CC broken\nCC(=O)[O-].[Na+]\tacetate\n\nCCN\n"


def call(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder; the data folder lies in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "data"))
    (tmp_path / "a.smi").write_text(LINES)
    return tmp_path


@pytest.fixture
def many(folder: Path) -> Path:
    """Three thousand different compounds."""
    chains = [
        "FC" + "".join("CNO"[number // 3**place % 3] for place in range(9)) + "CCl" for number in range(3000)
    ]
    path = folder / "many.smi"
    path.write_text("\n".join(chains) + "\n")
    return path


@pytest.fixture
def few(many: Path) -> Path:
    """Four hundred of them."""
    path = many.with_name("few.smi")
    path.write_text("\n".join(many.read_text().split()[:400]) + "\n")
    return path


def damage(file: Path, row: int) -> None:
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("UPDATE vectors SET data = zeroblob(LENGTH(data)) WHERE rowid = ?", (row,))
    connection.close()


def stored(file: Path) -> int:
    if not file.exists():
        return 0
    with EmbeddingStore(file) as store:
        return sum(one.rows for one in store.info().holdings)


def test_vectors_are_written_and_kept_and_refused_rows_named(folder: Path):
    done = call("embed", "a.smi", "--encoder", "ecfp+maccs", "-o", "a.parquet", "--rejected", "r.csv")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == "a.parquet: 3 of 4 compounds, 2,214 numbers each (ecfp+maccs)\n"
    assert "1 of 4 rows cannot be embedded:\n  row 2, 'C1CC': PARSE: " in done.stderr
    assert "6 vectors computed, 0 were in the store" in done.stderr
    table = pq.read_table("a.parquet")
    assert table.column("id").to_pylist() == ["ethanol", "broken", "acetate", "4"]
    assert table.column("text").to_pylist() == ["CCO", None, "CC(=O)O", "CCN"]
    found = table.column("embedding").to_pylist()
    expected = compound_encoder("ecfp+maccs").encode(["CCO", "CC(=O)O", "CCN"])
    np.testing.assert_array_equal(np.array([found[0], found[2], found[3]], dtype=np.float32), expected)
    with Path("r.csv").open(newline="") as file:
        assert [(row["row"], row["text"], row["code"]) for row in csv.DictReader(file)] == [
            ("2", "C1CC", "PARSE")
        ]
    again = call("embed", "a.smi", "--encoder", "maccs")
    assert "0 vectors computed, 3 were in the store" in again.stderr
    assert again.stdout.startswith(str(folder / "data" / "embeddings" / "embeddings.sqlite"))


def test_the_result_as_json():
    done = call(
        "embed",
        "a.smi",
        "-e",
        "ecfp",
        "--option",
        "ecfp.width=64",
        "--option",
        "ecfp.counts=binary",
        "--json",
    )
    found = json.loads(done.stdout)
    assert (
        found["encoder"]
        == compound_encoder("ecfp", options={"ecfp": {"width": 64, "counts": "binary"}}).spec()
    )
    assert [found[name] for name in ("rows", "embedded", "computed", "found", "rejected", "out")] == [
        4,
        3,
        3,
        0,
        {"PARSE": 1},
        None,
    ]


def test_proteins_are_embedded_by_an_encoder_of_targets():
    Path("p.fasta").write_text(">one\nMKTAYIAKQR\n>two\nMK1\n>three\nMKTAYI\n")
    done = call("embed", "p.fasta", "-e", "composition", "-o", "p.npy")
    assert done.stdout == "p.npy: 2 of 3 targets, 429 numbers each (composition)\n"
    assert "row 2, 'two': BAD_RESIDUE: line 3: " in done.stderr
    assert np.isnan(np.load("p.npy")).all(axis=1).tolist() == [False, True, False]


def test_columns_are_named():
    Path("a.csv").write_text("what,label\nCCO,x\nCCN,y\n")
    assert call("embed", "a.csv", "-e", "maccs").exit_code == 2
    done = call(
        "embed",
        "a.csv",
        "-e",
        "maccs",
        "--column",
        "smiles=what",
        "--column",
        "compound_id=label",
        "-o",
        "a.parquet",
    )
    assert done.exit_code == 0, done.stderr
    assert pq.read_table("a.parquet").column("id").to_pylist() == ["x", "y"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.smi", "-e", "ecfp"], "there is no such file"),
        (["a.smi", "-e", "ecpf"], "Did you mean 'ecfp'?"),
        (["a.smi", "-e", "ecfp+composition"], "encodes targets, not compounds"),
        (["a.smi", "-e", "ecfp", "--option", "radius=3"], "write ENCODER.KEY=VALUE"),
        (["a.smi", "-e", "ecfp", "--option", "ecfp.radius=x"], "radius must be an integer"),
        (["a.smi", "-e", "ecfp", "--option", "ecfp.radius=1", "--option", "ecfp.radius=2"], "given before"),
        (["a.smi", "-e", "ecfp", "--option", "maccs.radius=1"], "not among ecfp"),
        (["a.smi", "-e", "ecfp", "-o", "a.smi", "--overwrite"], "read from"),
        (["a.smi", "-e", "ecfp", "-o", "a.csv"], ".parquet or .npy"),
        (["a.smi", "-e", "ecfp", "-o", "x.npy", "--rejected", "./x.npy"], "name the same file"),
        (["a.smi", "-e", "ecfp", "--rejected", "a.smi"], "read from"),
        (["a.smi", "-e", "ecfp", "--strict", "-o", "a.npy"], "row 2, 'C1CC': PARSE"),
        (["bad.smi", "-e", "ecfp", "-o", "a.npy"], "none of its 2 rows"),
        (["a.smi", "-e", "ecfp", "--store", "a.smi/x"], "nothing would be kept"),
    ],
)
def test_mistakes_end_with_2_and_leave_no_file(arguments: list[str], message: str):
    Path("bad.smi").write_text("C1CC\n[Fe]\n")
    done = call("embed", *arguments)
    assert done.exit_code == 2, done.stderr
    assert message in done.stderr
    assert done.stdout == ""
    assert sorted(path.name for path in Path.cwd().iterdir() if path.name != "data") == ["a.smi", "bad.smi"]


def test_where_nothing_can_be_used_the_reasons_are_named():
    Path("bad.smi").write_text("C1CC\n[Fe]\n")
    done = call("embed", "bad.smi", "-e", "ecfp")
    assert "2 rows cannot be embedded:\n  row 1, 'C1CC': PARSE" in done.stderr
    assert "NO_ORGANIC" in done.stderr


def test_a_store_that_cannot_be_used_is_done_without_where_there_is_an_output():
    done = call("embed", "a.smi", "-e", "maccs", "--store", "a.smi/x", "-o", "a.npy")
    assert done.exit_code == 0
    assert "computed and not stored" in done.stderr
    assert np.load("a.npy").shape == (4, 166)


def test_many_refused_rows_are_counted_by_reason():
    Path("b.smi").write_text("C1CC\n" * 30 + "CCO\n" + "[Fe]\n" * 5)
    done = call("embed", "b.smi", "-e", "maccs", "--rejected", "r.csv")
    assert done.exit_code == 0
    assert "35 of 36 rows" in done.stderr
    assert "and 15 more" in done.stderr
    assert "PARSE 30, NO_ORGANIC 5" in done.stderr
    assert len(Path("r.csv").read_text().splitlines()) == 36


def test_a_damaged_row_is_computed_again_and_the_result_right():
    assert call("embed", "a.smi", "-e", "maccs", "-o", "one.npy").exit_code == 0
    damage(Path("data/embeddings/embeddings.sqlite"), 2)
    done = call("embed", "a.smi", "-e", "maccs", "-o", "two.npy")
    assert "1 vectors computed, 2 were in the store" in done.stderr
    np.testing.assert_array_equal(np.load("one.npy"), np.load("two.npy"))


def test_a_full_disk_ends_with_5_and_what_was_stored_is_found_again(many: Path, small_disk: Path):
    file = small_disk / "embeddings.sqlite"
    done = call("embed", many, "-e", "ecfp", "--store", file, "--processes", "1", "-o", "out.npy")
    assert done.exit_code == 5
    assert "no space left" in done.stderr
    assert not Path("out.npy").exists()
    kept = stored(file)
    assert kept >= 1024
    some = Path("some.smi")
    some.write_text("\n".join(many.read_text().split()[:1024]) + "\n")
    again = json.loads(call("embed", some, "-e", "ecfp", "--store", file, "--json").stdout)
    assert (again["found"], again["computed"]) == (1024, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_after_a_kill_the_same_command_goes_on_from_the_store(many: Path, folder: Path):
    file = folder / "data" / "embeddings" / "embeddings.sqlite"
    command = ["embed", str(many), "-e", "ecfp", "-o", "out.npy", "--processes", "1"]
    child = subprocess.Popen([*PROGRAM, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while stored(file) < 1024:
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(30)
    assert not Path("out.npy").exists()
    kept = stored(file)
    done = json.loads(call(*command, "--json").stdout)
    assert (done["found"], done["computed"]) == (kept, 3000 - kept)
    smiles = many.read_text().split()
    expected = compound_encoder("ecfp").encode([standardise(one).smiles for one in smiles[:50]])
    np.testing.assert_array_equal(np.load("out.npy")[:50], expected)


def test_two_processes_embed_one_file_at_once(few: Path, folder: Path):
    running = [
        subprocess.Popen(
            [*PROGRAM, "embed", str(few), "-e", "maccs", "-o", f"{name}.npy", "--processes", "1", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert json.loads(out)["embedded"] == 400
    one, two = np.load("one.npy"), np.load("two.npy")
    assert one.shape == (400, 166)
    assert np.array_equal(one, two)
    assert stored(folder / "data" / "embeddings" / "embeddings.sqlite") == 400
    assert call("cache", "verify").exit_code == 0


def test_speed_is_shown_while_it_runs(monkeypatch, few: Path):
    monkeypatch.setattr("hyperpcm.embedding.rows.BATCH", 100)
    monkeypatch.setattr("hyperpcm.cli.stages.BETWEEN_LINES_S", 0.0)
    done = call("embed", few, "-e", "maccs", "--processes", "1")
    lines = [line for line in done.stderr.splitlines() if line.startswith("compounds embedded: 200")]
    assert len(lines) == 1
    assert lines[0].endswith(" per second")
