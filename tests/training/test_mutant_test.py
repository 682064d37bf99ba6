"""The test on measured mutants at the end of a run: where it lies, and a rule that a real model learns."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.checkpoint import load_model
from hyperpcm.training import evaluate_run, fit
from hyperpcm.training.mutant_test import kept_test
from hyperpcm.training.report_run import report_run
from small_runs import SMILES, tiny, write_table


def write_mutants(path: Path, *, effect: float, proteins: int = 8, mutants: int = 9) -> Path:
    """One substitution in each protein lowers every label by ``effect``, alone and beside others."""
    generator = random.Random(0)
    lines = ["smiles,target,sequence,pKd"]
    for number in range(proteins):
        wild = generator.choices("ACDEFGHIKLMNPQRSTVWY", k=100)
        resistant = changed(wild, 50)
        made = [
            wild,
            resistant,
            *(changed((wild, resistant)[one % 2], 3 + 5 * one) for one in range(mutants)),
        ]
        for place, letters in enumerate(made):
            is_resistant = letters[50] != wild[50]
            for compound, smiles in enumerate(SMILES):
                value = 6 + number % 3 + (compound % 4) / 2 - effect * is_resistant
                value += generator.gauss(0, 0.1 if effect else 0.5)
                lines.append(f"{smiles},k{number}{'x' * place},{''.join(letters)},{value:.2f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def changed(letters: list[str], place: int) -> list[str]:
    return [*letters[:place], "W" if letters[place] != "W" else "A", *letters[place + 1 :]]


def evaluated(folder: Path, *, effect: float):
    table = write_mutants(folder / "table.csv", effect=effect)
    config = tiny(
        table, "split.name=cold_target", "split.folds=3", "model.retrieval.steps=40", "training.epochs=1"
    )
    fit(config, folder / "run")
    return evaluate_run(folder / "run", nulls=[])


@pytest.fixture(scope="module")
def rule(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("rule")
    return folder / "run", evaluated(folder, effect=2.0)


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("noise")
    return folder / "run", evaluated(folder, effect=0.0)


def test_a_rule_that_mutants_share_is_told(rule):
    _, found = rule
    assert found.mutants.verdict == "can_tell", found.mutants.sentence()
    assert found.mutants.new.mutants >= 10
    assert found.mutants.new.pearson > 0.5


def test_differences_that_are_noise_are_not(noise):
    _, found = noise
    assert found.mutants.verdict == "cannot_tell", found.mutants.sentence()


def test_the_test_lies_beside_the_model_that_it_is_of(rule):
    run, found = rule
    kept = kept_test(run / "model.safetensors")
    assert kept.test == found.mutants
    assert kept.model == load_model(run / "model.safetensors").origin
    split, interactions = found.split, found.interactions
    seen = set(np.unique(interactions.target_index[split.train]))
    chosen = set(np.unique(interactions.target_index[split.valid]))
    learned = {interactions.target_names[place] for place in seen}
    is_new = dict(zip(kept.differences.mutants, kept.differences.is_new.tolist(), strict=True))
    assert {name for name, new in is_new.items() if not new} <= learned
    assert not {name for name, new in is_new.items() if new} & learned
    assert not {interactions.target_names[place] for place in chosen} & is_new.keys()


def test_the_report_shows_the_verdict(rule, noise):
    for run, found in (rule, noise):
        page = report_run(run, similarity=False).read_text(encoding="utf-8")
        section = page[page.index('<section id="mutants">') :]
        section = section[: section.index("</section>")]
        assert found.mutants.sentence() in section
        assert re.search(r"new to the model.*known to it", section, re.DOTALL)
        assert f"{found.mutants.new.rmse:.2f}" in section


def test_a_run_without_mutants_is_untested_and_its_report_has_no_such_section(tmp_path: Path):
    fit(tiny(write_table(tmp_path / "table.csv")), tmp_path / "run")
    found = evaluate_run(tmp_path / "run", nulls=[])
    assert found.mutants.verdict == "untested"
    assert kept_test(tmp_path / "run" / "model.safetensors").test.verdict == "untested"
    page = report_run(tmp_path / "run", similarity=False).read_text(encoding="utf-8")
    assert 'id="mutants"' not in page


def test_a_new_run_in_the_folder_removes_the_test_of_the_old_one(tmp_path: Path):
    config = tiny(write_table(tmp_path / "table.csv"), "training.epochs=1")
    fit(config, tmp_path / "run")
    evaluate_run(tmp_path / "run", nulls=[])
    fit(config, tmp_path / "run", overwrite=True)
    assert kept_test(tmp_path / "run" / "model.safetensors") is None
