"""`hyperpcm adapt`: measurements in, a model that has seen them out, and back."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from hyperpcm.checkpoint import load_target_model, save_target_model
from hyperpcm.cli.main import app
from small_adaptation import adaptable_model
from small_models import QUERY, SEQUENCES, SMILES, made_model


def call(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    folder = tmp_path_factory.mktemp("adapt")
    save_target_model(adaptable_model().compile_target(QUERY, name="a kinase"), folder / "kinase.hpcm")
    rows = [f"{smiles},{10 ** (3 - place % 4):g}" for place, smiles in enumerate(SMILES[:6])]
    (folder / "assay.csv").write_text(
        "smiles,Kd (nM)\n" + "\n".join([*rows, "CC(,3", f"{SMILES[6]},>10000"]) + "\n"
    )
    return SimpleNamespace(folder=folder, target=folder / "kinase.hpcm", assay=folder / "assay.csv")


def test_a_target_learns_and_says_what(given: SimpleNamespace, tmp_path: Path):
    out = tmp_path / "v2.hpcm"
    done = call("adapt", given.target, given.assay, "-o", out)
    assert done.exit_code == 0, done.output
    assert "7 measurements of 7 compounds seen, 1 of them bounds" in done.stdout
    assert "row 7, 'CC(': PARSE" in done.stderr
    before, after = load_target_model(given.target), load_target_model(out)
    assert not np.array_equal(before.score(list(SMILES)).values, after.score(list(SMILES)).values)
    scored = call("score", out, *SMILES[:2])
    assert scored.exit_code == 0, scored.output


def test_the_record_is_json(given: SimpleNamespace, tmp_path: Path):
    done = call(
        "adapt", given.target, given.assay, "-o", tmp_path / "v2.hpcm", "--source", "monday", "--json"
    )
    told = json.loads(done.stdout)
    assert told["adaptation"]["measurements"] == 7
    assert told["adaptation"]["sources"] == ["monday"]
    assert told["adaptation"]["choice"] in ("posterior", "blend", "none")
    assert [one["row"] for one in told["rejected"]] == [7]


def test_sources_are_seen_added_and_taken_back(given: SimpleNamespace, tmp_path: Path):
    first, second, back = (tmp_path / f"v{number}.hpcm" for number in (2, 3, 4))
    call("adapt", given.target, given.assay, "-o", first)
    (tmp_path / "tuesday.csv").write_text(f"smiles,pKd\n{SMILES[7]},8.1\n{SMILES[7]},5.9\n")
    done = call("adapt", first, tmp_path / "tuesday.csv", "-o", second)
    assert done.exit_code == 0, done.output
    assert "1 compound with measurements more than 1 apart" in done.stderr
    seen = call("adapt", second, "--seen")
    assert [line.split()[0] for line in seen.stdout.splitlines()[1:10]] == ["assay.csv"] * 7 + [
        "tuesday.csv"
    ] * 2
    listed = json.loads(call("adapt", second, "--seen", "--json").stdout)["measurements"]
    assert listed[6] == {"smiles": SMILES[6], "relation": "<", "value": 5.0, "source": "assay.csv"}
    assert call("adapt", second, "--forget", "tuesday.csv", "-o", back).exit_code == 0
    assert back.read_bytes() == first.read_bytes()
    assert call("adapt", second, "--forget-all", "-o", tmp_path / "bare.hpcm").exit_code == 0
    assert (tmp_path / "bare.hpcm").read_bytes() == given.target.read_bytes()


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([f"{SMILES[0]},=,9.9"], f"{SMILES[0]} by 3.90"),
        ([f"{SMILES[0]},>,9.5"], f"{SMILES[0]} by 3.50"),
        ([f"{SMILES[7]},>,9", f"{SMILES[7]},<,5"], f"{SMILES[7]} by 4.00"),
        ([f"{SMILES[0]},<,9.5", f"{SMILES[1]},=,7.5"], None),
    ],
    ids=["values of two files", "a bound and a value", "two bounds", "nothing"],
)
def test_measurements_that_contradict_one_another_are_named(
    rows: list[str], named: str | None, given: SimpleNamespace, tmp_path: Path
):
    call("adapt", given.target, given.assay, "-o", tmp_path / "v2.hpcm")
    (tmp_path / "b.csv").write_text("smiles,relation,pKd\n" + "\n".join(rows) + "\n")
    done = call("adapt", tmp_path / "v2.hpcm", tmp_path / "b.csv", "-o", tmp_path / "v3.hpcm")
    assert done.exit_code == 0, done.output
    assert ("more than 1 apart" in done.stderr) == (named is not None)
    assert named is None or named in done.stderr


def test_another_file_of_the_same_name_is_told(given: SimpleNamespace, tmp_path: Path):
    call("adapt", given.target, given.assay, "-o", tmp_path / "v2.hpcm")
    (tmp_path / "assay.csv").write_text(f"smiles,pKd\n{SMILES[7]},6.5\n")
    again, forgotten = tmp_path / "v3.hpcm", tmp_path / "v4.hpcm"
    done = call("adapt", tmp_path / "v2.hpcm", tmp_path / "assay.csv", "-o", again)
    assert "7 measurements of the source assay.csv were seen before; these are added" in done.stderr
    assert "--forget assay.csv" in done.stderr
    done = call(
        "adapt", tmp_path / "v2.hpcm", tmp_path / "assay.csv", "-o", forgotten, "--forget", "assay.csv"
    )
    assert "were seen before" not in done.stderr
    assert "1 measurement of 1 compound seen" in done.stdout


def test_measurements_of_another_protein_are_refused(given: SimpleNamespace, tmp_path: Path):
    (tmp_path / "other.csv").write_text(f"smiles,sequence,pKd\n{SMILES[0]},{SEQUENCES[3]},7\n")
    done = call("adapt", given.target, tmp_path / "other.csv", "-o", tmp_path / "v2.hpcm")
    assert done.exit_code == 2
    assert "another sequence" in done.stderr
    assert not (tmp_path / "v2.hpcm").exists()


@pytest.mark.parametrize("rows", ["1000000,100000000", "10000,20000"])
def test_values_on_another_scale_are_refused(rows: str, given: SimpleNamespace, tmp_path: Path):
    first, second = rows.split(",")
    (tmp_path / "odd.csv").write_text(f"smiles,pKd\n{SMILES[0]},{first}\n{SMILES[1]},>{second}\n")
    done = call("adapt", given.target, tmp_path / "odd.csv", "-o", tmp_path / "v2.hpcm")
    assert done.exit_code == 2, done.output
    assert "do not seem to be on one scale" in done.stderr


def test_a_file_that_is_given_again_counts_once(given: SimpleNamespace, tmp_path: Path):
    first, again = tmp_path / "v2.hpcm", tmp_path / "v3.hpcm"
    call("adapt", given.target, given.assay, "-o", first)
    done = call("adapt", first, given.assay, "-o", again)
    assert "7 of 7 rows were seen before" in done.stderr
    assert again.read_bytes() == first.read_bytes()


def test_the_list_of_what_was_seen_can_be_written(given: SimpleNamespace, tmp_path: Path):
    call("adapt", given.target, given.assay, "-o", tmp_path / "v2.hpcm")
    done = call("adapt", tmp_path / "v2.hpcm", "--seen", "-o", tmp_path / "seen.csv")
    assert done.exit_code == 0, done.output
    assert len((tmp_path / "seen.csv").read_text().splitlines()) == 8


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-o", "{out}"], "a table of measured compounds is missing"),
        (["{assay}"], "say which file to write"),
        (["--forget", "x", "-o", "{out}"], "It has seen: none at all"),
        (["{assay}", "--seen"], "leave the rest out"),
        (["{ic50}", "-o", "{out}"], "--quantity Kd"),
        (["{assay}", "-o", "{target}"], "kinase.hpcm"),
        (["{assay}", "-o", "{out}", "--rejected", "{target}", "--overwrite"], "read from"),
        (["{assay}", "-o", "{out}", "--rejected", "{out}", "--overwrite"], "are one file"),
        (["--forget", "x", "--forget-all", "-o", "{out}"], "leave --forget out"),
        (["--forget-all", "-o", "{out}", "--unit", "nM", "--source", "x"], "--unit and --source would say"),
        (["--seen", "--rejected", "{out}"], "leave the rest out"),
    ],
)
def test_what_does_not_go_is_refused_with_a_sentence(
    arguments: list[str], says: str, given: SimpleNamespace, tmp_path: Path
):
    (tmp_path / "ic50.csv").write_text(f"smiles,IC50 (nM)\n{SMILES[0]},10\n")
    named = {
        "out": tmp_path / "v2.hpcm",
        "assay": given.assay,
        "ic50": tmp_path / "ic50.csv",
        "target": given.target,
    }
    before = given.target.read_bytes()
    done = call("adapt", given.target, *[one.format(**named) for one in arguments])
    assert done.exit_code == 2, done.output
    assert says in done.stderr.replace("\n", " ")
    assert not (tmp_path / "v2.hpcm").exists()
    assert given.target.read_bytes() == before


def test_a_model_that_cannot_learn_says_why(given: SimpleNamespace, tmp_path: Path):
    save_target_model(made_model().compile_target(QUERY), tmp_path / "old.hpcm")
    done = call("adapt", tmp_path / "old.hpcm", given.assay, "-o", tmp_path / "v2.hpcm")
    assert done.exit_code == 2
    assert "train it again" in done.stderr


def test_a_trained_run_adapts_a_target_in_one_step(trained: SimpleNamespace, tmp_path: Path):
    (tmp_path / "assay.csv").write_text("smiles,pKd\nCCO,7.5\nc1ccccc1,6.2\nCCCCCC,5.5\n")
    out = tmp_path / "v1.hpcm"
    done = call("adapt", trained.run, tmp_path / "assay.csv", "--target", trained.sequence, "-o", out)
    assert done.exit_code == 0, done.output
    assert len(load_target_model(out).adaptation.measurements) == 3
