"""The ridge regression of a run: chosen on validation rows, mixed in as far as they support it."""

from __future__ import annotations

import dataclasses
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.chem import tanimoto
from hyperpcm.model.compiling import reference_landmarks
from hyperpcm.nn.kernel_ridge import RidgeProblem, TwoAxisRidge, ridge_scores
from hyperpcm.nn.ridge_solver import solve_ridge
from hyperpcm.nn.trees import BoostedTrees
from hyperpcm.training.encoded import build_model, encode, retrieve_rows
from hyperpcm.training.hiding import Hidden, Hiding
from hyperpcm.training.loop import predict_pairs
from hyperpcm.training.prior_fit import fit_prior
from hyperpcm.training.ridge_fit import (
    CANDIDATES,
    NOISE,
    fit_ridge,
    fit_ridge_contrast,
    fit_ridge_share,
    ridge_out_of_fold,
)
from hyperpcm.training.run import open_data, open_split
from small_runs import EVERY_HIDDEN, TINY, tiny, write_table


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    config = tiny(write_table(tmp_path_factory.mktemp("table") / "table.csv", targets=30))
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    return config, interactions, split, encode(config, interactions, split)


def ridge_errors(model, data, rows: np.ndarray) -> list[float]:
    """Mean squared error of each candidate on some rows, one pair after the other."""
    bits = model.landmark_bits()
    near = torch.from_numpy(tanimoto(data.counts, bits))
    problem = RidgeProblem(
        data.similarity[torch.from_numpy(data.memory_targets)],
        torch.from_numpy(tanimoto(bits, bits)),
        torch.arange(len(bits)),
        model.memory_rows.long(),
        model.memory_columns.long(),
        model.label_scale.to_scaled(model.memory_values),
    )
    errors = []
    for parts in CANDIDATES:
        ridge = TwoAxisRidge(len(parts), len(data.memory_targets), len(bits))
        ridge.set(parts, solve_ridge(problem, parts, NOISE))
        squares = []
        for row in rows:
            collapsed = ridge.collapse(data.similarity[data.target_index[row]][None])
            score = ridge_scores(
                collapsed, ridge.compound_exponents, near[data.compound_index[row]][None, None]
            )
            label = model.label_scale.to_scaled(data.labels[row])
            squares.append(float(score[0, 0] - label) ** 2)
        errors.append(float(np.mean(squares)))
    return errors


def test_the_kernel_with_the_least_validation_error_is_kept(made):
    config, interactions, split, data = made
    model = build_model(config, interactions, data)
    errors = ridge_errors(model, data, split.valid)
    fit_ridge(model, data, split.valid, config.model.retrieval, seed=0)
    best = CANDIDATES[int(np.argmin(errors))]
    assert model.ridge.target_exponents.tolist() == [part.target_exponent for part in best]
    assert model.ridge.compound_exponents.tolist() == [part.compound_exponent for part in best]


def test_a_ridge_score_that_is_right_where_retrieval_is_wrong_gets_all_of_the_prior(made):
    config, interactions, split, data = made
    model = build_model(config, interactions, data)
    filled = retrieve_rows(model, data, split.valid)
    at = torch.from_numpy(split.valid.copy())
    filled.ridge[at] = model.label_scale.to_scaled(data.labels[at])
    fit_ridge_share(model, filled, split.valid)
    assert float(model.ridge_share) == pytest.approx(1.0, abs=1e-3)
    filled.ridge[at] = model.retrieval.scores(filled.retrieved[at]) - (
        model.label_scale.to_scaled(data.labels[at]) - model.retrieval.scores(filled.retrieved[at])
    )
    fit_ridge_share(model, filled, split.valid)
    assert float(model.ridge_share) == 0.0


def test_a_compiled_target_mixes_the_ridge_score_in_as_the_model_does(made):
    config, interactions, split, data = made
    model = build_model(config, interactions, data).eval()
    filled = fit_prior(model, data, split, config, Hiding.from_all(Hidden(), len(data.labels)))
    assert filled.ridge is not None
    model.ridge_share.fill_(0.6)
    target = int(interactions.target_index[split.test[0]])
    compounds = np.arange(len(interactions.compounds))
    scores = predict_pairs(model, data, compounds, np.full(len(compounds), target))
    compiled = model.compile_target(interactions.targets[target], exact=True)
    assert compiled.prior.ridge.share == pytest.approx(0.6)
    np.testing.assert_allclose(compiled.score(interactions.compounds).values, scores, rtol=1e-4, atol=1e-4)
    model.ridge_share.fill_(0.0)
    plain = predict_pairs(model, data, compounds, np.full(len(compounds), target))
    assert np.abs(plain - scores).max() > 1e-3
    model.trees = BoostedTrees()  # they look at the ridge score, whatever its share
    assert model.compile_target(interactions.targets[target]).prior.ridge is None


def test_new_and_known_targets_have_the_contrast_that_their_validation_rows_support(made):
    config, interactions, split, data = made
    model = build_model(config, interactions, data)
    both = np.sort(np.concatenate([split.valid, split.train[: len(split.valid)]]))
    filled = retrieve_rows(model, data, both)
    at, on_known = torch.from_numpy(both.copy()), np.isin(both, split.train)
    assert (data.memory_row[data.target_index[both]] >= 0).tolist() == on_known.tolist()
    labels = model.label_scale.to_scaled(data.labels[at])
    filled.prior[at] = 0
    filled.contrast[at] = torch.where(torch.from_numpy(on_known), -labels, labels)
    found = fit_ridge_contrast(model, filled, both)
    assert model.ridge_contrast == (pytest.approx(1.0, abs=1e-3), 0.0)
    expected = torch.where(torch.from_numpy(on_known), 0 * labels, model.ridge_contrast[0] * labels)
    torch.testing.assert_close(found.prior[at], expected)
    fit_ridge_contrast(model, filled, split.train[:20].copy())  # no row tells of new targets
    assert model.ridge_contrast == (0.0, 0.0)


def test_a_compiled_target_adds_the_contrast_as_the_model_does(made):
    config, interactions, split, data = made
    model = build_model(config, interactions, data).eval()
    fit_prior(model, data, split, config, Hiding.from_all(Hidden(), len(data.labels)))
    model.ridge_share.fill_(0.2)
    target = int(interactions.target_index[split.test[0]])
    compounds = np.arange(len(interactions.compounds))
    model.ridge_contrast = (0.0, 0.0)
    plain = predict_pairs(model, data, compounds, np.full(len(compounds), target))
    model.ridge_contrast = (0.5, 0.0)
    scores = predict_pairs(model, data, compounds, np.full(len(compounds), target))
    assert np.abs(scores - plain).max() > 1e-3
    compiled = model.compile_target(interactions.targets[target], exact=True)
    np.testing.assert_allclose(compiled.score(interactions.compounds).values, scores, rtol=1e-5, atol=1e-5)
    known = model.compile_target(model.memory_sequences[0], exact=True)
    assert (known.prior.ridge.contrast, known.prior.ridge.level) == (0.0, 0.0)
    references = [model.landmark_compounds[place] for place in reference_landmarks(model)]
    ridge = compiled.prior.ridge
    _, mean, said = compiled.prior._retrieved(torch.from_numpy(compiled.prior.similarity(references)))
    assert float((said - mean).mean()) == pytest.approx(ridge.level, abs=1e-5)
    assert float(ridge.contrasted(said, mean).mean()) == pytest.approx(0.0, abs=1e-5)


def test_the_references_of_a_level_stay_when_the_memory_grows(made):
    config, interactions, _, data = made
    model = build_model(config, interactions, data)
    before = {model.landmark_compounds[place] for place in reference_landmarks(model)}
    assert 0 < len(before) <= 64
    model.landmark_compounds += tuple(f"{'C' * number}Br" for number in range(1, 200))
    model.ridge_columns = torch.arange(len(model.landmark_compounds))
    after = reference_landmarks(model)
    assert len(after) == 64
    assert after.tolist() == sorted(after.tolist())
    every = sorted(model.landmark_compounds, key=lambda smiles: zlib.crc32(smiles.encode()))
    assert {model.landmark_compounds[place] for place in after} == set(every[:64])


def test_fewer_landmarks_than_compounds_are_drawn_once_each_and_by_the_seed(made):
    _, interactions, split, data = made
    config = tiny(Path("unused.csv"), *TINY, "model.retrieval.ridge_landmarks=5")
    drawn = []
    for seed in (1, 1, 2):
        model = build_model(config, interactions, data)
        fit_ridge(model, data, split.valid, config.model.retrieval, seed=seed)
        columns = model.ridge_columns.tolist()
        assert len(set(columns)) == 5
        assert model.ridge.coefficients.shape[-1] == 5
        drawn.append(columns)
    assert drawn[0] == drawn[1] != drawn[2]


def test_without_the_setting_there_is_no_ridge_regression(made):
    _, interactions, split, data = made
    config = tiny(Path("unused.csv"), *TINY, "model.retrieval.ridge=false")
    model = build_model(config, interactions, data)
    assert model.ridge is None
    filled = fit_prior(model, data, split, config, Hiding.from_all(Hidden(), len(data.labels)))
    assert filled.ridge is None
    assert float(model.ridge_share) == 0.0


@pytest.mark.parametrize("hidden", EVERY_HIDDEN, ids=str)
def test_a_score_out_of_fold_does_not_change_with_the_labels_that_are_hidden_from_it(made, hidden: Hidden):
    config, interactions, split, data = made
    model = build_model(config, interactions, data)
    fit_ridge(model, data, split.valid, config.model.retrieval, seed=0)
    series = np.arange(len(interactions.compounds)) // 3
    settings = (dataclasses.replace(data, series=series), config.model.retrieval, hidden, 0)
    before = ridge_out_of_fold(model, *settings)
    asked = 5
    own = torch.zeros(len(before), dtype=torch.bool)
    own[asked] = True
    if hidden.targets:
        own |= model.memory_rows == model.memory_rows[asked]
    if hidden.compounds:
        own |= model.memory_columns == model.memory_columns[asked]
    if hidden.series:
        of_label = torch.from_numpy(series[np.flatnonzero(data.landmark_of >= 0)])[
            model.memory_columns.long()
        ]
        own |= of_label == of_label[asked]
    model.memory_values[own] += 3.0
    after = ridge_out_of_fold(model, *settings)
    assert float(before[asked]) == pytest.approx(float(after[asked]), abs=1e-5)
    assert float((before - after).abs().max()) > 1e-2


def test_scores_out_of_fold_are_those_of_a_regression_on_the_other_parts(made):
    config, interactions, split, data = made
    model = build_model(config, interactions, data)
    fit_ridge(model, data, split.valid, config.model.retrieval, seed=0)
    found = ridge_out_of_fold(model, data, config.model.retrieval, Hidden(True, False), 0)
    rows, bits = model.memory_rows.long(), model.landmark_bits()
    part = np.random.default_rng([0, 17]).permutation(len(data.memory_targets)) % 5
    rest = torch.from_numpy(part[rows.numpy()] != part[int(rows[0])])
    problem = RidgeProblem(
        data.similarity[torch.from_numpy(data.memory_targets)],
        torch.from_numpy(tanimoto(bits, bits)),
        torch.arange(len(bits)),
        rows[rest],
        model.memory_columns.long()[rest],
        model.label_scale.to_scaled(model.memory_values)[rest],
    )
    kernel = model.ridge.kernel_parts()
    ridge = TwoAxisRidge(len(kernel), len(data.memory_targets), len(bits))
    ridge.set(kernel, solve_ridge(problem, kernel, NOISE))
    near = torch.from_numpy(tanimoto(bits[[int(model.memory_columns[0])]], bits))[None]
    collapsed = ridge.collapse(problem.similarity[int(rows[0])][None])
    expected = float(ridge_scores(collapsed, ridge.compound_exponents, near))
    assert float(found[0]) == pytest.approx(expected, abs=0.02)


def test_without_a_ridge_regression_nothing_is_scored_out_of_fold(made):
    config, interactions, _, data = made
    settings = config.model.model_copy(
        update={"retrieval": config.model.retrieval.model_copy(update={"ridge": False})}
    )
    model = build_model(config.model_copy(update={"model": settings}), interactions, data)
    with pytest.raises(ValueError, match="no ridge regression"):
        ridge_out_of_fold(model, data, config.model.retrieval, Hidden(), 0)
