"""`hyperpcm shrink`: a small file that every command reads like any other model."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from hyperpcm.checkpoint import load_model
from small_memories import call, done, scores
from small_models import SMILES


@pytest.fixture(scope="module")
def small(trained: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Path of a model of about a quarter of its size, and what was told."""
    folder = tmp_path_factory.mktemp("small")
    path, size = folder / "small.safetensors", (trained.run / "model.safetensors").stat().st_size
    told = json.loads(done("shrink", trained.run, "-o", path, "--max-size", size // 3, "--json").stdout)
    return SimpleNamespace(path=path, told=told, size=size, folder=folder)


def test_the_file_fits_and_its_card_tells_what_was_taken_away(small: SimpleNamespace):
    assert small.told["bytes"] == small.path.stat().st_size <= small.size // 3
    assert small.told["bytes_before"] == small.size
    assert load_model(small.path).card["shrunk"].items() <= small.told.items()
    assert "## What was taken away to make it small" in done("card", small.path).stdout


def test_people_are_told_in_words(trained: SimpleNamespace, tmp_path: Path):
    said = done("shrink", trained.run, "-o", tmp_path / "small.safetensors")
    assert "compounds of its memory stay; no digit was taken away" in said.stdout
    assert "differ by 0 in root mean square, 0 at most" in said.stdout
    assert "hyperpcm card" in said.stderr


def test_all_commands_read_it(small: SimpleNamespace, trained: SimpleNamespace):
    asked = (*SMILES[:4], "--target", trained.sequence)
    for (_, ours), (_, theirs) in zip(scores(small.path, *asked), scores(trained.run, *asked), strict=True):
        assert ours == pytest.approx(theirs, abs=0.2)
    target = small.folder / "new.hpcm"
    done("compile", small.path, trained.sequence, "-o", target)
    assert scores(target, *SMILES[:4]) == scores(small.path, *asked)
    done("compile", small.path, trained.sequence, "-o", small.folder / "new.pyz")
    explained = done("explain", small.path, SMILES[2], "--target", trained.sequence, "--json", "--known", 2)
    assert json.loads(explained.stdout)["compounds"]
    library = small.folder / "library.smi"
    library.write_text("\n".join(SMILES), encoding="utf-8")
    done("screen", target, "--library", library, "--out", small.folder / "hits.csv")
    done("index", library, "--for", small.path, "-o", small.folder / "library.index")
    table = small.folder / "measured.csv"
    table.write_text(f"smiles,value\n{SMILES[1]},7\n{SMILES[2]},5\n", encoding="utf-8")
    adapted = small.folder / "adapted.hpcm"
    call("adapt", target, table, "-o", adapted)
    assert json.loads(done("memory", "list", small.path, "--json").stdout)["targets"]


def test_its_memory_is_changed_and_stays_small(small: SimpleNamespace):
    name = json.loads(done("memory", "list", small.path, "--json").stdout)["targets"][0]["target"]
    fewer = small.folder / "fewer.safetensors"
    done("memory", "remove", small.path, "--target", name, "-o", fewer)
    assert fewer.stat().st_size < small.size // 2
    again = load_model(fewer)
    assert len(again.memory_sequences) == len(load_model(small.path).memory_sequences) - 1
    assert "taken away to make it small" in again.card["text"]


def test_what_cannot_be_done_is_refused(trained: SimpleNamespace, project: SimpleNamespace, tmp_path: Path):
    out = tmp_path / "small.safetensors"
    for arguments, code, said in (
        ((trained.run, "--max-size", "tiny"), 2, "no size of a file"),
        ((trained.run, "--max-size", "9kB"), 2, "cannot be made smaller than"),
        ((trained.target,), 2, "this is the model of one target"),
        ((f"{trained.run}+{project.overlay}",), 2, "overlays lie over the memory"),
        ((tmp_path / "none",), 2, "there is no such file or folder"),
    ):
        refused = call("shrink", *arguments, "-o", out)
        assert (refused.exit_code, said in refused.stderr) == (code, True), refused.stderr
        assert not out.exists()
    model = trained.run / "model.safetensors"
    before = model.read_bytes()
    for options in ((), ("--overwrite",)):
        assert call("shrink", trained.run, "-o", model, *options).exit_code != 0
    assert model.read_bytes() == before


def test_a_run_with_a_small_model_is_not_evaluated(
    small: SimpleNamespace, trained: SimpleNamespace, tmp_path: Path
):
    run = tmp_path / "run"
    run.mkdir()
    for name in ("config.json", "split.json"):
        (run / name).write_bytes((trained.run / name).read_bytes())
    (run / "model.safetensors").write_bytes(small.path.read_bytes())
    refused = call("evaluate", run, "--no-nulls")
    assert refused.exit_code == 2
    assert "this model was made small" in refused.stderr
