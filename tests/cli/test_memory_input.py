"""What `hyperpcm memory` is given: tables, quantities, names and files, and what of it is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from hyperpcm.checkpoint import load_model, save_model
from hyperpcm.datasets import read_table
from hyperpcm.datasets.interactions import Quantity
from small_memories import FRESH, NEW, call, done
from small_models import ACTIVE, made_model
from small_runs import SMILES


@pytest.mark.parametrize(
    ("header", "value", "options", "message"),
    [
        ("pKi", "7", (), "--quantity 'pKd'"),
        ("value", "7", ("--unit", "ug/mL"), "Concentrations (pM to M) are converted to pKd"),
        ("active", "1", (), "no class becomes a value again"),
        ("pKd", "7", ("--active-at", "6"), "--active-at makes classes"),
        ("pKd", "none", (), "none of its 1 cells is usable"),
    ],
)
def test_other_quantities_are_refused(
    trained: SimpleNamespace, tmp_path: Path, header: str, value: str, options: tuple[str, ...], message: str
):
    table = tmp_path / "table.csv"
    table.write_text(f"smiles,sequence,{header}\nCCO,{NEW},{value}\n", encoding="utf-8")
    refused = call("memory", "add", trained.run, table, "--name", "x", "-o", tmp_path / "m", *options)
    assert refused.exit_code == 2
    assert message in " ".join(refused.stderr.split())
    assert not (tmp_path / "m").exists()


def test_another_quantity_that_means_the_same_is_taken_where_the_user_says_so(
    trained: SimpleNamespace, tmp_path: Path
):
    table, fasta = tmp_path / "table.csv", tmp_path / "targets.fasta"
    table.write_text("smiles,target,pKi\nCCO,mine,7\n", encoding="utf-8")
    fasta.write_text(f">mine\n{NEW}\n", encoding="utf-8")
    given = ("--targets", fasta, "--quantity", "pKd", "--rejected", tmp_path / "rejected.csv")
    done("memory", "add", trained.run, table, "--name", "x", "-o", tmp_path / "m", *given)
    assert load_model(tmp_path / "m").memory_names[-1] == "mine"


def test_what_cannot_be_asked_is_refused_before_the_work(project: SimpleNamespace, trained: SimpleNamespace):
    out = project.folder / "never.safetensors"
    add = ("memory", "add", trained.run, project.table, "--name", "x")
    key, signed = project.key, ("--diff", project.folder / "d.json", "--sign-key", project.key)
    (project.folder / "sub").mkdir(exist_ok=True)
    for asked, message in [
        ((*add,), "--overlay project.hpm"),
        ((*add, "-o", out, "--overlay", out), "--out"),
        ((*add, "-o", out, "--sign-key", project.key), "with --diff"),
        ((*add, "-o", out, "--diff", out), "two files would be written"),
        ((*add, "-o", out, "--rejected", out), "two files would be written"),
        ((*add, "-o", out, "--overlay", out, "--rejected", out), "--out"),
        ((*add, "-o", out, "--diff", project.folder / "sub" / ".." / out.name), "two files would be written"),
        ((*add, "-o", out, "--diff", key, "--sign-key", key, "--overwrite"), "is read from"),
        ((*add, "-o", out, "--rejected", key, *signed, "--overwrite"), "is read from"),
        ((*add, "-o", out, "--rejected", project.folder / "rejected.txt"), "the name must end in one of"),
        (("memory", "remove", trained.run, "-o", out), "what goes?"),
        (("memory", "remove", trained.run, "--target", "t1"), "Missing option '--out'"),
        (("memory", "remove", trained.run, "--target", "nobody", "-o", out), "knows no target of this name"),
        (("memory", "remove", trained.run, "--target", "T1", "-o", out), "Did you mean t1"),
        (("memory", "remove", trained.run, "--source", "table", "-o", out), "no overlay of this name"),
        (("memory", "list", trained.target), "holds no memory"),
    ]:
        refused = call(*asked)
        assert (refused.exit_code, message in " ".join(refused.stderr.split())) == (2, True), refused.stderr
    assert not out.exists()


def test_a_run_whose_memory_was_changed_is_not_evaluated(project: SimpleNamespace, trained: SimpleNamespace):
    run = project.folder / "run"
    shutil.copytree(trained.run, run)
    shutil.copy(project.model, run / "model.safetensors")
    refused = call("evaluate", run)
    assert (refused.exit_code, "its memory was changed after training" in refused.stderr) == (2, True)


def test_a_model_of_classes_takes_values_with_a_threshold(tmp_path: Path):
    model, table, out = (tmp_path / name for name in ("model.safetensors", "table.csv", "new.safetensors"))
    save_model(made_model(quantity=ACTIVE), model)
    table.write_text(f"smiles,sequence,Kd (nM)\nCCN,{NEW},10\nCCO,{NEW},30\n", encoding="utf-8")
    add = ("memory", "add", model, table, "--name", "project", "-o", out)
    refused = call(*add)
    assert (refused.exit_code, "(--active-at)" in refused.stderr) == (2, True)
    done(*add, "--active-at", 7)
    assert load_model(out).memory_values[-2:].tolist() == [1.0, 1.0]
    listed = json.loads(done("memory", "list", out, "--target", NEW, "--json").stdout)
    assert [one["label"] for one in listed["labels"]] == [1.0, 1.0]


def test_the_name_of_the_training_data_is_taken(project: SimpleNamespace, trained: SimpleNamespace):
    refused = call("memory", "add", trained.run, project.table, "--name", "table", "-o", project.folder / "x")
    assert (refused.exit_code, "was trained on have this name" in refused.stderr) == (2, True)
    assert "memory remove" not in refused.stderr  # which would answer that there is no such overlay


def test_what_does_not_fit_the_model_is_refused_before_the_work(
    project: SimpleNamespace, trained: SimpleNamespace, tmp_path: Path
):
    rejected, out = tmp_path / "rejected.csv", tmp_path / "x"
    add = ("memory", "add", "--rejected", rejected, "-o", out)
    named = call(*add, trained.run, project.table, "--name", "a\nb")
    assert (named.exit_code, "rows read" in named.stderr) == (2, False)
    table = tmp_path / "table.csv"
    table.write_text(f"smiles,sequence,pKi\nCCO,{NEW},7\nC1CC,{NEW},7\n", encoding="utf-8")
    refused = call(*add, trained.run, table, "--name", "x")
    assert (refused.exit_code, "--quantity 'pKd'" in refused.stderr) == (2, True)
    assert "C1CC" not in refused.stderr
    assert not rejected.exists()


def test_classes_of_another_threshold_are_refused(tmp_path: Path):
    model, table, out = (tmp_path / name for name in ("model.safetensors", "table.csv", "new.safetensors"))
    save_model(made_model(quantity=Quantity("pKd of 7 or more", "", kind="binary")), model)
    table.write_text(f"smiles,sequence,pKd\nCCN,{NEW},8\nCCO,{NEW},6\n", encoding="utf-8")
    add = ("memory", "add", model, table, "--name", "project", "-o", out, "--compare", 0)
    refused = call(*add, "--active-at", 5)
    message = "its actives are pKd of 5 or more, and those of the model pKd of 7 or more"
    assert (refused.exit_code, message in " ".join(refused.stderr.split())) == (2, True)
    done(*add, "--active-at", 7)
    table.write_text(f"smiles,sequence,active\nCCN,{NEW},1\nCCO,{NEW},0\n", encoding="utf-8")
    assert "are taken as those of the model (pKd of 7 or more)" in done(*add, "--overwrite").stderr


def test_pairs_go_by_a_table_without_values_and_from_the_source_that_is_named(
    project: SimpleNamespace, trained: SimpleNamespace, tmp_path: Path
):
    known = load_model(trained.run / "model.safetensors")
    table, out = tmp_path / "pairs.csv", tmp_path / "model.safetensors"
    table.write_text(f"smiles,sequence,pKd\n{FRESH},{NEW},\n{SMILES[1]},{NEW},1\n", encoding="utf-8")
    remove = ("memory", "remove", project.model, "--compare", 0, "-o", out, "--overwrite")
    labels = len(load_model(project.model).memory_values)
    for text in (table.read_text(encoding="utf-8"), f"smiles,sequence\n{FRESH},{NEW}\n{SMILES[1]},{NEW}\n"):
        table.write_text(text, encoding="utf-8")
        assert "rows cannot be used" not in done(*remove, "--measurements", table).stderr
        assert len(load_model(out).memory_values) == labels - 2
    of_training = next(
        one for one in known.memory_sequences if one not in read_table(trained.table).targets[:2]
    )
    table.write_text(f"smiles,sequence\n{FRESH},{NEW}\n{SMILES[0]},{of_training}\n", encoding="utf-8")
    removed = done(*remove, "--measurements", table, "--source", "mine")
    assert "1 of 2 pairs are not among what was added as mine" in removed.stderr
    assert len(load_model(out).memory_values) == labels - 1


def test_a_target_that_is_named_twice_goes_once(trained: SimpleNamespace, tmp_path: Path):
    asked = ("--target", "t1", "--target", "t1", "-o", tmp_path / "model", "--compare", 0, "--json")
    record = json.loads(done("memory", "remove", trained.run, *asked).stdout)
    assert record["source"]["targets"] == ["t1"]
