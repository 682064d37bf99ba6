"""Calibrated probabilities are kept by models, by compiled targets and by their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hyperpcm.checkpoint import load_model, load_target_model, save_model, save_target_model
from hyperpcm.checkpoint.archive import read_archive, write_archive
from hyperpcm.errors import IncompatibleModelError
from hyperpcm.target_model.label_scale import logits_of
from small_models import ACTIVE, PKD, PLAIN, QUERY, SMALL, SMILES, made_model

LINE = (0.6, -1.2)


@pytest.mark.parametrize("settings", [SMALL, PLAIN])
def test_scores_are_calibrated_and_their_order_is_that_of_the_model(settings):
    model = made_model(settings, ACTIVE)
    before = model.compile_target(QUERY, exact=True).score(SMILES)
    model.logit_map = LINE
    after = model.compile_target(QUERY, exact=True).score(SMILES)
    np.testing.assert_allclose(logits_of(after.values), 0.6 * logits_of(before.values) - 1.2, atol=1e-4)
    np.testing.assert_array_equal(after.order(), before.order())


def test_files_keep_the_line(tmp_path: Path):
    model = made_model(SMALL, ACTIVE)
    model.logit_map = LINE
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.logit_map == LINE
    target = loaded.compile_target(QUERY)
    save_target_model(target, tmp_path / "target.hpcm")
    again = load_target_model(tmp_path / "target.hpcm")
    assert (again.label_scale.slope, again.label_scale.intercept) == LINE
    np.testing.assert_array_equal(again.score(SMILES).values, target.score(SMILES).values)


def test_files_of_before_are_read_as_they_were_meant(tmp_path: Path):
    """Their headers say nothing of a slope, nor does that of a model that was not calibrated."""
    model = made_model(SMALL, ACTIVE)
    assert "logit_map" not in model.state()[1]
    save_target_model(model.compile_target(QUERY), tmp_path / "new.hpcm")
    archive = read_archive(tmp_path / "new.hpcm", "target_model")
    header = {**archive.header, "label_scale": dict(archive.header["label_scale"])}
    for name in ("slope", "intercept"):
        del header["label_scale"][name]
    write_archive(tmp_path / "old.hpcm", "target_model", archive.tensors, header)
    old, new = (load_target_model(tmp_path / f"{name}.hpcm") for name in ("old", "new"))
    np.testing.assert_array_equal(old.score(SMILES).values, new.score(SMILES).values)


@pytest.mark.parametrize("slope", [0.0, -1.0])
def test_a_line_that_does_not_rise_is_refused(tmp_path: Path, slope: float):
    model = made_model(SMALL, ACTIVE)
    model.logit_map = (slope, 0.5)
    save_model(model, tmp_path / "model.safetensors")
    with pytest.raises(IncompatibleModelError, match="calibration of the probabilities"):
        load_model(tmp_path / "model.safetensors")


def test_a_line_says_nothing_about_values():
    model = made_model(SMALL, PKD)
    plain = model.compile_target(QUERY).score(SMILES).values
    model.logit_map = LINE
    np.testing.assert_array_equal(model.compile_target(QUERY).score(SMILES).values, plain)
