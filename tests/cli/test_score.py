"""`hyperpcm compile` and `hyperpcm score`: one protein, many compounds, and every row accounted for."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from hyperpcm.checkpoint import load_model, load_target_model, read_archive, save_model
from hyperpcm.chem import morgan_counts
from hyperpcm.cli.main import app
from hyperpcm.datasets.output import write_table
from hyperpcm.target_model import NumpyTargetModel

LINES = "CCO ethanol\nC1CC broken\nCC(=O)Oc1ccccc1C(=O)O\taspirin\n\nCCN\n"


def call(*arguments: object, given: str | bytes | None = None):
    return CliRunner().invoke(app, [str(one) for one in arguments], input=given)


@pytest.fixture
def smi(tmp_path: Path) -> Path:
    path = tmp_path / "compounds.smi"
    path.write_text(LINES)
    return path


def test_a_compiled_target_equals_the_one_compiled_in_python(trained: SimpleNamespace):
    here = load_model(trained.run / "model.safetensors").compile_target(trained.sequence, name="new one")
    there = load_target_model(trained.target)
    assert (there.name, there.sequence) == ("new one", trained.sequence)
    assert there.score(["CCO", "c1ccccc1"]).values.tolist() == here.score(["CCO", "c1ccccc1"]).values.tolist()


def test_compiling_says_what_was_written(trained: SimpleNamespace):
    assert trained.compile.stdout == f"{trained.target}: new one, 56 residues; scores pKd\n"
    assert f"hyperpcm score {trained.target}" in trained.compile.stderr


@pytest.mark.parametrize(
    ("name", "option", "kind"),
    [
        ("t.onnx", (), "onnx"),
        ("t.pyz", (), "numpy"),
        ("t.bin", ("--format", "numpy"), "numpy"),
        ("t", (), "hpcm"),
    ],
)
def test_the_ending_or_the_option_says_what_kind_of_file_is_written(
    name: str, option: tuple[str, ...], kind: str, trained: SimpleNamespace, tmp_path: Path
):
    out = tmp_path / name
    done = call("compile", trained.run, trained.sequence, "--name", "new one", "-o", out, *option)
    assert done.exit_code == 0, done.output
    smiles = ["CCO", "c1ccccc1"]
    target = load_target_model(trained.target)
    expected = target.score(smiles).values
    if kind == "onnx":
        runtime = pytest.importorskip("onnxruntime")
        given = {
            "embedding": target.encoder.encode(smiles),
            "fingerprint": morgan_counts(
                smiles, radius=target.prior.radius, width=target.prior.landmarks.shape[1]
            ),
        }
        session = runtime.InferenceSession(out, providers=["CPUExecutionProvider"])
        found = session.run(None, given)[0]
        assert "any ONNX runtime" in done.stderr
    elif kind == "numpy":
        found = NumpyTargetModel.read(out).score(smiles).values
        assert f"python {out} compounds.smi" in done.stderr
    else:
        found = load_target_model(out).score(smiles).values
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_what_leaving_landmarks_out_changes_is_told_and_stands_in_the_file(
    trained: SimpleNamespace, tmp_path: Path
):
    out = tmp_path / "few.hpcm"
    done = call("compile", trained.run, trained.sequence, "-o", out, "--max-landmarks", 3, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    stated = load_target_model(out).provenance["landmarks"]
    assert (told["landmarks"], told["bytes"]) == (stated, out.stat().st_size)
    assert (stated["kept"], stated["of"]) == (3, 14)
    assert stated["largest_difference"] > stated["typical_difference"] > 0
    assert "3 of 14 landmark compounds are kept, which changes scores of known compounds by up to" in (
        done.stderr
    )
    assert "Keep more of them with --max-landmarks." in done.stderr
    again = call(
        "compile", trained.run, trained.sequence, "-o", out, "--overwrite", "--max-landmarks", 3,
        "--landmark-tolerance", 0.001,
    )  # fmt: skip
    assert "needs more than the 3 that are allowed: allow more with --max-landmarks" in again.stderr
    wide = call(
        "compile", trained.run, trained.sequence, "-o", out, "--overwrite", "--landmark-tolerance", 100
    )
    assert wide.exit_code == 0
    assert "of 14 landmark compounds are kept, which changes" in wide.stderr
    assert "--max-landmarks" not in wide.stderr


def test_a_panel_is_not_mixed_of_targets_with_other_landmarks(trained: SimpleNamespace, tmp_path: Path):
    fasta, out = tmp_path / "two.fasta", tmp_path / "panel"
    fasta.write_text(f">one\n{trained.sequence}\n>two\n{trained.sequence[5:]}\n")
    made = call("compile", trained.run, fasta, "--all", "-o", out, "--max-landmarks", 4, "--json")
    assert made.exit_code == 0, made.output
    told = json.loads(made.stdout)
    assert (told["targets"], told["there_before"], told["landmarks"]["kept"]) == (2, 0, 4)
    again = call("compile", trained.run, fasta, "--all", "-o", out, "--max-landmarks", 4)
    assert again.exit_code == 0
    other = call("compile", trained.run, fasta, "--all", "-o", out)
    assert other.exit_code == 2
    assert "compiled with another limit or tolerance of landmark compounds" in other.stderr


def test_a_compiled_target_names_the_model_it_comes_from_and_what_it_knows(trained: SimpleNamespace):
    provenance = load_target_model(trained.target).provenance
    assert provenance["model_sha256"] == read_archive(trained.run / "model.safetensors").sha256
    domain = provenance["domain"]
    assert domain["known_targets"] > 1
    assert domain["known_labels"] >= domain["known_targets"]
    assert 0 < domain["nearest_similarity"] < 1
    assert domain["nearest_target"].startswith("t")
    assert 4.9 < domain["label_range"][0] < domain["label_range"][1] < 9


def test_the_best_compound_is_first_and_scores_are_those_of_the_library(trained: SimpleNamespace, smi: Path):
    done = call("score", trained.target, smi)
    assert done.exit_code == 0
    scores = load_target_model(trained.target).score(["CCO", "C1CC", "CC(=O)Oc1ccccc1C(=O)O", "CCN"])
    names = ["ethanol", "broken", "aspirin", ""]
    header, *lines = done.stdout.splitlines()
    assert header.split() == ["rank", "pKd", "[-log10(M)]", "name", "SMILES"]
    expected = [
        [str(rank), f"{scores.values[row]:.3f}", *([names[row]] if names[row] else []), scores.smiles[row]]
        for rank, row in enumerate(scores.order(), start=1)
    ]
    assert [line.split() for line in lines] == expected


def test_refused_rows_are_named_on_stderr_and_the_others_scored(trained: SimpleNamespace, smi: Path):
    done = call("score", trained.target, smi)
    assert "1 of 4 rows cannot be scored:\n  row 2, 'C1CC': PARSE: " in done.stderr
    assert "C1CC" not in done.stdout


def test_every_way_to_give_compounds_gives_the_same_scores(trained: SimpleNamespace, tmp_path: Path):
    smiles = ["CCO", "CCN", "c1ccccc1O"]
    (tmp_path / "a.csv").write_text("smiles,name\n" + "".join(f"{one},n\n" for one in smiles))
    (tmp_path / "a.smi").write_text("".join(f"{one}\n" for one in smiles))
    write_table(tmp_path / "a.parquet", {"structure": smiles})
    (tmp_path / "b.tsv").write_text("what\tother\n" + "".join(f"{one}\t1\n" for one in smiles))
    calls = [
        call("score", trained.target, *smiles, "--json"),
        call("score", trained.target, tmp_path / "a.csv", "--json"),
        call("score", trained.target, tmp_path / "a.smi", "--json"),
        call("score", trained.target, tmp_path / "a.parquet", "--json"),
        call("score", trained.target, tmp_path / "b.tsv", "--column", "smiles=what", "--json"),
        call("score", trained.target, "-", "--json", given="\n".join(smiles) + "\n"),
        call("score", trained.target, "-", "--json", given=(tmp_path / "a.csv").read_bytes()),
        call("score", trained.run, *smiles, "--target", trained.sequence, "--json"),
        call("score", trained.run / "model.safetensors", *smiles, "--target", trained.sequence, "--json"),
    ]
    found = []
    for done in calls:
        assert done.exit_code == 0, done.stderr
        found.append([(one["row"], one["smiles"], one["score"]) for one in json.loads(done.stdout)["scores"]])
    assert len(found[0]) == 3
    assert all(one == found[0] for one in found)


def test_the_file_holds_every_row_in_its_place(trained: SimpleNamespace, smi: Path, tmp_path: Path):
    out = tmp_path / "scores.csv"
    done = call("score", trained.target, smi, "CCC", "--out", out)
    assert done.exit_code == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["given"] for row in rows] == ["CCO", "C1CC", "CC(=O)Oc1ccccc1C(=O)O", "CCN", "CCC"]
    assert [row["name"] for row in rows] == ["ethanol", "broken", "aspirin", "", ""]
    assert [row["rejected"] for row in rows] == ["", "PARSE", "", "", ""]
    ranked = sorted((row for row in rows if row["score"]), key=lambda row: -float(row["score"]))
    assert [row["rank"] for row in ranked] == ["1", "2", "3", "4"]
    assert {row["quantity"] for row in rows} == {"pKd"}
    assert "5 rows written" in done.stderr


def test_top_limits_what_is_shown_and_not_what_is_written(
    trained: SimpleNamespace, smi: Path, tmp_path: Path
):
    out = tmp_path / "scores.tsv"
    done = call("score", trained.target, smi, "--top", "1", "--out", out)
    assert len(done.stdout.splitlines()) == 2
    assert len(out.read_text().splitlines()) == 5
    assert call("score", trained.target, smi, "--top", "0").exit_code == 2


def test_names_cannot_become_formulas_or_terminal_commands(trained: SimpleNamespace, tmp_path: Path):
    table = tmp_path / "a.csv"
    table.write_text('smiles,name\nCCO,=HYPERLINK("x")\nCCN,\x1b[2Jred\nC\x1b[31mX,[bold]\n')
    done = call("score", trained.target, table, "--out", tmp_path / "out.csv")
    assert done.exit_code == 0
    assert "\x1b" not in done.stdout + done.stderr
    with (tmp_path / "out.csv").open(newline="") as file:
        names = [row["name"] for row in csv.DictReader(file)]
    assert names[0] == '\'=HYPERLINK("x")'
    assert "\\x1b[2Jred" in done.stdout


def test_nothing_to_score_ends_with_2(trained: SimpleNamespace, tmp_path: Path):
    done = call("score", trained.target, "C1CC", "", "N[")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "none of the 3 compounds" in done.stderr
    (tmp_path / "empty.smi").write_text("")
    for arguments, given in (([tmp_path / "empty.smi"], None), (["-"], "")):
        done = call("score", trained.target, *arguments, given=given)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "no rows" in done.stderr


def test_many_refused_rows_are_counted_and_not_all_listed(trained: SimpleNamespace):
    done = call("score", trained.target, "CCO", *["C1CC"] * 50)
    assert done.exit_code == 0
    assert "50 of 51 rows" in done.stderr
    assert "30 more" in done.stderr
    assert done.stderr.count("PARSE") == 20


def test_strict_fails_at_the_first_unusable_row(trained: SimpleNamespace, smi: Path, tmp_path: Path):
    done = call("score", trained.target, smi, "--strict", "--out", tmp_path / "scores.csv")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "row 2, 'C1CC'" in done.stderr
    assert not (tmp_path / "scores.csv").exists()
    assert call("score", trained.target, "CCO", "--strict").exit_code == 0


def test_a_broken_record_of_an_sd_file_keeps_its_place(trained: SimpleNamespace, tmp_path: Path):
    from rdkit import Chem

    blocks = [Chem.MolToMolBlock(Chem.MolFromSmiles(one)) for one in ("CCO", "CCN")]
    sdf = tmp_path / "a.sdf"
    sdf.write_text(f"{blocks[0]}$$$$\nbroken\n\n\nnothing\n$$$$\n{blocks[1]}$$$$\n")
    done = call("score", trained.target, sdf, "--json")
    found = json.loads(done.stdout)
    assert sorted((one["row"], one["smiles"]) for one in found["scores"]) == [(1, "CCO"), (3, "CCN")]
    assert [one["row"] for one in found["rejected"]] == [2]
    assert "record at line" in done.stderr


@pytest.mark.parametrize("command", ["score", "compile"])
def test_a_file_that_is_there_is_replaced_only_when_asked(
    command: str, trained: SimpleNamespace, tmp_path: Path
):
    out = tmp_path / "out.csv"
    out.write_text("mine")
    call_of = {
        "score": ["score", trained.target, "CCO", "--out", out],
        "compile": ["compile", trained.run, trained.sequence, "--out", out],
    }[command]
    done = call(*call_of)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--overwrite" in done.stderr
    assert out.read_text() == "mine"
    assert call(*call_of, "--overwrite").exit_code == 0
    assert out.read_bytes() != b"mine"


def test_what_is_read_is_never_written_over(trained: SimpleNamespace, tmp_path: Path):
    table = tmp_path / "a.csv"
    table.write_text("smiles,name\nCCO,x\n")
    fasta = tmp_path / "a.fasta"
    fasta.write_text(f">a\n{trained.sequence}\n")
    lone = tmp_path / "lone.csv"
    lone.write_text(f">a\n{trained.sequence}\n")
    model = trained.run / "model.safetensors"
    before = [path.read_bytes() for path in (table, fasta, lone, model)]
    for arguments in (
        ["score", trained.target, table, "--out", table],
        ["score", trained.run, table, "--target", lone, "--out", lone],
        ["compile", trained.run, fasta, "--out", fasta],
        ["compile", trained.run, fasta, "--out", model],
    ):
        done = call(*arguments, "--overwrite")
        assert done.exit_code == 2, arguments
        assert "read from" in done.stderr
    assert [path.read_bytes() for path in (table, fasta, lone, model)] == before


def test_a_full_disk_leaves_nothing_behind(trained: SimpleNamespace, tmp_path: Path, small_disk: Path):
    table = tmp_path / "many.csv"
    rows = [f"{'C' * (1 + n)}O,{'x' * 20_000}{n}\n" for n in range(100)]
    table.write_text("smiles,name\n" + "".join(rows))
    done = call("-q", "score", trained.target, table, "--out", small_disk / "scores.csv")
    assert (done.exit_code, done.stdout) == (5, "")
    assert "no space left" in done.stderr
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize(
    ("out", "message"),
    [("no/where.csv", "does not exist"), ("scores.xlsx", "must end in"), (".", "folder")],
)
def test_a_file_that_cannot_be_written_is_told_before_the_work(
    out: str, message: str, trained: SimpleNamespace, tmp_path: Path
):
    done = call("score", trained.target, "CCO", "--out", tmp_path / out)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


def damaged(whole: bytes, how: str) -> bytes:
    return {
        "empty": b"",
        "truncated": whole[: len(whole) // 2],
        "altered": whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:],
        "text": b"this is no model",
        "pickle": b"\x80\x04\x95\x00\x00\x00\x00",
    }[how]


@pytest.mark.parametrize("how", ["empty", "truncated", "altered", "text", "pickle"])
def test_a_damaged_model_is_refused_with_3(how: str, trained: SimpleNamespace, tmp_path: Path):
    path = tmp_path / "bad.hpcm"
    path.write_bytes(damaged(trained.target.read_bytes(), how))
    done = call("score", path, "CCO")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith(f"error: {path}: ")


def test_each_kind_of_model_has_its_use(trained: SimpleNamespace, tmp_path: Path):
    without = call("score", trained.run, "CCO")
    assert (without.exit_code, "--target" in without.stderr) == (2, True)
    too_many = call("score", trained.target, "CCO", "--target", trained.sequence)
    assert (too_many.exit_code, "leave --target out" in too_many.stderr) == (2, True)
    again = call("compile", trained.target, trained.sequence, "--out", tmp_path / "x.hpcm")
    assert again.exit_code == 3
    assert not (tmp_path / "x.hpcm").exists()


def test_a_target_is_chosen_from_a_fasta_file(trained: SimpleNamespace, tmp_path: Path):
    fasta = tmp_path / "two.fasta"
    fasta.write_text(f">one\n{trained.sequence}\n>two\nMKTAYIAKQRQISFVKSHF\n>bad\nMK1\n")
    several = call("compile", trained.run, fasta, "--out", tmp_path / "x.hpcm")
    assert several.exit_code == 2
    assert "holds 3 records (one, two). Choose one: --record NAME." in several.stderr
    done = call("compile", trained.run, fasta, "--record", "two", "--out", tmp_path / "x.hpcm")
    assert done.exit_code == 0
    assert load_target_model(tmp_path / "x.hpcm").name == "two"
    bad = call("compile", trained.run, fasta, "--record", "bad", "--out", tmp_path / "y.hpcm")
    assert (bad.exit_code, "BAD_RESIDUE" in bad.stderr) == (2, True)
    none = call("compile", trained.run, fasta, "--record", "three", "--out", tmp_path / "y.hpcm")
    assert (none.exit_code, "no record 'three'" in none.stderr) == (2, True)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("MKV-LSLIPE", "residue 4"),
        ("MKV*LSLIPE", "residue 4"),
        ("", "EMPTY"),
        ("ACGTACGTACGTACGTACGTACGTACGTACGTACGT", ""),
        ("missing.fasta", "no such file"),
        ("M" * 50_000, ""),
    ],
    ids=["gap", "stop", "empty", "dna", "missing", "too long"],
)
def test_a_target_that_is_no_protein_is_told(
    target: str, message: str, trained: SimpleNamespace, tmp_path: Path
):
    done = call("compile", trained.run, target, "--out", tmp_path / "x.hpcm")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert not (tmp_path / "x.hpcm").exists()


def test_fasta_on_standard_input(trained: SimpleNamespace, tmp_path: Path):
    fasta = f">kinase of mine\r\n{trained.sequence.lower()}\r\n"
    done = call("compile", trained.run, "-", "--out", tmp_path / "x.hpcm", given=fasta)
    assert done.exit_code == 0, done.stderr
    assert load_target_model(tmp_path / "x.hpcm").sequence == trained.sequence
    empty = call("compile", trained.run, "-", "--out", tmp_path / "y.hpcm", given="")
    assert (empty.exit_code, "no sequence" in empty.stderr) == (2, True)


def test_equal_calls_write_equal_files(trained: SimpleNamespace, smi: Path, tmp_path: Path):
    digests = set()
    for number in range(2):
        target, scores = tmp_path / f"{number}.hpcm", tmp_path / f"{number}.csv"
        assert call("compile", trained.run, trained.sequence, "--out", target).exit_code == 0
        assert call("score", target, smi, "--out", scores).exit_code == 0
        digests.add((hashlib.sha256(target.read_bytes()).digest(), scores.read_bytes()))
    assert len(digests) == 1


def test_json_is_json_whatever_the_names_are(trained: SimpleNamespace, tmp_path: Path):
    name = 'quote " \\ \u2028 é'
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["smiles", "name"], ["CCO", name]])
    done = call("score", trained.target, path, "--json")
    assert [one["name"] for one in json.loads(done.stdout)["scores"]] == [name]


@pytest.fixture
def noncommercial(trained: SimpleNamespace, tmp_path: Path) -> Path:
    """A model whose target encoder may not be used commercially."""
    model = load_model(trained.run / "model.safetensors")
    model.card["licences"]["composition"] = "CC-BY-NC-4.0"
    save_model(model, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_a_licence_against_commercial_use_is_told_wherever_the_model_is_used(
    trained: SimpleNamespace, noncommercial: Path, tmp_path: Path
):
    target = tmp_path / "x.hpcm"
    calls = [
        call("compile", noncommercial, trained.sequence, "--out", target),
        call("score", target, "CCO", "--json"),
        call("score", noncommercial, "CCO", "--target", trained.sequence),
    ]
    for done in calls:
        assert done.exit_code == 0, done.output
        assert "Not for commercial use" in done.stderr
        assert "composition (CC-BY-NC-4.0)" in done.stderr
    assert json.loads(calls[1].stdout)["licences"]["composition"] == "CC-BY-NC-4.0"


def test_nothing_is_told_of_licences_that_forbid_nothing(trained: SimpleNamespace):
    done = call("score", trained.target, "CCO", "--json")
    assert "ommercial" not in trained.compile.stderr + done.stderr
    assert json.loads(done.stdout)["licences"] == load_target_model(trained.target).licences
    assert "composition" in json.loads(done.stdout)["licences"]


def test_the_nearest_training_compound_is_told_where_asked(
    trained: SimpleNamespace, smi: Path, tmp_path: Path
):
    out, target = tmp_path / "scores.csv", load_target_model(trained.target)
    done = call("score", trained.target, smi, "--nearest", "--out", out, "--json")
    assert done.exit_code == 0, done.output
    with out.open() as file:
        rows = list(csv.DictReader(file))
    expected = target.nearest_landmarks([row["smiles"] for row in rows])
    assert [row["nearest_compound"] for row in rows] == [one.smiles if one else "" for one in expected]
    assert {row["nearest_similarity"] for row in rows if row["rejected"]} == {""}
    best = json.loads(done.stdout)["scores"][0]
    first = rows[best["row"] - 1]
    assert best["nearest_compound"] == first["nearest_compound"]
    assert best["nearest_similarity"] == float(first["nearest_similarity"])
    table = call("score", trained.target, smi, "--nearest", "--top", 2).stdout.splitlines()
    assert table[0].split()[-3:] == ["similarity", "nearest", "compound"]
    assert table[1].endswith(first["nearest_compound"])
    without = call("score", trained.target, smi, "--json")
    assert "nearest_compound" not in json.loads(without.stdout)["scores"][0]


def test_what_the_model_knows_of_a_pair_stands_beside_its_score(trained: SimpleNamespace, tmp_path: Path):
    model = load_model(trained.run / "model.safetensors")
    row, column = int(model.memory_rows[0]), int(model.memory_columns[0])
    known, out = model.landmark_compounds[column], tmp_path / "scores.csv"
    asked = ("score", trained.run, known, "CCCCCCCN", "--target", model.memory_sequences[row])
    done = call(*asked, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    label = float(model.memory_values[0])
    with out.open() as file:
        measured = {row["smiles"]: row["measured"] for row in csv.DictReader(file)}
    assert float(measured.pop(known)) == pytest.approx(label)
    assert set(measured.values()) == {""}
    told = {one["smiles"]: one["measured"] for one in json.loads(done.stdout)["scores"]}
    assert told.pop(known) == pytest.approx(label)
    assert set(told.values()) == {None}
    table = call(*asked).stdout.splitlines()
    assert "measured" in table[0].split()
    assert f" {label:.2f} " in next(line for line in table if known in line)
    assert "measured" not in call("score", trained.run, known, "--target", trained.sequence).stdout


def test_exact_keeps_all_digits_and_rounding_is_told(trained: SimpleNamespace, tmp_path: Path):
    """The network of the run is given a share here, for validation may leave it none."""
    model = load_model(trained.run / "model.safetensors")
    model.correction.fill_(1.0)
    for head in (member.hypernetwork.heads[-1] for member in model.members):
        torch.nn.init.normal_(head.delta.weight, generator=torch.Generator().manual_seed(0))
    save_model(model, tmp_path / "model.safetensors")
    arguments = ("compile", tmp_path / "model.safetensors", trained.sequence)
    rounded = call(*arguments, "-o", tmp_path / "rounded.hpcm")
    exact = call(*arguments, "--exact", "-o", tmp_path / "exact.hpcm")
    assert (rounded.exit_code, exact.exit_code) == (0, 0), rounded.output + exact.output
    record = load_target_model(tmp_path / "rounded.hpcm").provenance["rounding"]
    assert record["weights"] in ("byte", "half")
    assert f"change scores by up to {record['largest_difference']:.1g}; --exact keeps" in rounded.stderr
    assert "--exact" not in exact.stderr
    assert load_target_model(tmp_path / "exact.hpcm").provenance["rounding"]["weights"] == "single"
    scores = model.compile_target(trained.sequence, exact=True).score(["CCO", "CCN"]).values
    assert load_target_model(tmp_path / "exact.hpcm").score(["CCO", "CCN"]).values.tolist() == scores.tolist()
    fasta = tmp_path / "t.fasta"
    fasta.write_text(f">one\n{trained.sequence}\n")
    panel = tmp_path / "panel"
    assert call("compile", arguments[1], fasta, "--all", "-o", panel).exit_code == 0
    refused = call("compile", arguments[1], fasta, "--all", "--exact", "-o", panel)
    assert refused.exit_code == 2
    assert "--exact asks for all digits" in refused.stderr
    assert call("compile", arguments[1], fasta, "--all", "--exact", "--overwrite", "-o", panel).exit_code == 0
    kept = call("compile", arguments[1], fasta, "--all", "-o", panel)
    assert "1 of them were there" in kept.stdout
