"""Training learns how residuals of a target go together, or says why not."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hyperpcm.checkpoint import load_model
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.encoders import EmbeddingStore
from hyperpcm.model import without_targets
from hyperpcm.target_model import Covariance, Measurement, ResidualPrior
from hyperpcm.target_model.adaptation import Corrected
from hyperpcm.training import fit
from hyperpcm.training.adapted_intervals import _at_most, _measurement, _ratios
from hyperpcm.training.encoded import encode
from hyperpcm.training.factor_analysis import column_factors
from hyperpcm.training.residual_scale import residual_scale
from hyperpcm.training.residuals_fit import _likeliest, _Target, _weights, fit_residual_prior
from hyperpcm.training.run import open_data, open_split, train_model
from hyperpcm.training.target_rows import rows_by_target
from small_adaptation import adaptable_model
from small_models import QUERY, many_smiles
from small_runs import NO_RETRIEVAL, tiny, write_table


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("table") / "table.csv", targets=40)


def trained(table: Path, *settings: str):
    config = tiny(table, *settings)
    interactions = open_data(config.data)
    return interactions, train_model(config, interactions, open_split(config, interactions))[0]


def test_factors_of_a_table_with_holes_give_its_covariance():
    generator = np.random.default_rng(0)
    truth = generator.normal(size=(30, 2)) * [1.0, 0.5]
    values = generator.normal(size=(400, 2)) @ truth.T + generator.normal(0, 0.2, (400, 30))
    rows, columns = np.nonzero(generator.random((400, 30)) < 0.4)
    psi = column_factors(values[rows, columns], rows, columns, (400, 30), 2)
    expected, found = truth @ truth.T, psi @ psi.T
    assert np.corrcoef(expected.ravel(), found.ravel())[0, 1] > 0.98
    assert np.abs(found - expected).mean() < 0.12


def test_a_column_without_an_entry_has_no_factors():
    generator = np.random.default_rng(1)
    rows, columns = np.nonzero(np.ones((20, 6)))
    kept = columns != 2
    psi = column_factors(generator.normal(size=int(kept.sum())), rows[kept], columns[kept], (20, 6), 2)
    assert not psi[2].any()
    assert np.abs(psi).sum() > 0


def test_weights_are_those_that_the_residuals_were_drawn_with():
    generator = np.random.default_rng(2)
    knots, scales = np.array([-3.0, 0.0, 3.0]), np.array([0.3, 1.0, 2.0])
    made = ResidualPrior(
        Covariance(1, 1, 1, 1, 1), 0.0, 1.0, np.zeros((0, 0), np.float32), knots=knots, scales=scales
    )
    targets = []
    for _ in range(80):
        z = generator.normal(size=20)
        points = generator.normal(size=(20, 2))
        like = np.exp(-0.5 * ((points[:, None] - points[None]) ** 2).sum(-1))
        size = np.interp(z, knots, scales)
        covariance = 0.5 * np.ones((20, 20)) + 0.05 * np.outer(z, z) + 0.3 * like + 0.1 * np.eye(20)
        one = object.__new__(_Target)
        one.scores, one._tanimoto = z.astype(np.float32), np.sqrt(like)  # of which the square counts
        drawn = generator.multivariate_normal(np.zeros(20), covariance)
        one._residuals = size * drawn
        targets.append(one)
    tried = [
        dataclasses.replace(made, powers=powers, exponent=exponent)
        for powers in ((0, 0), (1, 1))
        for exponent in (0.5, 2.0, 8.0)
    ]
    found, value = _likeliest(targets, tried, 1.0)
    assert (found.powers, found.exponent) == ((1, 1), 2.0)
    assert found.covariance.offset == pytest.approx(0.5, rel=0.5)
    assert found.covariance.structure == pytest.approx(0.3, rel=0.3)
    assert found.covariance.noise == pytest.approx(0.1, rel=0.2)
    assert found.covariance.profile == 0
    assert value < _weights(targets, made, 1.0)[0]


def test_errors_by_score_are_means_of_parts():
    generator = np.random.default_rng(3)
    scores = generator.uniform(5, 9, 4000)
    knots, scales = residual_scale(scores, generator.normal(size=4000) * (scores - 4.5))
    assert (np.diff(knots) > 0).all()
    assert (knots[0], knots[-1]) == (pytest.approx(5.12, abs=0.05), pytest.approx(8.88, abs=0.05))
    assert scales == pytest.approx((knots - 4.5) / 2.5, rel=0.2)


def test_parts_with_one_score_are_taken_together():
    """Half of the rows at one score, where an eighth of them hardly errs."""
    generator = np.random.default_rng(4)
    scores = np.concatenate([np.full(800, 5.0), generator.uniform(5.5, 9, 800)])
    residuals = np.concatenate([np.full(100, 0.01), generator.normal(size=1500)])
    knots, scales = residual_scale(scores, residuals)
    assert knots[0] == 5.0
    off = np.abs(residuals)
    assert scales[0] == pytest.approx(off[:800].mean() / off.mean(), rel=0.05)


def test_a_table_of_zeros_has_no_factors():
    rows, columns = np.nonzero(np.ones((10, 10)))
    assert not column_factors(np.zeros(100), rows, columns, (10, 10), 4).any()


def test_equal_scores_are_nothing_to_learn_from_whatever_single_precision_makes_of_them(table: Path):
    config = tiny(table)
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    model = train_model(config, interactions, split)[0]
    data = encode(config, interactions, split, EmbeddingStore())
    scores = np.full(len(split.valid), 6.3, dtype=np.float32)
    assert scores.std() > 0  # in single precision, the mean is off
    model.residual_prior = None
    fit_residual_prior(model, data, split.valid, scores, seed=0)
    assert model.residual_prior is None
    assert "scores, are equal" in model.card["no_adaptation"]


def test_some_rows_of_some_targets_are_drawn_where_there_are_many():
    targets = np.repeat(np.arange(250), [300] + [3] * 249)
    found = rows_by_target(targets, np.random.default_rng(0))
    assert len(found) == 200
    assert all(len(np.unique(targets[own])) == 1 and (np.diff(own) > 0).all() for own in found)
    assert max(map(len, found)) <= 128
    (only,) = rows_by_target(targets, np.random.default_rng(0), least=4)
    assert len(only) == 128
    assert targets[only].max() == 0


@pytest.mark.parametrize("rows", [0, 50])
def test_a_few_rows_tell_nothing_of_errors_by_score(rows: int):
    knots, scales = residual_scale(np.arange(rows, dtype=float), np.ones(rows))
    assert knots.size == scales.size == 0


def test_equal_scores_are_one_knot():
    knots, scales = residual_scale(np.full(500, 5.0), np.ones(500))
    assert (knots.tolist(), scales.tolist()) == ([5.0], [1.0])


def test_training_learns_it_and_says_from_what(table: Path):
    interactions, model = trained(table)
    prior = model.residual_prior
    assert prior.learned["targets"] >= 3
    assert prior.profiles.shape[0] == len(model.landmark_compounds)
    assert prior.covariance.noise > 0
    again = trained(table)[1].residual_prior
    assert again.covariance == prior.covariance
    assert np.array_equal(again.profiles, prior.profiles)
    _measuring_helps(interactions, model)


def _measuring_helps(interactions: Interactions, model) -> None:
    """What shifts every label of a target is found out from a few of them."""
    target = model.compile_target(interactions.targets[0])
    smiles = list(interactions.compounds)
    labels = target.score(smiles).values + 1.5
    measured = [Measurement(one, float(value)) for one, value in zip(smiles[:6], labels, strict=False)]
    left = np.abs(target.adapt(measured).score(smiles[6:]).values - labels[6:])
    assert left.mean() < 1.0


def test_intervals_hold_what_the_correction_moved_and_are_inflated():
    moved = np.array([2.0, -1.0, 1.5, -2.0])
    found = Corrected(np.zeros(4), np.full(4, 0.2), moved, 1.5)
    before = np.full(4, 0.5)
    assert found.difficulty(before, 2.0) == pytest.approx(1.5 * np.hypot(0.1, moved / 2.0))
    hardly = dataclasses.replace(found, moved=np.array([0.0, 1e-12, 0.0, 0.0]))
    assert hardly.difficulty(before, 2.0) == pytest.approx(1.5 * 0.1)


def test_intervals_stay_as_they_are_where_nothing_is_corrected():
    model = adaptable_model(Covariance(0.0, 0.0, 4.0, 0.0, 0.01), factors=0, powers=(0.0, 0.0))
    model.residual_prior = dataclasses.replace(model.residual_prior, inflation=1.5)
    target, known = model.compile_target(QUERY), many_smiles(24)
    scores, signs = target.score(known).values, np.where(np.arange(24) % 2, 1.5, -1.5)
    measured = [Measurement(one, float(value)) for one, value in zip(known, scores + signs, strict=True)]
    adaptation = dataclasses.replace(target.adapt(measured).adaptation, choice="none")
    found = adaptation.corrected(scores, target.prior.similarity(known), adaptation.similarity(known))
    assert np.array_equal(found.difficulty(np.full(24, 0.5), 2.0), np.full(24, 0.5))


def test_training_sets_the_width_of_intervals_after_adaptation(tmp_path: Path):
    """Where held-out targets have compounds enough to be divided; else they stay as wide as they are."""
    path = write_table(tmp_path / "many.csv", targets=60)
    _, model = trained(path)
    assert model.residual_prior.learned["interval_rows"] >= 30
    assert model.residual_prior.inflation != 1.0
    _, few = trained(write_table(tmp_path / "few.csv", targets=12))
    assert "interval_rows" not in few.residual_prior.learned
    assert few.residual_prior.inflation == 1.0


def test_compounds_to_be_scored_are_drawn_from_all_of_a_target():
    few, many = np.arange(10), np.arange(1000)
    assert np.array_equal(_at_most(few, np.random.default_rng(0)), few)
    drawn = _at_most(many, np.random.default_rng(0))
    assert len(np.unique(drawn)) == 64
    assert 300 < drawn.mean() < 700


def test_intervals_are_set_with_bounds_as_bounds(tmp_path: Path):
    """As adapting takes them; of the bounds of a table, the labels are the numbers alone."""
    path = write_table(
        tmp_path / "table.csv", targets=6, relation=lambda number, place: "<" if place == 1 else ""
    )
    interactions = open_data(tiny(path).data)
    labels = SimpleNamespace(labels=torch.from_numpy(interactions.point()))
    measured = [_measurement(interactions, labels, row) for row in range(len(interactions))]
    assert {one.relation for one in measured if one.smiles == measured[1].smiles} == {-1}
    assert sum(one.relation == 0 for one in measured) == len(measured) - 6
    assert [one.value for one in measured] == pytest.approx(interactions.point().tolist())


def test_a_few_targets_are_enough_to_start_from(tmp_path: Path):
    _, model = trained(write_table(tmp_path / "few.csv", targets=6))
    assert 1 <= model.residual_prior.learned["targets"] <= 2


def test_without_retrieval_there_are_no_profiles(table: Path):
    _, model = trained(table, *NO_RETRIEVAL)
    assert model.residual_prior.profiles.size == 0
    assert model.residual_prior.covariance.profile == 0


def test_classes_are_not_adapted_to_and_that_is_said(tmp_path: Path):
    _, model = trained(write_table(tmp_path / "classes.csv", targets=40, header="active"))
    assert model.residual_prior is None
    assert "classes" in model.card["no_adaptation"]


def test_learning_once_more_from_all_rows_keeps_profiles_by_compound(table: Path, tmp_path: Path):
    run = fit(tiny(table, "training.refit=true"), tmp_path / "run").folder
    selected, final = load_model(run.selected_path), load_model(run.model_path)
    assert final.residual_prior.covariance == selected.residual_prior.covariance
    for place, compound in enumerate(final.landmark_compounds):
        own = final.residual_prior.profiles[place]
        if compound in selected.landmark_compounds:
            before = selected.landmark_compounds.index(compound)
            assert np.array_equal(own, selected.residual_prior.profiles[before])
        else:
            assert not own.any()


def test_a_model_without_some_targets_keeps_the_profiles_of_the_compounds_that_are_left(table: Path):
    _, model = trained(table)
    fewer = without_targets(model, [0, 1])
    assert len(fewer.residual_prior.profiles) == len(fewer.landmark_compounds)
    assert fewer.compile_target(model.memory_sequences[0]).residual_prior is not None


@pytest.mark.parametrize(("second", "draws"), [(1, 1), (-1, 0)], ids=["corrected", "not corrected"])
def test_intervals_are_set_by_draws_that_are_corrected(second: int, draws: int):
    """Residuals of both signs speak against an offset: nothing is corrected, so nothing is inflated."""
    prior = ResidualPrior(Covariance(9.0, 0.0, 0.0, 0.0, 0.05), 6.0, 1.0, np.zeros((0, 0), np.float32))
    labels = torch.tensor([12.0, 6.0 + 6 * second, 6.0, 6.0])
    data = SimpleNamespace(
        compound_index=np.arange(4), labels=labels, similarity=None, counts=np.eye(4, 16, dtype=np.uint8)
    )
    found = _ratios(
        model=SimpleNamespace(retrieval=None, radius=2),
        prior=prior,
        data=data,
        valid=np.arange(4),
        scores=np.full(4, 6.0, dtype=np.float32),
        held_out=SimpleNamespace(difficulty=np.ones(4)),
        quantiles=np.ones(4, dtype=np.float32),
        measured=[Measurement(str(place), float(labels[place])) for place in range(2)],
        support=np.arange(2),
        query=np.arange(2, 4),
    )
    assert len(list(found)) == draws
