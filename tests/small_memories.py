"""A project whose measurements are added to the run of `trained`, and calls of the program, for tests."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

from typer.testing import CliRunner, Result

from hyperpcm.cli.main import app
from hyperpcm.datasets import read_table
from small_runs import SMILES

NEW = "MSTNPKPQRKTKRNTNRRPQDVKFPGGGQIVGGVYLLPRRGPRLGVRATRKTSERSQPRGRR"
FRESH = "Cc1ccc(NC(=O)c2ccccc2)cc1"  # in no table
KEY = "0123456789abcdef0123456789abcdef"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def done(*arguments: object) -> Result:
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    return result


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def scores(*arguments: object) -> list[tuple[str, float]]:
    found = json.loads(done("score", *arguments, "--json").stdout)["scores"]
    return sorted((one["smiles"], one["score"]) for one in found)


def made_project(folder: Path, trained: SimpleNamespace) -> SimpleNamespace:
    """Paths of a project: `table`, `model` with it, `overlay`, the record of the change and its key."""
    known = read_table(trained.table)
    lines = ["smiles,target,sequence,Kd (nM),relation"]
    lines += [f"{FRESH},mine,{NEW},10,=", f"{SMILES[1]},mine,{NEW},20000,>", f"{SMILES[2]},mine,{NEW},100,="]
    lines += [f"{FRESH},t1,{known.targets[1]},50,=", f"{SMILES[0]},t1,{known.targets[1]},1,="]
    lines += [f"C1CC,mine,{NEW},10,="]
    table, key = folder / "project.csv", folder / "key"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    key.write_text(KEY + "\n", encoding="utf-8")
    model, overlay, diff = folder / "model.safetensors", folder / "project.hpm", folder / "diff.json"
    signing = ("--diff", diff, "--sign-key", key, "--author", "A. Chemist")
    added = done("memory", "add", trained.run, table, "--name", "mine", "-o", model, *signing)
    done("memory", "add", trained.run, table, "--name", "mine", "--overlay", overlay, "--compare", 0)
    return SimpleNamespace(
        folder=folder, table=table, model=model, overlay=overlay, diff=diff, key=key, added=added
    )
