"""Dense layers in bfloat16 change scores by no more than is stated, and only where the hardware has it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hyperpcm.encoders import compound_encoder
from hyperpcm.errors import ConfigError
from hyperpcm.screening import Panel
from hyperpcm.screening.device import PRECISION_TOLERANCE
from small_models import PUBLISHED, QUERY, SEQUENCES, SMALL, made_model, many_smiles
from small_networks import dense_targets

needs_bfloat16 = pytest.mark.skipif(
    not torch.cpu._is_avx512_bf16_supported(), reason="needs a processor with products in bfloat16"
)


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
