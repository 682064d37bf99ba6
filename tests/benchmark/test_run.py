"""Running a benchmark from its files to its results: what is there stays, what fails is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.benchmark import Choice, find_benchmark, run_benchmark, view_of
from hyperpcm.benchmark.html import html
from hyperpcm.benchmark.kind import Job
from hyperpcm.benchmark.markdown import markdown
from hyperpcm.errors import ConfigError, DataUnavailableError, TableError
from hyperpcm.evaluation.results import AccuracyResults
from hyperpcm.evaluation.target_values import TargetTable
from small_benchmarks import write_benchmark

MEAN = 'title = "Compound mean"\nbaseline = "compound_mean"\n'
ROWS = {"mean": MEAN, "retrieval": 'variant_of = "model"\npart = "prior"\n'}


def run(root: Path, **choice):
    said: list[str] = []
    benchmark = find_benchmark(root, "small")
    summary = run_benchmark(benchmark, Choice(store=root / "store.sqlite", **choice), say=said.append)
    return summary, said


def results_of(root: Path) -> AccuracyResults:
    return AccuracyResults.read(root / "results" / "accuracy" / "table" / "small.json")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finished")
    write_benchmark(root, **ROWS)
    summary, said = run(root, processes=2)
    assert (len(summary.done), summary.failed, summary.skipped) == (6, (), ())
    assert len(said) == 7
    return root


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished benchmark, to change."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def test_every_row_fold_and_shuffled_row_is_there(finished):
    content = results_of(finished)
    names = ("model", "model_shuffled", "mean", "retrieval")
    assert sorted(row.key() for row in content.rows) == sorted((n, f, 0) for n in names for f in (0, 1))
    assert content.protocol["split"] == "cold_target"
    assert all(row.settings and row.peak_mb and row.seconds >= 0 for row in content.rows)


def test_the_values_of_targets_agree_with_the_results(finished):
    targets = TargetTable.read(finished / "results" / "accuracy" / "table" / "small.targets.parquet")
    rows = {row.key(): row for row in results_of(finished).rows}
    assert set(targets.entries) == set(rows)
    for key, values in targets.entries.items():
        assert values.n.sum() == rows[key].n
        assert values.sse.sum() / rows[key].n == pytest.approx(rows[key].metrics["mse"], rel=1e-5)
        assert np.nanmean(values.pearson) == pytest.approx(
            rows[key].metrics["per_target"]["pearson"], abs=1e-6
        )


def test_a_protocol_of_refits_holds_for_all_rows_and_is_another_protocol(tmp_path: Path, finished: Path):
    prior = 'title = "Prior"\nvariant_of = "model"\npart = "prior"\n'
    write_benchmark(tmp_path, mean=MEAN, prior=prior, kind="refit = true\n")
    summary, _ = run(tmp_path, processes=2)
    assert (len(summary.done), summary.failed) == (6, ())
    content, before = results_of(tmp_path), results_of(finished)
    assert content.protocol == before.protocol | {"refit": True}
    error = {row.key(): row.metrics["mse"] for row in content.rows}
    other = {row.key(): row.metrics["mse"] for row in before.rows}
    for fold in (0, 1):
        for name in ("model", "mean"):
            assert error[name, fold, 0] != other[name, fold, 0]
        assert error["model", fold, 0] < 0.5 * error["model_shuffled", fold, 0]


def test_only_rows_that_know_the_targets_find_their_families(finished):
    error = {row.model: row.metrics["mse"] for row in results_of(finished).rows if row.fold == 0}
    assert max(error["model"], error["retrieval"]) < 0.1 * min(error["mean"], error["model_shuffled"])


def test_what_is_there_is_not_run_again(copied):
    before = results_of(copied)
    summary, said = run(copied)
    assert (summary.done, len(summary.skipped), said) == ((), 6, [])
    assert results_of(copied) == before


def test_a_row_whose_file_changed_is_run_again_and_the_table_says_so_before(copied):
    path = copied / "small" / "mean.toml"
    path.write_text('baseline = "target_mean"\n')
    said = markdown(view_of(find_benchmark(copied, "small")))
    assert "mean: the row's file was changed after these results were made" in said
    summary, _ = run(copied, folds=[0])
    assert summary.done == (Job(0, 0, "mean"),)


def test_a_row_that_is_missing_is_added_and_the_others_stay(copied):
    before = {row.key(): row for row in results_of(copied).rows}
    (copied / "small" / "both.toml").write_text('baseline = "additive"\n')
    summary, _ = run(copied, rows=["both"], folds=[1])
    assert summary.done == (Job(1, 0, "both"),)
    after = {row.key(): row for row in results_of(copied).rows}
    assert set(after) == {*before, ("both", 1, 0)}
    assert all(after[key] == row for key, row in before.items())


def of_another_commit(root: Path) -> None:
    path = root / "results" / "accuracy" / "table" / "small.json"
    record = json.loads(path.read_text())
    record["commit"] = "0" * 40
    path.write_text(json.dumps(record))


def test_results_of_another_commit_are_refused_mixed_or_replaced_as_one_says(copied):
    of_another_commit(copied)
    (copied / "small" / "both.toml").write_text('baseline = "additive"\nfolds = [1]\n')
    with pytest.raises(TableError, match=r"some of commit 000000000000; this is .*--fresh.*--mix-commits"):
        run(copied)
    run(copied, mix_commits=True)
    commits = {row.key(): row.commit for row in results_of(copied).rows}
    assert commits.pop(("both", 1, 0)) is None
    assert set(commits.values()) == {"0" * 40}
    assert "0000" in dict(view_of(find_benchmark(copied, "small")).facts)["commits"]
    summary, _ = run(copied, fresh=True, rows=["mean"], folds=[1], mix_commits=True)
    assert len(summary.done) == 1
    assert {row.key(): row.commit for row in results_of(copied).rows}["mean", 1, 0] is None


def test_what_another_table_gave_is_another_protocol(copied):
    table = copied / "small" / "table.csv"
    table.write_text(table.read_text().replace("6.", "7."))
    (copied / "small" / "both.toml").write_text('baseline = "additive"\n')
    with pytest.raises(TableError, match="another protocol: fingerprint"):
        run(copied)


def test_a_job_that_fails_is_told_and_the_others_go_on(tmp_path):
    write_benchmark(
        tmp_path,
        mean=MEAN,
        model=None,
        broken='part = "prior"\n[settings.model]\nretrieval.enabled = false\n',
    )
    summary, said = run(tmp_path, folds=[0])
    assert summary.done == (Job(0, 0, "mean"),)
    ((job, reason),) = summary.failed
    assert (job.row, "needs model.retrieval.enabled" in reason) == ("broken", True)
    assert any(line.startswith("failed: broken, fold 0, seed 0") for line in said)


def test_a_fold_with_one_class_has_dashes_and_no_crash(tmp_path):
    write_benchmark(tmp_path, mean=MEAN, model=None, data="active_at = 11.5\n")
    run(tmp_path)
    rows = results_of(tmp_path).rows
    assert {row.metrics["auroc"] for row in rows} == {None}
    assert "mse" in rows[0].metrics
    view = view_of(find_benchmark(tmp_path, "small"))
    titles = [column.title for column in view.sections[0].columns]
    assert "AUROC" not in titles
    assert "MSE" in titles
    assert "<td" in html(view)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"rows": ["modell"]}, "Did you mean model"),
        ({"folds": [2]}, "no fold 2; its folds: 0, 1"),
        ({"seeds": [-1]}, "from 0"),
    ],
)
def test_what_the_benchmark_does_not_have_is_refused(finished, choice, said):
    with pytest.raises(ConfigError, match=said):
        run(finished, **choice)


def test_data_that_cannot_be_had_are_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HYPERPCM_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    folder = write_benchmark(tmp_path, model=None, mean=MEAN)
    path = folder / "benchmark.toml"
    path.write_text(path.read_text().replace('path = "table.csv"', 'name = "davis"'))
    with pytest.raises(DataUnavailableError, match=r"benchmark 'small'.*neither in the data folder nor"):
        run(tmp_path)


def test_the_table_shows_both_intervals_and_notes(finished):
    view = view_of(find_benchmark(finished, "small"))
    text = markdown(view)
    headings = ["Results", "Differences over folds", "Differences over targets"]
    assert [section.heading for section in view.sections] == headings
    assert "- **The model**: Bounded at one epoch." in text
    assert "The model, targets shuffled" in text
    assert json.loads(json.dumps(view.as_dict()))["sections"][2]["lines"][0]["cells"]["MSE"]["n"] == 12
    page = html(view)
    assert "<script" not in page
    assert "http" not in page.split("</head>")[1]


def test_what_was_tried_is_told_below_the_table(copied):
    path = copied / "small" / "benchmark.toml"
    before = markdown(view_of(find_benchmark(copied, "small")))
    path.write_text(
        path.read_text().replace("reference =", 'tried = """\nOther\nkernels.\n"""\nreference =', 1)
    )
    view = view_of(find_benchmark(copied, "small"))
    assert "- **What was tried**: Other kernels." in markdown(view)
    assert "Other kernels." in html(view)
    assert "tried" not in before


def test_text_from_files_is_escaped_on_the_page(copied):
    path = copied / "small" / "mean.toml"
    path.write_text(path.read_text().replace("Compound mean", "<b>mean</b> | more"))
    view = view_of(find_benchmark(copied, "small"))
    assert "<b>mean" not in html(view)
    assert "<b>mean</b> \\| more" in markdown(view)


def test_a_benchmark_without_results_says_how_to_make_them(tmp_path):
    write_benchmark(tmp_path, mean=MEAN)
    with pytest.raises(TableError, match="hyperpcm benchmark run small"):
        view_of(find_benchmark(tmp_path, "small"))
