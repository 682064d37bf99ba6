"""Few-shot benchmarks from their files to their curves: resume, commits and rows as in every other kind."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.benchmark import Choice, all_benchmarks, find_benchmark, run_benchmark, view_of
from hyperpcm.benchmark.html import html
from hyperpcm.benchmark.kind import Job
from hyperpcm.benchmark.markdown import markdown
from hyperpcm.benchmark.page import page
from hyperpcm.config import load_config
from hyperpcm.datasets import read_table
from hyperpcm.errors import ConfigError, TableError
from hyperpcm.evaluation.few_shot import FewShotProtocol, draw_targets, read_parts
from hyperpcm.evaluation.surroundings import surroundings
from hyperpcm.training.few_shot_adapters import MODEL_ADAPTERS
from hyperpcm.training.run import open_split
from small_benchmarks import write_benchmark

REPOSITORY = Path(__file__).resolve().parents[2] / "benchmarks"
KIND = 'kind = "few_shot"\nsizes = [0, 1, 4, 64]\ndraws = 2\nmin_query = 4\n'
ROWS = {
    "labels": 'title = "Labels alone"\nzero_shot = false\n',
    "near": 'title = "Neighbours"\nbaseline = "kernel_knn"\n',
}


def run(root: Path, **choice):
    said: list[str] = []
    benchmark = find_benchmark(root, "small")
    summary = run_benchmark(benchmark, Choice(store=root / "store.sqlite", **choice), say=said.append)
    return summary, said


def summary_of(root: Path):
    return json.loads((root / "results" / "fewshot" / "table.json").read_text())


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finished")
    write_benchmark(root, kind=KIND, **ROWS)
    summary, said = run(root, processes=2)
    assert (len(summary.done), summary.failed, summary.skipped) == (6, (), ())
    assert any("labels: 6 targets, mean, knn, per_target_forest" in line for line in said)
    return root


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished benchmark, to change."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def test_every_row_and_fold_has_its_part_on_the_drawn_targets(finished):
    parts = read_parts(finished / "results", "table")
    assert [(one.row, one.fold) for one in parts] == [
        (row, fold) for row in ("labels", "model", "near") for fold in (0, 1)
    ]
    table = read_table(finished / "small" / "table.csv")
    settings = [f"data.path={finished / 'small' / 'table.csv'}", "split.name=cold_target", "split.folds=3"]
    for part in parts:
        split = open_split(load_config(None, [*settings, f"split.fold={part.fold}"]), table)
        draws = draw_targets(table, split.test, FewShotProtocol((0, 1, 4, 64), 2, min_query=4))
        np.testing.assert_array_equal(part.targets, sorted({draw.target for draw in draws}))
        assert part.settings == find_benchmark(finished, "small").row(part.row).digest
        assert part.peak_mb


def test_the_summary_holds_the_means_of_the_parts(finished):
    summary = summary_of(finished)
    assert (summary["zero_shot"], summary["default"], summary["folds"]) == ("model", "posterior", [0, 1])
    own = [one for one in read_parts(finished / "results", "table") if one.row == "near"]
    for k in (0, 1, 4):
        values = np.concatenate([one.curves["shift"][k]["mse"] for one in own])
        assert summary["rivals"]["near"]["shift"][str(k)]["mse"] == pytest.approx(values.mean())
    assert summary["adapters"]["mean"]["64"]["n_targets"] == 0


def test_what_is_there_is_not_run_again_and_a_changed_row_is(copied):
    before = summary_of(copied)
    summary, said = run(copied)
    assert (summary.done, len(summary.skipped), said) == ((), 6, [])
    assert summary_of(copied) == before
    (copied / "small" / "near.toml").write_text('title = "Neighbours"\nbaseline = "additive"\n')
    assert "Neighbours: the row's file was changed" in markdown(view_of(find_benchmark(copied, "small")))
    summary, _ = run(copied, folds=[0])
    assert summary.done == (Job(0, 0, "near"),)


def test_parts_that_say_neither_settings_nor_memory_count_as_done(copied):
    folder = copied / "results" / "fewshot" / "table"
    for path in folder.glob("*/*.json"):
        record = json.loads(path.read_text())
        del record["settings"], record["peak_mb"]
        path.write_text(json.dumps(record))
    summary, _ = run(copied)
    assert (summary.done, len(summary.skipped)) == ((), 6)


def test_parts_of_another_commit_are_refused_mixed_or_replaced_as_one_says(copied):
    for part in read_parts(copied / "results", "table"):
        other = dataclasses.replace(part, where=dataclasses.replace(part.where, commit="0" * 40))
        other.write(copied / "results" / "fewshot" / "table" / part.row / f"fold-{part.fold}-seed-0.json")
    (copied / "small" / "both.toml").write_text('baseline = "additive"\nfolds = [1]\n')
    with pytest.raises(TableError, match=r"some of commit 000000000000; this is .*--fresh.*--mix-commits"):
        run(copied)
    run(copied, mix_commits=True)
    view = view_of(find_benchmark(copied, "small"))
    assert "000000000000" in dict(view.facts)["commits"]
    assert any(one.startswith("both was run on folds 1: its targets are not") for one in view.sentences)
    summary, _ = run(copied, fresh=True, rows=["near"], mix_commits=True)
    assert len(summary.done) == 2
    commits = {(one.row, one.fold): one.where.commit for one in read_parts(copied / "results", "table")}
    assert commits["near", 1] == surroundings().commit
    assert commits["labels", 1] == "0" * 40


def test_parts_from_before_an_adapter_are_left_out_and_asked_for_again(copied):
    folder = copied / "results" / "fewshot" / "table"
    for part in read_parts(copied / "results", "table"):
        if part.row == "model" and part.fold == 0:
            curves = {name: part.curves[name] for name in ("none", "shift")}
            dataclasses.replace(part, curves=curves).write(folder / "model" / "fold-0-seed-0.json")
    run(copied, rows=["near"], folds=[0], fresh=True)
    summary = summary_of(copied)
    assert (summary["default"], summary["folds"]) == ("posterior", [1])
    assert summary["adapters"]["posterior"]["4"]["to_default"]["mse"] == [0, 0, 0]
    assert len(summary["adapters"]["shift"]["4"]["to_default"]["mse"]) == 3
    assert "to_default" not in summary["rivals"]["near"]["shift"]["4"]
    view = view_of(find_benchmark(copied, "small"))
    assert any(
        one.startswith("The model: folds 0 were measured before there were all adapters") and "--fresh" in one
        for one in view.sentences
    )
    for section in view.sections[-2:]:
        assert [line.name for line in section.lines] == [
            "model", "shift", *MODEL_ADAPTERS[1:], "mean", "knn", "per_target_forest"
        ]  # fmt: skip


def test_of_parts_that_lack_different_adapters_those_with_the_most_are_kept(copied):
    folder = copied / "results" / "fewshot" / "table"
    for part in read_parts(copied / "results", "table"):
        if part.row == "model":
            gone = {"shift"} if part.fold == 0 else {"head", "fine_tune"}
            curves = {name: curve for name, curve in part.curves.items() if name not in gone}
            dataclasses.replace(part, curves=curves).write(folder / "model" / f"fold-{part.fold}-seed-0.json")
    run(copied, rows=["near"], folds=[0], fresh=True)
    summary = summary_of(copied)
    assert summary["folds"] == [0]
    assert "shift" not in summary["adapters"]


def test_another_number_of_draws_is_another_protocol(copied):
    path = copied / "small" / "benchmark.toml"
    path.write_text(path.read_text().replace("draws = 2", "draws = 3"))
    (copied / "small" / "both.toml").write_text('baseline = "additive"\n')
    with pytest.raises(TableError, match=r"table\.json: fold . of .* another protocol \(draws differ\)"):
        run(copied)


def test_there_is_a_table_once_the_model_and_the_labels_have_a_fold_in_common(tmp_path):
    write_benchmark(tmp_path, kind=KIND, model=None, near=ROWS["near"], labels=ROWS["labels"])
    run(tmp_path, rows=["near"], folds=[0])
    with pytest.raises(TableError, match="begin with a fold of near and of labels"):
        view_of(find_benchmark(tmp_path, "small"))
    assert "## Without results so far" in page(tmp_path)
    run(tmp_path, rows=["labels"], folds=[0])
    assert "k = 4" in page(tmp_path)


def test_the_table_has_a_curve_for_every_method_and_a_figure(finished):
    view = view_of(find_benchmark(finished, "small"))
    summary = summary_of(finished)
    first = view.sections[0]
    assert [column.title for column in first.columns] == ["k = 0", "k = 1", "k = 4"]
    assert [line.title for line in first.lines] == [
        "The model", "The model + shift", *(f"The model + {name}" for name in MODEL_ADAPTERS),
        "Labels alone: mean", "Labels alone: knn",
        "Labels alone: per_target_forest", "Neighbours", "Neighbours + shift", "targets",
    ]  # fmt: skip
    for line, name in zip(first.lines[:11], summary["adapters"], strict=True):
        for cell, k in zip(line.cells, ("0", "1", "4"), strict=True):
            entry = summary["adapters"][name][k]
            assert cell.numbers["mse"] == entry["mse"]
            _, low, high = entry["to_none"]["mse"]
            wanted = "worse" if low > 0 else "better" if high < 0 else "undecided"
            assert cell.mark == ("" if low == high == 0 else wanted)
    assert [cell.text for cell in first.lines[-1].cells] == ["12", "12", "12"]
    headings = [section.heading for section in view.sections]
    assert headings[2:] == [
        "Targets that got worse ↓",
        "MSE less that of The model + posterior",
        "Spearman ρ less that of The model + posterior",
    ]
    for line in view.sections[3].lines:
        assert line.name != "posterior"
        for cell, k in zip(line.cells, ("0", "1", "4"), strict=True):
            adapter = "none" if line.name == "model" else line.name
            mean, low, high = summary["adapters"][adapter][k]["to_default"]["mse"]
            assert cell.numbers == {"to_default": mean, "low": low, "high": high}
            assert cell.text == f"{mean:+.3f}"
    assert any(
        "MSE, The model + posterior against Labels alone: per_target_forest" in s for s in view.sentences
    )
    text = html(view)
    assert text.count("<svg") == 1
    assert "<script" not in text
    assert json.loads(json.dumps(view.as_dict()))["sections"][0]["lines"][0]["cells"]["k = 4"]["mse"]


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("benchmark.toml", "draws = 2", "drawss = 2", "Did you mean draws?"),
        ("benchmark.toml", "[0, 1, 4, 64]", "[4, 1]", "ascending numbers"),
        ("benchmark.toml", "cold_target", "random", "needs held-out targets: use cold_target or"),
        ("benchmark.toml", 'reference = "model"', 'reference = "labels"', "name a row that is a zero-shot"),
        ("benchmark.toml", "folds = [0, 1]", "folds = [0, 3]", "folds are numbered 0 to 2"),
        ("labels.toml", "zero_shot = false", "", "zero_shot = false belongs into labels.toml"),
        ("labels.toml", "zero_shot = false", 'zero_shot = false\npart = "prior"', "neither baseline"),
        ("near.toml", "baseline =", "zero_shot = false\nbaseline =", "neither baseline"),
        ("near.toml", "kernel_knn", "kernel_knnn", "there is no baseline 'kernel_knnn'"),
        ("model.toml", "[settings.encoders]", "shuffled = true\n[settings.encoders]", "leave it out"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_file(tmp_path, file, old, new, said):
    folder = write_benchmark(tmp_path, kind=KIND, **ROWS)
    find_benchmark(tmp_path, "small")
    path = folder / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ConfigError) as error:
        find_benchmark(tmp_path, "small")
    assert said in str(error.value)
    assert file in str(error.value)


def test_a_benchmark_without_the_label_methods_and_two_of_one_data_set_are_refused(tmp_path):
    folder = write_benchmark(tmp_path, kind=KIND, **ROWS)
    write_benchmark(tmp_path, "other", kind=KIND, **ROWS)
    with pytest.raises(ConfigError, match="would share one results file"):
        all_benchmarks(tmp_path)
    other = tmp_path / "other" / "benchmark.toml"
    other.write_text('results = "other"\n' + other.read_text())
    assert len(all_benchmarks(tmp_path)) == 2
    for name in ("knn", "head"):
        (folder / "near.toml").rename(folder / f"{name}.toml")
        with pytest.raises(ConfigError, match=rf"{name}\.toml: '{name}' is the name of a method that adapts"):
            find_benchmark(tmp_path, "small")
        (folder / f"{name}.toml").rename(folder / "near.toml")
    (folder / "labels.toml").unlink()
    with pytest.raises(ConfigError, match=r"Add a file labels\.toml with zero_shot = false"):
        find_benchmark(tmp_path, "small")


@pytest.mark.parametrize("name", ["fewshot_davis", "fewshot_kiba"])
def test_the_results_of_the_repository_are_of_the_protocol_of_its_files(name):
    benchmark = find_benchmark(REPOSITORY, name)
    view = view_of(benchmark)
    summary = json.loads((REPOSITORY / "results" / "fewshot" / f"{benchmark.data_label}.json").read_text())
    drawn = json.loads(json.dumps(benchmark.file.drawn.as_dict()))
    assert drawn.items() <= summary["protocol"].items()
    assert summary["protocol"]["split"] == benchmark.file.split.name
    assert view.missing == ()
