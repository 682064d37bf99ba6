from __future__ import annotations

import gzip

import pytest
from rdkit import Chem

from hyperpcm.datasets.compound_files import compound_parts, is_table, read_compounds
from hyperpcm.datasets.output import write_table
from hyperpcm.errors import TableError


def write(folder, name, text):
    path = folder / name
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if name.endswith(".gz") else text.encode())
    return path


def block(smiles, name, v3000=False):
    molecule = Chem.MolFromSmiles(smiles)
    molecule.SetProp("_Name", name)
    return Chem.MolToMolBlock(molecule, forceV3000=v3000)


BROKEN = "broken\n  x\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n    0.0 0.0 0.0 C\nM  END\n"


@pytest.mark.parametrize("name", ["a.smi", "a.smi.gz", "a.txt"])
def test_smi_lines_hold_a_smiles_and_perhaps_a_name(tmp_path, name):
    path = write(tmp_path, name, "CCO ethanol, pure\r\nCCN\tethyl amine\r\n\r\n  CCC\r\nNA\r\n")
    found = read_compounds(path)
    assert found.smiles == ["CCO", "CCN", "CCC", "NA"]
    assert found.names == ["ethanol, pure", "ethyl amine", "", ""]
    assert found.rejections == []


def test_a_header_of_a_smi_file_is_no_compound(tmp_path):
    assert read_compounds(write(tmp_path, "a.smi", "smiles name\nCCO e\n")).smiles == ["CCO"]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz", ".parquet"])
def test_tables_give_the_column_of_smiles_and_of_names(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    write_table(
        path, {"compound_id": ["a", "b", None], "x": [1, 2, 3], "Canonical SMILES": ["CCO", None, "N"]}
    )
    found = read_compounds(path)
    assert found.smiles == ["CCO", None, "N"]
    assert found.names == ["a", "b", ""]
    assert [(rejection.row, rejection.code) for rejection in found.rejections] == [(1, "EMPTY")]
    assert ("line 3" if ending != ".parquet" else "row 2") in found.rejections[0].reason


def test_a_table_is_known_by_its_header_whatever_its_name(tmp_path):
    assert read_compounds(write(tmp_path, "a.smi", "name,smiles\nx,CCO\n")).names == ["x"]


def test_a_table_without_smiles_is_an_error_that_lists_its_columns(tmp_path):
    path = write(tmp_path, "a.csv", "a,b\nCCO,1\n")
    with pytest.raises(TableError, match=r"'a', 'b'.*--column smiles="):
        read_compounds(path)
    assert read_compounds(path, columns={"smiles": "a", "compound_id": "b"}) == (["CCO"], ["1"], [])
    with pytest.raises(TableError, match="no column 'c'"):
        read_compounds(path, columns={"smiles": "c"})
    with pytest.raises(TableError, match="roles"):
        read_compounds(path, columns={"value": "b"})


def test_a_broken_sdf_record_keeps_its_place(tmp_path):
    text = (
        block("CCO", "one")
        + "> <note>\nfirst\nsecond line\n\n$$$$\n"
        + BROKEN
        + "$$$$\n"
        + block("c1ccccc1", "three")
        + "$$$$\n"
    )
    found = read_compounds(write(tmp_path, "a.sdf", text))
    assert found.smiles == ["CCO", None, "c1ccccc1"]
    assert found.names == ["one", "broken", "three"]
    (rejection,) = found.rejections
    assert (rejection.row, rejection.code) == (1, "PARSE")
    assert f"record at line {text[: text.index('broken')].count(chr(10)) + 1}" in rejection.reason


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_v3000_line_ends_and_a_missing_last_mark_are_understood(tmp_path, end):
    text = (block("CCO", "one", v3000=True) + "$$$$\n" + block("CCN", "two")).replace("\n", end)
    assert read_compounds(write(tmp_path, "a.sdf.gz", text)).smiles == ["CCO", "CCN"]


def test_a_missing_mark_between_two_records_loses_neither_silently(tmp_path):
    text = block("CCO", "one") + block("CCN", "two") + "$$$$\n" + block("CCC", "three") + "$$$$\n"
    found = read_compounds(write(tmp_path, "a.sdf", text))
    assert found.smiles == [None, "CCC"]
    assert "two structures" in found.rejections[0].reason


def test_an_impossible_valence_is_told_from_a_broken_record(tmp_path):
    text = (
        "five\n  x\n\n  6  5  0  0  0  0  0  0  0  0999 V2000\n"
        + "    0.0000    0.0000    0.0000 C   0  0\n" * 6
    )
    text += "".join(f"  1{place:3d}  1  0\n" for place in range(2, 7)) + "M  END\n$$$$\n"
    found = read_compounds(write(tmp_path, "a.sdf", text))
    assert [rejection.code for rejection in found.rejections] == ["SANITIZE"]


@pytest.mark.parametrize(("name", "text"), [("a.smi", "\n\n"), ("a.smi", "smiles\n"), ("a.csv", "smiles\n")])
def test_a_file_without_compounds_is_an_error(tmp_path, name, text):
    with pytest.raises(TableError, match="no rows"):
        read_compounds(write(tmp_path, name, text))


@pytest.mark.parametrize("name", ["a.smi", "a.csv", "a.csv.gz", "a.parquet", "a.sdf"])
@pytest.mark.parametrize("rows", [1, 3, 100])
def test_pieces_are_the_whole_list_cut_up(tmp_path, name, rows):
    path, smiles = tmp_path / name, ["CCO", None, "CCN", "CCC", "C1CC", "CCCl", "N"]
    if name == "a.parquet":
        write_table(path, {"smiles": smiles, "name": list("abcdefg")})
    elif name == "a.sdf":
        block, broken = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO")), "broken\n"
        path.write_text("".join((broken if one == "C1CC" else block) + "$$$$\n" for one in smiles))
    elif name == "a.smi":
        path.write_text("".join(f"{one} {row}\n" for row, one in enumerate(smiles)))
    else:
        text = ("smiles,name\n" + "".join(f"{one or ''},n\n" for one in smiles)).encode()
        path.write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    whole, parts = read_compounds(path), list(compound_parts(path, rows=rows))
    assert [len(part.smiles) for part in parts] == [
        min(rows, len(smiles) - start) for start in range(0, len(smiles), rows)
    ]
    assert [one for part in parts for one in part.smiles] == whole.smiles
    assert [one for part in parts for one in part.names] == whole.names
    moved = [
        (one.row + number * rows, one.code, one.reason)
        for number, part in enumerate(parts)
        for one in part.rejections
    ]
    assert moved == [(one.row, one.code, one.reason) for one in whole.rejections]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.csv", "smiles,price\nCCO,1\n", True),
        ("a.txt", "smiles;price\nCCO;1\n", True),
        ("a.smi", "CCO ethanol\n", False),
        ("a.sdf", "\n\n\n  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n$$$$\n", False),
    ],
)
def test_only_a_table_may_hold_other_columns(tmp_path, name, text, found):
    path = tmp_path / name
    path.write_text(text)
    assert is_table(path) is found
