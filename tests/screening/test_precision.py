"""Dense layers in bfloat16 change scores by no more than is stated, and only where the hardware has it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from hyperpcm.encoders import compound_encoder
from hyperpcm.encoders.base import Encoder
from hyperpcm.errors import ConfigError
from hyperpcm.nn.qsar import GeneratedLayer, QsarNetwork
from hyperpcm.nn.scaling import Standardiser
from hyperpcm.screening import Panel
from hyperpcm.screening.device import PRECISION_TOLERANCE
from hyperpcm.target_model import LabelScale, TargetModel
from small_models import PKD, PUBLISHED, QUERY, SEQUENCES, SMALL, made_model, many_smiles

needs_bfloat16 = pytest.mark.skipif(
    not torch.cpu._is_avx512_bf16_supported(), reason="needs a processor with products in bfloat16"
)


def dense_targets(encoder: Encoder, hidden: tuple[int, ...], number: int = 3) -> list[TargetModel]:
    """Targets over a dense encoder whose scores spread as labels of a standard deviation of 1 do."""
    generator = torch.Generator().manual_seed(0)
    scaler = Standardiser(encoder.width)
    scaler.fit(torch.from_numpy(encoder.encode(many_smiles(300))))
    found = []
    for name in range(number):
        widths = [encoder.width, *hidden, 1]
        layers = tuple(
            GeneratedLayer(
                bias=torch.zeros(1, after),
                delta=torch.randn(1, after, before, generator=generator) * (2 / before) ** 0.5,
            )
            for before, after in itertools.pairwise(widths)
        )
        network = QsarNetwork(layers=layers)
        found.append(
            TargetModel(str(name), "M", PKD, encoder, (network,), scaler, LabelScale(0.0, 1.0, binary=False))
        )
    return found


@needs_bfloat16
@pytest.mark.parametrize("hidden", [(64,), (64, 32)])
def test_scores_over_dense_embeddings_stay_within_the_stated_tolerance(hidden: tuple[int, ...]):
    targets = dense_targets(compound_encoder("descriptors"), hidden)
    smiles = many_smiles(300)
    single, half = (
        Panel(targets, precision=precision).score(smiles) for precision in ("float32", "bfloat16")
    )
    assert (single.precision, half.precision) == ("float32", "bfloat16")
    expected = np.stack([target.score(smiles).values for target in targets])
    np.testing.assert_allclose(single.values, expected, atol=2e-5)
    difference = np.abs(half.values - expected).max()
    assert 0 < difference <= PRECISION_TOLERANCE * max(1.0, float(expected.std()))


@needs_bfloat16
def test_noise_heads_and_second_layers_take_part_and_fingerprints_do_not():
    smiles = many_smiles(200)
    for settings, changes in ((PUBLISHED, True), (SMALL, False)):
        targets = [made_model(settings).compile_target(one, name=one) for one in (*SEQUENCES, QUERY)]
        single, half = (Panel(targets, precision=one).score(smiles).values for one in ("float32", "bfloat16"))
        difference = np.abs(single - half).max()
        assert (difference > 0) == changes
        assert difference <= PRECISION_TOLERANCE * targets[0].label_scale.scale


@pytest.mark.gpu
def test_a_gpu_in_bfloat16_stays_within_the_stated_tolerance():
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    targets, smiles = dense_targets(compound_encoder("descriptors"), (64, 32)), many_smiles(300)
    near = Panel(targets).score(smiles).values
    far = Panel(targets, device="cuda", precision="bfloat16").score(smiles).values
    difference = np.abs(near - far).max()
    assert 0 < difference <= PRECISION_TOLERANCE * max(1.0, float(near.std()))


def test_a_precision_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: False)
    targets = [made_model(SMALL).compile_target(QUERY, name="a")]
    with pytest.raises(ConfigError, match="give float32 or bfloat16"):
        Panel(targets, precision="float16")
    with pytest.raises(ConfigError, match="this processor has no products in bfloat16; give float32"):
        Panel(targets, precision="bfloat16")
