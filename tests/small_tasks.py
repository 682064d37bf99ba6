"""Few-shot tasks with made-up numbers, shared by tests."""

from __future__ import annotations

import numpy as np

from hyperpcm.datasets.few_shot import FewShotTask


def task(k: int = 6, q: int = 4, seed: int = 0, width: int = 64) -> FewShotTask:
    """A task of k measured compounds and q to be scored."""
    rng = np.random.default_rng(seed)

    def numbers(size: int) -> np.ndarray:
        return rng.normal(6.0, 1.0, size=size).astype(np.float32)

    return FewShotTask(
        target=3,
        support=np.arange(k),
        query=np.arange(k, k + q),
        labels=numbers(k),
        zero_shot_support=numbers(k),
        zero_shot_query=numbers(q),
        additive_support=numbers(k),
        additive_query=numbers(q),
        counts_support=rng.poisson(0.4, size=(k, width)).astype(np.uint8),
        counts_query=rng.poisson(0.4, size=(q, width)).astype(np.uint8),
        training_mean=5.8,
    )
