"""The settings of a run name encoders and their options."""

from __future__ import annotations

import pytest

from hyperpcm.config import load_config
from hyperpcm.errors import ConfigError
from hyperpcm.training.encoded import encoders_of


def of(*overrides: str):
    return encoders_of(load_config(overrides=["data.name=davis", *overrides]))


def test_options_reach_the_encoder_they_name():
    compound, target = of("encoders.options.ecfp.counts=binary", "encoders.width=128")
    assert compound.spec()["parts"][0] == {
        "encoder": "ecfp", "revision": "1", "radius": 2, "width": 128, "chirality": False, "counts": "binary"
    }  # fmt: skip
    assert target.name == "composition"


def test_a_run_without_ecfp_needs_none_of_its_settings():
    assert of("encoders.compound=['maccs']")[0].name == "maccs"


def test_options_of_an_encoder_that_is_not_named_are_refused():
    with pytest.raises(ConfigError, match="esm2_650m is not among the encoders"):
        of("encoders.options.esm2_650m.pooling=first")


def test_an_option_that_the_encoder_does_not_have_is_refused():
    with pytest.raises(ConfigError, match="no option raduis"):
        of("encoders.options.ecfp.raduis=3")
