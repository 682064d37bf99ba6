"""The shapes that the architecture states are checked whenever tests run."""

from __future__ import annotations

import pytest
import torch
from jaxtyping import TypeCheckError

from hyperpcm.nn.context import ContextModule
from hyperpcm.nn.qsar import GeneratedLayer, QsarNetwork, qsar_scores


def test_a_wrong_shape_is_caught_where_it_enters():
    network = QsarNetwork(layers=(GeneratedLayer(bias=torch.zeros(2, 1), delta=torch.zeros(2, 1, 5)),))
    assert qsar_scores(network, torch.zeros(2, 3, 5)).shape == (2, 3)
    with pytest.raises(TypeCheckError, match="compounds"):
        qsar_scores(network, torch.zeros(3, 5))
    with pytest.raises(TypeCheckError, match="delta"):
        GeneratedLayer(bias=torch.zeros(2, 1), delta=torch.zeros(3, 1, 5))
    with pytest.raises(TypeCheckError, match="memory"):
        ContextModule(4, heads=1, head_width=2)(torch.zeros(2, 4), torch.zeros(6, 5))
