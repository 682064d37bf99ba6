"""`hyperpcm explain`: atoms and known targets behind a score, on the terminal, as JSON and on a page."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hyperpcm.checkpoint import load_target_model, save_model, save_target_model
from hyperpcm.cli.main import app
from hyperpcm.encoders import compound_encoder
from hyperpcm.trust import atom_contributions, evidence_card, masked_atoms
from small_calibrations import calibrated_model
from small_models import ACTIVE, PLAIN, QUERY, SEQUENCES, SMILES, made_model
from small_removals import COMPOUNDS, learned_model


def call(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def target(tmp_path: Path) -> Path:
    save_target_model(calibrated_model().compile_target(QUERY, name="query"), tmp_path / "query.hpcm")
    return tmp_path / "query.hpcm"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save_model(learned_model(), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def said(done) -> str:
    """Its remarks and errors on one line."""
    return " ".join(done.stderr.split())


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


# Masked atoms


def test_the_losses_of_masked_atoms_are_told_beside_what_they_add(target: Path):
    done = call("explain", target, SMILES[3], "--orders", "1", "--mask", "--json")
    told = json.loads(done.stdout)["compounds"][0]
    expected = masked_atoms(load_target_model(target), SMILES[3])
    assert told["masked"] == pytest.approx(expected.losses.tolist())
    assert told["atoms"] is not None
    assert re.search(r"^atom +adds +masked$", call("explain", target, "CCO", "--mask").stdout, re.MULTILINE)
    done = call("explain", target, SMILES[3], "--orders", "1", "--json")
    assert json.loads(done.stdout)["compounds"][0]["masked"] is None


def test_where_no_fingerprint_is_read_atoms_are_masked(target: Path, tmp_path: Path):
    pairs = compound_encoder("atom_pair", options={"atom_pair": {"width": 64}})
    other, out = tmp_path / "pairs.hpcm", tmp_path / "atoms.html"
    save_target_model(dataclasses.replace(load_target_model(target), encoder=pairs), other)
    done = call("explain", other, SMILES[3], "--json", "-o", out)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["compounds"][0]
    assert (told["atoms"], told["baseline"]) == (None, None)
    assert told["masked"] == pytest.approx(masked_atoms(load_target_model(other), SMILES[3]).losses.tolist())
    assert "a wildcard in its place" in out.read_text()
    text = call("explain", other, SMILES[3]).stdout
    assert re.search(r"^atom +masked$", text, re.MULTILINE)
    assert "baseline" not in text
    done = call("explain", target, SMILES[3], "--against", other, "--json")
    told = json.loads(done.stdout)["compounds"][0]
    losses = [masked_atoms(load_target_model(path), SMILES[3]).losses for path in (target, other)]
    assert told["masked"] == pytest.approx((losses[0] - losses[1]).tolist())


# Known targets


def test_json_has_the_card_of_the_library(model: Path):
    done = call(
        "explain", model, *COMPOUNDS[:2], "--target", QUERY, "--orders", "1", "--known", "2", "--json"
    )
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert record["evidence"] is None
    for told, smiles in zip(record["compounds"], COMPOUNDS, strict=False):
        card = evidence_card(learned_model(), QUERY, smiles, top=2, orders=1)
        assert told["score"] == pytest.approx(card.score, abs=1e-5)
        assert told["atoms"] == pytest.approx(card.atoms.atoms.tolist())
        assert told["evidence"].keys() == {"own", "targets", "of_mean", "entropy", "retrieved"}
        expected = json.loads(json.dumps(card.as_dict()))["retrieved"]
        assert len(expected) == 2
        assert told["evidence"]["retrieved"] == expected
        assert (told["lower"], told["upper"]) == pytest.approx(card.interval)


def test_the_table_tells_known_targets_and_the_score_without_each(model: Path):
    done = call("explain", model, COMPOUNDS[0], "--target", QUERY, "--orders", "1")
    assert done.exit_code == 0, done.output
    card = evidence_card(learned_model(), QUERY, COMPOUNDS[0])
    lines = re.findall(
        r"^target (\d) .* (\d+\.\d) % .* (-?\d+\.\d+) +([+-]\d+\.\d+)$", done.stdout, re.MULTILINE
    )
    assert [int(line[0]) for line in lines] == [one.row for one in card.retrieved]
    assert [float(line[2]) for line in lines] == pytest.approx(
        [one.score_without for one in card.retrieved], abs=1e-3
    )
    rest = re.findall(r"^(?:other known targets|mean of all labels) +(\d+\.\d) %", done.stdout, re.MULTILINE)
    shares = [float(line[1]) for line in lines] + [float(share) for share in rest]
    assert sum(shares) == pytest.approx(100, abs=0.5)
    assert "known target (" not in done.stderr


def test_the_page_draws_the_measured_compounds(model: Path, tmp_path: Path):
    out = tmp_path / "card.html"
    done = call("explain", model, COMPOUNDS[0], "--target", QUERY, "--orders", "1", "--known", "2", "-o", out)
    assert done.exit_code == 0, done.output
    page = out.read_text()
    card = evidence_card(learned_model(), QUERY, COMPOUNDS[0], top=2)
    assert page.count("<svg") == 1 + sum(len(one.nearest) for one in card.retrieved)
    for one in card.retrieved:
        assert f"{one.score_without:.2f}" in page
        assert f"<b>{one.nearest[0].label:.2f}</b> at {one.nearest[0].similarity:.2f}" in page
    assert "Score without it" in page
    assert not re.search(r"(src|href)=.(https?:)?//", page)


def test_without_compounds_the_card_of_the_target_is_told(model: Path, tmp_path: Path):
    out = tmp_path / "card.html"
    done = call("explain", model, "--target", QUERY, "--json", "-o", out)
    assert done.exit_code == 0, done.output
    record, card = json.loads(done.stdout), evidence_card(learned_model(), QUERY)
    assert record["compounds"] == []
    assert record["evidence"]["retrieved"] == json.loads(json.dumps(card.as_dict()))["retrieved"]
    assert "Score without it" not in out.read_text()
    assert "Attention" in out.read_text()
    assert "target 0" in call("explain", model, "--target", QUERY).stdout


def test_a_known_target_is_told_to_be_one(model: Path, tmp_path: Path):
    out = tmp_path / "card.html"
    done = call(
        "explain", model, COMPOUNDS[7], "--target", SEQUENCES[2], "--orders", "1", "-o", out, "--json"
    )
    assert done.exit_code == 0, done.output
    assert "target 2 is a known target: its own labels are used" in said(done)
    assert "its own labels are used" in out.read_text()
    found = json.loads(done.stdout)["compounds"][0]["evidence"]
    assert (found["own"], found["retrieved"][0]["is_own"]) == ("target 2", True)
    fasta = tmp_path / "named.fasta"
    fasta.write_text(f">mine\n{SEQUENCES[2]}\n")
    done = call("explain", model, "--target", fasta)
    assert "mine is a known target (target 2 of the memory): its own labels are used" in said(done)


def test_known_targets_can_be_left_out(model: Path):
    done = call("explain", model, COMPOUNDS[0], "--target", QUERY, "--orders", "1", "--known", "0", "--json")
    told = json.loads(done.stdout)["compounds"][0]
    card = evidence_card(learned_model(), QUERY, COMPOUNDS[0], orders=1)
    assert told["evidence"] is None
    assert told["score"] == pytest.approx(card.atoms.score)
    done = call("explain", model, "--target", QUERY, "--known", "0")
    assert (done.exit_code, "nothing to tell" in said(done)) == (2, True)


def test_a_model_that_retrieves_nothing_says_so(tmp_path: Path):
    save_model(made_model(PLAIN), tmp_path / "plain.safetensors")
    out = tmp_path / "card.html"
    done = call("explain", tmp_path / "plain.safetensors", "CCO", "--target", QUERY, "-o", out)
    assert "retrieves nothing from its memory" in done.stdout
    assert "retrieves nothing from its memory of 5 targets" in out.read_text()


def test_a_compiled_target_says_that_it_holds_no_memory(target: Path):
    done = call("explain", target, SMILES[3], "--orders", "1", "--known", "3")
    assert done.exit_code == 0, done.output
    assert "a compiled target holds no memory" in said(done)
    assert "holds no memory" not in said(call("explain", target, SMILES[3], "--orders", "1"))
    done = call("explain", target)
    assert (done.exit_code, "say which compounds are to be explained" in said(done)) == (2, True)


def test_a_model_needs_a_target(model: Path):
    done = call("explain", model, "CCO")
    assert done.exit_code == 2
    assert "say which with --target" in said(done)


def test_known_targets_of_very_many_compounds_are_refused(model: Path, tmp_path: Path):
    many = tmp_path / "many.smi"
    many.write_text("\n".join(["CCO"] * 201))
    done = call("explain", model, many, "--target", QUERY)
    assert done.exit_code == 2
    assert "201 compounds: known targets are taken out of the memory in turn, for 200 compounds" in said(done)


def test_a_compound_that_is_none_leaves_the_others_their_cards(model: Path):
    done = call("explain", model, "junk", COMPOUNDS[0], "--target", QUERY, "--orders", "1", "--json")
    record = json.loads(done.stdout)
    assert [one["row"] for one in record["rejected"]] == [1]
    assert record["compounds"][0]["evidence"]["retrieved"]
    assert "1 of 2 rows cannot be scored" in said(done)


def test_a_difference_of_targets_has_no_known_targets(model: Path, target: Path):
    done = call("explain", model, "CCO", "--target", QUERY, "--against", target, "--known", "2")
    assert (done.exit_code, "leave one of them out" in said(done).lower()) == (2, True)
    done = call("explain", model, "CCO", "--target", QUERY, "--against", target, "--orders", "1", "--json")
    assert json.loads(done.stdout)["compounds"][0]["evidence"] is None
