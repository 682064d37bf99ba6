"""A benchmark of trust on a small table: parts in one file, means of the reference, and a table."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hyperpcm.benchmark import find_benchmark
from hyperpcm.benchmark.registry import kind_named
from hyperpcm.benchmark.run import Choice, run_benchmark
from hyperpcm.benchmark.view import view_of
from hyperpcm.errors import ConfigError, TableError
from hyperpcm.trust import summarised, summarised_reliability
from small_runs import TINY, write_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("benchmarks")
    for name, header in (("small_trust", "pKd"), ("small_classes", "active")):
        _benchmark(root / name, header)
    return root


def _benchmark(own: Path, header: str) -> None:
    own.mkdir()
    write_table(own / "table.csv", targets=60, header=header)
    (own / "benchmark.toml").write_text(
        'title = "Small"\nabout = "A small table."\nkind = "trust"\nreference = "hyperpcm"\n'
        f'results = "{own.name}"\n'
        '[data]\npath = "table.csv"\n[split]\nname = "cold_target"\nfolds = 3\nseed = 0\n'
    )
    settings = [one for one in TINY if not one.startswith("split.")]
    (own / "hyperpcm.toml").write_text(_toml(settings))


def _toml(settings: list[str]) -> str:
    lines = ['title = "HyperPCM"', "[settings]"]
    lines += [f"{key} = {_value(value)}" for key, _, value in (one.partition("=") for one in settings)]
    return "\n".join(lines) + "\n"


def _value(text: str) -> str:
    return f'"{text}"' if text in ("cpu",) else text.replace("'", '"')


@pytest.fixture(scope="module")
def done(folder: Path):
    benchmark = find_benchmark(folder, "small_trust")
    summary = run_benchmark(benchmark, Choice(folds=[0, 1]), say=lambda _: None)
    assert not summary.failed
    return benchmark, summary.path


def test_the_file_holds_the_means_over_its_parts(done):
    _, path = done
    record = json.loads(path.read_text())
    assert path.name == "small_trust.json"
    assert path.parent.name == "trust"
    assert [part["fold"] for part in record["parts"]] == [0, 1]
    expected = summarised(record["parts"])
    assert {name: record[name] for name in expected} == expected
    for level in ("0.8", "0.9"):
        assert record["coverage"][level] == pytest.approx(
            sum(part["held"][level] for part in record["parts"]) / 2
        )
    assert all(part["commit"] and part["machine"] for part in record["parts"])


def test_a_run_goes_on_where_it_stopped(done):
    benchmark, path = done
    summary = run_benchmark(benchmark, Choice(), say=lambda _: None)
    assert [job.fold for job in summary.skipped] == [0, 1]
    assert [job.fold for job in summary.done] == [2]
    assert len(json.loads(path.read_text())["parts"]) == 3


def test_the_table_shows_coverage_and_the_errors_of_each_verdict(done):
    benchmark, path = done
    record, view = json.loads(path.read_text()), view_of(benchmark)
    assert [section.heading for section in view.sections] == ["Intervals", "Domain"]
    (line,) = view.sections[0].lines
    assert line.role == "reference"
    assert line.cells[0].numbers["mean"] == pytest.approx(record["coverage"]["0.8"])
    (line,) = view.sections[1].lines
    assert line.cells[-1].numbers["mean"] == pytest.approx(record["abstain_30_mse_ratio"])


def test_new_and_known_targets_have_a_table_of_their_own_where_both_are_tested(folder: Path):
    own = folder / "small_mixed"
    own.mkdir()
    write_table(own / "table.csv", targets=60)
    (own / "benchmark.toml").write_text(
        (folder / "small_trust" / "benchmark.toml")
        .read_text()
        .replace('"cold_target"', '"mixed"')
        .replace('results = "small_trust"', 'results = "small_mixed"')
    )
    shutil.copy(folder / "small_trust" / "hyperpcm.toml", own)
    benchmark = find_benchmark(folder, "small_mixed")
    summary = run_benchmark(benchmark, Choice(folds=[0]), say=lambda _: None)
    assert not summary.failed
    record = json.loads(summary.path.read_text())
    (part,) = record["parts"]
    assert part["new_targets"]["rows"] + part["known_targets"]["rows"] == part["rows"]
    assert record["new_targets"]["coverage"]["0.8"] == part["new_targets"]["held"]["0.8"]
    section = view_of(benchmark).sections[-1]
    assert section.heading == "New and known targets"
    assert [line.title.split(",")[1].split(" (")[0].strip() for line in section.lines] == [
        "new targets",
        "known targets",
    ]
    assert section.lines[0].cells[0].numbers["mean"] == part["new_targets"]["held"]["0.8"]


def test_other_protocols_and_damaged_files_are_refused(done):
    benchmark, path = done
    kind = kind_named("trust", "here")
    held = kind.results(benchmark, path.parent.parent)
    with pytest.raises(TableError, match="another protocol"):
        held.check({"protocol": {"split": "random"}}, None)
    damaged = path.parent.parent / "elsewhere"
    (damaged / "trust").mkdir(parents=True)
    (damaged / "trust" / path.name).write_text('{"parts": [{}]}')
    with pytest.raises(TableError, match="not a results file of this kind"):
        kind.results(benchmark, damaged)


def test_results_of_a_row_that_is_gone_make_no_table(done, tmp_path: Path):
    benchmark, path = done
    record = json.loads(path.read_text())
    record["parts"] = [part | {"row": "gone"} for part in record["parts"]]
    (tmp_path / "trust").mkdir()
    (tmp_path / "trust" / path.name).write_text(json.dumps(record))
    assert not kind_named("trust", "here").results(benchmark, tmp_path).has_table
    with pytest.raises(TableError, match="has no results at"):
        view_of(benchmark, tmp_path)


def test_a_table_without_results_says_how_to_make_them(done, tmp_path: Path):
    with pytest.raises(TableError, match="hyperpcm benchmark run small_trust"):
        view_of(done[0], tmp_path)


@pytest.mark.parametrize("text", ['baseline = "gbm"\n', 'part = "prior"\n'])
def test_rows_without_intervals_are_refused(folder: Path, text: str):
    row = folder / "small_trust" / "other.toml"
    row.write_text(text)
    try:
        with pytest.raises(ConfigError, match="intervals of a whole model"):
            kind_named("trust", "here").check(find_benchmark(folder, "small_trust"))
    finally:
        row.unlink()


def test_of_two_classes_probabilities_are_measured(folder: Path):
    benchmark = find_benchmark(folder, "small_classes")
    summary = run_benchmark(benchmark, Choice(folds=[0, 1]), say=lambda _: None)
    assert not summary.failed
    record = json.loads(summary.path.read_text())
    expected = summarised_reliability(record["parts"])
    assert {name: record[name] for name in expected} == expected
    assert 0 <= record["ece"] <= 1
    assert record["log_loss"] == pytest.approx(sum(part["log_loss"] for part in record["parts"]) / 2)
    assert all(len(part["by_third"]) == 3 for part in record["parts"])
    view = view_of(benchmark)
    assert [section.heading for section in view.sections] == ["Probabilities", "By nearness of the target"]
    (line,) = view.sections[0].lines
    assert line.cells[0].numbers["mean"] == pytest.approx(record["ece"])
    assert line.cells[1].numbers["mean"] == pytest.approx(record["ece_uncalibrated"])
    (line,) = view.sections[1].lines
    assert line.cells[2].numbers["mean"] == pytest.approx(record["ece_by_third"][0])
    assert len({column.title for column in view.sections[1].columns}) == 8
