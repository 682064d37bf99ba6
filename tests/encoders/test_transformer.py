"""Encoders on transformers, against a plain forward pass of the library, one item at a time."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from contracts import (
    COMPOUNDS,
    ODD_COMPOUNDS,
    ODD_TARGETS,
    TARGETS,
    UNREADABLE_COMPOUNDS,
    UNREADABLE_TARGETS,
    EncoderContract,
)
from hyperpcm.chem import canonical_smiles
from hyperpcm.encoders.pretrained import FolderEncoder
from hyperpcm.encoders.registry import compound_encoder, target_encoder
from hyperpcm.encoders.transformer_config import profile_of
from hyperpcm.encoders.transformer_model import TransformerModel, load_model
from hyperpcm.errors import ConfigError, DataUnavailableError, HyperpcmError, InputError, MissingExtraError
from tiny_transformers import LIMIT, save_esm

PROTEIN_MODELS = ["esm2", "esm1b", "protbert", "prott5", "prott5_bin"]
SMILES_MODELS = ["chemberta", "molbert"]
SHORT = ["MKT", "MKTAYIAKQR", "ACDEFGHIKLMNPQRSTVWYX", "WWWWW"]


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*address: object) -> None:
        raise AssertionError(f"a test of local folders went to the network: {address}")

    monkeypatch.setattr("socket.socket.connect", refuse)


@pytest.fixture(autouse=True)
def on_the_cpu(request, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where items are read one by one; the tests with the mark gpu use what there is."""
    if "gpu" not in request.keywords:
        pytest.importorskip("torch")
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    load_model.cache_clear()


def protein(folder: Path, **options):
    return FolderEncoder(model="protein_model", folder=str(folder), **options)


def smiles(folder: Path, **options):
    return FolderEncoder(model="smiles_model", folder=str(folder), **options)


class TestProteinModels(EncoderContract):
    @pytest.fixture(
        params=[
            ("esm2", {}),
            ("esm1b", {"pooling": "first", "layer": 1}),
            ("protbert", {"pooling": "windows", "windows": 3}),
            ("prott5", {"limit": 20}),
            ("prott5_bin", {"precision": "bf16"}),
        ],
        ids=lambda param: param[0],
    )
    def encoder(self, request, transformers_folder):
        name, options = request.param
        return protein(transformers_folder / name, **options)

    @pytest.fixture
    def items(self):
        return TARGETS

    @pytest.fixture
    def odd_items(self):
        return ODD_TARGETS

    @pytest.fixture
    def unusable_items(self):
        return UNREADABLE_TARGETS


class TestSmilesModels(EncoderContract):
    @pytest.fixture(params=SMILES_MODELS)
    def encoder(self, request, transformers_folder):
        return smiles(transformers_folder / request.param)

    @pytest.fixture
    def items(self):
        return COMPOUNDS

    @pytest.fixture
    def odd_items(self):
        return ODD_COMPOUNDS

    @pytest.fixture
    def unusable_items(self):
        return UNREADABLE_COMPOUNDS


def forward(folder: Path, text: str, layer: int = -1) -> np.ndarray:
    """All hidden states of one text, [tokens, hidden], as a user of the library gets them."""
    import torch
    import transformers

    family = json.loads((folder / "config.json").read_text())["model_type"]
    name = {"esm": "EsmModel", "bert": "BertModel", "t5": "T5EncoderModel", "roberta": "RobertaModel"}[family]
    model = getattr(transformers, name).from_pretrained(folder, use_safetensors=not any(folder.glob("*.bin")))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        output = model.eval()(**tokenizer(text, return_tensors="pt"), output_hidden_states=True)
    return output.hidden_states[layer][0].numpy()


def as_upstream_writes_it(folder: Path, sequence: str) -> str:
    """ESM reads letters; ProtBERT and ProtT5 read them with spaces, rare ones as X."""
    if folder.name.startswith("esm"):
        return sequence
    return " ".join("X" if letter in "UZOB" else letter for letter in sequence)


@pytest.mark.parametrize("name", PROTEIN_MODELS)
@pytest.mark.parametrize("layer", [-1, 1])
def test_the_mean_is_that_of_a_plain_forward_pass_over_the_residues(transformers_folder, name, layer):
    folder = transformers_folder / name
    sequences = [*SHORT, "MUBZOX"]
    encoder = protein(folder, layer=layer)
    for sequence, row in zip(sequences, encoder.encode(sequences), strict=True):
        states = forward(folder, as_upstream_writes_it(folder, sequence), layer)
        residues = states[:-1] if "t5" in name else states[1:-1]
        assert len(residues) == len(sequence)
        np.testing.assert_allclose(row, residues.mean(axis=0), atol=1e-5)


@pytest.mark.parametrize("name", SMILES_MODELS)
def test_the_mean_over_a_canonical_smiles_leaves_special_tokens_out(transformers_folder, name):
    folder = transformers_folder / name
    compounds = ["CCO", "c1ccccc1", "CC(=O)Nc1ccc(O)cc1"]
    for compound, row in zip(compounds, smiles(folder).encode(compounds), strict=True):
        np.testing.assert_allclose(
            row, forward(folder, canonical_smiles(compound))[1:-1].mean(axis=0), atol=1e-5
        )


def test_first_is_the_special_token_before_the_item(transformers_folder):
    folder = transformers_folder / "esm2"
    row = protein(folder, pooling="first").encode(["MKTAYIAK"])[0]
    np.testing.assert_allclose(row, forward(folder, "MKTAYIAK")[0], atol=1e-5)


def test_two_spellings_of_a_compound_have_one_vector(transformers_folder):
    vectors = smiles(transformers_folder / "chemberta").encode(["OCC", "C(O)C", "CCO"])
    assert len(np.unique(vectors, axis=0)) == 1


def test_the_library_would_have_read_j_as_unknown_and_it_is_read_as_x(transformers_folder):
    for name in PROTEIN_MODELS:
        vectors = protein(transformers_folder / name).encode(["MKJAY", "MKXAY"])
        assert np.array_equal(vectors[0], vectors[1]), name


@pytest.mark.parametrize(("name", "equal"), [("esm2", False), ("protbert", True), ("prott5", True)])
def test_rare_residues_are_read_as_the_model_learned_them(transformers_folder, name, equal):
    vectors = protein(transformers_folder / name).encode(["MKXAY", "MKUAY", "MKZAY", "MKOAY", "MKBAY"])
    assert (len(np.unique(vectors, axis=0)) == 1) is equal


def test_what_is_read_as_unknown_is_counted(transformers_folder, caplog):
    with caplog.at_level(logging.INFO, logger="hyperpcm"):
        protein(transformers_folder / "protbert").encode(["MKU", "MKX", "MKT"])
        smiles(transformers_folder / "molbert").encode(["CCO", "C[Zn]C"])
    counted = [record.getMessage() for record in caplog.records if "does not know" in record.getMessage()]
    assert ["1 of 3 items" in counted[0], "1 of 2 items" in counted[1]] == [True, True]


def test_a_long_item_is_the_token_wise_average_of_windows_that_overlap_by_half(transformers_folder):
    folder = transformers_folder / "esm2"
    draw = np.random.default_rng(0)
    sequence = "".join(draw.choice(list("ACDEFGHIKLMNPQRSTVWY"), size=26))
    sums, counts = np.zeros((26, 16)), np.zeros((26, 1))
    for start in (0, 5, 10, 15, 16):  # 10 residues each; the last one ends with the sequence
        sums[start : start + 10] += forward(folder, sequence[start : start + 10])[1:-1]
        counts[start : start + 10] += 1
    row = protein(folder, limit=10).encode([sequence])[0]
    np.testing.assert_allclose(row, (sums / counts).mean(axis=0), atol=1e-5)


def test_windows_are_means_of_equal_stretches_one_after_the_other(transformers_folder):
    folder = transformers_folder / "esm2"
    sequence = "MKTAYIAKQRQ"
    states = forward(folder, sequence)[1:-1]
    expected = [states[0:3].mean(axis=0), states[3:7].mean(axis=0), states[7:11].mean(axis=0)]
    encoder = protein(folder, pooling="windows", windows=3)
    assert encoder.width == 48
    np.testing.assert_allclose(encoder.encode([sequence])[0], np.concatenate(expected), atol=1e-5)


def test_fewer_residues_than_stretches_repeat_the_nearest(transformers_folder):
    folder = transformers_folder / "esm2"
    states = forward(folder, "MK")[1:-1]
    row = protein(folder, pooling="windows", windows=4).encode(["MK"])[0]
    np.testing.assert_allclose(row.reshape(4, 16), states[[0, 0, 1, 1]], atol=1e-5)


def test_titin_is_read_whole_and_a_peptide_of_three_too(transformers_folder, tmp_path, caplog):
    draw = np.random.default_rng(1)
    titin = "".join(draw.choice(list("ACDEFGHIKLMNPQRSTVWY"), size=35_000))
    other = titin[:-1] + ("A" if titin[-1] != "A" else "C")
    with caplog.at_level(logging.INFO, logger="hyperpcm"):
        vectors = protein(save_esm(tmp_path / "esm2", limit=510)).encode([titin, other, "MKT"])
    assert np.isfinite(vectors).all()
    assert "2 of 3 items are longer than 510 tokens" in caplog.text
    assert not np.array_equal(vectors[0], vectors[1])  # the last residue counts


def test_long_items_can_be_refused_and_are_named(transformers_folder):
    encoder = protein(transformers_folder / "esm2", long="error")
    with pytest.raises(InputError, match=rf"item 1 .*31 tokens; protein_model reads {LIMIT} at once.*'long'"):
        encoder.encode(["MKT", "M" * 31])
    with pytest.raises(InputError, match=r"item 1 .*tokens"):
        smiles(transformers_folder / "chemberta", long="error").encode(["CCO", "C(N)" * 20 + "C"])


@pytest.mark.parametrize("name", [*PROTEIN_MODELS, *SMILES_MODELS])
def test_padding_changes_a_row_by_rounding_only(transformers_folder, name):
    folder = transformers_folder / name
    module = load_model(folder, "any", profile_of(folder).family, "fp32")
    items = [[5, 6, 7], [5] * 20, [9, 8, 7, 6, 5, 5, 6], [7]]
    alone, together = (
        TransformerModel(module, 1, 0).vectors(items),
        TransformerModel(module, 1, 80).vectors(items),
    )
    for one, other in zip(alone, together, strict=True):
        assert np.abs(one - other).max() < 1e-5


@pytest.mark.gpu
@pytest.mark.parametrize("name", PROTEIN_MODELS)
def test_a_gpu_gives_the_rows_of_a_cpu_whatever_the_neighbours(transformers_folder, name, monkeypatch):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    encoder = protein(transformers_folder / name)
    together, alone = encoder.encode(TARGETS), np.stack([encoder.encode([item])[0] for item in TARGETS])
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    load_model.cache_clear()
    on_cpu = protein(transformers_folder / name).encode(TARGETS)
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(together, on_cpu, atol=1e-4)


def test_a_batch_that_does_not_fit_the_memory_is_halved(transformers_folder, monkeypatch):
    import torch

    module = load_model(transformers_folder / "esm2", "any", "esm", "fp32")
    model, sizes = TransformerModel(module, 1, 1000), []
    plain = TransformerModel._forward

    def scarce(self, batch, layer):
        sizes.append(len(batch))
        if len(batch) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return plain(self, batch, layer)

    items = [[5, 6, 7], [5, 5], [9, 8, 7, 6], [7]]
    expected = model.vectors(items)
    monkeypatch.setattr(TransformerModel, "_forward", scarce)
    found = model.vectors(items)
    assert sizes == [4, 2, 1, 1, 2, 1, 1]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_one_item_that_does_not_fit_the_memory_says_what_to_change(transformers_folder, monkeypatch):
    import torch

    def nothing_fits(self, batch, layer):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(TransformerModel, "_forward", nothing_fits)
    with pytest.raises(HyperpcmError, match=r"5 tokens do not fit .* Lower the option 'limit'"):
        protein(transformers_folder / "esm2").encode(["MKT"])


def test_the_model_is_loaded_once_per_process(transformers_folder, monkeypatch):
    import transformers

    calls = []
    load = transformers.EsmModel.from_pretrained
    monkeypatch.setattr(
        transformers.EsmModel, "from_pretrained", lambda *a, **k: calls.append(1) or load(*a, **k)
    )
    load_model.cache_clear()
    for _ in range(3):
        protein(transformers_folder / "esm2").encode(["MKT"])
    assert calls == [1]


def test_bf16_is_near_fp32_and_another_encoder(transformers_folder):
    full, half = (protein(transformers_folder / "esm2", precision=kind) for kind in ("fp32", "bf16"))
    assert full.key() != half.key()
    difference = np.abs(full.encode(SHORT) - half.encode(SHORT)).max()
    assert 0 < difference < 0.1


def test_fp16_without_a_gpu_is_refused(transformers_folder, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    load_model.cache_clear()
    with pytest.raises(ConfigError, match=r"'fp16' needs a GPU"):
        protein(transformers_folder / "esm2", precision="fp16").encode(["MKT"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pooling": "max"}, "pooling must be one of mean, first, windows"),
        ({"windows": 1}, "windows"),
        ({"long": "truncate"}, "long must be one of window, error"),
        ({"limit": 1}, "limit"),
        ({"limit": LIMIT + 1}, "reads 30 tokens at once"),
        ({"layer": 3}, "layer"),
        ({"precision": "fp64"}, "precision"),
    ],
)
def test_an_option_outside_its_range_is_refused(transformers_folder, options, said):
    with pytest.raises(ConfigError, match=said):
        protein(transformers_folder / "esm2", **options)


def test_t5_has_no_first_token(transformers_folder):
    with pytest.raises(ConfigError, match=r"no first token"):
        protein(transformers_folder / "prott5", pooling="first")


def test_every_option_changes_the_key(transformers_folder):
    folder = transformers_folder / "esm2"
    variants = [
        {},
        {"pooling": "first"},
        {"pooling": "windows"},
        {"pooling": "windows", "windows": 5},
        {"long": "error"},
        {"limit": 12},
        {"layer": 1},
        {"precision": "bf16"},
    ]
    keys = {protein(folder, **options).key() for options in variants}
    keys |= {protein(transformers_folder / "esm1b").key()}
    assert len(keys) == len(variants) + 1


def test_a_copy_elsewhere_is_the_same_encoder(transformers_folder, tmp_path):
    copy = shutil.copytree(transformers_folder / "esm2", tmp_path / "copy")
    (copy / "README.md").write_text("of no account")
    assert protein(copy).key() == protein(transformers_folder / "esm2").key()
    assert protein(copy) == protein(transformers_folder / "esm2")


def test_a_spec_finds_the_folder_where_it_was_last_used(transformers_folder, tmp_path):
    from hyperpcm.encoders.registry import build_encoder

    copy = shutil.copytree(transformers_folder / "esm2", tmp_path / "copy")
    encoder = protein(copy)
    expected = encoder.encode(["MKT"])
    assert "folder" not in encoder.spec()
    assert np.array_equal(build_encoder(encoder.spec()).encode(["MKT"]), expected)
    shutil.rmtree(copy)
    with pytest.raises(DataUnavailableError, match=r"was in .*copy.*fetch protein_model --from FOLDER"):
        build_encoder(encoder.spec())


def test_a_changed_folder_is_another_encoder_and_refused_by_the_old_spec(transformers_folder, tmp_path):
    folder = save_esm(tmp_path / "mine", seed=5)
    encoder = protein(folder)
    encoder.encode(["MKT"])
    save_esm(folder, seed=6)
    with pytest.raises(ConfigError, match=r"holds another network"):
        target_encoder("protein_model", options={"protein_model": {"content": encoder.content}})
    with pytest.raises(ConfigError, match=r"were changed since"):
        FolderEncoder.__dict__["_folder"](encoder)


def test_by_name_through_the_registry(transformers_folder):
    options = {"protein_model": {"folder": str(transformers_folder / "protbert"), "pooling": "first"}}
    assert target_encoder("composition+protein_model", options=options).width == 429 + 16
    options = {"smiles_model": {"folder": str(transformers_folder / "molbert")}}
    assert compound_encoder("smiles_model", options=options).encode(["CCO"]).shape == (1, 16)
    with pytest.raises(ConfigError, match=r"needs the option 'folder'"):
        target_encoder("protein_model")


def test_a_class_that_does_not_fit_the_side_is_refused(transformers_folder, tmp_path):
    with pytest.raises(ConfigError, match=r"type 'roberta'; supported for targets: esm, bert, t5"):
        protein(transformers_folder / "chemberta")
    with pytest.raises(ConfigError, match=r"type 'esm'; supported for compounds: roberta, bert"):
        smiles(transformers_folder / "esm2")
    other = shutil.copytree(transformers_folder / "esm2", tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"model_type": "molformer"}))
    with pytest.raises(ConfigError, match=r"type 'molformer'.*never run"):
        protein(other)


def test_weights_of_another_class_than_the_configuration_says_are_refused(transformers_folder, tmp_path):
    mixed = shutil.copytree(transformers_folder / "protbert", tmp_path / "mixed")
    shutil.copy(transformers_folder / "esm2" / "model.safetensors", mixed)
    with pytest.raises(ConfigError, match=r"lack .* of the tensors of this BertModel, such as embeddings"):
        protein(mixed).encode(["MKT"])


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("model.safetensors", r"lacks weights \(model.safetensors or pytorch_model.bin\)"),
        ("config.json", "lacks config.json"),
        ("vocab.txt", "lacks a tokenizer"),
    ],
)
def test_a_folder_that_lacks_a_file_is_refused(transformers_folder, tmp_path, file, said):
    copy = shutil.copytree(transformers_folder / "esm2", tmp_path / "copy")
    (copy / file).unlink()
    with pytest.raises(ConfigError, match=said):
        protein(copy)
    with pytest.raises(ConfigError, match=r"is not a folder"):
        protein(copy / "nowhere")


def test_damaged_and_hostile_weights_are_refused(transformers_folder, tmp_path):
    copy = shutil.copytree(transformers_folder / "esm2", tmp_path / "copy")
    content = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(ConfigError, match=r"damaged|cannot be loaded"):
        protein(copy).encode(["MKT"])
    hostile = shutil.copytree(transformers_folder / "prott5_bin", tmp_path / "hostile")
    run = tmp_path / "was_run"
    (hostile / "pytorch_model.bin").write_bytes(b"cposix\nsystem\n(Vtouch " + str(run).encode() + b"\ntR.")
    with pytest.raises(ConfigError, match=r"damaged|cannot be loaded"):
        protein(hostile).encode(["MKT"])
    assert not run.exists()


def test_a_tokenizer_that_does_not_read_residues_is_refused(transformers_folder, tmp_path):
    copy = shutil.copytree(transformers_folder / "molbert", tmp_path / "copy")
    with pytest.raises(ConfigError, match=r"has no token for A, D, .*residue by residue"):
        protein(copy).encode(["MKT"])


def test_without_the_extra_the_command_that_installs_it_is_given(transformers_folder, monkeypatch):
    import importlib.util

    encoder = protein(transformers_folder / "esm2")
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *a: None if name == "transformers" else found(name, *a)
    )
    with pytest.raises(MissingExtraError, match=r"pip install 'hyperpcm\[plm\]'"):
        encoder.encode(["MKT"])
