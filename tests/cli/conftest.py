"""A small table of measurements, a run trained on it from the command line, and a compiled target."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

from hyperpcm.cli.main import app
from small_memories import made_project
from small_runs import SMILES

FAST = [
    "--set=training.epochs=1",
    "--set=model.members=1",
    "--set=model.retrieval.steps=0",
    "--set=model.qsar.hidden=[8]",
    "--set=model.hypernetwork.trunk=[8]",
    "--set=encoders.width=128",
]


def call(*arguments: object, given: str | bytes | None = None) -> Result:
    """Run the program in this process."""
    return CliRunner().invoke(app, [str(one) for one in arguments], input=given)


def write_table(path: Path, targets: int = 12) -> Path:
    """A table of pKd whose targets are mutants of a few proteins, which decide the values."""
    generator = random.Random(0)
    families = ["".join(generator.choices("ACDEFGHIKLMNPQRSTVWY", k=60)) for _ in range(3)]
    lines = ["compound_id,smiles,target,sequence,pKd"]
    for number in range(targets):
        letters = list(families[number % 3])
        letters[number] = "W" if letters[number] != "W" else "A"
        for place, smiles in enumerate(SMILES):
            value = 5 + (number % 3) + (place % 4) / 2 + generator.random() / 5
            lines.append(f"c{place},{smiles},t{number},{''.join(letters)},{value:.2f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Paths: `table`, `run` trained on it, `target` compiled from a sequence that is in no table."""
    folder = tmp_path_factory.mktemp("trained")
    table, run, target = write_table(folder / "table.csv"), folder / "run", folder / "new.hpcm"
    done = call("train", "--data", table, *FAST, "--out", run)
    assert done.exit_code == 0, done.output
    sequence = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQ"
    compiled = call("compile", run, sequence, "--name", "new one", "-o", target)
    assert compiled.exit_code == 0, compiled.output
    return SimpleNamespace(
        table=table, run=run, target=target, sequence=sequence, train=done, compile=compiled
    )


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, trained: SimpleNamespace) -> SimpleNamespace:
    """Paths of a project whose measurements were added to that run, see `made_project`."""
    return made_project(tmp_path_factory.mktemp("project"), trained)
