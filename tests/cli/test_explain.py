"""`hyperpcm explain`: numbers that sum to the score, on the terminal, as JSON and on a page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hyperpcm.checkpoint import load_target_model, save_target_model
from hyperpcm.cli.main import app
from hyperpcm.trust import atom_contributions
from small_calibrations import calibrated_model
from small_models import ACTIVE, QUERY, SEQUENCES, SMILES, made_model


def call(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def target(tmp_path: Path) -> Path:
    save_target_model(calibrated_model().compile_target(QUERY, name="query"), tmp_path / "query.hpcm")
    return tmp_path / "query.hpcm"


def test_json_has_the_contributions_of_the_library(target: Path):
    done = call("explain", target, SMILES[3], SMILES[4], "junk", "--orders", "2", "--json")
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    expected = atom_contributions(load_target_model(target), SMILES[3], orders=2)
    first = record["compounds"][0]
    assert first["atoms"] == pytest.approx(expected.atoms.tolist())
    assert sum(first["atoms"]) + first["whole"] + first["baseline"] == pytest.approx(first["score"])
    assert first["domain"] in ("inside", "edge", "outside")
    assert first["nearest_compound"] == SMILES[3]
    assert [one["row"] for one in record["rejected"]] == [3]


def test_the_table_sums_to_the_score(target: Path):
    done = call("explain", target, SMILES[3], "--orders", "2")
    assert done.exit_code == 0, done.output
    adds = [float(one) for one in re.findall(r" ([+-]\d+\.\d+)\s*$", done.stdout, re.MULTILINE)]
    plain = dict(re.findall(r"^(baseline|score) +(-?\d+\.\d+)", done.stdout, re.MULTILINE))
    assert sum(adds) + float(plain["baseline"]) == pytest.approx(float(plain["score"]), abs=0.02)
    assert "other atoms" in done.stdout


def test_the_page_draws_each_compound_and_fetches_nothing(target: Path, tmp_path: Path):
    out = tmp_path / "atoms.html"
    done = call("explain", target, *SMILES[2:5], "--orders", "1", "-o", out)
    assert done.exit_code == 0, done.output
    page = out.read_text()
    assert page.count("<svg") == 3
    assert "80 % interval" in page
    assert not re.search(r"(src|href)=.(https?:)?//", page)
    assert call("explain", target, "CCO", "-o", out).exit_code == 2  # is there already


def test_the_difference_of_two_targets_is_explained(target: Path, tmp_path: Path):
    other = tmp_path / "other.hpcm"
    save_target_model(calibrated_model().compile_target(SEQUENCES[1], name="other"), other)
    out = tmp_path / "atoms.html"
    done = call("explain", target, SMILES[3], "--against", other, "--orders", "2", "--json", "-o", out)
    record = json.loads(done.stdout)
    scores = [float(load_target_model(path).score([SMILES[3]]).values[0]) for path in (target, other)]
    assert record["against"] == "other"
    assert record["compounds"][0]["score"] == pytest.approx(scores[0] - scores[1], abs=1e-4)
    assert "query minus other" in out.read_text()


def test_targets_of_other_quantities_have_no_difference(target: Path, tmp_path: Path):
    other = tmp_path / "other.hpcm"
    save_target_model(made_model(quantity=ACTIVE).compile_target(QUERY), other)
    done = call("explain", target, "CCO", "--against", other)
    assert done.exit_code == 2
    assert "difference means nothing" in " ".join(done.stderr.split())


def test_nothing_that_can_be_used_is_an_error(target: Path):
    done = call("explain", target, "junk")
    assert done.exit_code == 2
    assert "none of the 1 compounds can be used" in done.stderr
