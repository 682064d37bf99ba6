"""The settings of the shipped model: all of ChEMBL, chosen on families, nothing else changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyperpcm.config import load_config, validated
from hyperpcm.datasets.catalog import record

SETTINGS = Path(__file__).resolve().parent.parent / "pretrained" / "hyperpcm-chembl.toml"


def test_the_shipped_model_is_trained_on_everything_by_the_defaults():
    config = load_config(SETTINGS)
    assert config.data.name == "chembl"
    assert record("chembl").quantity.active_at == 7.0
    assert config.split.name == "mixed"
    assert config.split.options == {"targets": "homology_target", "compounds": "compound_cluster"}
    assert not config.split.test
    assert config.training.refit
    own = {
        "data": {"name": "chembl"},
        "split": {"name": "mixed", "test": False, "options": dict(config.split.options)},
        "training": {"refit": True},
        "threads": 2,
    }
    assert config == validated(own)


@pytest.mark.parametrize("name", ["chembl_forward", "chembl_homology_target", "trust_chembl"])
def test_its_benchmarks_divide_the_same_data_and_change_no_setting(name: str):
    from hyperpcm.benchmark.benchmark import find_benchmark

    benchmark = find_benchmark(SETTINGS.parent.parent / "benchmarks", name)
    assert benchmark.file.data.name == "chembl"
    own = benchmark.row("hyperpcm")
    split = {"name": "homology_target", "folds": 5, "fold": 0, "seed": 0}
    made = benchmark.config(own, seed=0, threads=2, split=split)
    shipped = load_config(SETTINGS)
    assert (made.encoders, made.model) == (shipped.encoders, shipped.model)
    assert made.training == shipped.training.model_copy(update={"refit": False})
