from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import hyperpcm.encoders
from contracts import COMPOUNDS, TARGETS
from hyperpcm.encoders.registry import build_encoder, compound_encoder, target_encoder
from hyperpcm.encoders.table import ENCODERS
from hyperpcm.errors import ConfigError

OF_THE_USER = ("protein_model", "smiles_model", "chemprop", "cddd", "seqvec")


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path))


def build_by_name(name: str):
    if "content" in ENCODERS[name].options:  # built from a spec: nothing was fetched
        return build_encoder({"encoder": name, "content": "0" * 64})
    if ENCODERS[name].side == "compound":
        return compound_encoder(name)
    return target_encoder(name, references=TARGETS[:2] if name == "alignment" else None)


@pytest.mark.parametrize("name", [name for name in ENCODERS if name not in OF_THE_USER])
def test_the_table_says_of_each_encoder_what_the_encoder_says_of_itself(name):
    encoder, entry = build_by_name(name), ENCODERS[name]
    assert (encoder.name, encoder.side, encoder.licence) == (entry.name, entry.side, entry.licence)
    assert tuple(encoder.options()) == entry.options
    assert entry.summary


def test_an_unknown_name_is_refused_with_the_known_ones_and_the_nearest():
    with pytest.raises(
        ConfigError,
        match=r"'ecpf' is unknown\. Known: ecfp, fcfp, .*, descriptors, .*\. Did you mean 'ecfp'\?",
    ):
        compound_encoder("ecpf")
    with pytest.raises(ConfigError, match=r"Known: composition, alignment, .*\. Did you mean 'composition'"):
        target_encoder("composition2")
    with pytest.raises(ConfigError, match="'zzz' is unknown"):
        build_encoder({"encoder": "zzz"})


def test_an_encoder_of_the_other_side_is_refused():
    with pytest.raises(ConfigError, match="encodes targets, not compounds"):
        compound_encoder("composition")
    with pytest.raises(ConfigError, match="encodes compounds, not targets"):
        target_encoder(["composition", "ecfp"])


@pytest.mark.parametrize(
    "names", ["ecfp+descriptors", "ecfp + descriptors", ["ecfp", "descriptors"], ("ecfp", "descriptors")]
)
def test_several_names_give_their_vectors_side_by_side(names):
    joined = compound_encoder(names)
    expected = np.hstack(
        [compound_encoder("ecfp").encode(COMPOUNDS), compound_encoder("descriptors").encode(COMPOUNDS)]
    )
    assert joined.name == "ecfp+descriptors"
    assert np.array_equal(joined.encode(COMPOUNDS), expected)


@pytest.mark.parametrize("names", ["", [], "+", "ecfp+", "ecfp+ecfp"])
def test_missing_and_repeated_names_are_refused(names):
    with pytest.raises(ConfigError):
        compound_encoder(names)


def test_options_reach_the_encoder_they_are_for():
    encoder = compound_encoder("ecfp+descriptors", options={"ecfp": {"width": 64}})
    assert encoder.width == 64 + compound_encoder("descriptors").width


def test_options_that_nothing_takes_are_refused():
    with pytest.raises(ConfigError, match=r"no option raduis. It has: radius, width"):
        compound_encoder("ecfp", options={"ecfp": {"raduis": 3}})
    with pytest.raises(ConfigError, match="descriptors"):
        compound_encoder("ecfp", options={"descriptors": {"scaled": False}})


@pytest.mark.parametrize("references", [None, []])
def test_alignment_without_references_is_refused(references):
    with pytest.raises(ConfigError, match="reference sequences"):
        target_encoder("alignment", references=references)


def test_references_are_for_alignment_alone():
    encoder = target_encoder("composition+alignment", references=TARGETS[:2])
    assert encoder.width == target_encoder("composition").width + 2
    assert target_encoder("composition", references=TARGETS) == target_encoder("composition")


def test_a_spec_written_by_hand_takes_the_defaults():
    assert build_encoder({"encoder": "ecfp", "radius": 3}) == compound_encoder(
        "ecfp", options={"ecfp": {"radius": 3}}
    )


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"encoder": 3},
        {"encoder": "ecfp", "revision": "0"},
        {"encoder": "ecfp", "revision": 1},
        {"encoder": "ecfp+descriptors", "parts": "ecfp"},
        {"encoder": "ecfp+descriptors", "parts": [{"encoder": "ecfp"}]},
        {"encoder": "ecfp+ecfp", "parts": [{"encoder": "ecfp"}, {"encoder": "descriptors"}]},
        {"encoder": "ecfp+descriptors", "parts": [{"encoder": "ecfp"}, {"encoder": "descriptors"}, 3]},
        {
            "encoder": "ecfp+descriptors",
            "parts": [{"encoder": "ecfp"}, {"encoder": "descriptors"}],
            "width": 3,
        },
    ],
)
def test_a_spec_that_describes_no_encoder_is_refused(spec):
    with pytest.raises(ConfigError):
        build_encoder(spec)


@pytest.mark.parametrize("name", hyperpcm.encoders.__all__)
def test_each_public_name_is_found_in_the_package(name):
    assert getattr(hyperpcm.encoders, name) is not None
    assert name in dir(hyperpcm.encoders)


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        hyperpcm.encoders.nonsense  # noqa: B018


def test_the_table_can_be_read_without_loading_rdkit_an_aligner_or_torch():
    code = (
        "import sys; from hyperpcm.encoders import ENCODERS, EmbeddingStore; "
        "print(sorted(set(sys.modules) & {'rdkit', 'parasail', 'torch', 'sklearn', 'pyarrow'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("entry", ENCODERS.values(), ids=lambda entry: entry.name)
def test_the_width_in_the_table_is_that_of_the_encoder(entry):
    if entry.width is None:
        assert "references" in entry.options or entry.is_of_the_user
    elif not entry.is_of_the_user:  # their own tests look at it
        assert build_by_name(entry.name).width == entry.width
