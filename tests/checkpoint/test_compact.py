"""A model made small is the same from its file; one that is stored otherwise than it says is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hyperpcm.checkpoint import load_model, read_archive, save_model, write_archive
from hyperpcm.checkpoint.compact import COMPACT, compacted, expanded
from hyperpcm.errors import CorruptModelError, IncompatibleModelError
from hyperpcm.model import HyperPCM
from hyperpcm.model.shrinking import Shrinking, shrunk
from small_large import large_model
from small_models import GRAPHS, PLAIN, PUBLISHED, QUERY, SMALL, made_model, many_smiles

ROUNDED = Shrinking(networks=0.25, ridge=0.25, targets=0.1, profiles=0.25, leaves=0.1, thresholds=8)


def same_state(one: HyperPCM, other: HyperPCM) -> bool:
    (ours, header), (theirs, other_header) = one.state(), other.state()
    return (
        header == other_header
        and ours.keys() == theirs.keys()
        and all(
            ours[name].dtype == theirs[name].dtype and torch.equal(ours[name], theirs[name]) for name in ours
        )
    )


@pytest.mark.parametrize("shrinking", [Shrinking(), ROUNDED], ids=["every digit", "rounded"])
def test_a_small_model_is_the_same_from_its_file(shrinking: Shrinking, tmp_path: Path):
    model = shrunk(large_model(), shrinking)
    path = tmp_path / "small.safetensors"
    save_model(model, path)
    loaded = load_model(path)
    assert same_state(model, loaded)
    smiles = many_smiles(60)
    ours, theirs = (one.compile_target(QUERY).score(smiles).values for one in (model, loaded))
    assert ours.tobytes() == theirs.tobytes()
    archive = read_archive(path)
    assert archive.format_version == 2
    told = archive.header[COMPACT]
    assert told["texts"] == ["landmark_compounds"]
    assert told["tensors"]["landmarks"]["form"] == "fingerprints"
    form = "grid" if shrinking == ROUNDED else "planes"
    assert told["tensors"]["ridge.coefficients"]["form"] == form
    save_model(loaded, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("settings", [SMALL, PUBLISHED, PLAIN, GRAPHS])
def test_every_architecture_comes_back(settings: dict, tmp_path: Path):
    model = shrunk(made_model(settings), ROUNDED)
    save_model(model, tmp_path / "small.safetensors")
    assert same_state(model, load_model(tmp_path / "small.safetensors"))


def test_other_models_are_written_as_before(tmp_path: Path):
    model = large_model()
    save_model(model, tmp_path / "plain.safetensors")
    archive = read_archive(tmp_path / "plain.safetensors")
    assert (archive.format_version, COMPACT in archive.header) == (1, False)
    assert archive.tensors["landmarks"].shape == model.landmarks.shape
    assert same_state(model, load_model(tmp_path / "plain.safetensors"))


def test_reading_a_model_draws_no_random_number(tmp_path: Path):
    save_model(large_model(), tmp_path / "plain.safetensors")
    before = torch.random.get_rng_state()
    load_model(tmp_path / "plain.safetensors")
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda told, tensors, header: told["tensors"].update(more=told["tensors"]["landmarks"]), "'more'"),
        (lambda told, tensors, header: told["tensors"]["landmarks"].update(shape=[3, 8]), "'landmarks'"),
        (lambda told, tensors, header: told["tensors"].pop("landmarks"), "fingerprints of the memory"),
        (lambda told, tensors, header: told.pop("texts"), "how it is stored"),
        (lambda told, tensors, header: told["texts"].append("memory_names"), "'texts.memory_names'"),
        (lambda told, tensors, header: header.update({COMPACT: 1}), "how it is stored"),
        (
            lambda told, tensors, header: tensors.update(landmarks=tensors["landmarks"][:-9].clone()),
            "'landmarks'",
        ),
        (
            lambda told, tensors, header: tensors.update(
                {"texts.landmark_compounds": torch.zeros(30, dtype=torch.uint8)}
            ),
            "'texts.landmark_compounds'",
        ),
        (lambda told, tensors, header: tensors.update(landmarks=torch.zeros(5)), "'landmarks'"),
    ],
)
def test_a_file_that_is_stored_otherwise_than_it_says_is_refused(edit, said: str, tmp_path: Path):
    tensors, header = compacted(*shrunk(large_model(), ROUNDED).state())
    edit(header[COMPACT], tensors, header)
    path = tmp_path / "strange.safetensors"
    write_archive(path, "model", tensors, header)
    with pytest.raises((CorruptModelError, IncompatibleModelError), match=said) as refused:
        load_model(path)
    assert str(refused.value).startswith(str(path))


def test_states_that_share_tensors_are_encoded_once():
    memo: dict = {}
    state = large_model().state()
    compacted(*state, memo)
    number = len(memo)
    again, _ = compacted(*state, memo)
    assert len(memo) == number
    tensors, header = expanded(again, compacted(*state, memo)[1])
    assert header == state[1]
    assert all(torch.equal(tensors[name], state[0][name]) for name in tensors)
