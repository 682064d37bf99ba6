"""`hyperpcm memory`: list, add, remove, apply and verify, and the other commands on what they write."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hyperpcm.checkpoint import load_model, read_archive, save_model, write_signed
from hyperpcm.chem import standardise
from hyperpcm.model import with_targets
from small_memories import FRESH, NEW, call, digest, done, scores
from small_models import made_model
from small_projects import PROJECT
from small_runs import SMILES


def test_adding_tells_what_came_what_was_refused_and_what_moves(project: SimpleNamespace):
    shown, said = project.added.stdout, project.added.stderr
    assert "+ mine: 3 labels (new target)" in shown
    assert "+ t1: 1 label\n" in shown
    assert "~ t1: 1 label merged with what was there" in shown
    assert "+ 1 compound not known before" in shown
    assert "measured more than once: 1 pair" in shown
    assert re.search(r"Scores of \d+ known targets for 15 known compounds move by", shown)
    assert "row 6, 'C1CC': PARSE" in said
    assert "6 values converted from nM to pKd" in said


def test_the_record_tells_models_changes_and_moves(project: SimpleNamespace, trained: SimpleNamespace):
    record = json.loads(project.diff.read_text(encoding="utf-8"))
    assert record["model_before"] == read_archive(trained.run / "model.safetensors").sha256
    assert record["model_after"] == read_archive(project.model).sha256
    assert [(one["target"], one["labels"], one["whole_target"]) for one in record["added"]] == [
        ("t1", 1, False),
        ("mine", 3, True),
    ]
    assert (record["author"], record["action"], record["removed"]) == ("A. Chemist", "add", [])
    assert record["source"]["rejected_rows"] == 1
    (conflict,) = record["conflicts"]
    assert conflict["kept"] == pytest.approx(np.mean(conflict["values"]), abs=1e-5)
    moves = record["moves"]["largest"]
    changes = [abs(one["after"] - one["before"]) for one in moves]
    assert len(moves) == 20
    assert changes == sorted(changes, reverse=True)
    top = moves[0]
    for side, model in (("before", trained.run), ("after", project.model)):
        sequence = next(
            one["sequence"]
            for one in json.loads(done("memory", "list", project.model, "--json").stdout)["targets"]
            if one["target"] == top["target"]
        )
        ((_, value),) = scores(model, top["compound"], "--target", sequence)
        assert value == pytest.approx(top[side], abs=0.02)  # the command scores with rounded weights


def test_the_new_model_keeps_its_history_and_its_card_tells_it(project: SimpleNamespace):
    (entry,) = load_model(project.model).card["memory"]
    assert entry["added"] == {"targets": 2, "labels": 4}
    assert entry["source"] == {"name": "mine"}
    card = done("card", project.model).stdout
    assert "## What its memory gained and lost since" in card
    assert "by A. Chemist: added 4 labels of 2 targets; changed 1 label of 1 target (mine)" in card


def test_all_commands_read_a_model_and_its_overlay_alike(project: SimpleNamespace, trained: SimpleNamespace):
    both = f"{trained.run}+{project.overlay}"
    asked = (FRESH, *SMILES[:3], "--target", NEW)
    assert scores(project.model, *asked) == scores(both, *asked) != scores(trained.run, *asked)
    assert "gained and lost since" in done("card", both).stdout
    target = project.folder / "mine.hpcm"
    for given in (both, project.model):
        done("compile", given, NEW, "-o", target, "--overwrite")
        assert scores(target, *asked[:4]) == scores(both, *asked)
    explained = json.loads(done("explain", both, FRESH, "--target", NEW, "--json", "--known", 2).stdout)
    assert explained["compounds"][0]["evidence"]["retrieved"][0]["name"] == "mine"
    fasta = project.folder / "targets.fasta"
    fasta.write_text(f">mine\n{NEW}\n", encoding="utf-8")
    done("compile", both, fasta, "--all", "-o", project.folder / "panel")
    library = project.folder / "library.smi"
    library.write_text(f"{FRESH} fresh\n{SMILES[4]} other\n", encoding="utf-8")
    hits = project.folder / "hits.csv"
    done("screen", project.folder / "panel", "--library", library, "--out", hits)
    assert "fresh" in hits.read_text(encoding="utf-8")
    done("index", library, "--for", both, "-o", project.folder / "library.index")


def test_an_overlay_is_small_and_refused_on_another_model(project: SimpleNamespace, trained: SimpleNamespace):
    assert project.overlay.stat().st_size < 0.2 * project.model.stat().st_size
    refused = call("score", f"{project.model}+{project.overlay}", "CCO", "--target", NEW)
    assert refused.exit_code == 3
    assert "this overlay was made for another model" in refused.stderr
    on_target = call("score", f"{trained.target}+{project.overlay}", "CCO")
    assert (on_target.exit_code, "is the model of one target" in on_target.stderr) == (2, True)
    missing = call("score", f"{trained.run}+nothing.hpm", "CCO", "--target", NEW)
    assert (missing.exit_code, "there is no overlay nothing.hpm" in missing.stderr) == (2, True)
    damaged = project.folder / "damaged.hpm"
    content = bytearray(project.overlay.read_bytes())
    content[-3] ^= 1
    damaged.write_bytes(content)
    assert call("card", f"{trained.run}+{damaged}").exit_code == 3


def test_an_overlay_is_baked_into_a_file(project: SimpleNamespace, trained: SimpleNamespace):
    out = project.folder / "applied.safetensors"
    done("memory", "apply", trained.run, project.overlay, "-o", out, "--compare", 0)
    asked = (FRESH, *SMILES[:3], "--target", NEW)
    assert scores(out, *asked) == scores(project.model, *asked)
    history = load_model(out).card["memory"]
    assert [(one["action"], one["source"]["name"]) for one in history] == [("add", "mine"), ("apply", "mine")]
    restored = project.folder / "restored.safetensors"
    done("memory", "remove", out, "--source", "mine", "-o", restored, "--compare", 0)
    assert scores(restored, *asked) == scores(trained.run, *asked)
    text, card = restored.read_bytes(), done("card", restored).stdout
    for named in (FRESH, NEW, project.table.name):
        assert named.encode() not in text
    assert [line.split(": ", 1)[1] for line in card.splitlines() if ": " in line and "(mine)" in line] == [
        "added 4 labels of 2 targets; changed 1 label of 1 target (mine)",
        "overlays written into the file (mine)",
        "removed 4 labels of 2 targets; changed 1 label of 1 target (mine)",
    ]


def test_two_overlays_of_one_model_are_laid_together(project: SimpleNamespace, trained: SimpleNamespace):
    table, second = project.folder / "second.csv", project.folder / "second.hpm"
    table.write_text(f"smiles,sequence,pKd\n{SMILES[5]},{NEW},9.0\n", encoding="utf-8")
    done("memory", "add", trained.run, table, "--name", "two", "--overlay", second, "--compare", 0)
    both = f"{trained.run}+{project.overlay}+{second}"
    on_top = project.folder / "on_top.hpm"
    over_first = f"{trained.run}+{project.overlay}"
    add = ("memory", "add", over_first, table, "--name", "two", "--overlay", on_top, "--compare", 0)
    assert json.loads(done(*add, "--json").stdout)["conflicts"] == []  # that of the first was told before
    asked = (FRESH, SMILES[5], "--target", NEW)
    expected = scores(f"{over_first}+{on_top}", *asked)
    assert scores(both, *asked) == expected != scores(over_first, *asked)
    listed = json.loads(done("memory", "list", both, "--json").stdout)
    assert [one["name"] for one in listed["overlays"]] == ["mine", "two"]
    assert call("card", f"{trained.run}+{on_top}").exit_code == 3


def test_removing_the_source_gives_back_the_scores_bit_for_bit(
    project: SimpleNamespace, trained: SimpleNamespace
):
    out = project.folder / "without.safetensors"
    removed = done("memory", "remove", project.model, "--source", "mine", "-o", out)
    assert "- mine: 3 labels (the whole target)" in removed.stdout
    assert "- 1 compound known through these labels alone" in removed.stdout
    original, restored = (load_model(one) for one in (trained.run / "model.safetensors", out))
    for sequence in (NEW, *original.memory_sequences[:2]):
        one, other = (model.compile_target(sequence).score(SMILES) for model in (original, restored))
        assert one.values.tobytes() == other.values.tobytes()
        assert one.intervals is None or one.intervals.lower.tobytes() == other.intervals.lower.tobytes()
    assert [entry["action"] for entry in restored.card["memory"]] == ["add", "remove"]


def test_targets_sequences_and_measurements_are_removed(project: SimpleNamespace, trained: SimpleNamespace):
    out = project.folder / "fewer.safetensors"
    known = load_model(trained.run / "model.safetensors")
    name, other = known.memory_names[0], known.memory_sequences[1]
    asked = ("--target", name, "--sequence", other, "-o", out, "--compare", 0, "--json")
    record = json.loads(done("memory", "remove", trained.run, *asked).stdout)
    assert [one["target"] for one in record["removed"]] == list(known.memory_names[:2])
    assert set(load_model(out).memory_sequences) == set(known.memory_sequences[2:])
    table = project.folder / "go.csv"
    gone = known.memory_sequences[2]
    lines = [f"{SMILES[0]},{gone},1.0", f"{FRESH},{gone},1.0"]
    table.write_text("\n".join(["smiles,sequence,pKd", *lines]) + "\n", encoding="utf-8")
    asked = ("--measurements", table, "-o", out, "--compare", 0, "--overwrite")
    removed = done("memory", "remove", trained.run, *asked)
    assert f"- {known.memory_names[2]}: 1 label\n" in removed.stdout
    assert "1 of 2 pairs are not in the memory" in removed.stderr
    assert len(load_model(out).memory_values) == len(known.memory_values) - 1


def test_the_list_has_names_labels_ranges_and_sources(project: SimpleNamespace, trained: SimpleNamespace):
    shown = done("memory", "list", project.model)
    assert "mine (3)" in shown.stdout
    assert "table (14), mine (2)" in shown.stdout
    out = project.folder / "known.csv"
    done("memory", "list", project.model, "-o", out)
    header, *rows = out.read_text(encoding="utf-8").splitlines()
    assert header == "target,labels,lowest,highest,residues,sources,sequence"
    assert len(rows) == len(load_model(project.model).memory_sequences)
    one = json.loads(done("memory", "list", project.model, "--target", "mine", "--json").stdout)
    assert [(label["smiles"], label["label"]) for label in one["labels"]] == [
        (FRESH, 8.0),
        (standardise(SMILES[2]).smiles, 7.0),
        (standardise(SMILES[1]).smiles, pytest.approx(-np.log10(2e-5), abs=1e-5)),
    ]
    assert done("memory", "list", trained.run, "--target", "t1", "-o", project.folder / "t1.parquet")


def test_the_input_is_replaced_only_where_it_is_named(project: SimpleNamespace, trained: SimpleNamespace):
    model = project.folder / "own.safetensors"
    shutil.copy(trained.run / "model.safetensors", model)
    before = digest(model)
    add = ("memory", "add", model, project.table, "--name", "mine", "--compare", 0)
    for refused in (call(*add), call(*add, "-o", model), call(*add, "-o", project.table, "--overwrite")):
        assert (refused.exit_code, digest(model)) == (2, before)
    new = project.folder / "of_own.safetensors"
    for others in (("--overlay", model), ("-o", new, "--diff", model)):
        refused = call(*add, *others, "--overwrite")
        assert (refused.exit_code, digest(model)) == (2, before)
    key = digest(project.key)
    refused = call(*add, "-o", new, "--diff", project.key, "--sign-key", project.key, "--overwrite")
    assert (refused.exit_code, digest(project.key), new.exists()) == (2, key, False)
    done(*add, "-o", model, "--overwrite")
    assert load_model(model).overlaid.overlays[0].name == "mine"


def test_a_table_whose_name_is_no_text_is_added_and_recorded(
    project: SimpleNamespace, trained: SimpleNamespace, tmp_path: Path
):
    table, diff, out = tmp_path / os.fsdecode(b"pro\xff.csv"), tmp_path / "diff.json", tmp_path / "model"
    shutil.copy(project.table, table)
    author = os.fsdecode(b"A\xff")
    add = ("memory", "add", trained.run, table, "--name", "x", "--author", author, "--compare", 0)
    done(*add, "-o", out, "--diff", diff)
    done("memory", "verify", diff)
    record = json.loads(diff.read_text(encoding="utf-8"))
    assert (record["source"]["file"], record["author"]) == (table.name, author)
    assert "by A\\udcff: added" in done("card", out).stdout
    done(*add, "-o", out, "--overwrite", "--json")


def test_a_record_is_verified(project: SimpleNamespace, tmp_path: Path):
    assert "signed with this key" in done("memory", "verify", project.diff, "--sign-key", project.key).stdout
    assert "it is signed: check that" in done("memory", "verify", project.diff).stdout
    text = project.diff.read_text(encoding="utf-8")
    altered = tmp_path / "altered.json"
    altered.write_text(text.replace("A. Chemist", "B. Chemist"), encoding="utf-8")
    for key in ((), ("--sign-key", project.key)):
        refused = call("memory", "verify", altered, *key)
        assert (refused.exit_code, "it was altered" in refused.stderr) == (3, True)
    newer = json.loads(text) | {"format_version": 99}
    write_signed(
        altered, {key: newer[key] for key in newer if key not in ("sha256", "signature")}, overwrite=True
    )
    refused = call("memory", "verify", altered)
    assert (refused.exit_code, "has format version 99" in refused.stderr) == (3, True)
    (tmp_path / "other").write_text("f" * 32, encoding="utf-8")
    refused = call("memory", "verify", project.diff, "--sign-key", tmp_path / "other")
    assert (refused.exit_code, "another key" in refused.stderr) == (3, True)


def test_a_record_without_a_key_says_that_it_is_unsigned(project: SimpleNamespace, tmp_path: Path):
    diff, out = tmp_path / "diff.json", tmp_path / "model.safetensors"
    asked = ("--source", "mine", "-o", out, "--diff", diff, "--compare", 0)
    assert "unsigned" in done("memory", "remove", project.model, *asked).stderr
    assert "it is unsigned" in done("memory", "verify", diff).stdout
    refused = call("memory", "verify", diff, "--sign-key", project.key)
    assert (refused.exit_code, "it is unsigned" in refused.stderr) == (3, True)


def test_what_is_told_of_an_overlay_is_counted_and_not_what_its_origin_says(tmp_path: Path):
    model = with_targets(made_model(), PROJECT, "project", {"labels": 999, "file": "project.csv"}).model
    save_model(model, tmp_path / "model.safetensors")
    (told,) = json.loads(done("memory", "list", tmp_path / "model.safetensors", "--json").stdout)["overlays"]
    assert told == {"labels": 5, "file": "project.csv", "name": "project", "targets": 2}
