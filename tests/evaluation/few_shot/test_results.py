"""Parts come back as written; the summary pools targets of folds and averages seeds."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from hyperpcm.errors import TableError
from hyperpcm.evaluation.few_shot import (
    LABELS_ROW,
    FewShotPart,
    part_path,
    read_parts,
    summarise,
    summary_path,
)
from hyperpcm.evaluation.few_shot.curves import METRICS
from hyperpcm.evaluation.results import write_json
from hyperpcm.evaluation.surroundings import Surroundings

WHERE = Surroundings({"python": "3"}, "abc", {"cores": 2})
ADAPTERS = {LABELS_ROW: ("mean",), "hyperpcm": ("none", "shift"), "kernel_knn": ("none", "shift")}


def part(row="hyperpcm", fold=0, seed=0, targets=(1, 4, 6)):
    rng = np.random.default_rng([len(row), fold, seed])

    def curve():
        return {k: {metric: rng.random(len(targets)).round(5) for metric in METRICS} for k in (0, 2)}

    curves = {name: curve() for name in ADAPTERS[row]}
    curves[ADAPTERS[row][0]][2]["auroc"][0] = np.nan
    return FewShotPart({"data": "x", "draws": 5}, row, fold, seed, np.array(targets), curves, 1.5, WHERE)


def test_parts_that_hold_other_targets_or_adapters_are_not_taken_together():
    others = part(LABELS_ROW, targets=(1, 4, 7))
    with pytest.raises(TableError, match="'hyperpcm' and 'labels' were measured on other targets in folds 0"):
        summarise([part(), others], zero_shot="hyperpcm", default="shift", reference="mean")
    later = part(fold=1, targets=(2, 3))
    later = dataclasses.replace(later, curves={**later.curves, "ours": later.curves["shift"]})
    with pytest.raises(TableError, match=r"'hyperpcm': folds 0 and 1 .* same adapters \(ours\)"):
        summarise([part(), later], zero_shot="hyperpcm", default="shift", reference=None)


def test_a_part_comes_back_as_it_was_written(tmp_path):
    one = dataclasses.replace(part(), settings="abc", peak_mb=12.5)
    path = part_path(tmp_path, "x", "hyperpcm", 0, 0)
    one.write(path)
    back = FewShotPart.read(path)
    np.testing.assert_array_equal(back.targets, one.targets)
    for name, curve in one.curves.items():
        for k, found in curve.items():
            for metric, values in found.items():
                np.testing.assert_array_equal(back.curves[name][k][metric], values)
    assert (back.row, back.fold, back.seed, back.protocol, back.where) == (
        "hyperpcm", 0, 0, one.protocol, WHERE,
    )  # fmt: skip
    assert (back.settings, back.peak_mb) == ("abc", 12.5)


def test_a_part_without_settings_and_memory_is_read_too(tmp_path):
    path = tmp_path / "part.json"
    record = part().as_dict()
    del record["settings"], record["peak_mb"]
    path.write_text(json.dumps(record))
    back = FewShotPart.read(path)
    assert (back.settings, back.peak_mb, back.seconds) == (None, None, 1.5)


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"targets": [1], "curves": {"a": {"0": {"mse": [1, 2]}}}}', "nonsense"]
)
def test_a_file_that_is_no_part_is_named(tmp_path, text):
    path = tmp_path / "fold-0.json"
    path.write_text(text)
    with pytest.raises(TableError, match=r"fold-0\.json"):
        FewShotPart.read(path)


def test_the_summary_is_the_mean_over_the_targets_of_all_folds(tmp_path):
    parts = [
        part(row, fold, 0, targets) for row in ADAPTERS for fold, targets in enumerate([(1, 4), (0, 5, 9)])
    ]
    summary = summarise(parts, zero_shot="hyperpcm", default="shift", reference="mean")
    own = [one for one in parts if one.row == "hyperpcm"]
    for k in (0, 2):
        values = np.concatenate([one.curves["shift"][k]["mse"] for one in own])
        entry = summary["adapters"]["shift"][str(k)]
        assert entry["mse"] == pytest.approx(values.mean())
        assert entry["n_targets"] == 5
    assert set(summary["adapters"]) == {"none", "shift", "mean"}
    assert set(summary["rivals"]) == {"kernel_knn"}
    assert (summary["folds"], summary["seeds"], summary["draws"]) == ([0, 1], [0], 5)
    assert summary["adapters"]["none"]["2"]["worse_share"] == 0
    path = summary_path(tmp_path, "x")
    write_json(path, summary)
    assert json.loads(path.read_text())["default"] == "shift"


def test_seeds_of_a_model_are_averaged_target_by_target():
    parts = [part(seed=0), part(seed=1)]
    summary = summarise(parts, zero_shot="hyperpcm", default="shift", reference=None)
    both = np.mean([one.curves["shift"][2]["spearman"] for one in parts], axis=0)
    entry = summary["adapters"]["shift"]["2"]
    assert entry["spearman"] == pytest.approx(both.mean())
    assert entry["spearman_se"] == pytest.approx(both.std(ddof=1) / 3**0.5)
    assert summary["seeds"] == [0, 1]


def test_a_fold_counts_with_the_seeds_that_it_has():
    parts = [part(seed=0), part(seed=1), part(fold=1, targets=(0,))]
    summary = summarise(parts, zero_shot="hyperpcm", default="shift", reference=None)
    first = np.mean([one.curves["shift"][2]["mse"] for one in parts[:2]], axis=0)
    entry = summary["adapters"]["shift"]["2"]
    assert entry["mse"] == pytest.approx(np.concatenate([first, parts[2].curves["shift"][2]["mse"]]).mean())


def test_a_model_is_summarised_over_the_folds_that_the_label_methods_have_too():
    parts = [part(LABELS_ROW), part(), part(fold=1, targets=(0, 2))]
    assert summarise(parts, zero_shot="hyperpcm", default="shift", reference="mean")["folds"] == [0]
    with pytest.raises(TableError, match="no fold in common"):
        summarise([parts[0], parts[2]], zero_shot="hyperpcm", default="shift", reference=None)


def test_what_cannot_be_summarised_says_why():
    with pytest.raises(TableError, match="no few-shot results of the zero-shot model 'hyperpcm'"):
        summarise([], zero_shot="hyperpcm", default="shift", reference=None)
    with pytest.raises(TableError, match="default adapter 'ridge'"):
        summarise([part()], zero_shot="hyperpcm", default="ridge", reference=None)
    with pytest.raises(TableError, match="reference 'mean'"):
        summarise([part()], zero_shot="hyperpcm", default="shift", reference="mean")
    with pytest.raises(TableError, match="stands in two folds"):
        summarise([part(), part(fold=1)], zero_shot="hyperpcm", default="shift", reference=None)


def test_parts_of_two_protocols_do_not_stand_together(tmp_path):
    part().write(part_path(tmp_path, "x", "hyperpcm", 0, 0))
    other = dataclasses.replace(part(fold=1), protocol={"data": "x", "draws": 6})
    other.write(part_path(tmp_path, "x", "hyperpcm", 1, 0))
    with pytest.raises(TableError, match="draws differ"):
        read_parts(tmp_path, "x")
