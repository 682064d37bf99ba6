"""Libraries and disks as they are in life: what `hyperpcm index` and `hyperpcm screen` make of them."""

from __future__ import annotations

import csv
import functools
import gzip
import io
import json
import random
import signal
import subprocess
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from rdkit import Chem
from typer.testing import CliRunner

from hyperpcm.checkpoint import document, load_model, load_target_model, save_target_model, write_archive
from hyperpcm.cli.main import app
from hyperpcm.datasets.compound_files import compound_parts
from hyperpcm.datasets.locking import only_run
from hyperpcm.errors import TableError
from small_models import QUERY, SMALL, made_model, many_smiles

TOP = 1000


def call(*arguments: object):
    """Run the program in this process."""
    return CliRunner().invoke(app, [str(one) for one in arguments])


def taken(
    way: str, trained: SimpleNamespace, library: Path, folder: Path
) -> tuple[dict, list[dict[str, str]]]:
    """Screen a library, from its file or from an index of it: the summary, and the hits."""
    source, out = library, folder / f"{way}.csv"
    if way == "index":
        source = folder / "library.index"
        made = call("index", library, "-o", source, "--for", trained.target, "--json")
        assert made.exit_code == 0, made.output
    done = call("screen", trained.target, "-l", source, "-o", out, "--top", TOP, "--json")
    assert done.exit_code == 0, done.output
    with out.open(newline="") as file:
        return json.loads(done.stdout), list(csv.DictReader(file))


def refused(command: str, trained: SimpleNamespace, library: Path, folder: Path) -> str:
    """What is said of a library that cannot be used; nothing is left with a final name."""
    out = folder / "made"
    if command == "index":
        done = call("index", library, "-o", out, "--for", trained.target)
    else:
        out = out.with_suffix(".csv")
        done = call("screen", trained.target, "-l", library, "-o", out)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    if command == "screen":
        assert not out.exists()
    elif out.exists():
        again = call("screen", trained.target, "-l", out, "-o", folder / "other.csv")
        assert again.exit_code == 2
        assert "not finished" in again.stderr
    assert "bug" not in done.stderr
    return done.stderr


ways = pytest.mark.parametrize("way", ["file", "index"])
commands = pytest.mark.parametrize("command", ["index", "screen"])


# Rows that cost themselves


@ways
def test_one_percent_of_garbage_costs_itself(way: str, trained: SimpleNamespace, tmp_path: Path):
    generator = random.Random(0)
    good = [f"{smiles} m{row}" for row, smiles in enumerate(many_smiles(400))]
    lines = good.copy()
    letters = "".join(map(chr, [*range(33, 127), *range(0xA1, 0x17F), 0x4E2D, 0x1F600, 1, 7, 127]))
    for _ in range(4):
        lines.insert(generator.randrange(len(lines)), "".join(generator.choices(letters, k=60)))
    library, clean = tmp_path / "library.smi", tmp_path / "clean.smi"
    library.write_text("\n".join(lines), encoding="utf-8")
    clean.write_text("\n".join(good), encoding="utf-8")
    summary, hits = taken(way, trained, library, tmp_path)
    assert (summary["rows"], summary["scored"], sum(summary["rejected"].values())) == (404, 400, 4)
    (tmp_path / "clean").mkdir()
    _, expected = taken(way, trained, clean, tmp_path / "clean")
    assert {hit["name"]: hit["smiles"] for hit in hits} == {hit["name"]: hit["smiles"] for hit in expected}
    assert len(hits) == 400
    for hit in hits:
        assert lines[int(hit["row"]) - 1].endswith(f" {hit['name']}"), "a row has moved"


@ways
def test_mixed_line_ends_are_line_ends(way: str, trained: SimpleNamespace, tmp_path: Path):
    smiles, ends = many_smiles(30), ["\n", "\r\n", "\r", "\n\n", "\r\n\r\n"]
    library = tmp_path / "library.smi"
    text = "".join(f"{one} m{row}{ends[row % len(ends)]}" for row, one in enumerate(smiles))
    library.write_bytes(text.encode())
    summary, hits = taken(way, trained, library, tmp_path)
    assert (summary["rows"], summary["scored"], summary["rejected"]) == (30, 30, {})
    assert sorted(hit["name"] for hit in hits) == sorted(f"m{row}" for row in range(30))


@ways
def test_compounds_of_one_name_stay_apart_and_a_structure_is_one_hit(
    way: str, trained: SimpleNamespace, tmp_path: Path
):
    lines = [f"{smiles} same" for smiles in many_smiles(20)] + ["OCC same", "CCO other", "C(O)C same"]
    library = tmp_path / "library.smi"
    library.write_text("\n".join(lines))
    summary, hits = taken(way, trained, library, tmp_path)
    assert (summary["rows"], summary["scored"]) == (23, 23)
    assert len({hit["smiles"] for hit in hits}) == len(hits) == 21
    (ethanol,) = [hit for hit in hits if hit["smiles"] == "CCO"]
    assert (ethanol["row"], ethanol["name"]) == ("21", "same"), "that of the earliest row"


@ways
def test_an_sd_file_cut_in_the_middle_of_a_record_loses_that_record(
    way: str, trained: SimpleNamespace, tmp_path: Path
):
    records = []
    for row, smiles in enumerate(many_smiles(12)):
        molecule = Chem.MolFromSmiles(smiles)
        molecule.SetProp("_Name", f"m{row}")
        records.append(Chem.MolToMolBlock(molecule) + "$$$$\n")
    text = "".join(records)
    library = tmp_path / "library.sdf"
    library.write_text(text[: len(text) - len(records[-1]) // 2])
    summary, hits = taken(way, trained, library, tmp_path)
    assert (summary["rows"], summary["scored"], summary["rejected"]) == (12, 11, {"PARSE": 1})
    assert {hit["name"] for hit in hits} == {f"m{row}" for row in range(11)}


@ways
def test_a_library_of_one_compound_has_one_hit(way: str, trained: SimpleNamespace, tmp_path: Path):
    library = tmp_path / "library.smi"
    library.write_text("CCO only")
    summary, hits = taken(way, trained, library, tmp_path)
    assert (summary["rows"], [hit["name"] for hit in hits]) == (1, ["only"])


# Files that cannot be used


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("../library.smi", "CCO ethanol\n")
    return content.getvalue()


def parquet() -> bytes:
    content = io.BytesIO()
    table = pyarrow.table({"smiles": many_smiles(300), "name": [str(row) for row in range(300)]})
    options = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    pyarrow.parquet.write_table(table, content, **options)
    return content.getvalue()


def flipped(content: bytes) -> bytes:
    """One bit of a SMILES is another."""
    place = content.index(b"CCCCCC", 3000) + 3  # behind the statistics, which no checksum covers
    return content[:place] + bytes([content[place] ^ 2]) + content[place + 1 :]


LINES = "\n".join(f"{smiles} m{row}" for row, smiles in enumerate(many_smiles(300))).encode()


@commands
@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.smi.gz", gzip.compress(b""), "no rows"),
        ("a.smi.gz", b"", "empty"),
        ("a.csv", b"smiles,name\n", "no rows"),
        ("a.smi.gz", gzip.compress(LINES)[:-200], "gz"),
        ("a.smi.gz", gzip.compress(gzip.compress(LINES)), "gz"),
        ("a.smi", LINES.replace(b"m7", "ä".encode("latin-1")), "UTF-8"),
        ("a.smi", LINES.decode().encode("utf-16"), "UTF-16"),
        ("a.csv", np.random.default_rng(0).bytes(3000), "a.csv"),
        ("a.zip", zipped(), "a.zip"),
        ("a.csv", b"name,weight\nx,1\n", "no column holds SMILES"),
        ("a.csv", b"smiles,smiles\nCCO,CCO\n", "smiles"),
        ("a.csv", b"smiles,name\nCCO,a\nCCN,b,c\n", "line 3"),
        ("a.csv", b'smiles,name\nCCO,"a\nCCN,b\n', "line"),
        ("a.parquet", parquet()[:-300], "a.parquet"),
        ("a.parquet", flipped(parquet()), "a.parquet"),
        ("a.smi", b"C1CC\nnonsense\n", "none of its 2 rows"),
    ],
    ids=[
        "an empty gz",
        "no gz at all",
        "a header alone",
        "a gz cut short",
        "a gz in a gz",
        "Latin-1",
        "UTF-16",
        "noise",
        "a zip",
        "no SMILES",
        "two columns of one name",
        "a ragged row",
        "an open quote",
        "a Parquet file cut short",
        "an altered Parquet file",
        "no usable row",
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(
    command: str, name: str, content: bytes, says: str, trained: SimpleNamespace, tmp_path: Path
):
    library = tmp_path / name
    library.write_bytes(content)
    told = refused(command, trained, library, tmp_path)
    assert str(library) in told
    assert says in told


@commands
@pytest.mark.parametrize("name", ["a.smi", "a.smi.gz", "a.csv"])
def test_a_line_of_two_hundred_megabytes_is_refused_by_its_number(
    command: str, name: str, trained: SimpleNamespace, tmp_path: Path
):
    library = tmp_path / name
    opener = functools.partial(gzip.open, compresslevel=1) if name.endswith(".gz") else open
    with opener(library, "wb") as file:
        file.write(b"smiles,name\nCCO,ethanol\n" if name.endswith(".csv") else b"CCO ethanol\nCCN amine\n")
        for _ in range(200):
            file.write(b"C" * 2**20)
    told = refused(command, trained, library, tmp_path)
    assert "line 3" in told
    tracemalloc.start()
    with pytest.raises(TableError):
        for _ in compound_parts(library):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50 * 2**20


# Disks, signals and other processes


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A library whose names are so long that hits and index exceed a small disk."""
    noise = random.Random(0)
    path = tmp_path / "large.smi"
    path.write_text(
        "".join(
            f"{smiles} {''.join(noise.choices('abcdefghijklmnopqrstuvwxyz0123456789', k=12_000))}{row}\n"
            for row, smiles in enumerate(many_smiles(200))
        )
    )
    return path


@pytest.mark.parametrize("ending", ["csv", "sdf", "parquet"])
def test_a_disk_that_is_full_of_hits_is_told_and_the_screen_goes_on(
    ending: str, trained: SimpleNamespace, large: Path, tmp_path: Path, small_disk: Path
):
    out, work = small_disk / f"hits.{ending}", tmp_path / "work"
    command = ("screen", trained.target, "-l", large, "--work", work, "--top", TOP, "--json")
    done = call(*command, "-o", out)
    assert (done.exit_code, done.stdout) == (5, ""), done.output
    assert "no space left" in done.stderr
    assert list(small_disk.iterdir()) == []
    again = call(*command, "-o", tmp_path / f"hits.{ending}")
    assert again.exit_code == 0, again.output
    summary = json.loads(again.stdout)
    assert (summary["resumed"], summary["hits"]) == (200, {"new one": 200}), "nothing is scored twice"
    assert not work.exists()


def test_a_disk_that_is_full_of_state_is_told(
    trained: SimpleNamespace, large: Path, tmp_path: Path, small_disk: Path
):
    command = ("screen", trained.target, "-l", large, "-o", tmp_path / "hits.csv", "--top", TOP)
    done = call(*command, "--work", small_disk / "work")
    assert (done.exit_code, done.stdout) == (5, ""), done.output
    assert "no space left" in done.stderr
    assert not (tmp_path / "hits.csv").exists()


def test_a_disk_that_is_full_of_an_index_is_told_and_the_index_goes_on(
    trained: SimpleNamespace, large: Path, tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
):
    from hyperpcm.screening import library_index

    monkeypatch.setattr(library_index, "ROWS", 16)
    index, filler = small_disk / "index", small_disk / "filler"
    filler.write_bytes(bytes(800_000))
    (tmp_path / "some.smi").write_text("".join(large.read_text().splitlines(keepends=True)[:80]))
    command = (
        "index",
        tmp_path / "some.smi",
        "-o",
        index,
        "--for",
        trained.target,
        "--processes",
        1,
        "--json",
    )
    done = call(*command)
    assert (done.exit_code, done.stdout) == (5, ""), done.output
    assert "no space left" in done.stderr
    begun = json.loads((index / "index.json").read_text())
    assert not begun["complete"]
    whole = {path.name for path in index.iterdir()}
    assert whole == {"index.json", *(chunk["file"] for chunk in begun["chunks"])}
    filler.unlink()
    again = call(*command)
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["indexed"] == 80
    assert call("index", tmp_path / "some.smi", "-o", tmp_path / "i", *command[4:]).exit_code == 0
    for path in (tmp_path / "i").iterdir():
        assert (index / path.name).read_bytes() == path.read_bytes()


def test_a_disk_that_is_full_of_a_target_is_told_and_leaves_no_file(
    trained: SimpleNamespace, small_disk: Path
):
    filler = small_disk / "filler"
    filler.write_bytes(bytes(2**20 - 4096))
    for out in ("t.hpcm", "t.pyz"):
        done = call("compile", trained.run, trained.sequence, "-o", small_disk / out)
        assert (done.exit_code, done.stdout) == (5, ""), done.output
        assert "no space left" in done.stderr
        assert list(small_disk.iterdir()) == [filler]


def test_ctrl_c_stops_an_index_that_then_goes_on(
    trained: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from hyperpcm.screening import library_index

    monkeypatch.setattr(library_index, "ROWS", 16)
    library = tmp_path / "library.smi"
    library.write_bytes(LINES)
    add, calls = library_index.LibraryIndex.add, iter(range(1000))

    def interrupted(self, *arguments):
        if next(calls) == 3:
            raise KeyboardInterrupt
        add(self, *arguments)

    command = ("index", library, "-o", tmp_path / "index", "--for", trained.target, "--processes", 1)
    with monkeypatch.context() as patched:
        patched.setattr(library_index.LibraryIndex, "add", interrupted)
        done = call(*command)
    assert (done.exit_code, done.stdout) == (130, "")
    unfinished = call("screen", trained.target, "-l", tmp_path / "index", "-o", tmp_path / "hits.csv")
    assert unfinished.exit_code == 2
    assert "Go on: the same hyperpcm index again" in unfinished.stderr
    assert call(*command).exit_code == 0
    assert call(*command[:3], tmp_path / "calm", *command[4:]).exit_code == 0
    for path in (tmp_path / "calm").iterdir():
        assert (tmp_path / "index" / path.name).read_bytes() == path.read_bytes()


PROGRAM = """
import sys
from hyperpcm.cli.main import main
from hyperpcm.screening import library_index

library_index.ROWS = 32
sys.exit(main())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_twenty_sigkills_cost_an_index_time_and_no_row(trained: SimpleNamespace, tmp_path: Path):
    program, library = tmp_path / "program.py", tmp_path / "library.smi"
    program.write_text(PROGRAM)
    smiles = many_smiles(250)
    library.write_text("\n".join(f"{smiles[row % 250]}{'C' * (row // 250)} m{row}" for row in range(2500)))
    command = [sys.executable, str(program), "index", str(library), "--for", str(trained.target)]
    command += ["--processes", "1", "-o"]
    subprocess.run([*command, str(tmp_path / "calm")], check=True, capture_output=True)
    index, generator, kills, chunks = tmp_path / "index", random.Random(0), 0, []
    record = index / "index.json"
    while kills < 20:
        running = subprocess.Popen([*command, str(index)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        begun = record.read_bytes() if record.exists() else b""
        while running.poll() is None and (record.read_bytes() if record.exists() else b"") == begun:
            time.sleep(0.002)  # let it get somewhere, or twenty kills would only test the start
        time.sleep(generator.uniform(0.0, 0.08))
        running.send_signal(signal.SIGKILL)
        running.communicate()
        kills += 1
        found = json.loads(record.read_text())
        chunks.append(len(found["chunks"]))
        if found["complete"]:
            break
    assert kills > 5
    assert chunks == sorted(chunks)
    subprocess.run([*command, str(index)], check=True, capture_output=True)
    calm = {path.name: path.read_bytes() for path in (tmp_path / "calm").iterdir()}
    assert {name: (index / name).read_bytes() for name in calm} == calm
    left = {path.name for path in index.iterdir()} - calm.keys()
    assert not {name for name in left if name.endswith((".npz", ".json"))}, "a row is there twice"


@commands
def test_a_second_process_is_told_who_has_the_folder(command: str, trained: SimpleNamespace, tmp_path: Path):
    library, work = tmp_path / "library.smi", tmp_path / "work"
    library.write_text("CCO")
    if command == "index":
        arguments = ("index", library, "-o", work, "--for", trained.target)
    else:
        arguments = ("screen", trained.target, "-l", library, "-o", tmp_path / "h.csv", "--work", work)
    with only_run(work):
        done = call(*arguments)
    assert done.exit_code == 2
    assert "another run is writing here" in done.stderr
    assert call(*arguments).exit_code == 0


@commands
def test_a_library_that_changes_meanwhile_is_noticed(
    command: str, trained: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from hyperpcm.screening import LibraryIndex, library_index, screen

    library, out = tmp_path / "library.smi", tmp_path / ("index" if command == "index" else "hits.csv")
    library.write_bytes(LINES)
    monkeypatch.setattr(library_index, "ROWS", 64)
    monkeypatch.setattr(screen, "BATCH", 64)
    home, name = (LibraryIndex, "add") if command == "index" else (screen, "take_batch")
    whole, calls = getattr(home, name), iter(range(1000))

    def changing(*arguments):
        whole(*arguments)
        if next(calls) == 1:
            library.write_bytes(LINES.replace(b"m299", b"m300"))

    monkeypatch.setattr(home, name, changing)
    if command == "index":
        done = call("index", library, "-o", out, "--for", trained.target, "--processes", 1)
    else:
        done = call("screen", trained.target, "-l", library, "-o", out, "--processes", 1)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert "has changed while it was" in done.stderr
    if command == "screen":
        assert not out.exists()
    else:
        assert "not finished" in call("screen", trained.target, "-l", out, "-o", tmp_path / "h.csv").stderr


# Indexes and targets of another kind


def test_an_index_of_another_encoder_or_version_is_refused(trained: SimpleNamespace, tmp_path: Path):
    library, index, other = tmp_path / "library.smi", tmp_path / "index", tmp_path / "other.hpcm"
    library.write_text("CCO\nCCN")
    assert call("index", library, "-o", index, "--for", trained.target).exit_code == 0
    save_target_model(made_model(SMALL).compile_target(QUERY, name="other"), other)
    screen = ("-l", index, "-o", tmp_path / "hits.csv")
    done = call("screen", other, *screen)
    assert done.exit_code == 2
    assert "or with other options" in done.stderr
    assert "hyperpcm index LIBRARY --for TARGET" in done.stderr
    record = json.loads((index / "index.json").read_text())
    (index / "index.json").write_text(json.dumps(record | {"version": 99}))
    for arguments in (("screen", trained.target, *screen), ("index", library, "-o", index, "--for", other)):
        done = call(*arguments)
        assert done.exit_code == 2
        assert "the index has version 99" in done.stderr
        assert "Upgrade hyperpcm" in done.stderr


def test_a_target_of_a_newer_format_is_refused(
    trained: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    newer, library = tmp_path / "newer.hpcm", tmp_path / "library.smi"
    library.write_text("CCO")
    written = document.FORMAT_VERSIONS["target_model"]
    with monkeypatch.context() as patched:
        patched.setitem(document.FORMAT_VERSIONS, "target_model", written + 1)
        save_target_model(load_target_model(trained.target), newer)
    for arguments in (
        ("screen", newer, "-l", library, "-o", tmp_path / "hits.csv"),
        ("index", library, "-o", tmp_path / "index", "--for", newer),
        ("panel", newer, trained.target, "-c", "CCO"),
        ("score", newer, "CCO"),
    ):
        done = call(*arguments)
        assert (done.exit_code, done.stdout) == (3, ""), done.output
        assert f"format version {written + 1}" in done.stderr
        assert f"reads versions up to {written}" in done.stderr
    model = tmp_path / "model.safetensors"
    write_archive(model, "model", *load_model(trained.run / "model.safetensors").state(), version=9)
    done = call("compile", model, trained.sequence, "-o", tmp_path / "t.hpcm")
    assert (done.exit_code, done.stdout) == (3, ""), done.output
    assert "format version 9" in done.stderr
    assert not (tmp_path / "t.hpcm").exists()
