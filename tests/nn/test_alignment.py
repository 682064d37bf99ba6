"""Alignment components: principal components of the memory's similarities, for targets in it and outside."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.decomposition import PCA

from hyperpcm.nn.alignment import AlignmentComponents


def similarities(rows: int = 8, others: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = np.random.default_rng(0)
    points = generator.normal(size=(rows + others, 3))
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    similarity = np.exp(-distance).astype(np.float32)
    return torch.from_numpy(similarity[:rows, :rows]), torch.from_numpy(similarity[rows:, :rows])


def test_components_equal_those_of_scikit_learn_up_to_sign():
    memory, others = similarities()
    components = AlignmentComponents(8, 3)
    components.fit(memory)
    pca = PCA(3, svd_solver="full").fit(memory.double().numpy())
    for ours, theirs in (
        (components.memory, pca.transform(memory.double().numpy())),
        (components(torch.zeros(3, 5), others), pca.transform(others.double().numpy())),
    ):
        signs = np.sign((pca.components_ * components.axes.numpy().T).sum(1))
        np.testing.assert_allclose(ours.numpy(), theirs * signs, atol=1e-5)


def test_a_target_of_the_memory_has_the_coordinates_kept_for_it():
    memory, _ = similarities()
    components = AlignmentComponents(8, 4)
    components.fit(memory)
    torch.testing.assert_close(components(torch.zeros(8, 1), memory), components.memory)


def test_the_sign_of_each_axis_is_settled():
    memory, _ = similarities()
    components = AlignmentComponents(8, 5)
    components.fit(memory)
    largest = components.axes.abs().argmax(0)
    assert bool((components.axes[largest, torch.arange(5)] > 0).all())


def test_the_width_is_zero_without_components_or_alignment():
    memory, others = similarities()
    none = AlignmentComponents(8, 0)
    none.fit(memory)
    assert none(torch.zeros(3, 5), others).shape == (3, 0)
    assert AlignmentComponents(8, 2)(torch.zeros(3, 5), None).tolist() == [[0.0, 0.0]] * 3
