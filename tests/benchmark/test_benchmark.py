"""A benchmark's files are closed, and a row says only what differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyperpcm.baselines import NULLS
from hyperpcm.benchmark.benchmark import all_benchmarks, find_benchmark
from hyperpcm.errors import ConfigError
from small_benchmarks import write_benchmark

REPOSITORY = Path(__file__).resolve().parents[2] / "benchmarks"
MEAN = 'baseline = "compound_mean"\n'


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("benchmark.toml", "reference =", "referense =", "no such key. Did you mean reference?"),
        ("benchmark.toml", 'folds = 3', 'fold = 3', "no such key. Did you mean split.folds?"),
        ("benchmark.toml", 'title = "A small one"\n', "", "title: this key is required."),
        ("benchmark.toml", '"cold_target"', '"cold_targets"', "there is no split 'cold_targets'"),
        ("benchmark.toml", "folds = [0, 1]", "folds = [0, 3]", "folds are numbered 0 to 2"),
        ("benchmark.toml", "about", 'kind = "accurate"\nabout', "Did you mean 'accuracy'?"),
        ("benchmark.toml", 'reference = "model"', 'reference = "modell"', "Did you mean 'model'?"),
        ("benchmark.toml", "[data]", "[data", "not a TOML file"),
        ("mean.toml", "baseline", "baselin", "baselin: there is no such key. Did you mean baseline?"),
        ("mean.toml", "compound_mean", "compound_means", "there is no baseline 'compound_means'"),
        ("mean.toml", "baseline", 'part = "prior"\nbaseline', "not both"),
        ("model.toml", "members = 1", "member = 1", "Did you mean model.members?"),
        ("model.toml", "members = 1", "members = 0", "model.members = 0"),
        ("model.toml", "[settings.model]", "[settings.modell]", "Did you mean model?"),
        ("variant.toml", '"model"', '"modl"', "which is no row. Did you mean 'model'?"),
        ("variant.toml", '"model"', '"variant"', "in a circle"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_the_file_and_the_nearest_name(tmp_path, file, old, new, said):
    folder = write_benchmark(tmp_path, mean=MEAN, variant='variant_of = "model"\n')
    find_benchmark(tmp_path, "small")
    replace(folder / file, old, new)
    with pytest.raises(ConfigError) as error:
        find_benchmark(tmp_path, "small")
    assert said.replace("'", "") in str(error.value).replace("'", "")
    assert file in str(error.value)


def test_an_option_that_the_baseline_does_not_have_is_refused(tmp_path):
    write_benchmark(tmp_path, mean=MEAN + "[options]\ntrees = 3\n")
    with pytest.raises(ConfigError, match="trees"):
        find_benchmark(tmp_path, "small")


def test_a_variant_takes_over_what_it_does_not_say_itself(tmp_path):
    write_benchmark(
        tmp_path,
        first='variant_of = "model"\nfolds = [1]\n[settings.model]\nmembers = 3\ncontext = { heads = 1 }\n',
        second='variant_of = "first"\nnote = "Two steps."\n[settings.training]\nepochs = 2\n',
    )
    benchmark = find_benchmark(tmp_path, "small")
    second = benchmark.row("second")
    config = benchmark.config(second, seed=4, threads=1, split={"name": "cold_target"})
    assert (config.model.members, config.model.context.heads, config.model.context.head_width) == (3, 1, 8)
    assert (config.training.epochs, config.encoders.width, config.seed) == (2, 128, 4)
    assert second.file.folds == (1,)
    assert (second.title, second.file.note) == ("second", "Two steps.")
    assert benchmark.row("first").title == "first"


def test_the_digest_follows_what_decides_the_numbers_and_nothing_else(tmp_path):
    folder = write_benchmark(tmp_path, mean=MEAN)
    before = find_benchmark(tmp_path, "small").row("model").digest
    replace(folder / "model.toml", 'note = "Bounded at one epoch."', 'note = "Another."\nfolds = [0]')
    assert find_benchmark(tmp_path, "small").row("model").digest == before
    replace(folder / "model.toml", "epochs = 1", "epochs = 2")
    assert find_benchmark(tmp_path, "small").row("model").digest != before


def test_results_are_named_by_the_split_only_where_the_benchmark_is_nothing_else(tmp_path):
    write_benchmark(tmp_path, "table_cold_target", mean=MEAN)
    write_benchmark(tmp_path, "ablation", mean=MEAN)
    write_benchmark(tmp_path, "other", mean=MEAN)
    replace(tmp_path / "other" / "benchmark.toml", "about", 'results = "mine"\nabout')
    names = {one.name: one.results_name for one in all_benchmarks(tmp_path)}
    assert names == {"table_cold_target": "cold_target", "ablation": "ablation", "other": "mine"}
    replace(tmp_path / "other" / "benchmark.toml", '"mine"', '"cold_target"')
    with pytest.raises(ConfigError, match="would share one results file"):
        all_benchmarks(tmp_path)


def test_an_unknown_benchmark_or_row_names_the_nearest(tmp_path):
    write_benchmark(tmp_path, mean=MEAN)
    with pytest.raises(ConfigError, match="Did you mean small"):
        find_benchmark(tmp_path, "smal")
    with pytest.raises(ConfigError, match="Did you mean mean"):
        find_benchmark(tmp_path, "small").row("meen")
    with pytest.raises(ConfigError, match="no such folder"):
        all_benchmarks(tmp_path / "nowhere")


def test_every_benchmark_of_the_repository_can_be_read():
    names = [one.name for one in all_benchmarks(REPOSITORY)]
    assert {"davis_cold_target", "kiba_warm", "chembl20_homology_target", "ablation_davis"} <= set(names)


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in REPOSITORY.glob("*/benchmark.toml")))
def test_every_accuracy_table_of_the_repository_has_every_null(folder):
    benchmark = find_benchmark(REPOSITORY, folder)
    if benchmark.file.kind != "accuracy" or folder.startswith(("ablation", "encoders")):
        pytest.skip("another kind of table")
    baselines = {row.file.baseline for row in benchmark.rows}
    assert set(NULLS) <= baselines
    reference = benchmark.row(benchmark.file.reference)
    assert reference.is_shuffled_too
    assert any(row.file.part == "prior" for row in benchmark.rows)
