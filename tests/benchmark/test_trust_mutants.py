"""Mutants in a benchmark of trust: kept by part, pooled over folds, and shown in a table of their own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.benchmark import find_benchmark
from hyperpcm.benchmark.run import Choice, run_benchmark
from hyperpcm.benchmark.trust_mutants import mutants_of_part, pooled_mutants
from hyperpcm.benchmark.view import view_of
from hyperpcm.trust import Differences, judged
from small_runs import SMILES, TINY


def write_mutants(path: Path, proteins: int = 10, mutants: int = 5) -> None:
    generator = np.random.default_rng(0)
    lines = ["smiles,target,sequence,pKd"]
    for number in range(proteins):
        wild = "".join(generator.choice(list("ACDEFGHIKLMNPQRSTVWY"), 70))
        for mutant in range(mutants + 1):
            place = 7 * mutant
            changed = wild[:place] + ("W" if wild[place] != "W" else "A") + wild[place + 1 :]
            sequence = changed if mutant else wild
            for compound, smiles in enumerate(SMILES):
                value = 5 + number % 3 + (compound % 4) / 2 + generator.normal(0, 0.3)
                lines.append(f"{smiles},k{number}{'x' * mutant},{sequence},{value:.2f}")
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("benchmarks")
    own = root / "small_mutants"
    own.mkdir()
    write_mutants(own / "table.csv")
    (own / "benchmark.toml").write_text(
        'title = "Small"\nabout = "A small table."\nkind = "trust"\nreference = "hyperpcm"\n'
        '[data]\npath = "table.csv"\n[split]\nname = "cold_target"\nfolds = 3\nseed = 0\n'
    )
    lines = [one.split("=", 1) for one in TINY if not one.startswith("split.")]
    settings = [
        f"{key} = {json.dumps(value) if value == 'cpu' else value.replace(chr(39), chr(34))}"
        for key, value in lines
    ]
    (own / "hyperpcm.toml").write_text("\n".join(['title = "HyperPCM"', "[settings]", *settings]) + "\n")
    benchmark = find_benchmark(root, "small_mutants")
    summary = run_benchmark(benchmark, Choice(), say=lambda _: None)
    assert not summary.failed
    return benchmark, json.loads(summary.path.read_text())


def test_each_mutant_is_new_in_one_fold(done):
    _, record = done
    names = [name for part in record["parts"] for name in part["mutants"]["mutants"]]
    assert len(names) == len(set(names)) == 50
    assert all(all(part["mutants"]["is_new"]) for part in record["parts"])


def test_the_verdict_is_that_of_all_folds_together(done):
    _, record = done
    expected = pooled_mutants(record["parts"])
    assert record["mutants"]["says"] == expected.sentence()
    assert record["mutants"]["new"]["mutants"] == 50
    assert record["mutants"]["new"]["differences"] == 50 * len(SMILES)
    assert record["mutants"]["verdict"] == "cannot_tell"


def test_the_table_has_a_section_of_mutants(done):
    benchmark, record = done
    view = view_of(benchmark)
    assert [section.heading for section in view.sections] == ["Intervals", "Domain", "Mutants"]
    (line,) = view.sections[-1].lines
    assert line.role == "reference"
    numbers = {
        column.title: cell.numbers["value"]
        for column, cell in zip(view.sections[-1].columns, line.cells, strict=True)
    }
    assert numbers["mutants"] == 50
    assert numbers["r"] == pytest.approx(record["mutants"]["new"]["pearson"])
    assert numbers["RMSE"] == pytest.approx(record["mutants"]["new"]["rmse"])
    assert f"HyperPCM: {record['mutants']['says']}" in view.sentences


def test_a_part_without_new_mutants_holds_nothing_of_them():
    found = Differences(
        ("m",), ("w",), ("A1C",), np.array([False]), np.zeros(1, np.int64), np.zeros(1, np.int64),
        np.ones(1), np.ones(1), np.full((1, 3), np.nan),
    )  # fmt: skip
    assert mutants_of_part(found) == {}
    assert pooled_mutants([{}, {}]) is None
    assert judged(found).known.mutants == 1
