from __future__ import annotations

from pathlib import Path

import pytest

from hyperpcm.datasets.columns import check_header, find_column, guess_columns, split_unit
from hyperpcm.errors import TableError

FILE = Path("table.csv")


@pytest.mark.parametrize(
    ("name", "base", "unit"),
    [
        ("Ki (nM)", "Ki", "nM"), ("Kd[nM]", "Kd", "nM"), ("IC50_uM", "IC50", "uM"),
        ("EC50 in µM", "EC50", "uM"),
        ("Ki/nM", "Ki", "nM"), ("pKd", "pKd", None), ("affinity (-log10(M))", "affinity", "-log10(M)"),
        ("standard_value", "standard_value", None), ("activity_%", "activity_%", None),
    ],
)  # fmt: skip
def test_the_unit_is_found_in_the_name_of_a_column(name, base, unit):
    found_base, found = split_unit(name)
    assert (found_base, found.name if found else None) == (base, unit)


@pytest.mark.parametrize(
    "name", ["SMILES", "canonical_smiles", "Isomeric SMILES", "structure", "Ligand SMILES", "Drug"]
)
@pytest.mark.parametrize(
    "value", ["pKd", "Ki (nM)", "Kd[nM]", "IC50_uM", "standard_value", "affinity", "pchembl_value"]
)
@pytest.mark.parametrize("sequence", ["sequence", "protein_sequence", "Target Sequence"])
def test_common_names_are_recognised(name, value, sequence):
    found = guess_columns(["no", name, sequence, value], FILE)
    assert dict(found.names) == {"smiles": name, "sequence": sequence, "value": value}


def test_optional_roles_are_recognised_too():
    header = ["molecule_chembl_id", "smiles", "uniprot", "sequence", "standard_value", "standard_relation",
              "standard_units", "document_year"]  # fmt: skip
    names = guess_columns(header, FILE).names
    assert names["compound_id"] == "molecule_chembl_id"
    assert names["target"] == "uniprot"
    assert names["relation"] == "standard_relation"
    assert names["unit"] == "standard_units"
    assert names["year"] == "document_year"


def test_bare_words_mean_content_where_an_identifier_stands_beside_them():
    names = guess_columns(["Drug_ID", "Drug", "Target_ID", "Target", "Y"], FILE).names
    assert names == {
        "smiles": "Drug",
        "sequence": "Target",
        "target": "Target_ID",
        "value": "Y",
        "compound_id": "Drug_ID",
    }


def test_two_columns_for_one_role_are_an_error_that_lists_both_and_the_remedy():
    with pytest.raises(TableError) as caught:
        guess_columns(["smiles", "canonical_smiles", "sequence", "pKd"], FILE)
    for text in ("'smiles'", "'canonical_smiles'", "--column smiles="):
        assert text in str(caught.value)


def test_the_users_word_settles_which_column_it_is():
    header = ["smiles", "canonical_smiles", "sequence", "pKd"]
    found = guess_columns(header, FILE, given={"smiles": "canonical_smiles"})
    assert found.names["smiles"] == "canonical_smiles"
    assert found.given == {"smiles"}


def test_the_quantity_chooses_among_several_columns_of_values():
    header = ["smiles", "sequence", "Ki (nM)", "IC50 (nM)", "pKi"]
    assert guess_columns(header, FILE, quantity="IC50").names["value"] == "IC50 (nM)"
    assert guess_columns(header, FILE, quantity="pIC50").names["value"] == "IC50 (nM)"
    assert guess_columns(header, FILE, quantity="pKi").names["value"] == "pKi"
    with pytest.raises(TableError, match=r"'Ki .nM.', 'IC50 .nM.', 'pKi'"):
        guess_columns(header, FILE)


def test_a_missing_column_is_an_error_that_lists_those_found_and_the_nearest():
    with pytest.raises(TableError) as caught:
        guess_columns(["smile", "protein_sequense", "pKd"], FILE)
    for text in (
        "'smile', 'protein_sequense', 'pKd'",
        "nearest: 'smile'",
        "nearest: 'protein_sequense'",
        "FASTA",
    ):
        assert text in str(caught.value)


def test_a_first_line_of_data_is_pointed_out():
    with pytest.raises(TableError, match="first line must hold the names"):
        guess_columns(["CCO", "MKT", "7.5"], FILE)


def test_an_unknown_role_or_column_names_the_nearest_one():
    with pytest.raises(TableError, match="Did you mean 'smiles'"):
        guess_columns(["a"], FILE, given={"smile": "a"})
    with pytest.raises(TableError, match="Did you mean 'structures'"):
        guess_columns(["structures", "sequence"], FILE, given={"smiles": "structure"})
    with pytest.raises(TableError, match="two roles"):
        guess_columns(["a", "b"], FILE, given={"smiles": "a", "sequence": "a"})


def test_an_empty_name_says_that_no_column_plays_the_role():
    header = ["smiles", "sequence", "pKd", "year"]
    assert "year" not in guess_columns(header, FILE, given={"year": ""}).names


def test_label_and_value_do_not_both_become_labels():
    header = ["smiles", "sequence", "pKd", "active"]
    assert guess_columns(header, FILE).names.keys() == {"smiles", "sequence", "value"}
    assert guess_columns(header, FILE, kind="binary").names["label"] == "active"


def test_duplicate_names_are_refused_and_nameless_columns_called_by_place():
    assert check_header(["", " a "], FILE) == ("(unnamed 1)", "a")
    with pytest.raises(TableError, match="'a'"):
        check_header(["a", "b", "a "], FILE)


def test_a_role_that_no_column_plays_is_none():
    assert find_column("year", ["smiles"], FILE) is None
