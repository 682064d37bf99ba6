from __future__ import annotations

import copy
import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.checkpoint import (
    load_model,
    load_target_model,
    read_archive,
    save_model,
    save_target_model,
    write_archive,
)
from hyperpcm.chem import morgan_counts
from hyperpcm.config import ModelConfig
from hyperpcm.datasets.interactions import Quantity
from hyperpcm.encoders import compound_encoder, target_encoder
from hyperpcm.errors import CorruptModelError, DivergedError, IncompatibleModelError, InputError, OutputError
from hyperpcm.model import ContextMemory, HyperPCM
from hyperpcm.protein import alignment_similarity
from hyperpcm.target_model import TargetModel
from small_models import GRAPHS, SMALL

SEQUENCES = (
    "MKTAYIAKQRQISFVKSHFSRQ",
    "MENFQKVEKIGEGTYGVVYKARNK",
    "MGSNKSKPKDASQRRRSLEPAENV",
    "MLEICLKLVGCKSKKGLSSS",
)
COMPOUNDS = ("CCO", "c1ccccc1", "CC(=O)Nc1ccc(O)cc1", "CC(C)Cc1ccc(C(C)C(=O)O)cc1", "CN1CCC[C@H]1c1cccnc1")
QUERY = "MSHHWGYGKHNGPEHWHKDFPIAKG"
QUERIES = ["CCN", "c1ccncc1", "not a molecule", "CC(=O)Oc1ccccc1C(=O)O"]
PUBLISHED = {
    "members": 1,
    "alignment_components": 0,
    "scale_labels": False,
    "label_centre": 7.0,
    "qsar": {
        "hidden": [16, 8],
        "noise_head": 8,
        "standardise": False,
        "zero_start": False,
        "activation": "selu",
    },
    "hypernetwork": {"trunk": [16], "parts": "full", "shared": False, "initialisation": "published"},
    "context": {"heads": 2, "head_width": 8, "guided": False, "skip": False},
    "retrieval": {"enabled": False},
}
PLAIN = {
    "members": 1,
    "alignment_components": 0,
    "qsar": {"hidden": [8], "zero_start": False},
    "hypernetwork": {"trunk": [8], "parts": "last_layer"},
    "context": {"enabled": False},
}
PKD = Quantity("pKd", "-log10(M)", active_at=7.0)
ACTIVE = Quantity("activity", "", kind="binary", active_at=0.5)


def made_model(settings: dict = SMALL, quantity: Quantity = PKD, seed: int = 0) -> HyperPCM:
    """An untrained model of the real architecture, with fitted scalers and a memory with labels."""
    compounds = compound_encoder("ecfp", options={"ecfp": {"width": 64}})
    targets = target_encoder("composition")
    embeddings = targets.encode(SEQUENCES)
    labels = np.array([5.0, 6.5, 8.0, 7.25, 5.5], dtype=np.float32)
    if quantity.kind == "binary":
        labels = (labels > 6).astype(np.float32)
    config = ModelConfig.model_validate(settings)
    known = len(COMPOUNDS) if config.retrieval.enabled else 0
    memory = ContextMemory(
        sequences=SEQUENCES,
        names=tuple(f"target {row}" for row in range(4)),
        embeddings=embeddings,
        compounds=COMPOUNDS[:known],
        landmarks=morgan_counts(COMPOUNDS, width=64)[:known],
        rows=np.array([0, 0, 1, 2, 3])[:known],
        columns=np.arange(5)[:known],
        values=labels[:known],
        similarity=alignment_similarity(SEQUENCES) if config.needs_alignment else None,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = HyperPCM(config, quantity, memory, compounds, targets)
    model.fit_scalers(torch.from_numpy(compounds.encode(COMPOUNDS)), torch.from_numpy(labels))
    model.card = {"name": "tiny", "seed": seed, "metrics": {"mse": 0.5, "ci": None}}
    return model.eval()


@pytest.fixture(
    params=[(SMALL, PKD), (SMALL, ACTIVE), (PUBLISHED, PKD), (PLAIN, PKD), (GRAPHS, PKD)],
    ids=["retrieval and context", "classes", "as published", "no context", "graphs"],
)
def model(request) -> HyperPCM:
    return made_model(*request.param)


def edited(path: Path, edit) -> Path:
    """The archive with its header and tensors changed by ``edit`` and sealed anew."""
    archive = read_archive(path)
    header, tensors = copy.deepcopy(archive.header), dict(archive.tensors)
    edit(header, tensors)
    write_archive(path, archive.kind, tensors, header, overwrite=True)
    return path


# Round trips


def test_a_loaded_model_scores_as_the_saved_one_bit_for_bit(tmp_path, model):
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    ours, theirs = (one.compile_target(QUERY, name="query").score(QUERIES) for one in (model, loaded))
    assert ours.values.tobytes() == theirs.values.tobytes()
    assert np.isfinite(ours.values).tolist() == [True, True, False, True]
    assert len(set(ours.values[[0, 1, 3]].tolist())) == 3
    assert (loaded.quantity, loaded.config, loaded.card) == (model.quantity, model.config, model.card)
    assert not loaded.training
    assert [name for name, _ in loaded.named_parameters()] == [name for name, _ in model.named_parameters()]


def test_another_model_scores_otherwise(tmp_path):
    first, second = (made_model(seed=seed).compile_target(QUERY).score(QUERIES) for seed in (0, 1))
    assert not np.array_equal(first.values, second.values, equal_nan=True)


def test_a_loaded_target_model_scores_as_the_saved_one_bit_for_bit(tmp_path, model):
    compiled = model.compile_target(QUERY, name="query")
    save_target_model(compiled, tmp_path / "target.safetensors")
    loaded = load_target_model(tmp_path / "target.safetensors")
    assert compiled.score(QUERIES).values.tobytes() == loaded.score(QUERIES).values.tobytes()
    assert (loaded.name, loaded.sequence, loaded.quantity) == ("query", QUERY, model.quantity)
    assert loaded.provenance == compiled.provenance
    assert loaded.provenance["model"] | model.card == loaded.provenance["model"]


def test_saving_what_was_loaded_gives_the_same_file(tmp_path, model):
    save_model(model, tmp_path / "a")
    save_model(load_model(tmp_path / "a"), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    save_target_model(model.compile_target(QUERY), tmp_path / "c")
    save_target_model(load_target_model(tmp_path / "c"), tmp_path / "d")
    assert (tmp_path / "c").read_bytes() == (tmp_path / "d").read_bytes()


def test_saving_changes_nothing_in_the_model(tmp_path, model):
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    save_model(model, tmp_path / "a")
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_a_loaded_model_can_be_trained_on_and_saved_again(tmp_path):
    save_model(made_model(), tmp_path / "a")
    loaded = load_model(tmp_path / "a")
    with torch.no_grad():
        next(loaded.members.parameters()).add_(1.0)
    save_model(loaded, tmp_path / "a", overwrite=True)
    again = load_model(tmp_path / "a")
    assert torch.equal(next(again.members.parameters()), next(loaded.members.parameters()))


SCORE_IN_A_NEW_PROCESS = """
import sys, torch
from hyperpcm.checkpoint import load_model, load_target_model
torch.set_num_threads(2)
model = load_model(sys.argv[1]).compile_target(sys.argv[3]).score(["CCN", "c1ccncc1"])
target = load_target_model(sys.argv[2]).score(["c1ccncc1", "CCN"])
print(*model.values.tolist(), *target.values.tolist())
"""


def test_another_process_with_other_threads_and_order_scores_the_same(tmp_path):
    model = made_model()
    save_model(model, tmp_path / "model")
    save_target_model(model.compile_target(QUERY), tmp_path / "target")
    command = [
        sys.executable,
        "-c",
        SCORE_IN_A_NEW_PROCESS,
        *(str(tmp_path / f) for f in ("model", "target")),
        QUERY,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    first, second = model.compile_target(QUERY).score(["CCN", "c1ccncc1"]).values.tolist()
    assert [float(word) for word in done.stdout.split()] == pytest.approx(
        [first, second, second, first], abs=1e-5
    )


# Refusals at saving


def test_an_existing_model_stays_unless_it_may_be_replaced(tmp_path):
    model = made_model()
    for save, thing in ((save_model, model), (save_target_model, model.compile_target(QUERY))):
        path = tmp_path / save.__name__
        save(thing, path)
        with pytest.raises(OutputError, match="exists already"):
            save(thing, path)
        save(thing, path, overwrite=True)


def test_a_model_with_a_weight_that_is_no_number_is_not_saved(tmp_path):
    model = made_model()
    with torch.no_grad():
        next(model.members.parameters()).view(-1)[0] = float("nan")
    with pytest.raises(DivergedError, match="members"):
        save_model(model, tmp_path / "a")
    with pytest.raises(DivergedError, match="network"):
        save_target_model(model.compile_target(QUERY), tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_not_saved_as_what_it_is_not(tmp_path):
    model = made_model()
    with pytest.raises(TypeError, match="TargetModel"):
        save_model(model.compile_target(QUERY), tmp_path / "a")
    with pytest.raises(TypeError, match="HyperPCM"):
        save_target_model(model, tmp_path / "a")


# Refusals at loading


@pytest.fixture
def model_file(tmp_path) -> Path:
    save_model(made_model(), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.fixture
def target_file(tmp_path) -> Path:
    save_target_model(made_model().compile_target(QUERY), tmp_path / "target.safetensors")
    return tmp_path / "target.safetensors"


def test_each_loader_says_what_the_file_is_when_it_is_the_other(model_file, target_file):
    with pytest.raises(IncompatibleModelError, match=r"compiled model of one target .*load_target_model"):
        load_model(target_file)
    with pytest.raises(IncompatibleModelError, match=r"a trained model .*load_model"):
        load_target_model(model_file)


def test_a_missing_file_is_the_users_mistake(tmp_path):
    for load in (load_model, load_target_model):
        with pytest.raises(InputError, match="no such file"):
            load(tmp_path / "missing")


@pytest.mark.parametrize("side", ["compound", "target"])
def test_an_encoder_of_another_revision_is_refused(model_file, side):
    def edit(header, tensors):
        header[f"{side}_encoder"]["revision"] = "from the future"

    with pytest.raises(IncompatibleModelError, match=r"model\.safetensors: .*from the future"):
        load_model(edited(model_file, edit))


def test_an_encoder_that_is_not_here_is_refused(model_file, target_file):
    def edit(header, tensors):
        header["encoder" if "encoder" in header else "target_encoder"]["encoder"] = "esm9"

    with pytest.raises(IncompatibleModelError, match="esm9"):
        load_model(edited(model_file, edit))
    with pytest.raises(IncompatibleModelError, match="esm9"):
        load_target_model(edited(target_file, edit))


def test_an_encoder_of_another_width_than_the_weights_is_refused(model_file, target_file):
    def edit(header, tensors):
        header["encoder" if "encoder" in header else "compound_encoder"]["width"] = 128

    with pytest.raises(IncompatibleModelError, match="do not fit"):
        load_model(edited(model_file, edit))
    with pytest.raises(IncompatibleModelError, match="do not fit"):
        load_target_model(edited(target_file, edit))


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("qsar", "hidden", [17]),
        ("qsar", "hidden", [16, 16]),
        ("qsar", "noise_head", 4),
        ("hypernetwork", "trunk", [16, 16]),
        ("hypernetwork", "parts", "full"),
        ("context", "enabled", False),
        ("context", "heads", 3),
        ("retrieval", "enabled", False),
        ("compound", "learned", "dmpnn"),
    ],
)
def test_settings_that_do_not_fit_the_weights_are_refused(model_file, section, name, value):
    def edit(header, tensors):
        header["config"][section][name] = value

    with pytest.raises(IncompatibleModelError, match=r"model\.safetensors: .*do not fit"):
        load_model(edited(model_file, edit))


@pytest.mark.parametrize(
    "value", [{"surprise": 1}, {"members": 0}, {"qsar": {"dropout": 2.0}}, {"members": "x"}]
)
def test_settings_that_are_none_are_refused(model_file, value):
    def edit(header, tensors):
        header["config"].update(value)

    with pytest.raises(CorruptModelError, match=r"does not describe a model \(ValidationError"):
        load_model(edited(model_file, edit))


def test_a_model_without_one_of_its_header_entries_is_refused(model_file):
    original = model_file.read_bytes()
    for name in read_archive(model_file).header:
        model_file.write_bytes(original)
        with pytest.raises(CorruptModelError, match=name):
            load_model(edited(model_file, lambda header, tensors, name=name: header.pop(name)))


def test_a_target_model_without_one_of_its_header_entries_is_refused(target_file):
    original = target_file.read_bytes()
    for name in read_archive(target_file).header:
        target_file.write_bytes(original)
        with pytest.raises(CorruptModelError, match=name):
            load_target_model(edited(target_file, lambda header, tensors, name=name: header.pop(name)))


@pytest.mark.parametrize("kind", ["model", "target_model"])
def test_a_tensor_that_is_missing_extra_or_of_another_shape_is_refused(model_file, target_file, kind):
    path, load = (model_file, load_model) if kind == "model" else (target_file, load_target_model)
    original, names = path.read_bytes(), list(read_archive(path).tensors)
    edits = [lambda header, tensors: tensors.update(surplus=torch.zeros(2))]
    for name in names:
        edits.append(lambda header, tensors, name=name: tensors.pop(name))
        edits.append(lambda header, tensors, name=name: tensors.update({name: torch.zeros(1, 2, 3, 5)}))
    for edit in edits:
        path.write_bytes(original)
        with pytest.raises((IncompatibleModelError, CorruptModelError), match=path.name):
            load(edited(path, edit))
    path.write_bytes(original)
    load(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory_rows", torch.tensor([0, 0, 1, 2, 4], dtype=torch.int32)),
        ("memory_rows", torch.tensor([0, 0, 1, 2, -1], dtype=torch.int32)),
        ("memory_columns", torch.tensor([0, 1, 2, 3, 10**7], dtype=torch.int32)),
        ("memory_columns", torch.tensor([0, 1, 2, 3], dtype=torch.int32)),
        ("memory_rows", torch.tensor([0, 0, 1, 2, 3])),
        ("memory_values", torch.zeros(5, 1)),
        ("memory_values", torch.zeros(5, dtype=torch.float64)),
        ("memory_embeddings", torch.zeros(4, 3)),
        ("memory_embeddings", torch.zeros(5, 20)),
        ("landmarks", torch.zeros(4, 8, dtype=torch.uint8)),
        ("landmarks", torch.zeros(5, 9, dtype=torch.uint8)),
        ("ridge_columns", torch.tensor([0, 1, 3, 2, 4], dtype=torch.int32)),
        ("ridge_columns", torch.tensor([0, 1, 2, 3, 5], dtype=torch.int32)),
        ("ridge_columns", torch.tensor([-1, 0, 1, 2, 3], dtype=torch.int32)),
    ],
)
def test_a_memory_whose_labels_have_no_place_is_refused_before_it_is_used(model_file, name, value):
    with pytest.raises(IncompatibleModelError, match=r"model\.safetensors: .*do not fit"):
        load_model(edited(model_file, lambda header, tensors: tensors.update({name: value})))


@pytest.mark.parametrize(
    ("name", "position"), [("memory_sequences", 0), ("memory_names", 0), ("landmark_compounds", 0)]
)
def test_a_memory_with_a_name_too_few_is_refused(model_file, name, position):
    with pytest.raises(IncompatibleModelError, match="do not fit"):
        load_model(edited(model_file, lambda header, tensors: header[name].pop(position)))


@pytest.mark.parametrize("kind", ["model", "target_model"])
def test_a_header_entry_that_nothing_knows_is_refused(model_file, target_file, kind):
    path, load = (model_file, load_model) if kind == "model" else (target_file, load_target_model)
    with pytest.raises(IncompatibleModelError, match="surprise"):
        load(edited(path, lambda header, tensors: header.update(surprise=1)))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("network0.0.bias", (1,)),
        ("network1.0.bias", (17,)),
        ("network0.0.weight", (16, 1)),
        ("network0.1.weight", (2, 16)),
        ("network0.1.bias", (2,)),
        ("prior.sums", (3, 1, 7, 1)),
        ("prior.sums", (2, 1, 7, 5)),
        ("prior.landmarks", (4, 8)),
        ("prior.log_fallback", (1,)),
        ("scaler.mean", (1,)),
        ("scaler.scale", (1,)),
    ],
)
def test_a_shape_that_would_be_broadcast_is_refused(target_file, name, shape):
    def edit(header, tensors):
        assert name in tensors
        tensors[name] = torch.ones(shape, dtype=tensors[name].dtype)

    with pytest.raises((IncompatibleModelError, CorruptModelError), match=r"target\.safetensors"):
        load_target_model(edited(target_file, edit))


@pytest.mark.parametrize(
    "change",
    [
        {"networks": 1},
        {"networks": 3},
        {"layers": 1},
        {"layers": "2"},
        {"prior": None},
        {"activation": "sine"},
        {"noise_head": True},
        {"quantity": {"name": "pKd"}},
        {"quantity": {**dataclasses.asdict(PKD), "kind": "both"}},
        {"label_scale": {"centre": 0.0}},
        {"label_scale": {"centre": "0", "scale": 1.0, "binary": False}},
        {"clip": "8"},
    ],
)
def test_a_target_model_whose_header_does_not_fit_its_tensors_is_refused(target_file, change):
    with pytest.raises((IncompatibleModelError, CorruptModelError), match=r"target\.safetensors"):
        load_target_model(edited(target_file, lambda header, tensors: header.update(change)))


def test_loading_never_returns_a_model_of_a_damaged_file(model_file):
    good = model_file.read_bytes()
    rng = np.random.default_rng(0)
    for position in rng.choice(len(good), size=60, replace=False):
        damaged = bytearray(good)
        damaged[position] ^= 0x10
        model_file.write_bytes(damaged)
        with pytest.raises(CorruptModelError):
            load_model(model_file)


def test_a_target_model_is_its_own_type(target_file):
    assert isinstance(load_target_model(str(target_file)), TargetModel), "a path may be text"
