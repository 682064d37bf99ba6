"""Training calibrates the model on its validation side, or says why it does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hyperpcm import metrics
from hyperpcm.checkpoint import load_model, save_model
from hyperpcm.target_model.label_scale import logits_of, probabilities_of
from hyperpcm.training.encoded import encode, retrieve_pairs
from hyperpcm.training.evaluation import evaluate_run
from hyperpcm.training.hiding import Hiding, nearest_similarity
from hyperpcm.training.loop import predict_pairs
from hyperpcm.training.report_run import report_run
from hyperpcm.training.run import fit, open_data, open_split, train_model
from hyperpcm.trust import fit_logit_map
from small_runs import NO_RETRIEVAL, tiny, write_table


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory):
    return write_table(tmp_path_factory.mktemp("table") / "table.csv", targets=60)


@pytest.fixture(scope="module")
def trained(table):
    config = tiny(table)
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    return config, interactions, split, train_model(config, interactions, split)[0]


def test_the_calibration_is_that_of_the_errors_of_the_validation_side(trained):
    config, interactions, split, model = trained
    data, made = encode(config, interactions, split), model.calibration
    compounds, targets = data.compound_index[split.valid], data.target_index[split.valid]
    found = retrieve_pairs(model, data, compounds, targets)
    errors = data.labels.numpy()[split.valid] - predict_pairs(model, data, compounds, targets, found)
    assert made.held_out["rows"] == len(split.valid)
    assert made.held_out["targets"] == len(np.unique(targets))
    assert made.held_out["unseen"] == "target"
    assert made.held_out["rmse"] == pytest.approx(float(np.sqrt(np.mean(errors**2))), rel=1e-4)
    nearest = data.similarity[torch.from_numpy(targets)].amax(1).numpy()
    assert made.held_out["by_nearest_target"][-1]["to"] == pytest.approx(float(nearest.max()), abs=1e-6)


def test_a_compiled_target_looks_as_hard_as_its_rows_did(trained):
    """The columns of training and of a compiled target are the same."""
    config, interactions, split, model = trained
    data = encode(config, interactions, split)
    target = int(data.target_index[split.test[0]])
    rows = split.test[data.target_index[split.test] == target]
    compounds = data.compound_index[rows]
    found = retrieve_pairs(model, data, compounds, np.full(len(rows), target))
    compiled = model.compile_target(interactions.targets[target])
    scores = compiled.score([interactions.compounds[one] for one in compounds])
    columns = torch.cat([found.features, found.nearest[:, None]], dim=1)
    expected = compiled.calibration.difficulty(columns).numpy()
    np.testing.assert_allclose(scores.intervals.difficulty, expected, rtol=1e-5)
    nearest = [
        one.similarity for one in compiled.nearest_landmarks([interactions.compounds[c] for c in compounds])
    ]
    np.testing.assert_allclose(found.nearest.numpy(), nearest, atol=1e-6)


def test_a_model_without_retrieval_gets_intervals_of_one_width(table):
    config = tiny(table, *NO_RETRIEVAL)
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    model, _ = train_model(config, interactions, split)
    assert model.calibration.trees.size == (0, 0)
    found = model.compile_target(interactions.targets[0]).score(["CCO", "c1ccccc1"]).intervals
    assert found.difficulty[0] == found.difficulty[1] > 0


def test_too_small_a_validation_side_is_told_in_the_card(tmp_path):
    config = tiny(write_table(tmp_path / "table.csv", targets=6))
    run = fit(config, tmp_path / "run")
    model = load_model(run.model_path)
    assert model.calibration is None
    assert "intervals need 50 held-out rows or more" in model.card["no_intervals"]


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory):
    return write_table(tmp_path_factory.mktemp("classes") / "table.csv", targets=60, header="active")


def test_probabilities_are_calibrated_on_the_validation_side(classes):
    config = tiny(classes)
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    model, _ = train_model(config, interactions, split)
    held = model.card["probabilities"]
    assert model.calibration is None
    assert "no_probabilities" not in model.card
    assert held["rows"] == len(split.valid)
    assert held["targets"] == len(np.unique(interactions.target_index[split.valid]))
    assert held["unseen"] == "target"
    data = encode(config, interactions, split)
    compounds, targets = (
        getattr(interactions, f"{name}_index")[split.valid] for name in ("compound", "target")
    )
    calibrated = predict_pairs(model, data, compounds, targets)
    line, model.logit_map = model.logit_map, (1.0, 0.0)
    plain = predict_pairs(model, data, compounds, targets)
    active = interactions.is_active()[split.valid]
    assert held["log_loss"]["before"] == pytest.approx(metrics.log_loss(active, plain), rel=1e-4)
    expected = fit_logit_map(active, logits_of(plain), targets, "target")
    assert line == pytest.approx((expected.slope, expected.intercept), rel=1e-5)
    assert line[0] > 0
    np.testing.assert_allclose(calibrated, probabilities_of(line[0] * logits_of(plain) + line[1]), atol=1e-5)
    assert metrics.auroc(active, calibrated) == pytest.approx(metrics.auroc(active, plain), abs=1e-3)


def test_a_compiled_target_and_the_evaluation_give_the_same_probabilities(classes, tmp_path):
    run = fit(tiny(classes), tmp_path / "run")
    model = load_model(run.model_path)
    model.logit_map = (0.5, -1.0)  # whatever training found: a line that shows
    config = tiny(classes)
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    data = encode(config, interactions, split)
    target = int(interactions.target_index[split.test[0]])
    rows = split.test[interactions.target_index[split.test] == target]
    compounds = interactions.compound_index[rows]
    expected = predict_pairs(model, data, compounds, np.full(len(rows), target))
    compiled = model.compile_target(interactions.targets[target], exact=True)
    found = compiled.score([interactions.compounds[one] for one in compounds]).values
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_evaluation_and_report_are_of_calibrated_probabilities(classes, tmp_path):
    run = fit(tiny(classes), tmp_path / "run")
    model = load_model(run.model_path)
    model.logit_map = (1.0, 0.0)
    save_model(model, run.model_path, overwrite=True)
    plain = evaluate_run(tmp_path / "run", nulls=[])
    model.logit_map = (0.5, -1.0)
    save_model(model, run.model_path, overwrite=True)
    found = evaluate_run(tmp_path / "run", nulls=[])
    active = found.interactions.is_active()[found.split.test]
    np.testing.assert_allclose(
        logits_of(found.test_scores), 0.5 * logits_of(plain.test_scores) - 1.0, atol=1e-3
    )
    own = found.rows[0].metrics
    assert own["auroc"] == pytest.approx(plain.rows[0].metrics["auroc"], abs=1e-3)
    assert own["log_loss"] == pytest.approx(metrics.log_loss(active, found.test_scores))
    assert own["ece"] == pytest.approx(metrics.expected_calibration_error(active, found.test_scores))
    assert own["brier"] != plain.rows[0].metrics["brier"]
    page = report_run(tmp_path / "run", similarity=False).read_text()
    before = metrics.expected_calibration_error(active, plain.test_scores)
    assert f"Expected calibration error {own['ece']:.3f}, before calibration {before:.3f}." in page


def test_too_few_labels_of_classes_are_told_in_the_card(tmp_path):
    config = tiny(write_table(tmp_path / "table.csv", targets=6, header="active"))
    run = fit(config, tmp_path / "run")
    model = load_model(run.model_path)
    assert model.logit_map == (1.0, 0.0)
    assert "probabilities" not in model.card
    assert "need 50 held-out rows or more" in model.card["no_probabilities"]


def test_a_refitted_model_keeps_the_line_of_the_one_that_was_validated(classes, tmp_path):
    run = fit(tiny(classes, "training.refit=true"), tmp_path / "run")
    chosen, model = load_model(run.folder.selected_path), load_model(run.model_path)
    assert model.logit_map == chosen.logit_map
    assert model.card["probabilities"] == chosen.card["probabilities"]


def test_a_refitted_model_keeps_the_calibration_of_the_one_that_was_validated(table, tmp_path):
    run = fit(tiny(table, "training.refit=true"), tmp_path / "run")
    chosen, model = load_model(run.folder.selected_path), load_model(run.model_path)
    np.testing.assert_array_equal(model.calibration.quantiles, chosen.calibration.quantiles)
    assert model.calibration.held_out == chosen.calibration.held_out


def test_the_nearest_compound_of_a_training_row_is_not_itself_where_compounds_are_hidden(table):
    config = tiny(table, "split.name=cold_compound")
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    (hidden,) = Hiding.as_in_validation(interactions, split).kinds
    assert hidden.compounds
    model, _ = train_model(config, interactions, split)
    data = encode(config, interactions, split)
    rows = split.train[:40]
    found = retrieve_pairs(model, data, data.compound_index[rows], data.target_index[rows], hidden=hidden)
    seen = retrieve_pairs(model, data, data.compound_index[rows], data.target_index[rows])
    assert float(found.nearest.max()) < 1.0
    torch.testing.assert_close(seen.nearest, torch.ones(len(rows)))


def test_without_landmarks_nothing_is_near():
    torch.testing.assert_close(nearest_similarity(torch.zeros(1, 3, 0), None), torch.zeros(1, 3))
