"""`hyperpcm screen` as a user calls it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from rdkit import Chem
from typer.testing import CliRunner

from hyperpcm.checkpoint import load_target_model, save_target_model
from hyperpcm.cli.gallery import nearness
from hyperpcm.cli.main import app
from hyperpcm.target_model import NearestLandmark
from small_models import PLAIN, QUERY, made_model, many_smiles


def call(*arguments: object):
    """Run the program in this process."""
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "library.smi"
    path.write_text(
        "\n".join([f"{smiles} m{row}" for row, smiles in enumerate(many_smiles(50))] + ["C1CC bad"])
    )
    return path


def test_the_best_of_the_library_are_written_and_the_state_is_gone(
    trained: SimpleNamespace, library: Path, tmp_path: Path
):
    out, rejected = tmp_path / "hits.csv", tmp_path / "rejected.csv"
    done = call(
        "screen", trained.target, "-l", library, "-o", out, "--top", 7, "--rejected", rejected, "--json"
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) | {"seconds": 0} == {
        "rows": 51,
        "scored": 50,
        "rejected": {"PARSE": 1},
        "resumed": 0,
        "hits": {"new one": 7},
        "precision": "float32",
        "out": str(out),
        "seconds": 0,
    }
    with out.open() as file:
        rows = list(csv.DictReader(file))
    scores = load_target_model(trained.target).score(many_smiles(50))
    best = scores.order()[:7]
    assert [float(row["score"]) for row in rows] == pytest.approx(scores.values[best].tolist(), abs=1e-5)
    assert {row["name"] for row in rows} == {f"m{place}" for place in best}
    assert [int(row["rank"]) for row in rows] == list(range(1, 8))
    with rejected.open() as file:
        assert [row["row"] for row in csv.DictReader(file)] == ["51"]
    assert not (tmp_path / "hits.csv.screen").exists()
    nearest = load_target_model(trained.target).nearest_landmarks([row["smiles"] for row in rows])
    assert [row["nearest_compound"] for row in rows] == [one.smiles for one in nearest]
    assert [float(row["nearest_similarity"]) for row in rows] == [round(one.similarity, 4) for one in nearest]


def test_the_best_hits_are_drawn_on_a_page_that_fetches_nothing(trained: SimpleNamespace, tmp_path: Path):
    library, page = tmp_path / "library.smi", tmp_path / "hits.html"
    lines = [f"{smiles} m{row}" for row, smiles in enumerate(many_smiles(60))]
    library.write_text("\n".join([*lines, "CCO <script>alert(1)</script>"]))
    done = call("screen", trained.target, "-l", library, "-o", tmp_path / "h.csv", "--gallery", page)
    assert done.exit_code == 0, done.output
    text = page.read_text()
    assert text.count("<svg") == 48
    assert "The best 48 of 61 hits." in text
    assert "new one" in text
    assert "<script>" not in text
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org", "")
    with (tmp_path / "h.csv").open() as file:
        first = next(csv.DictReader(file))
    assert f"<strong>{float(first['score']):.2f}</strong>" in text
    assert text.count('<p class="more">') == 48
    assert "similar to it among those that the target keeps" in text
    similarity = float(first["nearest_similarity"])
    assert f"similarity {similarity:.2f}</p>" in text or f"nearest {similarity:.2f}</p>" in text
    assert f"<code>{first['nearest_compound']}</code>" in text
    again = call("screen", trained.target, "-l", library, "-o", tmp_path / "i.csv", "--gallery", page)
    assert again.exit_code == 2
    assert "exists already" in again.stderr


def test_hits_can_be_an_sd_file(trained: SimpleNamespace, library: Path, tmp_path: Path):
    out = tmp_path / "hits.sdf"
    done = call("screen", trained.target, "-l", library, "-o", out, "--top", 10, "--diverse", 4)
    assert done.exit_code == 0, done.output
    assert "4 hits of 50 compounds on 1 targets" in done.stderr
    assert "1 of 51 rows cannot be scored: PARSE 1." in done.stderr
    records = [record for record in Chem.SDMolSupplier(str(out))]
    assert len(records) == 4
    assert all(record is not None for record in records)
    first = records[0]
    assert first.GetProp("_Name").startswith("m")
    assert (first.GetProp("target"), first.GetProp("rank")) == ("new one", "1")
    assert Chem.MolToSmiles(first) == Chem.CanonSmiles(first.GetProp("smiles"))
    assert Chem.MolFromSmiles(first.GetProp("nearest_compound")) is not None
    assert 0 < float(first.GetProp("nearest_similarity")) <= 1
    assert len(done.stdout.splitlines()) == 1 + 4


def test_hits_of_a_target_that_keeps_no_landmarks_have_no_nearest_compound(library: Path, tmp_path: Path):
    target, page = tmp_path / "plain.hpcm", tmp_path / "hits.html"
    save_target_model(made_model(PLAIN).compile_target(QUERY, name="plain"), target)
    for out in ("hits.csv", "hits.sdf"):
        done = call("screen", target, "-l", library, "-o", tmp_path / out, "--top", 5, "--gallery", page)
        assert done.exit_code == 0, done.output
        assert "training compound" not in page.read_text()
        page.unlink()
    with (tmp_path / "hits.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["nearest_compound"], row["nearest_similarity"]) for row in rows] == 5 * [("", "")]
    for record in Chem.SDMolSupplier(str(tmp_path / "hits.sdf")):
        assert not record.HasProp("nearest_compound")


@pytest.mark.parametrize(
    ("similarity", "says"),
    [
        (1.0, "a close analogue of a training compound, similarity 1.00"),
        (0.7, "a close analogue of a training compound, similarity 0.70"),
        (0.41, "related to a training compound, similarity 0.41"),
        (0.2, "unlike all training compounds kept, nearest 0.20"),
    ],
)
def test_similarity_is_told_in_words(similarity: float, says: str):
    assert nearness("CCO", NearestLandmark("CCN", similarity)) == says
    assert nearness("CCN", NearestLandmark("CCN", 1.0)) == "a training compound"


def test_hits_say_their_precision(
    trained: SimpleNamespace, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for precision in ("float32", "bfloat16"):
        monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: True)
        out = tmp_path / f"{precision}.csv"
        done = call(
            "screen", trained.target, "-l", library, "-o", out, "--top", 3, "--precision", precision, "--json"
        )
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["precision"] == precision
        with out.open() as file:
            assert {row["precision"] for row in csv.DictReader(file)} == {precision}
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: False)
    refused = call(
        "screen", trained.target, "-l", library, "-o", tmp_path / "x.csv", "--precision", "bfloat16"
    )
    assert refused.exit_code == 2
    assert "this processor has no products in bfloat16; give float32" in refused.stderr


def test_a_screen_goes_on_where_it_was_stopped(
    trained: SimpleNamespace, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from hyperpcm.screening import screen

    monkeypatch.setattr(screen, "BATCH", 10)
    out = tmp_path / "hits.parquet"
    chunks, batches = screen._scored, iter(range(100))

    def interrupted(*arguments, **options):
        for chunk in chunks(*arguments, **options):
            if next(batches) == 2:
                raise KeyboardInterrupt
            yield chunk

    monkeypatch.setattr(screen, "_scored", interrupted)
    first = call("screen", trained.target, "-l", library, "-o", out, "--top", 5, "--processes", 1)
    assert first.exit_code == 130
    assert not out.exists()
    assert (tmp_path / "hits.parquet.screen" / "state.json").exists()
    other = call("screen", trained.target, "-l", library, "-o", out, "--top", 6, "--processes", 1)
    assert other.exit_code == 2
    assert "state of another screen" in other.stderr
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: True)
    half = call("screen", trained.target, "-l", library, "-o", out, "--top", 5, "--precision", "bfloat16")
    assert half.exit_code == 2
    assert "state of another screen" in half.stderr
    done = call("screen", trained.target, "-l", library, "-o", out, "--top", 5, "--processes", 1, "--json")
    assert json.loads(done.stdout)["resumed"] == 20
    assert out.exists()


@pytest.mark.parametrize("source", ["run", "target"])
def test_an_index_is_screened_as_the_library_is(
    source: str, trained: SimpleNamespace, library: Path, tmp_path: Path
):
    index = tmp_path / "library.index"
    made = call("index", library, "-o", index, "--for", getattr(trained, source))
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith(f"{index}: 50 compounds (ecfp")
    assert "1 of 51 rows cannot be used: PARSE 1." in made.stderr
    for name, given in (("file.csv", library), ("index.csv", index)):
        done = call("screen", trained.target, "-l", given, "-o", tmp_path / name, "--top", 9)
        assert done.exit_code == 0, done.output
    assert (tmp_path / "file.csv").read_text() == (tmp_path / "index.csv").read_text()
    again = call("index", library, "-o", index, "--for", trained.target, "--json")
    assert json.loads(again.stdout)["indexed"] == 50


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--library", "missing.smi"], "there is no such file"),
        (["--out", "hits.gif"], ".csv"),
        (["--only", "nice"], "there is no filter 'nice'"),
        (["--actives", "C1CC"], "--actives, row 1: PARSE"),
        (["--rejected", "hits.csv"], "name the same file"),
    ],
)
def test_what_cannot_be_done_is_said(options, says: str, trained, library: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = {"--library": library, "--out": "hits.csv"} | dict([options])
    flat = [part for pair in arguments.items() for part in pair]
    done = call("screen", trained.target, *flat)
    assert done.exit_code == 2, done.output
    assert says in done.stderr
    assert done.stdout == ""
