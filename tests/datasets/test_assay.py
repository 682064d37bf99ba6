"""Measurements on one target, on the scale of the model that is to learn from them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hyperpcm.datasets.assay import Assay, read_assay
from hyperpcm.datasets.interactions import Quantity
from hyperpcm.errors import LabelError, TableError

PKD = Quantity("pKd", "-log10(M)")
KIBA = Quantity("KIBA score", "")
SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ"


def read(folder: Path, text: str, model: Quantity = PKD, **options: object) -> Assay:
    (folder / "assay.csv").write_text(text, encoding="utf-8")
    return read_assay(folder / "assay.csv", model, SEQUENCE, **options)


def test_concentrations_become_what_the_model_predicts(tmp_path: Path):
    found = read(tmp_path, "smiles,Kd (nM)\nCCO,10\nCCN,>10000\nCC(,5\nCCO,20\n")
    assert found.smiles == ("CCO", "CCN", "CCO")
    assert found.values == pytest.approx([8.0, 5.0, 7.69897])
    assert found.relations.tolist() == [0, -1, 0]
    (refused,) = found.rejections
    assert (refused.row, refused.text, refused.code) == (2, "CC(", "PARSE")


def test_no_column_of_targets_is_needed_and_one_target_may_be_named(tmp_path: Path):
    assert read(tmp_path, "smiles,target,pKd\nCCO,EGFR,7\nCCN,EGFR,6\n").values.tolist() == [7, 6]
    with pytest.raises(TableError, match=r"names 2 targets .*'EGFR', 'ABL1'"):
        read(tmp_path, "smiles,target,pKd\nCCO,EGFR,7\nCCN,ABL1,6\n")


def test_the_sequence_of_another_protein_is_refused(tmp_path: Path):
    other = "MKKKKAAAAAAAAAAWWWWWW"
    with pytest.raises(TableError, match=r"another sequence .*--column sequence="):
        read(tmp_path, f"smiles,sequence,pKd\nCCO,{other},7\n")
    found = read(tmp_path, f"smiles,sequence,pKd\nCCO,{other},7\n", columns={"sequence": ""})
    assert found.values.tolist() == [7]
    same = read(tmp_path, f"smiles,sequence,pKd\nCCO,{SEQUENCE.lower()},7\n")
    assert not any("name their target" in note for note in same.notes)


def test_a_name_of_the_target_is_told(tmp_path: Path):
    for column in ("target", "protein"):
        found = read(tmp_path, f"smiles,{column},pKd\nCCO,EGFR,7\n")
        assert any("name their target EGFR" in note.replace("'", "") for note in found.notes)


@pytest.mark.parametrize(
    ("text", "model", "says"),
    [
        ("smiles,IC50 (nM)\nCCO,10\n", PKD, "--quantity Kd"),
        ("smiles,value\nCCO,10\n", PKD, "--unit nM"),
        ("smiles,pKd\nCCO,7\n", KIBA, "no conversion"),
    ],
)
def test_another_quantity_is_refused_with_the_way_out(text: str, model: Quantity, says: str, tmp_path: Path):
    with pytest.raises(LabelError, match=says):
        read(tmp_path, text, model)


def test_the_way_out_leads_out(tmp_path: Path):
    assert read(tmp_path, "smiles,IC50 (nM)\nCCO,10\n", quantity="Kd").values == pytest.approx([8.0])
    found = read(tmp_path, "smiles,value\nCCO,10\n", quantity="Kd", unit="nM")
    assert found.values == pytest.approx([8.0])
    assert read(tmp_path, "smiles,value\nCCO,11.3\n", KIBA, quantity="KIBA score").values == pytest.approx(
        [11.3]
    )


def test_any_measure_of_potency_counts_for_a_model_of_all(tmp_path: Path):
    pchembl = Quantity("pChEMBL", "-log10(M)", bin_width=1.0)
    found = read(tmp_path, "smiles,Ki (uM)\nCCO,1\n", pchembl)
    assert found.values == pytest.approx([6.0])  # its scores are centres of bins: half a bin above their edge


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("smiles,value\nCCO,10\n", "pChEMBL"),
        ("smiles,pKd\nCCO,7\n", "pAffinity"),
        ("smiles,value\nCCO,10\n", "pActivity"),
        ("smiles,IC50 (nM)\nCCO,10\n", "pKd"),
        ("smiles,value\nCCO,10\n", "pKd"),
    ],
)
def test_the_way_that_a_refusal_names_leads_out(text: str, wanted: str, tmp_path: Path):
    model = Quantity(wanted, "-log10(M)")
    with pytest.raises(LabelError) as refused:
        read(tmp_path, text, model)
    ways = re.findall(r"--quantity (\w+)(?: --unit (\w+))?", str(refused.value))
    assert ways
    for quantity, unit in ways:
        options = {"quantity": quantity} | ({"unit": unit} if unit else {})
        assert len(read(tmp_path, text, model, **options).values) == 1


def test_values_are_those_of_the_file(tmp_path: Path):
    assert read(tmp_path, "smiles,pKd\nCCO,7.3\nCCN,>5.1\n").values.tolist() == [7.3, 5.1]


def test_equal_values_tell_much_of_one_target(tmp_path: Path):
    found = read(tmp_path, "smiles,pKd\nCCO,7\nCCN,7\n")
    assert not any("nothing can be learned" in note for note in found.notes)


def test_values_that_are_no_numbers_are_rejected_by_row(tmp_path: Path):
    found = read(tmp_path, "smiles,pKd\nCCO,7\nCCN,n/a\nCCC,seven\n")
    assert found.values.tolist() == [7]
    assert [one.row for one in found.rejections] == [1, 2]
