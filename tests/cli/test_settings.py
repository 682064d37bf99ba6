"""`hyperpcm settings` lists what a run can be told, and only that."""

from __future__ import annotations

import json
import tomllib

from typer.testing import CliRunner

from hyperpcm.cli.main import app
from hyperpcm.config import describe_fields, load_config


def call(*arguments: str):
    return CliRunner().invoke(app, ["settings", *arguments])


def test_every_setting_is_listed_with_its_default_and_meaning():
    found = json.loads(call("--json").stdout)
    assert {name: " ".join(text.split()) for name, text in describe_fields().items()} == {
        name: one["meaning"] for name, one in found.items()
    }
    defaults = load_config(None, ["data.name=davis"])
    assert found["training.epochs"]["default"] == defaults.training.epochs
    assert found["model.qsar.hidden"]["default"] == list(defaults.model.qsar.hidden)
    assert found["data.name"]["default"] is None


def test_each_line_can_be_given_back_as_a_setting():
    settings = []
    for line in call().stdout.splitlines()[1:]:
        name, default = line.split("  ")[0], line[line.index("  ") :].strip().split("  ")[0]
        if default != "not set":
            assert tomllib.loads(f"value = {default}" if default != "{}" else "value = {}")
            settings.append(f"{name}={default}")
    assert len(settings) > 40
    assert load_config(None, ["data.name=davis", *settings]) == load_config(None, ["data.name=davis"])


def test_a_section_can_be_chosen():
    names = [line.split()[0] for line in call("model.qsar").stdout.splitlines()[1:]]
    assert names
    assert all(name.startswith("model.qsar.") for name in names)
    assert len(call("training.epochs").stdout.splitlines()) == 2


def test_an_unknown_section_is_answered_with_those_there_are():
    done = call("modle")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "model.qsar" in done.stderr
