"""Label retrieval beside the recursion written as loops, its special cases, and what it must not see."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from hyperpcm.nn.label_memory import LabelMemory, SparseTable
from hyperpcm.nn.retrieval import CollapsedLabels, LabelRetrieval

TARGETS, COMPOUNDS, ROWS, LANDMARKS = 3, 4, 6, 7


def known(seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Similarity of targets to rows, Tanimoto to landmarks, labels and which of them exist."""
    generator = np.random.default_rng(seed)
    similarity = generator.uniform(0.05, 1.0, (TARGETS, ROWS)).astype(np.float32)
    tanimoto = generator.uniform(0.05, 1.0, (TARGETS, COMPOUNDS, LANDMARKS)).astype(np.float32)
    measured = (generator.random((ROWS, LANDMARKS)) < 0.6).astype(np.float32)
    labels = generator.normal(size=(ROWS, LANDMARKS)).astype(np.float32) * measured
    return tuple(torch.from_numpy(array) for array in (similarity, tanimoto, labels, measured))


def looped(
    module: LabelRetrieval,
    similarity: Tensor,
    tanimoto: Tensor,
    labels: Tensor,
    measured: Tensor,
    allowed: Tensor | None = None,
) -> np.ndarray:
    """The formulas of the module, one interaction after the other."""
    b, a = (p.detach().double().numpy() for p in (module.target_exponent, module.compound_exponent))
    fallback = module.log_fallback.detach().double().exp().numpy()
    levels = len(b)
    out = np.zeros((*tanimoto.shape[:2], 3 * levels))
    for t in range(tanimoto.shape[0]):
        for c in range(tanimoto.shape[1]):
            mean = 0.0
            for level in range(levels):
                evidence = first = second = 0.0
                for r in range(labels.shape[0]):
                    if allowed is not None and not allowed[t, r]:
                        continue
                    for j in range(labels.shape[1]):
                        if not measured[r, j]:
                            continue
                        near = max(float(similarity[t, r]), 1e-3) ** b[level]
                        weight = near * max(float(tanimoto[t, c, j]), 1e-3) ** a[level]
                        evidence += weight
                        first += weight * float(labels[r, j])
                        second += weight * float(labels[r, j]) ** 2
                mean = (first + fallback[level] * mean) / (evidence + fallback[level])
                centre = first / (evidence + 1e-4)
                variance = (second + 1e-4) / (evidence + 1e-4) - centre**2
                out[t, c, level] = mean
                out[t, c, levels + level] = math.sqrt(max(variance, 1e-4))
                out[t, c, 2 * levels + level] = math.log(evidence + 1e-4)
    return out


def features(
    module: LabelRetrieval,
    similarity: Tensor,
    tanimoto: Tensor,
    labels: Tensor,
    measured: Tensor,
    allowed: Tensor | None = None,
) -> Tensor:
    weights = module.target_weights(similarity, allowed)
    return module(module.collapse(weights, LabelMemory.dense(labels, measured)), tanimoto)


@pytest.mark.parametrize("masked", [False, True])
def test_features_equal_the_recursion_in_loops(masked: bool):
    module = LabelRetrieval((0.0, 2.0, 4.0), (2.0, 8.0, 3.0), fallback=0.07)
    similarity, tanimoto, labels, measured = known()
    allowed = torch.rand(TARGETS, ROWS, generator=torch.Generator().manual_seed(0)) > 0.4 if masked else None
    found = features(module, similarity, tanimoto, labels, measured, allowed)
    assert found.shape == (TARGETS, COMPOUNDS, module.width)
    expected = looped(module, similarity, tanimoto, labels, measured, allowed)
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=2e-4, atol=2e-4)
    assert torch.equal(module.scores(found), found[..., 2])


def memory_of(labels: Tensor, measured: Tensor, *, most_cells: int) -> LabelMemory:
    rows, columns = measured.nonzero().unbind(1)
    shape = (labels.shape[0], labels.shape[1])
    return LabelMemory.of(rows, columns, labels[rows, columns], shape, most_cells=most_cells)


def test_a_sparse_memory_equals_a_dense_one_in_value_and_gradient():
    module = LabelRetrieval((1.0, 2.0), (2.0, 8.0))
    similarity, tanimoto, labels, measured = known()
    found = []
    for most_cells in (labels.numel(), 0):
        memory = memory_of(labels, measured, most_cells=most_cells)
        assert isinstance(memory.labels, SparseTable) == (most_cells == 0)
        scores = module(module.collapse(module.target_weights(similarity), memory), tanimoto)
        found.append([scores, *torch.autograd.grad(scores.square().sum(), list(module.parameters()))])
    for dense, sparse in zip(*found, strict=True):
        torch.testing.assert_close(dense, sparse, rtol=1e-4, atol=1e-4)
        assert float(dense.detach().abs().sum()) > 0


@pytest.mark.parametrize("most_cells", [0, 10_000])
def test_sums_over_compounds_are_those_of_a_loop(most_cells: int):
    _, _, labels, measured = known()
    memory = memory_of(labels, measured, most_cells=most_cells)
    weights = torch.rand(2, LANDMARKS, dtype=torch.float64)
    found = memory.sums_of_targets(weights)
    assert [one.dtype for one in found] == [torch.float64] * 2
    for table, sums in zip((measured, labels), found, strict=True):
        for way in range(2):
            for row in range(ROWS):
                expected = sum(float(weights[way, j]) * float(table[row, j]) for j in range(LANDMARKS))
                assert float(sums[way, row]) == pytest.approx(expected)


@pytest.mark.parametrize("most_cells", [0, 10_000])
def test_a_target_finds_its_own_labels(most_cells: int):
    _, _, labels, measured = known()
    memory = memory_of(labels, measured, most_cells=most_cells)
    for row in range(ROWS):
        for found, expected in zip(
            memory.of_target(row), (measured[row], labels[row], labels[row] ** 2), strict=True
        ):
            assert torch.equal(found, expected)


def test_its_own_labels_are_not_seen_where_masked():
    module = LabelRetrieval((0.0, 4.0), (2.0, 8.0))
    similarity, tanimoto, labels, measured = known()
    similarity[0, 2] = 1.0
    allowed = torch.ones(TARGETS, ROWS, dtype=torch.bool)
    allowed[0, 2] = False
    before = features(module, similarity, tanimoto, labels, measured, allowed)
    labels[2] += 100.0 * measured[2]
    after = features(module, similarity, tanimoto, labels, measured, allowed)
    assert torch.equal(after[0], before[0])
    assert not torch.allclose(after[1], before[1])


def test_exponents_of_zero_give_the_mean_of_all_labels():
    module = LabelRetrieval((0.0,), (0.0,), fallback=1e-8)
    similarity, tanimoto, labels, measured = known()
    scores = module.scores(features(module, similarity, tanimoto, labels, measured))
    mean = float(labels.sum() / measured.sum())
    torch.testing.assert_close(scores, torch.full_like(scores, mean))


def test_a_zero_exponent_on_targets_alone_gives_means_over_similar_compounds():
    module = LabelRetrieval((0.0,), (60.0,), fallback=1e-12)
    similarity, tanimoto, labels, measured = known()
    tanimoto = tanimoto * 0.8
    tanimoto[0, 0, 3] = 1.0  # the compound itself is a landmark: its own mean over targets
    score = module.scores(features(module, similarity, tanimoto, labels, measured))[0, 0]
    assert score.item() == pytest.approx(float(labels[:, 3].sum() / measured[:, 3].sum()), abs=1e-4)


def test_large_exponents_give_the_nearest_known_interaction():
    module = LabelRetrieval((60.0,), (60.0,), fallback=1e-20)
    similarity, tanimoto, labels, measured = known()
    similarity, tanimoto = similarity * 0.8, tanimoto * 0.8
    similarity[1, 4], tanimoto[1, 2, 5] = 1.0, 1.0
    measured[4, 5], labels[4, 5] = 1.0, 1.75
    score = module.scores(features(module, similarity, tanimoto, labels, measured))[1, 2]
    assert score.item() == pytest.approx(1.75, abs=1e-3)


def test_collapse_is_linear_in_the_weights_of_targets():
    module = LabelRetrieval((1.0, 2.0), (2.0, 8.0))
    _, _, labels, measured = known()
    one, other = torch.rand(2, TARGETS, 2, ROWS)
    memory = LabelMemory.dense(labels, measured)
    together = module.collapse(one + 2 * other, memory)
    apart = module.collapse(one, memory), module.collapse(other, memory)
    for name in ("evidence", "first", "second"):
        torch.testing.assert_close(
            getattr(together, name), getattr(apart[0], name) + 2 * getattr(apart[1], name)
        )


def test_without_evidence_a_level_falls_back_on_the_wider_one():
    module = LabelRetrieval((0.0, 0.0), (0.0, 60.0), fallback=0.05)
    similarity, tanimoto, labels, measured = known()
    tanimoto = torch.full_like(tanimoto, 0.05)  # no compound resembles a landmark
    found = features(module, similarity, tanimoto, labels, measured)
    torch.testing.assert_close(found[..., 1], found[..., 0])
    mean = float(labels.sum() / measured.sum())
    assert found[0, 0, 0].item() == pytest.approx(mean * float(measured.sum() / (measured.sum() + 0.05)))


def test_a_memory_that_says_nothing_gives_the_training_mean_and_finite_features():
    module = LabelRetrieval((0.0, 2.0), (2.0, 8.0))
    similarity, tanimoto, labels, measured = known()
    nothing = torch.zeros_like(labels)
    found = features(module, similarity, tanimoto, nothing, nothing)
    assert torch.equal(module.scores(found), torch.zeros(TARGETS, COMPOUNDS))
    torch.testing.assert_close(found[..., 2:4], torch.ones(TARGETS, COMPOUNDS, 2))  # spread 1: unknown
    hidden = features(
        module, similarity, tanimoto, labels, measured, torch.zeros(TARGETS, ROWS, dtype=torch.bool)
    )
    assert torch.equal(hidden, found)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_gradients_are_finite_at_the_ends_of_both_similarities(value: float):
    module = LabelRetrieval((0.0, 2.0, 64.0), (2.0, 8.0, 64.0), fallback=0.005)
    similarity, tanimoto, labels, measured = known()
    similarity[0], tanimoto[0] = value, value
    features(module, similarity, tanimoto, labels, measured).square().sum().backward()
    for parameter in module.parameters():
        assert bool(torch.isfinite(parameter.grad).all())


def test_targets_do_not_influence_each_other():
    module = LabelRetrieval((1.0, 4.0), (2.0, 8.0))
    similarity, tanimoto, labels, measured = known()
    together = features(module, similarity, tanimoto, labels, measured)
    alone = features(module, similarity[1:2], tanimoto[1:2], labels, measured)
    torch.testing.assert_close(alone[0], together[1])


def test_each_level_needs_both_exponents():
    with pytest.raises(ValueError, match="2 target exponents and 1 compound"):
        LabelRetrieval((0.0, 1.0), (2.0,))


def test_collapsed_labels_can_be_cut_to_some_landmarks():
    module = LabelRetrieval((1.0,), (2.0,))
    similarity, tanimoto, labels, measured = known()
    kept = torch.tensor([0, 2, 5])
    collapsed = module.collapse(module.target_weights(similarity), LabelMemory.dense(labels, measured))
    cut = CollapsedLabels(
        *(part[..., kept] for part in (collapsed.evidence, collapsed.first, collapsed.second))
    )
    expected = features(module, similarity, tanimoto[..., kept], labels[:, kept], measured[:, kept])
    torch.testing.assert_close(module(cut, tanimoto[..., kept]), expected)
