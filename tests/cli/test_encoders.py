"""`hyperpcm encoders` lists every encoder with what it is and what it costs."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hyperpcm.cli.main import app
from hyperpcm.encoders import compound_encoder, target_encoder
from hyperpcm.encoders.table import ENCODERS
from hyperpcm.encoders.weights.catalog import WEIGHTS
from hyperpcm.encoders.weights.hub import hub_weights
from hyperpcm.encoders.weights.hub_models import HUB_MODELS


def call(*arguments: str):
    return CliRunner().invoke(app, ["encoders", *arguments])


def test_every_encoder_is_listed_with_its_width_and_licence():
    found = {one["name"]: one for one in json.loads(call("--json").stdout)}
    assert list(found) == list(ENCODERS)
    assert found["maccs"]["width"] == 166
    assert found["ecfp"]["width"] == compound_encoder("ecfp").width
    assert found["alignment"]["width"] is None
    assert all(found[name]["licence"] == ENCODERS[name].licence for name in found)
    assert found["ecfp"]["ready"]
    assert found["ecfp"]["lacks"] is None
    assert "items_per_second" not in found["ecfp"]


def test_the_table_is_one_line_for_each_and_fits_a_pipe():
    lines = call().stdout.splitlines()
    assert len(lines) == len(ENCODERS) + 1
    assert "references" in next(line for line in lines if line.startswith("alignment"))


def test_speed_is_measured_on_request(monkeypatch):
    monkeypatch.setattr("hyperpcm.encoders.speed.items_per_second", lambda *_args, **_kwargs: 1234.5)
    found = json.loads(call("--speed", "--json").stdout)
    for one in found:
        measured = one["ready"] and not ENCODERS[one["name"]].is_of_the_user
        assert one["items_per_second"] == (1234.5 if measured else None)
    assert next(one for one in found if one["name"] == "ecfp")["ready"]
    done = call("--speed")
    assert "1,234" in done.stdout
    assert "per second" in done.stdout.splitlines()[0]
    assert "One process" in done.stderr


@pytest.fixture
def tiny_hub_model(transformers_folder, tmp_path, monkeypatch):
    """The tiny ESM in place of esm2_8m; the data folder is empty, and no hub answers."""
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("HYPERPCM_MIRROR", raising=False)
    row = dataclasses.replace(HUB_MODELS["esm2_8m"], hidden=16, weights_sha256=None)
    table = {**WEIGHTS, "esm2_8m": hub_weights(row)}
    monkeypatch.setattr("hyperpcm.encoders.weights.catalog.WEIGHTS", table)
    monkeypatch.setattr("hyperpcm.encoders.pretrained.WEIGHTS", table)
    return transformers_folder / "esm2"


def test_a_transformer_is_brought_from_a_folder_and_is_ready_then(tiny_hub_model):
    def listed() -> dict[str, object]:
        return next(one for one in json.loads(call("--json").stdout) if one["name"] == "esm2_8m")

    assert listed()["lacks"] == "hyperpcm encoders fetch esm2_8m"
    assert "esm2_8m, esm2_35m" in call().stderr
    done = call("fetch", "esm2_8m", "--from", str(tiny_hub_model), "--revision", "f" * 40)
    assert done.exit_code == 0, done.stderr
    assert "licence MIT" in done.stderr
    assert done.stdout.strip().endswith("esm2_8m")
    assert listed()["ready"]
    assert "f" * 40 in str(listed()["weights"])


def test_without_a_network_fetch_says_how_to_bring_a_transformer(tiny_hub_model):
    done = call("fetch", "esm2_650m")
    assert done.exit_code == 2
    said = " ".join(done.stderr.split())
    assert "hf download facebook/esm2_t33_650M_UR50D --revision" in said
    assert "hyperpcm encoders fetch esm2_650m --from FOLDER" in said


def test_a_network_of_ones_own_is_kept_and_its_content_printed(tmp_path, monkeypatch):
    chemprop = pytest.importorskip("chemprop.nn", reason="the extra chemprop is not installed")
    torch = pytest.importorskip("torch")
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "data"))
    network, file = chemprop.BondMessagePassing(d_h=8), tmp_path / "mp.pt"
    torch.save({"hyper_parameters": {"d_h": 8}, "state_dict": network.state_dict()}, file)
    done = call("fetch", "chemprop", "--from", str(file))
    kept = Path(done.stdout.strip())
    assert kept.read_bytes() == file.read_bytes()
    assert kept.name in done.stderr
    assert "give it with --from FILE" in call("fetch", "chemprop").stderr
    file.write_bytes(b"")
    assert "no file of torch" in call("fetch", "chemprop", "--from", str(file)).stderr


def test_a_folder_of_ones_own_is_kept_and_its_content_printed(tiny_hub_model):
    done = call("fetch", "protein_model", "--from", str(tiny_hub_model))
    assert done.exit_code == 0, done.stderr
    content = done.stdout.strip().rpartition("/")[2]
    options = {"protein_model": {"content": content}}
    assert target_encoder("protein_model", options=options).width == 16


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("esm2_8m", "esm2_35m", "--from", "."), "--from is for one encoder"),
        (("protein_model",), "give it with --from FOLDER"),
        (("unirep", "--revision", "main"), "is no transformer"),
        (("esm2_8m", "--from", "nowhere"), "is not a folder"),
    ],
)
def test_what_does_not_go_together_is_refused(tiny_hub_model, monkeypatch, arguments, said):
    unirep = dataclasses.replace(ENCODERS["esm2_8m"], name="unirep", weights="unirep")
    monkeypatch.setattr("hyperpcm.encoders.table.ENCODERS", {**ENCODERS, "unirep": unirep})
    done = call("fetch", *arguments)
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())


def test_the_list_imports_neither_transformers_nor_torch():
    code = (
        "import sys; from typer.testing import CliRunner; from hyperpcm.cli.main import app; "
        "assert CliRunner().invoke(app, ['encoders']).exit_code == 0; "
        "print(sorted(set(sys.modules) & {'transformers', 'torch', 'huggingface_hub', 'rdkit'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_encoder_without_weights_cannot_be_fetched():
    done = call("fetch", "ecfp")
    assert done.exit_code == 2
    assert "needs no weights" in done.stderr


def test_an_unknown_encoder_cannot_be_fetched():
    done = call("fetch", "ecpf")
    assert done.exit_code == 2
    assert "Did you mean 'ecfp'?" in done.stderr
