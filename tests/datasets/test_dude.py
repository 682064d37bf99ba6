"""DUD-E: the rules on files made by hand, and the real files against an independent reading of them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.chem import standardise
from hyperpcm.datasets import catalog, load, make_splits
from hyperpcm.datasets.dude import published_smiles, read_dude, read_dude_small
from hyperpcm.datasets.merge import merge_repeats
from hyperpcm.errors import TableError
from hyperpcm.public_files.pinned import mirrored

DECOYS = [f"c1ccccc1{'C' * n}" for n in range(1, 31)]
FILES = {
    "sequences": "MKVLA:aaa_1xyzA_full\nMKVLAW:bbb_2xyzB_full\nMKVLAY:ccc_3xyzC_full\n",
    "fold_1": "aaa_1xyzA_full ",
    "fold_2": "ccc_3xyzC_full bbb_2xyzB_full ",
    "fold_3": "ddd_4xyzA_full",
    "aaa_actives": "OCC 11 CHEMBL1\nC(C)N 12 CHEMBL2\n",
    "aaa_decoys": "".join(f"{smiles} C{n}\n" for n, smiles in enumerate(DECOYS)),
    "bbb_actives": "C(C)O CHEMBL1\n",
    "bbb_decoys": "CC[NH3+] C77\nC1CC C78\n",
    "ccc_actives": "CCCl 13 CHEMBL3\n",
    "ccc_decoys": "CCBr C90\n",
    "ddd_actives": "CCF 14 CHEMBL4\n",
    "ddd_decoys": "CCI C91\n",
}


def write(folder: Path, **changes: str | None) -> dict[str, Path]:
    texts = {key: text for key, text in (FILES | changes).items() if text is not None}
    for key, text in texts.items():
        (folder / key).write_text(text)
    return {key: folder / key for key in texts}


@pytest.fixture
def toy(tmp_path: Path) -> dict[str, Path]:
    return write(tmp_path)


def rows_of(table) -> dict[tuple[str, str], float]:
    return {
        (table.target_names[target], table.compounds[compound]): float(value)
        for compound, target, value in zip(
            table.compound_index, table.target_index, table.values, strict=True
        )
    }


def test_actives_are_1_and_decoys_0_whatever_their_spelling(toy: dict[str, Path]):
    table = read_dude(toy)
    rows = rows_of(table)
    assert table.quantity.kind == "binary"
    assert {pair: rows[pair] for pair in rows if pair[0] != "aaa"} == {
        ("bbb", "CCO"): 1.0,
        ("bbb", "CCN"): 0.0,
        ("ccc", "CCCl"): 1.0,
        ("ccc", "CCBr"): 0.0,
    }
    assert sum(target == "aaa" for target, _ in rows) == 32
    assert table.compound_names[table.compounds.index("CCO")] == "CHEMBL1|CHEMBL1#2"
    assert table.compound_names[table.compounds.index("CCN")] == "CHEMBL2|C77"


def test_what_cannot_be_used_is_reported_and_counted(toy: dict[str, Path]):
    table = read_dude(toy)
    assert {one.code for one in table.rejections} == {"PARSE", "EMPTY"}
    assert any(one.text.startswith("ddd") for one in table.rejections)
    assert "3 of 39 rows left out: their compound or target is unreadable." in table.notes
    assert "ddd" not in table.target_names


def test_published_folds_are_those_of_the_lists_and_divide_targets(toy: dict[str, Path]):
    table = read_dude(toy)
    fold_of = {"aaa": 0, "bbb": 1, "ccc": 1}
    names = [table.target_names[target] for target in table.target_index]
    assert table.folds["published"].tolist() == [fold_of[name] for name in names]


def test_the_small_set_keeps_all_actives_and_the_decoys_of_lowest_hash(toy: dict[str, Path]):
    small, whole = rows_of(read_dude_small(toy)), rows_of(read_dude(toy))
    assert small.items() <= whole.items()
    assert {pair for pair in whole if whole[pair]} == {pair for pair in small if small[pair]}
    kept = sorted(DECOYS, key=lambda text: hashlib.sha256(f"aaa|{text}".encode()).hexdigest())[:20]
    decoys = {compound for (target, compound), value in small.items() if target == "aaa" and not value}
    assert decoys == {standardise(text).smiles for text in kept}
    assert "24 of 34 decoys kept: 10 for each active, by hash." in read_dude_small(toy).notes


def test_a_compound_that_is_active_and_decoy_of_one_target_is_refused_when_merged(tmp_path: Path):
    table = merge_repeats(read_dude(write(tmp_path, ccc_decoys="C(C)Cl C90\nCCBr C92\n")))
    assert [one.code for one in table.rejections if one.text.startswith("CHEMBL3")] == ["CONTRADICTORY"]
    assert ("ccc", "CCCl") not in rows_of(table)
    assert rows_of(table)["ccc", "CCBr"] == 0.0


def test_published_smiles_are_given_by_name_with_every_spelling(toy: dict[str, Path]):
    texts = published_smiles(toy)
    assert texts["CHEMBL1"] == "OCC"
    assert texts["CHEMBL1#2"] == "C(C)O"
    assert texts["C77"] == "CC[NH3+]"
    table = read_dude(toy)
    for compound, names in zip(table.compounds, table.compound_names, strict=True):
        assert {standardise(texts[name]).smiles for name in names.split("|")} == {compound}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"aaa_actives": "OCC\n"}, "line 1 is not a SMILES and an identifier"),
        ({"aaa_decoys": "CCO C1\n\nCCN C2\n"}, "line 2 is not a SMILES"),
        ({"bbb_actives": "CCÖ CHEMBL1\n"}, "byte 3 is not ASCII"),
        ({"ccc_decoys": None}, "target 'ccc' has a list of actives and none of decoys"),
        ({"sequences": "MKVLA aaa_1xyzA_full\n"}, "line 1 is not 'sequence:target_chain'"),
        ({"sequences": "MKVLA:aaa_1xyzA_full\nMKV:aaa_2xyzA_full\n"}, "a second sequence"),
        ({"fold_1": ""}, "target 'aaa' is in none of the folds"),
        ({"fold_1": "aaa_1xyzA_full bbb_2xyzB_full"}, "'bbb' is named twice"),
    ],
)
def test_files_in_another_layout_are_refused_with_a_sentence(tmp_path: Path, changes, message):
    with pytest.raises(TableError) as caught:
        read_dude(write(tmp_path, **changes))
    assert message in str(caught.value)


def real(mirror: Path) -> dict[str, Path]:
    found = {key: mirrored(pinned, mirror) for key, pinned in catalog.record("dude").files.items()}
    assert None not in found.values()
    return {key: path for key, path in found.items() if path is not None}


@pytest.mark.mirror
def test_a_slice_of_the_real_files_agrees_with_reading_them_line_by_line(mirror: Path):
    files = real(mirror)
    some = {key: path for key, path in files.items() if key.split("_")[0] in ("sequences", "fold", "comt")}
    table = read_dude(some)
    actives, decoys = (
        {standardise(line.split()[0]).smiles for line in some[key].read_text().splitlines()}
        for key in ("comt_actives", "comt_decoys")
    )
    rows = rows_of(table)
    assert {compound for (_, compound), value in rows.items() if value} == actives
    assert {compound for (_, compound), value in rows.items() if not value} == decoys
    assert set(table.folds["published"]) == {1}


@pytest.mark.slow
@pytest.mark.mirror
@pytest.mark.timeout(900)
def test_the_real_small_set_has_the_counts_of_its_record_and_the_published_folds(
    mirror: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HYPERPCM_MIRROR", str(mirror))
    table, record = load("dude_small", merge=False), catalog.record("dude_small")
    assert (len(table), len(table.compounds), len(table.targets)) == (
        record.interactions,
        record.compounds,
        record.targets,
    )
    assert int(table.values.sum()) == 22_805
    per_target = defaultdict(lambda: [0, 0])
    for target, value in zip(table.target_index, table.values, strict=True):
        per_target[target][int(value)] += 1
    assert all(decoys == 10 * actives for decoys, actives in per_target.values())
    merged = load("dude_small")
    splits = make_splits(merged, "published_target", folds=3)
    assert [len(np.unique(merged.target_index[split.test])) for split in splits] == [33, 36, 33]
