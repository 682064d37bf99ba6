"""`hyperpcm card` on runs, models and targets."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

from typer.testing import CliRunner

from hyperpcm.checkpoint import save_model
from hyperpcm.cli.main import app
from small_models import made_model


def call(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_the_card_of_a_run_and_of_its_target(trained: SimpleNamespace):
    shown = call("card", trained.run)
    assert "## What it is not for" in shown.stdout
    assert call("card", trained.target).stdout.startswith("# new one, compiled")
    assert json.loads(call("card", trained.target, "--json").stdout)["domain"]
    assert json.loads(call("card", trained.run, "--json").stdout)["text"].rstrip() == shown.stdout.rstrip()


def test_a_file_without_a_card_says_so(tmp_path: Path):
    save_model(made_model(), tmp_path / "model.safetensors")
    refused = call("card", tmp_path / "model.safetensors")
    assert refused.exit_code == 2
    assert "without a card" in refused.stderr
    assert json.loads(call("card", tmp_path / "model.safetensors", "--json").stdout)["licences"] is not None
