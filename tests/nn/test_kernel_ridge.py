"""Two-axis kernel ridge regression beside scikit-learn's and beside formulas written with loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge

from hyperpcm.nn.kernel_ridge import (
    KernelPart,
    RidgeProblem,
    TwoAxisRidge,
    added_landmarks,
    landmark_number,
    ridge_scores,
)
from hyperpcm.nn.ridge_solver import (
    coefficients_of,
    known_scores,
    solve_ridge,
    solve_ridge_for,
    solve_weights,
)

PARTS = (KernelPart(1.0, 1.0, 1.0), KernelPart(0.5, 3.0, 2.0))
NOISE = 0.3
TARGETS, COMPOUNDS, LABELS = 5, 9, 30


def kernel(generator: np.random.Generator, size: int) -> np.ndarray:
    """A similarity with 1 on the diagonal, whose powers are positive: that of points on a line."""
    places = np.sort(generator.uniform(0, 3, size))
    return np.exp(-np.abs(places[:, None] - places)).astype(np.float32)


def made(landmarks: np.ndarray | None = None, seed: int = 0) -> RidgeProblem:
    generator = np.random.default_rng(seed)
    targets, compounds = kernel(generator, TARGETS), kernel(generator, COMPOUNDS)
    chosen = np.arange(COMPOUNDS) if landmarks is None else landmarks
    pairs = generator.choice(TARGETS * COMPOUNDS, LABELS, replace=False)
    arrays = (targets, compounds[:, chosen], chosen, pairs // COMPOUNDS, pairs % COMPOUNDS)
    labels = generator.normal(size=LABELS).astype(np.float32)
    return RidgeProblem(*(torch.from_numpy(array) for array in (*arrays, labels)))


def fitted(problem: RidgeProblem, parts=PARTS) -> TwoAxisRidge:
    ridge = TwoAxisRidge(len(parts), TARGETS, len(problem.landmarks))
    ridge.set(parts, solve_ridge(problem, parts, NOISE, iterations=500, tolerance=1e-6))
    return ridge


def pair_kernel(targets: np.ndarray, compounds: np.ndarray, part: KernelPart) -> np.ndarray:
    return part.weight * targets**part.target_exponent * compounds**part.compound_exponent


def test_with_every_compound_a_landmark_it_is_kernel_ridge_regression_on_the_product_kernel():
    problem = made()
    t, c = problem.targets.numpy(), problem.compounds.numpy()
    similarity, tanimoto = problem.similarity.numpy(), problem.tanimoto.numpy()
    between = sum(
        pair_kernel(similarity[np.ix_(t, t)], tanimoto[np.ix_(c, c)], part).astype(float) for part in PARTS
    )
    oracle = KernelRidge(alpha=NOISE, kernel="precomputed").fit(between, problem.labels.numpy())
    ridge = fitted(problem)
    scores = ridge_scores(
        ridge.collapse(problem.similarity),
        ridge.compound_exponents,
        problem.tanimoto.expand(TARGETS, -1, -1),
    )
    for target in range(TARGETS):
        row = sum(
            pair_kernel(similarity[target, t][None], tanimoto[:, c], part).astype(float) for part in PARTS
        )
        np.testing.assert_allclose(scores[target].numpy(), oracle.predict(row), rtol=1e-3, atol=1e-4)


def test_with_fewer_landmarks_it_is_the_nystrom_approximation():
    landmarks = np.array([0, 2, 5, 8])
    problem, part = made(landmarks), KernelPart(1.0, 2.0, 1.0)
    t, c = problem.targets.numpy(), problem.compounds.numpy()
    near = problem.tanimoto.numpy().astype(float)
    inverse = np.linalg.inv(near[landmarks] + 1e-4 * np.eye(len(landmarks)))
    compounds = near @ inverse @ near.T
    targets = problem.similarity.numpy().astype(float) ** 2
    between = targets[np.ix_(t, t)] * compounds[np.ix_(c, c)]
    alpha = np.linalg.solve(between + NOISE * np.eye(LABELS), problem.labels.numpy())
    ridge = fitted(problem, (part,))
    scores = ridge_scores(
        ridge.collapse(problem.similarity),
        ridge.compound_exponents,
        problem.tanimoto.expand(TARGETS, -1, -1),
    )
    for target in range(TARGETS):
        expected = (targets[target, t] * compounds[:, c]) @ alpha
        np.testing.assert_allclose(scores[target].numpy(), expected, rtol=2e-3, atol=2e-4)


def test_a_part_without_weight_changes_nothing():
    problem = made()
    with_it = fitted(problem, (PARTS[0], KernelPart(0.0, 4.0, 4.0)))
    alone = fitted(problem, (PARTS[0],))
    torch.testing.assert_close(with_it.coefficients[0], alone.coefficients[0])
    assert not with_it.coefficients[1].any()


def test_labels_of_a_pair_measured_twice_both_count():
    problem = made()
    twice = RidgeProblem(
        problem.similarity,
        problem.tanimoto,
        problem.landmarks,
        *(torch.cat([part, part[:1]]) for part in (problem.targets, problem.compounds, problem.labels)),
    )
    before, after = fitted(problem), fitted(twice)
    assert not torch.allclose(before.coefficients, after.coefficients, atol=1e-3)


@pytest.mark.parametrize("iterations", [1, 3])
def test_stopping_early_shrinks(iterations: int):
    problem = made()
    early = solve_ridge(problem, PARTS[:1], NOISE, iterations=iterations, tolerance=0.0)
    full = solve_ridge(problem, PARTS[:1], NOISE, iterations=200, tolerance=1e-7)
    assert float(early.norm()) < float(full.norm())


@pytest.mark.parametrize(
    ("compounds", "most", "expected"),
    [(10, 4096, 10), (4096, 4096, 4096), (5000, 4096, 4096), (240_000, 4096, 500)],
)
def test_landmarks_are_all_compounds_where_there_are_few_and_fewer_the_more_there_are(
    compounds, most, expected
):
    assert landmark_number(compounds, most) == expected


def test_rows_of_many_targets_at_once_give_what_one_target_at_a_time_gives():
    problem = made(np.array([0, 2, 3, 5]))
    one = solve_ridge(problem, PARTS, 0.3, tolerance=1e-6, by_target=True)
    many = solve_ridge(problem, PARTS, 0.3, tolerance=1e-6, by_target=False)
    torch.testing.assert_close(many, one, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("landmarks", [None, np.array([0, 2, 3, 5])])
@pytest.mark.parametrize("by_target", [True, False])
def test_solutions_side_by_side_are_those_of_the_labels_that_each_sees(landmarks, by_target: bool):
    problem = made(landmarks)
    seen = torch.from_numpy(np.random.default_rng(3).random((4, LABELS)) < 0.7)
    seen[2] = False
    seen[3] = True
    options = {"iterations": 300, "tolerance": 1e-6, "by_target": by_target}
    found = solve_ridge_for(problem, seen, PARTS, NOISE, **options)
    assert not found[2].any()
    for own, coefficients in zip(seen[[0, 1, 3]], found[[0, 1, 3]], strict=True):
        alone = solve_ridge(problem.only(own.nonzero()[:, 0]), PARTS, NOISE, **options)
        torch.testing.assert_close(coefficients, alone, rtol=1e-3, atol=1e-4)
    assert not torch.allclose(found[0], found[3], atol=1e-2)


@pytest.mark.parametrize("landmarks", [None, np.array([0, 2, 3, 5, 7, 8])])
def test_where_the_kernel_of_targets_is_not_positive_scores_are_those_of_the_kernel_that_was_solved(
    landmarks,
):
    problem = made(landmarks)
    ends = torch.eye(TARGETS)  # two halves of a protein, alike with the whole and not with each other
    ends[0, 1] = ends[1, 0] = ends[0, 2] = ends[2, 0] = 0.95
    problem = replace(problem, similarity=ends)
    part = KernelPart(1.0, 1.0, 2.0)
    assert float(torch.linalg.eigvalsh(ends)[0]) < -0.1
    found = solve_ridge(problem, (part,), 0.05, iterations=500, tolerance=1e-7)
    said = known_scores(problem, (part,), found, problem.targets, problem.compounds)
    values, vectors = torch.linalg.eigh(ends)
    positive = (vectors * values.clamp_min(0)) @ vectors.T
    compounds = problem.tanimoto**2
    if landmarks is not None:
        compounds = compounds @ torch.linalg.solve(compounds[problem.landmarks], compounds.T)
    else:
        compounds = compounds[:, :COMPOUNDS]
    t, c = problem.targets, problem.compounds
    kernel = positive[t][:, t] * compounds[c][:, c]
    expected = kernel @ torch.linalg.solve(kernel + 0.05 * torch.eye(LABELS), problem.labels)
    torch.testing.assert_close(said, expected, rtol=1e-2, atol=5e-3)


def test_a_solution_that_is_good_enough_stays_while_others_go_on():
    problem = made()
    easy = torch.zeros(LABELS, dtype=torch.bool)
    easy[:1] = True  # solved in one step
    seen = torch.stack([easy, torch.ones_like(easy)])
    options = {"iterations": 60, "tolerance": 1e-7}
    together = solve_ridge_for(problem, seen, PARTS, NOISE, **options)
    alone = solve_ridge_for(problem, seen[:1], PARTS, NOISE, **options)
    torch.testing.assert_close(together[0], alone[0], rtol=1e-5, atol=1e-6)
    assert torch.isfinite(together).all()


@pytest.mark.gpu
@pytest.mark.parametrize("landmarks", [None, np.array([0, 2, 3, 5])])
def test_a_gpu_solves_what_the_cpu_solves(landmarks):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    problem = made(landmarks)
    here = solve_ridge(problem, PARTS, 0.3, tolerance=1e-6)
    there = solve_ridge(problem.to("cuda"), PARTS, 0.3, tolerance=1e-6)
    assert there.device.type == "cuda"
    torch.testing.assert_close(there.cpu(), here, rtol=1e-3, atol=1e-4)
    asked = problem.targets[:5], problem.compounds[:5]
    on_gpu = known_scores(problem.to("cuda"), PARTS, there, *(one.to("cuda") for one in asked))
    torch.testing.assert_close(on_gpu.cpu(), known_scores(problem, PARTS, here, *asked), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("landmarks", [None, np.array([0, 3, 4, 7])])
def test_the_weights_of_the_labels_amount_to_the_coefficients(landmarks):
    problem = made(landmarks)
    shuffled = problem.only(torch.from_numpy(np.random.default_rng(5).permutation(LABELS)))
    weights = solve_weights(shuffled, PARTS, NOISE, iterations=300, tolerance=1e-7)
    expected = solve_ridge(shuffled, PARTS, NOISE, iterations=300, tolerance=1e-7)
    assert torch.equal(coefficients_of(shuffled, PARTS, weights), expected)
    if landmarks is None:
        t, c = shuffled.targets.numpy(), shuffled.compounds.numpy()
        near = shuffled.similarity.numpy()[np.ix_(t, t)], shuffled.tanimoto.numpy()[np.ix_(c, c)]
        said = sum(pair_kernel(*near, part) for part in PARTS) @ weights.numpy() + NOISE * weights.numpy()
        assert np.allclose(said, shuffled.labels.numpy(), atol=1e-3)


@pytest.mark.parametrize(
    ("compounds", "landmarks", "added", "expected"),
    [(100, 90, 10, 10), (30_000, 4_000, 500, 0), (30_000, 3_800, 500, 200), (1, 0, 1, 1)],
)
def test_compounds_that_are_added_become_landmarks_as_far_as_the_table_stays_small(
    compounds: int, landmarks: int, added: int, expected: int
):
    assert added_landmarks(compounds, landmarks, added) == expected
