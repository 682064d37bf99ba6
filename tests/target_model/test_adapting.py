"""Targets learn from measurements, say what they have seen, and forget it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.checkpoint import load_model, load_target_model, save_model, save_target_model
from hyperpcm.checkpoint.plain_arrays import plain_arrays
from hyperpcm.chem import morgan_counts, tanimoto
from hyperpcm.errors import (
    ConfigError,
    CorruptModelError,
    IncompatibleModelError,
    InvalidSmilesError,
    LabelError,
)
from hyperpcm.screening import Panel
from hyperpcm.target_model import Covariance, Measurement, ResidualPrior, TargetModel
from hyperpcm.target_model.adaptation import fit_adaptation
from hyperpcm.target_model.adapting import adapted, profiles_of, summary, unadapted, without_seen
from hyperpcm.target_model.card import target_card_text
from hyperpcm.target_model.residual_prior import smoothed_profiles
from hyperpcm.trust import atom_contributions, masked_atoms
from small_adaptation import COVARIANCE, adaptable_model, measured_values
from small_calibrations import calibration
from small_models import ACTIVE, PLAIN, QUERY, SMILES, WIDTH, made_model, many_smiles


@pytest.fixture(scope="module")
def target() -> TargetModel:
    return adaptable_model().compile_target(QUERY, name="a kinase")


def test_scores_are_the_posterior_mean_of_the_gaussian_process(target: TargetModel):
    values = [7.2, 5.1, 8.0, 6.4]
    found = target.adapt(measured_values(values))
    assert found.adaptation.choice == "posterior"
    known, asked = list(SMILES[:4]), list(SMILES[3:])
    prior = target.residual_prior

    def kernel(one: list[str], other: list[str]) -> np.ndarray:
        counts = [morgan_counts(side, width=WIDTH) for side in (one, other)]
        z = [prior.standardised(target.score(side).values) for side in (one, other)]
        psi = [smoothed_profiles(target.prior.similarity(side), prior.profiles) for side in (one, other)]
        u, v = zip(*(sizes(side) for side in (one, other)), strict=True)
        return np.outer(*u) * (COVARIANCE.offset + COVARIANCE.slope * np.outer(*z)) + np.outer(*v) * (
            COVARIANCE.structure * tanimoto(*counts).astype(float) ** 2
            + COVARIANCE.profile * psi[0] @ psi[1].T
        )

    def sizes(smiles: list[str]) -> tuple[np.ndarray, np.ndarray]:
        scale = np.interp(target.score(smiles).values, prior.knots, prior.scales)
        return scale**0.5, scale

    residuals = np.array(values) - target.score(known).values
    noise = COVARIANCE.noise * np.diag(sizes(known)[0] ** 2)
    solved = np.linalg.solve(kernel(known, known) + noise, residuals)
    expected = target.score(asked).values + kernel(asked, known) @ solved
    assert found.score(asked).values == pytest.approx(expected, abs=1e-4)


def test_a_measurement_pulls_its_compound_and_hardly_one_unlike_it(target: TargetModel):
    before = target.score(list(SMILES)).values
    after = target.adapt(measured_values([float(before[0]) + 2])).score(list(SMILES)).values
    change = after - before
    assert 0 < change[1:].max() < change[0] < 2


def test_more_measurements_move_more_and_narrow_more():
    model = adaptable_model()
    model.calibration = calibration(model.retrieval.width)
    target = model.compile_target(QUERY)
    half = []
    for number in (0, 1, 4, 8):
        values = [float(v) + 0.8 for v in target.score(list(SMILES)).values[:number]]
        found = target.adapt(measured_values(values)).score([SMILES[-1]])
        half.append(float(found.intervals.upper[0] - found.values[0]))
    assert sorted(half, reverse=True) == half
    assert half[-1] < half[0]


def test_the_order_of_measurements_and_of_files_plays_no_part(target: TargetModel):
    first, second = measured_values([7.0, 5.0, 6.5]), measured_values([8.0, 8.2], first=3)
    at_once = target.adapt([*second, *first])
    in_turn = target.adapt(first).adapt(second)
    assert at_once.score(list(SMILES)).values == pytest.approx(in_turn.score(list(SMILES)).values, abs=1e-5)
    assert summary(in_turn.adaptation)["measurements"] == 5


def test_a_source_can_be_taken_back(target: TargetModel):
    first = measured_values([7.0, 5.0, 6.5])
    both = target.adapt(first).adapt(measured_values([9.0, 4.0], source="other.csv", first=3))
    back = unadapted(both, lambda one: one.source == "other.csv")
    assert np.array_equal(back.score(list(SMILES)).values, target.adapt(first).score(list(SMILES)).values)
    assert unadapted(both).adaptation is None
    assert np.array_equal(unadapted(both).score(list(SMILES)).values, target.score(list(SMILES)).values)


def test_rows_that_were_seen_are_told_apart_from_new_ones(target: TargetModel):
    first = measured_values([7.0, 5.0])
    seen = target.adapt(first)
    assert without_seen(seen, first) == []
    assert without_seen(seen, [*first, first[0]]) == [first[0]]
    assert without_seen(seen, measured_values([7.0], source="b.csv")) == measured_values(
        [7.0], source="b.csv"
    )


def test_rows_that_a_file_kept_in_single_precision_were_seen(target: TargetModel):
    seen = target.adapt(measured_values([float(np.float32(7.3))]))
    assert without_seen(seen, measured_values([7.3])) == []


@pytest.mark.parametrize(
    "measurements",
    [
        measured_values([7.0]),
        measured_values([6.0] * 6),
        measured_values([5.0] * 6, relation=-1),
        [*measured_values([4.0]), *measured_values([9.0])],
    ],
    ids=["one", "all equal", "all bounds", "replicates that contradict"],
)
def test_odd_measurements_give_finite_scores(target: TargetModel, measurements: list[Measurement]):
    found = target.adapt(measurements)
    assert np.isfinite(found.score(list(SMILES)).values).all()
    assert np.isfinite(list(found.adaptation.densities.values())).all()


def test_replicates_count_with_their_mean(target: TargetModel):
    """However many they are: what sets a compound apart from others is in all of them."""
    once = target.adapt(measured_values([7.0]))
    for values in ([6.8, 7.2], [7.0] * 20, [5.0, 9.0]):
        found = target.adapt([one for value in values for one in measured_values([value])])
        assert found.score(list(SMILES)).values == pytest.approx(once.score(list(SMILES)).values, abs=1e-5)
        assert found.adaptation.densities == pytest.approx(once.adaptation.densities)
        assert found.adaptation.expected == pytest.approx([0.0] * len(values))  # no other tells of it


@pytest.mark.parametrize("replicates", [1, 4])
def test_replicates_do_not_speak_for_the_correction(replicates: int):
    """Residuals that no compounds share: told from other compounds, they are told no better by repetition."""
    target = adaptable_model(Covariance(0.1, 0.05, 0.2, 0.5, 0.05), powers=(0.0, 0.0)).compile_target(QUERY)
    smiles, generator = many_smiles(40), np.random.default_rng(0)
    scores = target.score(smiles).values
    residuals = generator.normal(size=40) * 1.5 * np.where(np.arange(40) % 2, 1, -1)
    around = generator.normal(size=replicates) * 0.1
    measured = [
        Measurement(one, float(value))
        for one, score, residual in zip(smiles, scores, residuals, strict=True)
        for value in score + residual + around - around.mean()
    ]
    found = target.adapt(measured)
    assert found.adaptation.choice == "none"
    told = summary(found.adaptation)
    assert told["rmse_left_out"] > told["rmse_before"]


def test_the_tightest_bounds_of_a_compound_count_and_values_beat_them(target: TargetModel):
    def scores(*measured: tuple[float, int]) -> np.ndarray:
        seen = [Measurement(SMILES[0], value, relation) for value, relation in measured]
        return target.adapt(seen).score(list(SMILES)).values

    assert scores((5.0, 1), (8.0, 1), (7.0, 1)) == pytest.approx(scores((8.0, 1)), abs=1e-6)
    assert scores((5.0, -1), (4.0, -1)) == pytest.approx(scores((4.0, -1)), abs=1e-6)
    assert scores((7.0, 0), (5.0, 1), (9.5, 1)) == pytest.approx(scores((7.0, 0)), abs=1e-6)
    assert scores((9.0, 1), (5.0, -1)) == pytest.approx(scores((7.0, 0)), abs=1e-6)  # they contradict
    between, above = scores((8.0, 1), (8.5, -1))[0], scores((8.0, 1))[0]
    assert target.score([SMILES[0]]).values[0] < between < above


def test_bounds_push_in_their_direction(target: TargetModel):
    before = float(target.score([SMILES[0]]).values[0])
    for relation in (1, -1):
        found = target.adapt(measured_values([before + relation], relation=relation))
        assert np.sign(float(found.score([SMILES[0]]).values[0]) - before) == relation


def test_ten_thousand_measurements_go_over_anchors():
    model = adaptable_model()
    target = model.compile_target(QUERY)
    smiles = many_smiles(120)
    scores = target.score(smiles).values
    generator = np.random.default_rng(2)
    rows = generator.integers(0, len(smiles), 10_000)
    measurements = [
        Measurement(smiles[row], float(scores[row] + 1 + generator.normal(0, 0.2))) for row in rows
    ]
    prior, counts = target.residual_prior, morgan_counts([smiles[row] for row in rows], width=WIDTH)
    near = target.prior.similarity([smiles[row] for row in rows])
    few = fit_adaptation(prior, measurements, scores[rows], near, counts, 2, most_anchors=16)
    every = fit_adaptation(prior, measurements, scores[rows], near, counts, 2)
    assert len(few.anchors) == 16 < len(every.anchors)
    for found in (few, every):
        corrected = found.corrected(scores, target.prior.similarity(smiles), found.similarity(smiles))
        assert corrected.values - scores == pytest.approx(1, abs=0.15)
        assert (corrected.narrowing <= 1).all()


def test_measurements_that_noise_explains_are_not_followed():
    """Alternating signs on near twins: every neighbour misleads, and leaving one out tells."""
    model = adaptable_model(Covariance(0.0, 0.0, 4.0, 0.0, 0.01), factors=0, powers=(0.0, 0.0))
    target = model.compile_target(QUERY)
    smiles = many_smiles(24)
    scores = target.score(smiles).values
    signs = np.where(np.arange(24) % 2, 1.5, -1.5)
    found = adapted(
        target, [Measurement(s, float(v + d)) for s, v, d in zip(smiles, scores, signs, strict=True)]
    )
    assert found.adaptation.choice != "posterior"
    assert found.adaptation.densities[found.adaptation.choice] > found.adaptation.densities["posterior"]


def test_a_target_without_retrieval_adapts_too():
    model = made_model(PLAIN)
    model.residual_prior = dataclasses.replace(
        adaptable_model().residual_prior, profiles=np.zeros((0, 0), dtype=np.float32)
    )
    target = model.compile_target(QUERY)
    before = target.score([SMILES[0]]).values[0]
    found = target.adapt(measured_values([float(before) + 2]))
    assert found.score([SMILES[0]]).values[0] > before + 0.5
    assert Panel([found]).score(list(SMILES)).values[0] == pytest.approx(
        found.score(list(SMILES)).values, abs=1e-4
    )


def test_models_that_know_nothing_of_residuals_refuse():
    with pytest.raises(ConfigError, match="train it again"):
        made_model().compile_target(QUERY).adapt(measured_values([7.0]))
    model = made_model(quantity=ACTIVE)
    model.card["no_adaptation"] = "labels are classes."
    with pytest.raises(ConfigError, match="labels are classes"):
        model.compile_target(QUERY).adapt(measured_values([1.0]))


def test_values_that_are_no_numbers_are_refused(target: TargetModel):
    with pytest.raises(LabelError, match="nan"):
        target.adapt(measured_values([float("nan")]))


def test_files_keep_the_prior_and_what_was_seen(target: TargetModel, tmp_path: Path):
    found = target.adapt(measured_values([7.0, 5.0, 6.5]))
    save_target_model(found, tmp_path / "a.hpcm")
    loaded = load_target_model(tmp_path / "a.hpcm")
    assert loaded.adaptation.measurements == found.adaptation.measurements
    for smiles in (SMILES, SMILES[3:]):
        one, other = (each.score(list(smiles)).values for each in (found, loaded))
        assert np.array_equal(one, other)
    again = loaded.adapt(measured_values([8.0], first=4)).score(list(SMILES)).values
    assert np.array_equal(again, found.adapt(measured_values([8.0], first=4)).score(list(SMILES)).values)
    save_target_model(unadapted(loaded), tmp_path / "b.hpcm")
    save_target_model(target, tmp_path / "c.hpcm")
    assert (tmp_path / "b.hpcm").read_bytes() == (tmp_path / "c.hpcm").read_bytes()


def test_a_model_file_keeps_the_prior(tmp_path: Path):
    model = adaptable_model()
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded.residual_prior.covariance == COVARIANCE
    assert np.array_equal(loaded.residual_prior.profiles, model.residual_prior.profiles)


@pytest.mark.parametrize("spoiled", ["whitening", "mean", "before"])
def test_a_file_whose_adaptation_does_not_fit_is_refused(spoiled: str, target: TargetModel, tmp_path: Path):
    found = target.adapt(measured_values([7.0, 5.0, 6.5]))
    own = found.adaptation
    broken = {
        "whitening": {"whitening": own.whitening[:2, :2]},
        "mean": {"weights": dataclasses.replace(own.weights, mean=own.weights.mean[:-1])},
        "before": {"before": own.before[:1]},
    }[spoiled]
    bad = dataclasses.replace(found, adaptation=dataclasses.replace(own, **broken))
    save_target_model(bad, tmp_path / "bad.hpcm")
    with pytest.raises((IncompatibleModelError, CorruptModelError)):
        load_target_model(tmp_path / "bad.hpcm")


def test_panels_score_adapted_targets_beside_others(target: TargetModel):
    found = target.adapt(measured_values([7.0, 5.0, 6.5]))
    smiles = [*SMILES, *many_smiles(90)]
    values = Panel([target, found], names=["before", "after"]).score(smiles).values
    assert values[0] == pytest.approx(target.score(smiles).values, abs=1e-4)
    assert values[1] == pytest.approx(found.score(smiles).values, abs=1e-4)


def test_forms_without_measurements_refuse(target: TargetModel):
    with pytest.raises(IncompatibleModelError, match="measurements"):
        plain_arrays(target.adapt(measured_values([7.0])))
    arrays, header = plain_arrays(target)
    assert not [name for name in arrays if name.startswith("residuals")]
    assert "residuals" not in header


def test_contributions_of_atoms_are_those_of_the_adapted_score(target: TargetModel):
    found = target.adapt(measured_values([9.5, 9.0, 9.2]))
    score = float(found.score([SMILES[2]]).values[0])
    told = atom_contributions(found, SMILES[2], orders=4)
    assert told.score == pytest.approx(score, abs=1e-3)
    assert masked_atoms(found, SMILES[2]).score == pytest.approx(score, abs=1e-3)


def test_the_card_says_what_was_seen(target: TargetModel):
    text = target_card_text(target.adapt(measured_values([7.0, 5.0])))
    assert "measurements seen: 2 of 2 compounds" in text
    assert "assay.csv" in text
    assert "measurements seen" not in target_card_text(target)


def test_offset_and_slope_are_those_of_the_correction():
    """Of scores that hardly err, and of half a correction, less is moved than the weights would."""
    prior = ResidualPrior(
        Covariance(0.3, 0.0001, 0.001, 0.0, 0.05), 6.5, 0.8, np.zeros((0, 0), np.float32),
        knots=np.array([0.0, 12.0]), scales=np.array([0.3, 0.3]), powers=(1.0, 1.0),
    )  # fmt: skip
    model = made_model(PLAIN)
    model.residual_prior = prior
    target, smiles = model.compile_target(QUERY), many_smiles(40)
    scores = target.score(smiles).values
    found = target.adapt(
        [Measurement(one, float(v + 1)) for one, v in zip(smiles[:20], scores, strict=False)]
    )
    for choice, share in (("posterior", 1.0), ("blend", 0.5)):
        own = dataclasses.replace(found, adaptation=dataclasses.replace(found.adaptation, choice=choice))
        moved = float((own.score(smiles[20:]).values - scores[20:]).mean())
        assert moved == pytest.approx(share, rel=0.2)
        assert summary(own.adaptation)["offset"] == pytest.approx(moved, rel=0.05)


def test_a_relation_that_is_none_is_refused(target: TargetModel):
    with pytest.raises(LabelError, match="relation of the measured value is 2"):
        target.adapt(measured_values([6.0], relation=2))


@pytest.mark.parametrize("relation", [0, 1, -1])
def test_values_on_another_scale_are_refused(relation: int, target: TargetModel):
    with pytest.raises(LabelError, match="do not seem to be on one scale"):
        target.adapt(measured_values([6.0, 1e8], relation=relation))


def test_smiles_are_standardised_once(target: TargetModel):
    found = target.adapt([Measurement("OCC", 9.0), Measurement("CCO.Cl", 9.0), Measurement("CCO", 9.0)])
    assert [one.smiles for one in found.adaptation.measurements] == ["CCO"] * 3
    assert summary(found.adaptation)["compounds"] == 1
    once = target.adapt([Measurement("CCO", 9.0)])
    assert found.score(["CCO"]).values == pytest.approx(once.score(["CCO"]).values)
    with pytest.raises(InvalidSmilesError):
        target.adapt([Measurement("CC(", 9.0)])


def test_profiles_are_computed_a_few_compounds_at_a_time(target: TargetModel):
    smiles = (many_smiles(121) * 9)[: 2 * 512 + 3]
    expected = smoothed_profiles(target.prior.similarity(smiles), target.residual_prior.profiles)
    found = profiles_of(target, target.residual_prior, smiles)
    assert found == pytest.approx(expected)


def test_scores_at_hand_are_not_computed_again(target: TargetModel):
    known = {smiles: 5.0 for smiles in SMILES[:3]}
    found = adapted(target, measured_values([6.0, 6.0, 6.0]), scores=known)
    assert found.adaptation.before.tolist() == [5.0] * 3
