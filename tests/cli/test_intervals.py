"""`hyperpcm score` tells how far a score may be off, and keeps quiet where it should."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from hyperpcm.checkpoint import load_target_model, save_target_model
from hyperpcm.cli.main import app
from small_calibrations import PROBABILITIES, calibrated_model
from small_models import ACTIVE, QUERY, SMALL, SMILES, made_model


def call(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def target(tmp_path: Path) -> Path:
    model = calibrated_model(edges=(0.5, 0.8))
    save_target_model(model.compile_target(QUERY, name="query"), tmp_path / "query.hpcm")
    return tmp_path / "query.hpcm"


ASKED = (*SMILES[:4], "CCCCCCCCCC")


def test_json_has_interval_level_and_domain_of_every_score(target: Path):
    done = call("score", target, *ASKED, "--level", "0.9", "--json")
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    scores = load_target_model(target).score(list(ASKED), level=0.9)
    for one in record["scores"]:
        row = one["row"] - 1
        assert one["level"] == 0.9
        assert one["lower"] == pytest.approx(float(scores.intervals.lower[row]))
        assert one["upper"] == pytest.approx(float(scores.intervals.upper[row]))
        assert one["domain"] == scores.intervals.verdicts[row]
    assert record["calibration"]["rows"] == 500


def test_the_table_shows_them_and_what_they_rest_on(target: Path):
    done = call("score", target, *ASKED)
    assert "80 % interval" in done.stdout
    assert "domain" in done.stdout
    assert "500 held-out rows of 30 targets: new targets" in done.stderr


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_files_have_columns_of_them(target: Path, tmp_path: Path, ending: str):
    out = tmp_path / f"scores{ending}"
    assert call("score", target, *ASKED, "junk", "-o", out).exit_code == 0
    if ending == ".csv":
        with out.open() as file:
            rows = list(csv.DictReader(file))
    else:
        rows = pq.read_table(out).to_pylist()
    scores = load_target_model(target).score(list(ASKED))
    np.testing.assert_allclose([float(row["lower"]) for row in rows[:-1]], scores.intervals.lower, rtol=1e-5)
    assert [row["domain"] for row in rows[:-1]] == list(scores.intervals.verdicts)
    assert not rows[-1]["domain"]
    assert {float(row["level"]) for row in rows[:-1]} == {0.8}


def test_abstaining_names_rows_outside_the_domain_and_ranks_the_others(target: Path, tmp_path: Path):
    out = tmp_path / "scores.csv"
    done = call("score", target, *ASKED, "--abstain", "-o", out, "--json")
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    verdicts = load_target_model(target).score(list(ASKED)).intervals.verdicts
    outside = [row + 1 for row, verdict in enumerate(verdicts) if verdict == "outside"]
    assert outside
    assert [one["row"] for one in record["rejected"]] == outside
    assert {one["code"] for one in record["rejected"]} == {"ABSTAINED"}
    assert {one["row"] for one in record["scores"]} == set(range(1, len(ASKED) + 1)) - set(outside)
    assert "outside the model's domain" in done.stderr
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["row"] for row in rows if not row["rank"]] == [str(row) for row in outside]
    assert all("an error of" in rows[row - 1]["reason"] for row in outside)


def test_abstaining_on_everything_is_an_error_with_the_reasons(tmp_path: Path):
    model = calibrated_model(edges=(0.01, 0.02))
    save_target_model(model.compile_target(QUERY), tmp_path / "target.hpcm")
    done = call("score", tmp_path / "target.hpcm", *ASKED, "--abstain")
    assert done.exit_code == 2
    assert "none of the 5 compounds can be scored" in done.stderr


def test_a_target_far_from_all_known_ones_is_named(tmp_path: Path):
    model = calibrated_model(reach=(1.5, 0.0))
    save_target_model(model.compile_target(QUERY), tmp_path / "target.hpcm")
    done = call("score", tmp_path / "target.hpcm", *ASKED)
    assert "every compound counts as outside" in " ".join(done.stderr.split())


def test_a_level_that_is_not_kept_is_refused(target: Path):
    done = call("score", target, "CCO", "--level", "1.2")
    assert done.exit_code == 2
    assert "intervals are kept for 0.01" in done.stderr


def test_hits_of_a_screen_have_them_too(target: Path, tmp_path: Path):
    library, out, page = tmp_path / "library.smi", tmp_path / "hits.csv", tmp_path / "hits.html"
    library.write_text("".join(f"{smiles} m{row}\n" for row, smiles in enumerate(SMILES)))
    options = ("--library", library, "-o", out, "--gallery", page, "--level", "0.9")
    done = call("screen", target, *options)
    assert done.exit_code == 0, done.output
    with out.open() as file:
        hits = list(csv.DictReader(file))
    expected = load_target_model(target).score([hit["smiles"] for hit in hits], level=0.9).intervals
    np.testing.assert_allclose([float(hit["lower"]) for hit in hits], expected.lower, rtol=1e-5)
    assert [hit["domain"] for hit in hits] == list(expected.verdicts)
    assert "90 % interval" in page.read_text()
    refused = call("screen", target, "--library", library, "-o", tmp_path / "no.csv", "--level", "2")
    assert refused.exit_code == 2
    assert "intervals are kept for 0.01" in refused.stderr


TABLES = {
    "by_nearest_target": [
        {"from": 0.0, "to": 0.3, "rows": 250, "rmse": 1.25},
        {"from": 0.3, "to": 1.0, "rows": 250, "rmse": 0.75},
    ],
    "by_nearest_compound": [
        {"from": 0.2, "to": 0.6, "rows": 250, "rmse": 1.5},
        {"from": 0.6, "to": 1.0, "rows": 250, "rmse": 0.5},
    ],
}


def test_the_error_at_the_distance_of_the_nearest_known_is_told_for_both_axes(tmp_path: Path):
    held_out = {"rows": 500, "targets": 30, "unseen": "target", "rmse": 1.0, **TABLES}
    path, out = tmp_path / "query.hpcm", tmp_path / "scores.csv"
    made = calibrated_model(held_out=held_out, reach=(0.0, 0.1)).compile_target(QUERY, name="query")
    save_target_model(made, path)
    done = call("score", path, *ASKED, "--nearest", "--json", "-o", out)
    record, near = json.loads(done.stdout), made.provenance["domain"]
    expected = 1.25 if near["nearest_similarity"] < 0.3 else 0.75
    found = {"name": near["nearest_target"], "similarity": near["nearest_similarity"], "error": expected}
    assert record["nearest_target"] == found
    assert f"were off by {expected:.2f} (root mean square)" in done.stderr
    with out.open() as file:
        rows = list(csv.DictReader(file))
    similarity = [float(row["nearest_similarity"]) for row in rows]
    assert min(similarity) < 0.6 < max(similarity)
    errors = {one["row"]: one["nearest_error"] for one in record["scores"]}
    for number, (row, near_by) in enumerate(zip(rows, similarity, strict=True), start=1):
        error = None if near_by < 0.1 else 1.5 if near_by < 0.6 else 0.5
        assert row["nearest_error"] == ("" if error is None else str(error))
        assert errors.get(number, error) == error
    assert "error there" in call("score", path, *ASKED, "--nearest").stdout


@pytest.mark.parametrize(
    ("card", "says"),
    [
        ({"probabilities": PROBABILITIES}, "calibrated on 500 held-out rows of 30 targets: new targets."),
        (
            {"probabilities": PROBABILITIES | {"share": 0.0}},
            "no correction was surely better on 500 held-out rows",
        ),
        ({"no_probabilities": "validation has 3 rows."}, "not calibrated: validation has 3 rows."),
    ],
)
def test_it_is_said_what_probabilities_rest_on(tmp_path: Path, card: dict, says: str):
    model = made_model(SMALL, ACTIVE)
    model.card |= card
    save_target_model(model.compile_target(QUERY), tmp_path / "target.hpcm")
    done = call("score", tmp_path / "target.hpcm", *ASKED, "--json")
    assert done.exit_code == 0, done.output
    assert says in " ".join(done.stderr.split())
    assert json.loads(done.stdout)["probabilities"] == card.get("probabilities")


def test_nothing_is_said_of_probabilities_where_scores_are_values(target: Path):
    done = call("score", target, *ASKED, "--json")
    assert "robabilities" not in done.stderr
    assert json.loads(done.stdout)["probabilities"] is None


def test_abstaining_is_refused_where_nothing_tells_the_domain(tmp_path: Path):
    model = made_model(SMALL, ACTIVE)
    model.card["no_intervals"] = "scores are probabilities."
    save_target_model(model.compile_target(QUERY), tmp_path / "target.hpcm")
    refused = call("score", tmp_path / "target.hpcm", *ASKED, "--abstain")
    assert refused.exit_code == 2
    assert "scores are probabilities. Leave --abstain out" in " ".join(refused.stderr.split())
    assert not refused.stdout
