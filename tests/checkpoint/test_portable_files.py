"""Target models outside this package: an ONNX graph and a program of NumPy give the same scores."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.checkpoint import save_numpy_file, save_onnx_file
from hyperpcm.checkpoint.numpy_file import PORTABLE_ENCODERS
from hyperpcm.checkpoint.onnx_file import onnx_bytes
from hyperpcm.chem import morgan_counts
from hyperpcm.encoders import ENCODERS, build_encoder, compound_encoder
from hyperpcm.errors import (
    ConfigError,
    CorruptModelError,
    DivergedError,
    IncompatibleModelError,
    MissingExtraError,
    OutputError,
)
from hyperpcm.nn import kernel_ridge, retrieval
from hyperpcm.nn.scaling import Standardiser
from hyperpcm.target_model import NumpyTargetModel, TargetModel, numpy_form
from small_models import ACTIVE, GRAPHS, PKD, PLAIN, PUBLISHED, QUERY, SMALL, made_model, many_smiles
from small_trees import with_trees

SELU = {**PUBLISHED, "qsar": {**PUBLISHED["qsar"], "activation": "selu"}}
MIXED = ["CCO", "not a molecule", "", "c1ccccc1", "[Na+].CC(=O)[O-]"]


@pytest.fixture(
    scope="module",
    params=[
        (SMALL, PKD),
        (PUBLISHED, PKD),
        (SELU, PKD),
        (PLAIN, PKD),
        (SMALL, ACTIVE),
        (PLAIN, ACTIVE),
        (SMALL, ACTIVE, (0.6, -1.2)),
        (PLAIN, ACTIVE, (1.7, 0.4)),
    ],
    ids=[
        "retrieval",
        "as published",
        "selu",
        "plain",
        "classes with retrieval",
        "classes",
        "calibrated classes with retrieval",
        "calibrated classes",
    ],
)
def target(request) -> TargetModel:
    settings, quantity, *logit_map = request.param
    model = made_model(settings, quantity)
    if logit_map:
        (model.logit_map,) = logit_map
    if model.ridge is not None:
        with torch.no_grad():
            model.ridge.coefficients.normal_(generator=torch.Generator().manual_seed(0))
        model.ridge_share.fill_(0.3)
        model.ridge_contrast = (0.4, 0.2)
    compiled = model.compile_target(QUERY, name="new one")
    return with_trees(compiled) if compiled.prior is not None else compiled


def inputs_of(target: TargetModel, smiles: list[str]) -> dict[str, np.ndarray]:
    given = {"embedding": target.encoder.encode(smiles)}
    if target.prior is not None:
        width = target.prior.landmarks.shape[1]
        given["fingerprint"] = morgan_counts(smiles, radius=target.prior.radius, width=width)
    return given


def run_onnx(content: bytes, given: dict[str, np.ndarray]) -> np.ndarray:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == ["score"]
    return session.run(None, given)[0]


def test_the_numpy_form_scores_as_the_target(target: TargetModel, tmp_path: Path):
    save_numpy_file(target, tmp_path / "t.pyz")
    form = NumpyTargetModel.read(tmp_path / "t.pyz")
    smiles = many_smiles(350) + ["C" * length for length in range(1, 200)]  # more than one block
    expected = target.score(smiles).values
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(form.score(smiles).values, expected, atol=1e-5)
    mixed = form.score(MIXED)
    assert mixed.rejections == target.score(MIXED).rejections
    assert (form.name, form.sequence, form.quantity) == ("new one", QUERY, target.quantity)


def test_the_numpy_form_depends_on_neighbours_by_rounding_alone(target: TargetModel, tmp_path: Path):
    save_numpy_file(target, tmp_path / "t.pyz")
    form, smiles = NumpyTargetModel.read(tmp_path / "t.pyz"), many_smiles(60)
    values = form.score(smiles).values
    np.testing.assert_allclose(form.score(smiles[::-1]).values, values[::-1], rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(form.score(smiles[7:8]).values, values[7:8], rtol=2e-6, atol=2e-6)


def test_the_onnx_graph_scores_as_the_target(target: TargetModel):
    pytest.importorskip("onnx")
    smiles = many_smiles(350) + ["C" * length for length in range(1, 200)]
    content = onnx_bytes(target)
    found = run_onnx(content, inputs_of(target, smiles))
    np.testing.assert_allclose(found, target.score(smiles).values, atol=1e-5)
    assert found.shape == (549,)
    assert found.dtype == np.float32
    none = {name: values[:0] for name, values in inputs_of(target, smiles).items()}
    assert run_onnx(content, none).shape == (0,)


def test_the_onnx_file_says_what_it_is(target: TargetModel, tmp_path: Path):
    onnx = pytest.importorskip("onnx")
    save_onnx_file(target, tmp_path / "t.onnx")
    model = onnx.load(tmp_path / "t.onnx")
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert (facts["name"], facts["sequence"]) == ("new one", QUERY)
    assert json.loads(facts["quantity"]) == dataclasses.asdict(target.quantity)
    assert build_encoder(json.loads(facts["encoder"])) == target.encoder
    assert ("fingerprint" in facts) == (target.prior is not None)


def test_bounds_are_those_of_the_networks():
    assert numpy_form.RETRIEVAL_FLOOR == retrieval._FLOOR
    assert numpy_form.RIDGE_FLOOR == kernel_ridge._FLOOR
    assert numpy_form.LITTLE == retrieval._LITTLE


@pytest.mark.parametrize("name", PORTABLE_ENCODERS)
def test_every_portable_encoder_runs_where_numpy_and_rdkit_are_all_there_is(name: str, tmp_path: Path):
    """Other packages are there, but cannot be imported."""
    encoder = compound_encoder(name)
    target = dataclasses.replace(
        made_model(PLAIN).compile_target(QUERY), encoder=encoder, compound_scaler=Standardiser(encoder.width)
    )
    layers = [
        dataclasses.replace(
            layer, delta=torch.linspace(-1, 1, layer.bias.shape[1] * width).view(1, -1, width)
        )
        for layer, width in zip(
            target.networks[0].layers,
            (encoder.width, target.networks[0].layers[0].bias.shape[1]),
            strict=True,
        )
    ]
    target = dataclasses.replace(
        target, networks=(dataclasses.replace(target.networks[0], layers=tuple(layers)),)
    )
    path = tmp_path / "t.pyz"
    save_numpy_file(target, path)
    smiles = many_smiles(5)
    (tmp_path / "c.smi").write_text("\n".join([f"{text} number {row}" for row, text in enumerate(smiles)]))
    found = run_program(path, "c.smi", tmp_path)
    rows = list(csv.DictReader(io.StringIO(found.stdout)))
    expected = target.score(smiles).values
    np.testing.assert_allclose([float(row["score"]) for row in rows], expected, rtol=1e-4, atol=1e-4)
    assert [row["name"] for row in rows] == [f"number {row}" for row in range(5)]


def test_the_program_names_rows_that_cannot_be_scored_and_reads_standard_input(tmp_path: Path):
    path = tmp_path / "t.pyz"
    target = with_trees(made_model(SMALL).compile_target(QUERY, name="kinase"))
    save_numpy_file(target, path)
    found = run_program(path, "-", tmp_path, given="CCO ethanol\n\nnonsense\n")
    rows = list(csv.DictReader(io.StringIO(found.stdout)))
    assert [row["rejected"] for row in rows] == ["", "PARSE"]
    assert float(rows[0]["score"]) == pytest.approx(float(target.score(["CCO"]).values[0]), abs=1e-4)
    assert "1 of 2 rows cannot be scored" in found.stderr
    assert "pKd [-log10(M)]" in found.stderr
    about = json.loads(run_program(path, "--about", tmp_path).stdout)
    assert (about["name"], about["quantity"]["name"]) == ("kinase", "pKd")


def test_the_program_says_what_is_wrong_in_one_sentence(tmp_path: Path):
    path = tmp_path / "t.pyz"
    save_numpy_file(made_model(PLAIN).compile_target(QUERY), path)
    missing = run_program(path, "nowhere.smi", tmp_path, code=2)
    assert missing.stderr == "error: nowhere.smi: cannot be read (No such file or directory).\n"
    nothing = run_program(path, None, tmp_path, code=2)
    assert "no compounds are given" in nothing.stderr


def run_program(
    path: Path, argument: str | None, folder: Path, *, given: str = "", code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run the file in a process in which nothing but NumPy, RDKit and what RDKit needs can be imported."""
    guard = folder / "guard"
    guard.mkdir(exist_ok=True)
    (guard / "sitecustomize.py").write_text(
        "import importlib.abc, sys\n"
        "class Guard(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        top = name.partition('.')[0]\n"
        "        known = ('numpy', 'rdkit', 'PIL', 'hyperpcm', '__main__', 'sitecustomize')\n"
        "        if top in sys.stdlib_module_names or top in known:\n"
        "            if top != 'hyperpcm' or 't.pyz' in str(path or sys.path[0]):\n"
        "                return None\n"
        "        raise ModuleNotFoundError(f'No module named {name!r} here', name=top)\n"
        "sys.meta_path.insert(0, Guard())\n"
    )
    done = subprocess.run(
        [sys.executable, path.name, *([] if argument is None else [argument])],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(guard)},
    )
    assert done.returncode == code, done.stderr
    return done


# Refusals


@pytest.mark.parametrize("save", [save_numpy_file, save_onnx_file])
def test_what_these_files_do_not_hold_is_refused(save, tmp_path: Path):
    pytest.importorskip("onnx")
    with pytest.raises(IncompatibleModelError, match="graphs of compounds"):
        save(made_model(GRAPHS).compile_target(QUERY), tmp_path / "t")
    broken = made_model(PLAIN).compile_target(QUERY)
    broken.networks[0].layers[0].bias[0, 0] = float("nan")
    with pytest.raises(DivergedError, match="NaN"):
        save(broken, tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_an_encoder_with_weights_has_no_numpy_form(tmp_path: Path):
    target = made_model(PLAIN).compile_target(QUERY)
    others = [name for name, entry in ENCODERS.items() if entry.side == "compound" and entry.extra is None]
    assert set(others) <= set(PORTABLE_ENCODERS)  # whatever needs no extra is there

    class Other:
        name = "minimol"

    with pytest.raises(ConfigError, match="minimol needs more than NumPy and RDKit"):
        save_numpy_file(dataclasses.replace(target, encoder=Other()), tmp_path / "t.pyz")


@pytest.mark.parametrize("save", [save_numpy_file, save_onnx_file])
def test_a_file_that_is_there_stays_unless_it_may_be_replaced(save, tmp_path: Path):
    pytest.importorskip("onnx")
    target, path = made_model(PLAIN).compile_target(QUERY), tmp_path / "t"
    save(target, path)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        save(target, path)
    save(target, path, overwrite=True)
    assert path.read_bytes() == before  # equal models make equal files


def test_a_missing_onnx_says_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'hyperpcm\[onnx\]'"):
        save_onnx_file(made_model(PLAIN).compile_target(QUERY), tmp_path / "t.onnx")


def test_a_damaged_or_foreign_file_is_refused(tmp_path: Path):
    path = tmp_path / "t.pyz"
    save_numpy_file(made_model(PLAIN).compile_target(QUERY), path)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as file:
        at = file.getinfo("model.npz").header_offset + 100
    for content in (b"", b"not a zip", whole[: len(whole) // 2], whole[:at] + b"\0" * 40 + whole[at + 40 :]):
        path.write_bytes(content)
        with pytest.raises(CorruptModelError, match="not the NumPy form of a target model, or it is damaged"):
            NumpyTargetModel.read(path)


def test_a_newer_layout_is_refused(tmp_path: Path):
    path = tmp_path / "t.pyz"
    save_numpy_file(made_model(PLAIN).compile_target(QUERY), path)
    with zipfile.ZipFile(path) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    entries["model.json"] = json.dumps(json.loads(entries["model.json"]) | {"format_version": 3}).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)
    with pytest.raises(IncompatibleModelError, match="layout 3; here layouts up to 2 are read"):
        NumpyTargetModel.read(path)


def test_the_first_layout_is_read_as_probabilities_that_were_not_calibrated(tmp_path: Path):
    path, target = tmp_path / "t.pyz", made_model(PLAIN, ACTIVE).compile_target(QUERY)
    save_numpy_file(target, path)
    with zipfile.ZipFile(path) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    header = json.loads(entries["model.json"]) | {"format_version": 1}
    for name in ("slope", "intercept"):
        del header["label_scale"][name]
    entries["model.json"] = json.dumps(header).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)
    smiles = many_smiles(20)
    found = NumpyTargetModel.read(path).score(smiles).values
    np.testing.assert_allclose(found, target.score(smiles).values, atol=1e-5)
