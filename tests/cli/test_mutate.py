"""`hyperpcm mutate`: refuses where the test on measured mutants was not passed, scans where it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from hyperpcm.checkpoint import load_model, save_model, save_target_model
from hyperpcm.cli.main import app
from hyperpcm.evaluation.results import write_json
from hyperpcm.protein import mutated, parse_mutation
from hyperpcm.training.mutant_test import KeptTest
from hyperpcm.trust import Differences, judged
from small_calibrations import calibrated_model
from small_models import QUERY, SMILES, made_model


def call(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def differences(skill: float, mutants: int = 9) -> Differences:
    generator = np.random.default_rng(4)
    measured = generator.normal(0, 1, mutants * 20)
    return Differences(
        mutants=tuple(f"m{place}" for place in range(mutants)),
        wild_types=("w",) * mutants,
        mutations=("A1C",) * mutants,
        is_new=np.ones(mutants, dtype=np.bool_),
        mutant=np.repeat(np.arange(mutants), 20),
        compound=np.tile(np.arange(20), mutants),
        measured=measured,
        predicted=skill * measured + generator.normal(0, 0.3, len(measured)),
        random=generator.normal(0, 0.3, (len(measured), 3)),
    )


def keep_test(folder: Path, found: Differences, *, model: str | None = None) -> KeptTest:
    origin = load_model(folder / "model.safetensors").origin if model is None else model
    kept = KeptTest(judged(found), found, origin, "made up", "cold_target fold 0 of 5, seed 0")
    write_json(folder / "mutants.json", kept.record())
    return kept


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run, as far as this command looks into it."""
    folder = tmp_path / "run"
    folder.mkdir()
    save_model(calibrated_model(), folder / "model.safetensors")
    (folder / "config.json").write_text("{}")
    return folder


@pytest.fixture
def tested(run: Path) -> Path:
    assert keep_test(run, differences(0.9)).test.verdict == "can_tell"
    return run


def test_a_model_that_can_tell_is_scanned(tested: Path):
    done = call("mutate", tested, SMILES[1], SMILES[3], "--target", QUERY, "--substitutions", "T3S,Q9A/R10K")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].split() == [
        "substitution",
        "change",
        "pKd",
        "[-log10(M)]",
        "wild",
        "type",
        "domain",
        "compound",
    ]
    changes = [abs(float(line.split()[1])) for line in lines[1:]]
    assert len(changes) == 4
    assert changes == sorted(changes, reverse=True)
    assert {line.split()[0] for line in lines[1:]} == {"T3S", "Q9A/R10K"}
    assert "The model can tell mutants apart" in done.stderr
    assert "are within the error of that test and mean nothing" in done.stderr


def test_json_has_the_scores_of_compiled_mutants(tested: Path):
    arguments = ("--target", QUERY, "--substitutions", "T3S", "--json")
    done = call("mutate", tested, *SMILES, "junk", *arguments)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    model = load_model(tested / "model.safetensors")
    own = model.compile_target(mutated(QUERY, parse_mutation("T3S")), exact=True).score(SMILES).values
    wild = model.compile_target(QUERY, exact=True).score(SMILES).values
    scores = {one["smiles"]: one for one in found["changes"]}
    for smiles, score, before in zip(SMILES, own, wild, strict=True):
        assert scores[smiles]["score"] == pytest.approx(score, abs=1e-5)
        assert scores[smiles]["wild_type_score"] == pytest.approx(before, abs=1e-5)
        assert scores[smiles]["change"] == pytest.approx(score - before, abs=1e-5)
        assert scores[smiles]["domain"] in ("inside", "edge", "outside")
    assert found["verdict"] == "can_tell"
    assert 0.2 < found["smallest_change"] < 0.4
    assert [one["row"] for one in found["rejected"]] == [len(SMILES) + 1]


def test_the_file_holds_a_row_for_each_substitution_and_compound(tested: Path, tmp_path: Path):
    out = tmp_path / "scan.parquet"
    (tmp_path / "two.smi").write_text(f"{SMILES[1]} first\n{SMILES[3]} second\n")
    done = call(
        "mutate", tested, tmp_path / "two.smi", "--target", QUERY, "--positions", "3-4", "-o", out,
        "--top", "3", "--substitutions", "Q9A/R10K,T3S",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert len(done.stdout.splitlines()) == 4
    table = pd.read_parquet(out)
    assert list(table.columns) == [
        "substitution", "position", "from", "to", "compound", "smiles", "score", "wild_type_score", "change",
        "domain",
    ]  # fmt: skip
    assert len(table) == (1 + 2 * 19) * 2  # T3S is one of the scan of position 3
    assert set(table["compound"]) == {"first", "second"}
    np.testing.assert_allclose(table["change"], table["score"] - table["wild_type_score"], atol=1e-5)
    single = table[table["substitution"] == "T3S"]
    assert single[["position", "from", "to"]].drop_duplicates().values.tolist() == [[3, "T", "S"]]
    assert table[table["substitution"] == "Q9A/R10K"]["position"].isna().all()
    again = call("mutate", tested, SMILES[1], "--target", QUERY, "--positions", "3", "-o", out)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr


def test_a_model_without_a_test_is_refused_with_how_to_make_one(run: Path, tmp_path: Path):
    arguments = (SMILES[1], "--target", QUERY, "--substitutions", "T3S")
    done = call("mutate", run, *arguments)
    assert done.exit_code == 2
    assert not done.stdout
    assert "No test says whether this model can tell mutants apart" in done.stderr
    assert f"hyperpcm evaluate {run}" in done.stderr
    save_model(made_model(), tmp_path / "alone.safetensors")
    alone = call("mutate", tmp_path / "alone.safetensors", *arguments)
    assert alone.exit_code == 2
    assert "give that folder instead" in alone.stderr


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (differences(0.0), "cannot tell mutants apart: over 180 differences of 9 mutants"),
        (differences(0.9, mutants=4), "Untested: the data hold 4 mutants"),
    ],
    ids=["failed", "few"],
)
def test_a_model_that_did_not_pass_is_refused_with_numbers_unless_anyway(
    run: Path, found: Differences, says: str
):
    keep_test(run, found)
    arguments = (SMILES[1], "--target", QUERY, "--substitutions", "T3S")
    refused = call("mutate", run, *arguments)
    assert refused.exit_code == 2
    assert not refused.stdout
    assert says in refused.stderr
    assert "--anyway" in refused.stderr
    done = call("-q", "mutate", run, *arguments, "--anyway")
    assert done.exit_code == 0, done.output
    assert "T3S" in done.stdout
    assert says in done.stderr  # the warning is told even to those who want quiet


def test_the_test_of_another_model_counts_for_nothing(tested: Path):
    keep_test(tested, differences(0.9), model="0" * 64)
    done = call("mutate", tested, SMILES[1], "--target", QUERY, "--substitutions", "T3S")
    assert done.exit_code == 2
    assert "the one beside it is of another model" in done.stderr


def test_a_damaged_test_is_refused(tested: Path):
    (tested / "mutants.json").write_text('{"verdict": "can_tell"}')
    done = call("mutate", tested, SMILES[1], "--target", QUERY, "--substitutions", "T3S", "--anyway")
    assert done.exit_code == 2
    assert "this is no test of mutants" in done.stderr


def test_wrong_residues_are_refused_before_anything_is_scored(tested: Path):
    arguments = ("mutate", tested, SMILES[1], "--target", QUERY)
    done = call(*arguments, "--substitutions", "K2A,A3S")
    assert done.exit_code == 2
    assert "A3S: residue 3 is T, not A" in done.stderr
    shifted = call(*arguments, "--substitutions", "T103S,Y105F,Q109A")
    assert "--first 101" in shifted.stderr
    assert call(*arguments, "--substitutions", "T103S,Y105F,Q109A", "--first", "101").exit_code == 0
    assert call(*arguments, "--positions", "30-40").exit_code == 2
    assert "which residues?" in call(*arguments).stderr
    assert call(*arguments, "--substitutions", " , ").exit_code == 2


def test_the_model_of_one_target_cannot_be_mutated(tmp_path: Path):
    save_target_model(made_model().compile_target(QUERY), tmp_path / "one.hpcm")
    done = call("mutate", tmp_path / "one.hpcm", SMILES[1], "--target", QUERY, "--substitutions", "T3S")
    assert done.exit_code == 2
    assert "the model of one target" in done.stderr


def test_without_a_usable_compound_nothing_is_scanned(tested: Path):
    done = call("mutate", tested, "junk", "--target", QUERY, "--substitutions", "T3S")
    assert done.exit_code == 2
    assert "none of the 1 compounds can be used" in done.stderr


def test_the_page_draws_positions_by_residues_and_fetches_nothing(tested: Path, tmp_path: Path):
    page = tmp_path / "scan.html"
    done = call(
        "mutate", tested, SMILES[1], "<b>", "--target", QUERY, "--positions", "3-5",
        "--substitutions", "Q9A/R10K", "--page", page,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "http:" not in text
    assert "https:" not in text
    assert [f'<th scope="col">{one}</th>' in text for one in ("T3", "A4", "Y5")] == [True] * 3
    assert text.count('title="T3') == 19
    assert text.count(">·<") == 3
    assert "1 mutations of several residues" in text
    assert "The model can tell mutants apart" in text
    assert "Not to be believed" not in text
    keep_test(tested, differences(0.0))
    arguments = ("--target", QUERY, "--positions", "3", "--page", page, "--overwrite", "--anyway")
    assert call("mutate", tested, SMILES[1], *arguments).exit_code == 0
    assert "Not to be believed" in page.read_text(encoding="utf-8")
