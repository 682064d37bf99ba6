"""`hyperpcm encoders` lists every encoder with what it is and what it costs."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from hyperpcm.cli.main import app
from hyperpcm.encoders import compound_encoder
from hyperpcm.encoders.registry import ENCODERS


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
    assert all(one["items_per_second"] == (1234.5 if one["ready"] else None) for one in found)
    done = call("--speed")
    assert "1,234" in done.stdout
    assert "per second" in done.stdout.splitlines()[0]
    assert "One process" in done.stderr


def test_an_encoder_without_weights_cannot_be_fetched():
    done = call("fetch", "ecfp")
    assert done.exit_code == 2
    assert "needs no weights" in done.stderr


def test_an_unknown_encoder_cannot_be_fetched():
    done = call("fetch", "ecpf")
    assert done.exit_code == 2
    assert "Did you mean 'ecfp'?" in done.stderr
