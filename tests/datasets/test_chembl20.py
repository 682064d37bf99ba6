"""ChEMBL 20: the rule on a table made by hand, and a slice of the real one against a reading with pandas."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import pandas as pd
import pytest

from hyperpcm.chem import standardise
from hyperpcm.datasets import catalog, load
from hyperpcm.datasets.chembl20 import read_chembl20
from hyperpcm.errors import InvalidSmilesError, TableError
from hyperpcm.public_files.pinned import mirrored

BINDING = """target id,name,affinity,molecules,description
CHEMBL1,AAA_HUMAN,10,CHEMBL101,Single, with a comma
CHEMBL1,AAA_HUMAN,10000,CHEMBL101:CHEMBL102:CHEMBL103,Single, with a comma
CHEMBL1,AAA_HUMAN,100,CHEMBL101,Single, with a comma
CHEMBL2,BBB_HUMAN,0,CHEMBL102,Same chain under another name
CHEMBL2,BBB_HUMAN,10000,CHEMBL102:CHEMBL105,Same chain under another name
CHEMBL3,,10000,CHEMBL101,A complex of two chains
CHEMBL4,DDD_HUMAN,10000,CHEMBL101,No sequence
"""
SMILES = """OC CHEMBL101-0
C[O-] CHEMBL101-1
CCC[NH3+] CHEMBL102-3
CCCN CHEMBL102-2
C1CC CHEMBL103-0
"""
FASTA = """> CHEMBL1,CHEMBL3 [P1] Alpha (Homo sapiens)
MKVLA
AGICL
> CHEMBL2 [P2] Beta (Homo sapiens)
MKVLAAGICL
> CHEMBL3 [P3] Gamma (Homo sapiens)
MKVLAAGICLW
"""


@pytest.fixture
def toy(tmp_path: Path) -> dict[str, Path]:
    return write(tmp_path, BINDING, SMILES, FASTA)


def write(folder: Path, binding: str, smiles: str, fasta: str) -> dict[str, Path]:
    files = {"binding": folder / "b.csv.bz2", "smiles": folder / "s.smi.bz2", "sequences": folder / "f.fa.gz"}
    files["binding"].write_bytes(bz2.compress(binding.encode()))
    files["smiles"].write_bytes(bz2.compress(smiles.encode()))
    files["sequences"].write_bytes(gzip.compress(fasta.encode(), mtime=0))
    return files


def test_a_compound_has_its_strongest_bin_and_the_top_bin_is_open(toy: dict[str, Path]):
    table = read_chembl20(toy)
    rows = {
        (table.compounds[compound], float(value), int(relation))
        for compound, value, relation in zip(table.compound_index, table.values, table.relations, strict=True)
    }
    assert rows == {("CO", 8.0, 0), ("CCCN", 5.0, 0), ("CCCN", 10.0, 1)}
    assert (table.quantity.bin_width, table.quantity.active_at) == (1.0, 7.0)
    lower, upper = table.bounds()
    assert (lower.tolist(), upper.tolist()) == ([8.0, 5.0, 10.0], [9.0, 6.0, float("inf")])


def test_targets_with_one_sequence_share_an_entry_and_others_are_counted(toy: dict[str, Path]):
    table = read_chembl20(toy)
    assert table.targets == ("MKVLAAGICL",)
    assert table.target_names == ("CHEMBL1 AAA_HUMAN|CHEMBL2 BBB_HUMAN",)
    assert "2 of 4 targets left out: 1 have several chains, 1 have no sequence." in table.notes


def test_compounds_without_a_readable_structure_are_reported(toy: dict[str, Path]):
    table = read_chembl20(toy)
    assert {one.text for one in table.rejections} == {"C1CC", ""}
    assert any(note.startswith("2 of 5 rows left out") for note in table.notes)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ((BINDING.replace("target id", "target"), SMILES, FASTA), "the first line is not"),
        ((BINDING.replace(",10,", ",5,"), SMILES, FASTA), "line 2 has no threshold"),
        ((BINDING + "CHEMBL9,X,10\n", SMILES, FASTA), "line 9 has no threshold"),
        ((BINDING, SMILES + "CCO ethanol\n", FASTA), "line 6 is not a SMILES"),
        ((BINDING, SMILES, "MKV\n" + FASTA), "line 1 stands before"),
        ((BINDING, SMILES, FASTA + "> P4 Delta\nMKV\n"), "line 8 is a title without"),
    ],
)
def test_another_layout_is_refused_with_its_line(tmp_path: Path, texts: tuple[str, str, str], message: str):
    with pytest.raises(TableError, match=message):
        read_chembl20(write(tmp_path, *texts))


@pytest.mark.parametrize("key", ["binding", "sequences"])
def test_a_truncated_archive_is_refused(toy: dict[str, Path], key: str):
    toy[key].write_bytes(toy[key].read_bytes()[:-12])
    with pytest.raises(TableError, match="cannot be unpacked"):
        read_chembl20(toy)


def real_files(mirror: Path) -> dict[str, Path]:
    found = {key: mirrored(pinned, mirror) for key, pinned in catalog.record("chembl20").files.items()}
    return {key: path for key, path in found.items() if path is not None}


@pytest.mark.mirror
def test_a_slice_of_the_real_table_equals_a_reading_with_pandas(mirror: Path, tmp_path: Path):
    files = real_files(mirror)
    binding = pd.read_csv(files["binding"], nrows=150, keep_default_na=False)
    some = binding[binding["molecules"].str.len() < 1500]
    lines = [",".join(map(str, row)) for row in [some.columns, *some.itertuples(index=False)]]
    smiles = pd.read_csv(files["smiles"], sep=" ", names=["smiles", "id"], nrows=60_000)
    structures = [f"{row.smiles} {row.id}" for row in smiles.itertuples(index=False)]
    files["binding"], files["smiles"] = tmp_path / "slice.csv.bz2", tmp_path / "slice.smi.bz2"
    files["binding"].write_bytes(bz2.compress("\n".join([*lines, ""]).encode()))
    files["smiles"].write_bytes(bz2.compress("\n".join([*structures, ""]).encode(), 1))
    table = read_chembl20(files)

    smiles[["id", "protomer"]] = smiles["id"].str.split("-", expand=True)
    smiles["protomer"] = smiles["protomer"].astype(int)
    structure = smiles.sort_values("protomer").drop_duplicates("id").set_index("id")["smiles"]
    long = some.assign(molecules=some["molecules"].str.split(":")).explode("molecules")
    strongest = long.groupby(["target id", "molecules"])["affinity"].min()
    names = [name.split(" ")[0] for joined in table.target_names for name in joined.split("|")]
    expected = []
    for (target, compound), nanomolar in strongest.items():
        if target in names and compound in structure.index:
            try:
                canonical = standardise(structure[compound]).smiles
            except InvalidSmilesError:
                continue
            expected.append((target, canonical, 10.0 if nanomolar == 0 else 9.0 - len(str(nanomolar)) + 1))
    by_target = {
        name.split(" ")[0]: place
        for place, joined in enumerate(table.target_names)
        for name in joined.split("|")
    }
    wanted = sorted((by_target[target], canonical, value) for target, canonical, value in expected)
    found = zip(table.target_index, table.compound_index, table.values, strict=True)
    assert len(wanted) > 100
    assert sorted((int(t), table.compounds[c], float(value)) for t, c, value in found) == wanted


@pytest.mark.mirror
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_whole_set_has_the_counts_of_the_catalog(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HYPERPCM_MIRROR", str(mirror))
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path))
    table, record = load("chembl20", merge=False), catalog.record("chembl20")
    assert (len(table), len(table.compounds), len(table.targets)) == (
        record.interactions,
        record.compounds,
        record.targets,
    )
    assert len("|".join(table.target_names).split("|")) == 1926
