"""Parts of few-shot results from a table: models are trained on other targets."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.baselines import build_baseline, prepare_inputs
from hyperpcm.baselines.few_shot import ZeroShot
from hyperpcm.datasets import read_table
from hyperpcm.errors import ConfigError, SplitError
from hyperpcm.evaluation.few_shot import FewShotProtocol, draw_targets
from hyperpcm.metrics import mse
from hyperpcm.training.encoded import encode
from hyperpcm.training.few_shot import FewShotRow, few_shot_part
from hyperpcm.training.few_shot_adapters import MODEL_ADAPTERS
from hyperpcm.training.loop import predict_pairs
from hyperpcm.training.prior_fit import prior_alone
from hyperpcm.training.run import open_split
from small_runs import NO_RETRIEVAL, tiny, write_table

LABELS, KNN, MODEL = FewShotRow("labels"), FewShotRow("knn", baseline="kernel_knn"), FewShotRow("hyperpcm")
PROTOCOL = FewShotProtocol(sizes=(0, 1, 4, 64), draws=2, min_query=4)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory):
    path = write_table(tmp_path_factory.mktemp("data") / "table.csv")
    config = tiny(path)
    interactions = read_table(path)
    return config, interactions, open_split(config, interactions), prepare_inputs(interactions)


def part_of(given, row, **options):
    config, interactions, split, inputs = given
    return few_shot_part(config, interactions, split, row, PROTOCOL, inputs, **options)


@pytest.mark.parametrize(
    ("row", "adapters"),
    [
        (LABELS, {"mean", "knn", "per_target_forest"}),
        (KNN, {"none", "shift"}),
        (MODEL, {"none", "shift", *MODEL_ADAPTERS}),
    ],
)
def test_every_row_gives_the_curves_of_its_adapters_on_the_same_targets(given, row, adapters):
    part = part_of(given, row)
    assert part.row == row.name
    assert set(part.curves) == adapters
    np.testing.assert_array_equal(part.targets, np.unique(given[1].target_index[given[2].test]))
    for curve in part.curves.values():
        assert list(curve) == [0, 1, 4, 64]
        assert np.isfinite(curve[4]["mse"]).all()
        assert np.isnan(curve[64]["mse"]).all()
    assert part.protocol["split"] == "cold_target"
    assert part.protocol["min_query"] == 4


def test_zero_shot_errors_are_those_of_the_fitted_baseline_on_the_query(given):
    _, interactions, split, inputs = given
    part = part_of(given, KNN)
    baseline = build_baseline("kernel_knn")
    baseline.fit(inputs, split.train, split.valid, seed=0)
    draws = draw_targets(interactions, split.test, PROTOCOL)
    for place, target in enumerate(part.targets):
        own = [
            mse(interactions.point()[d.query], baseline.predict(d.query)) for d in draws if d.target == target
        ]
        assert part.curves["none"][0]["mse"][place] == pytest.approx(np.mean(own), rel=1e-5)


def test_another_adapter_plugs_in_with_one_class(given):
    class Doubt:
        name = "doubt"
        uses_zero_shot = True

        def scores(self, task, *, seed):
            return task.zero_shot_query / (1 + len(task.support))

    part = part_of(given, KNN, adapters=lambda penalty: [ZeroShot(), Doubt()])
    assert set(part.curves) == {"none", "doubt"}
    np.testing.assert_array_equal(part.curves["none"][0]["mse"], part.curves["doubt"][0]["mse"])


def test_a_whole_model_is_measured_with_its_own_adapter_and_its_rivals(tmp_path):
    path = write_table(tmp_path / "table.csv", targets=57)
    config, interactions = tiny(path, *NO_RETRIEVAL, "training.epochs=1"), read_table(path)
    split, inputs = open_split(config, interactions), prepare_inputs(interactions)
    protocol = FewShotProtocol(sizes=(0, 4), draws=1, min_query=4)
    part = few_shot_part(config, interactions, split, MODEL, protocol, inputs)
    assert list(part.curves) == ["none", "shift", *MODEL_ADAPTERS]
    for curve in part.curves.values():
        np.testing.assert_array_equal(curve[0]["mse"], part.curves["none"][0]["mse"])
    moved = [
        np.abs(part.curves[name][4]["mse"] - part.curves["none"][4]["mse"]).max() for name in part.curves
    ]
    assert min(moved[2:]) > 1e-5


def test_the_prior_of_the_model_is_a_zero_shot_model_too(given):
    config, interactions, split, _ = given
    part = part_of(given, FewShotRow("prior", prior_alone=True))
    assert part.row == "prior"
    assert set(part.curves) == {"none", "shift"}
    model, data = prior_alone(config, interactions, split), encode(config, interactions, split)
    compound, target = interactions.compound_index, interactions.target_index
    draws = draw_targets(interactions, split.test, PROTOCOL)
    for place, wanted in enumerate(part.targets):
        own = [
            mse(interactions.point()[d.query], predict_pairs(model, data, compound[d.query], target[d.query]))
            for d in draws
            if d.target == wanted
        ]
        assert part.curves["none"][0]["mse"][place] == pytest.approx(np.mean(own), rel=1e-4)


def test_what_cannot_be_run_says_why(given):
    config, interactions, split, inputs = given
    with pytest.raises(ConfigError, match="there is no baseline 'forest'"):
        part_of(given, FewShotRow("x", baseline="forest"))
    with pytest.raises(ConfigError, match="a zero-shot model itself"):
        FewShotRow("labels", baseline="kernel_knn")
    with pytest.raises(ConfigError, match="no baseline that takes them"):
        FewShotRow("x", options={"trees": 3})
    with pytest.raises(SplitError, match="Lower min_query"):
        few_shot_part(config, interactions, split, LABELS, FewShotProtocol(min_query=100), inputs)
    warm = open_split(tiny(config.data.path, "split.name=random"), interactions)
    with pytest.raises(SplitError, match="held-out targets"):
        few_shot_part(config, interactions, warm, LABELS, PROTOCOL, inputs)


def test_a_model_that_learns_from_validation_targets_too_is_refused_before_any_work(given):
    config, interactions, split, _ = given
    refitted = config.model_copy(update={"training": config.training.model_copy(update={"refit": True})})
    with pytest.raises(ConfigError, match=r"training\.refit"):
        few_shot_part(refitted, interactions, split, MODEL, PROTOCOL, inputs=None)
