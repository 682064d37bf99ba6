from __future__ import annotations

import logging
import math

import numpy as np
import pytest

from hyperpcm.datasets.interactions import ABOVE, BELOW, EXACT
from hyperpcm.datasets.user_table import read_table
from hyperpcm.errors import InvalidSequenceError, InvalidSmilesError, LabelError, TableError

SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQ"
OTHER = "MSTNPKPQRKTKRNTNRRPQDVKFPGG"


def write(folder, *lines, name="my.csv"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def table(folder, header, *rows):
    """A table in which every row has a compound of its own and the same target."""
    chain = [f"{'C' * (place + 1)}O,{SEQUENCE},{row}" for place, row in enumerate(rows)]
    return write(folder, f"smiles,sequence,{header}", *chain)


def codes(interactions):
    return [(rejection.row, rejection.code) for rejection in interactions.rejections]


def said(interactions, text):
    return [note for note in interactions.notes if text in note]


def test_a_plain_table_becomes_interactions_by_content(tmp_path):
    path = write(
        tmp_path,
        "compound_id,smiles,target_id,sequence,pKd,year",
        f"a,OCC,T1,{SEQUENCE},7.5,2012",
        f"b,C(C)O,T2,{OTHER.lower()},6,2013.0",
        f"c,CCN,T3,{SEQUENCE},5,2014-05-01",
    )
    found = read_table(path)
    assert (found.name, found.quantity.name, found.quantity.unit) == ("my", "pKd", "-log10(M)")
    assert found.compounds == ("CCO", "CCN")
    assert found.compound_names == ("a|b", "c")
    assert found.targets == (SEQUENCE, OTHER)
    assert found.target_names == ("T1|T3", "T2")
    assert found.compound_index.tolist() == [0, 0, 1]
    assert found.target_index.tolist() == [0, 1, 0]
    assert found.values.tolist() == [7.5, 6, 5]
    assert found.year.tolist() == [2012, 2013, 2014]
    assert not found.rejections


def test_one_row_is_enough_to_read(tmp_path):
    found = read_table(table(tmp_path, "pKd", "7"))
    assert (len(found), len(found.compounds), len(found.targets)) == (1, 1, 1)


def test_signs_become_relations_and_turn_round_with_the_scale(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    found = read_table(table(tmp_path, "Kd (nM)", ">10000", "<= 1", "~100", "1e2", "≥10"))
    np.testing.assert_allclose(found.values, [5, 9, 7, 7, 8], rtol=1e-6)
    assert found.relations.tolist() == [BELOW, ABOVE, EXACT, EXACT, BELOW]
    assert found.quantity.name == "pKd"
    assert said(found, "5 values converted from nM to pKd = -log10(M); 2 '>' became '<'; 1 '<' became '>'")
    assert said(found, "1 values said to be approximate")
    assert "converted from nM" in caplog.text


def test_signs_stay_on_a_p_scale(tmp_path):
    found = read_table(table(tmp_path, "pKd", "<5", ">9", "7"))
    assert found.relations.tolist() == [BELOW, ABOVE, EXACT]


def test_the_relation_column_wins_and_a_contradiction_is_rejected(tmp_path):
    found = read_table(
        table(tmp_path, "pKd,relation", "5,<", "5,>=", "<5,", "<5,<", "<5,=", "5,'='", "6,about")
    )
    assert found.relations.tolist() == [BELOW, ABOVE, BELOW, BELOW, EXACT]
    assert codes(found) == [(4, "RELATION"), (6, "RELATION")]


def test_mixed_units_are_brought_to_one_scale(tmp_path):
    rows = (
        "10000,nM",
        "10,uM",
        "10,µM",
        "0.01,mM",
        "0.00001,M",
        "5,pKd",
        "10000000,pM",
        "5,%",
        "5,",
        "0,nM",
        "-1,nM",
    )
    found = read_table(table(tmp_path, "value,unit", *rows), quantity="Kd")
    np.testing.assert_allclose(found.values, [5] * 7, rtol=1e-6)
    assert codes(found) == [(7, "UNIT"), (8, "UNIT"), (9, "NOT_POSITIVE"), (10, "NOT_POSITIVE")]
    assert "line 9: unit '%'" in found.rejections[0].reason


def test_the_unit_argument_stands_in_for_blank_cells(tmp_path):
    found = read_table(table(tmp_path, "affinity,unit", "10,uM", "10000,"), unit="nM")
    np.testing.assert_allclose(found.values, [5, 5], rtol=1e-6)
    assert found.quantity.name == "pAffinity" or found.quantity.name == "pActivity"


def test_unit_column_and_name_that_disagree_reject_the_row(tmp_path):
    found = read_table(table(tmp_path, "Ki (nM),unit", "10,nM", "10,uM"))
    assert codes(found) == [(1, "UNIT")]


def test_a_unit_that_contradicts_the_name_is_an_error(tmp_path):
    with pytest.raises(LabelError, match=r"'Ki .nM.' is in nM by its name"):
        read_table(table(tmp_path, "Ki (nM)", "10"), unit="uM")


def test_concentrations_without_a_unit_are_an_error_that_names_the_option(tmp_path):
    for header, quantity in (("Kd", None), ("standard_value", None), ("value", "IC50")):
        with pytest.raises(LabelError, match="--unit nM"):
            read_table(table(tmp_path, header, "10"), quantity=quantity)
    found = read_table(table(tmp_path, "Kd", "10"), unit="nM")
    assert found.values.tolist() == [8]


def test_other_scales_stay_as_they_are(tmp_path):
    found = read_table(table(tmp_path, "kiba", "11.5", ">12.1", "-3"), quantity="KIBA score", active_at=12.1)
    assert found.values.tolist() == pytest.approx([11.5, 12.1, -3])
    assert found.relations.tolist() == [EXACT, ABOVE, EXACT]
    assert (found.quantity.name, found.quantity.unit, found.quantity.active_at) == ("KIBA score", "", 12.1)
    assert said(found, "no unit was converted")


def test_of_several_other_units_the_usual_one_stays(tmp_path):
    found = read_table(table(tmp_path, "value,unit", "5,%", "6,%", "7,kcal/mol"))
    assert found.quantity.unit == "%"
    assert codes(found) == [(2, "UNIT")]


def test_a_threshold_on_the_scale_of_concentrations_is_refused(tmp_path):
    with pytest.raises(LabelError, match="6 stands for 1 uM"):
        read_table(table(tmp_path, "Ki (nM)", "10"), active_at=100)
    assert read_table(table(tmp_path, "Ki (nM)", "10"), active_at=6.5).quantity.active_at == 6.5


def test_numbers_that_are_none_are_rejected_with_row_and_line(tmp_path):
    rows = ("7", "inf", "nan", "1e400", "abc", "", '"1,234.5"', "NA", "7.1 nM")
    found = read_table(table(tmp_path, "pKd", *rows))
    expected = [
        "NOT_FINITE",
        "NO_VALUE",
        "NOT_FINITE",
        "NOT_A_NUMBER",
        "NO_VALUE",
        "AMBIGUOUS_NUMBER",
        "NO_VALUE",
    ]
    assert codes(found) == list(enumerate([*expected, "NOT_A_NUMBER"], start=1))
    assert [rejection.reason.split(":")[0] for rejection in found.rejections] == [
        f"line {n}" for n in range(3, 11)
    ]
    assert found.rejections[3].text == "abc"
    assert said(found, "8 of 9 rows cannot be used")


def test_values_far_outside_the_p_scale_are_warned_of_with_a_line(tmp_path):
    found = read_table(table(tmp_path, "pKd", "7", "250", "-1"))
    assert said(found, "Warning: 2 values of pKd lie outside 0 to 16 (first: 250 at line 3)")
    assert len(found) == 3


def test_a_decimal_comma_is_read_where_semicolons_separate(tmp_path):
    path = write(tmp_path, "smiles;sequence;pKd", f"CCO;{SEQUENCE};7,25", f"CCN;{SEQUENCE};>8")
    found = read_table(path)
    assert found.values.tolist() == [7.25, 8]
    assert said(found, "cells separated by semicolon")
    assert said(found, "decimal comma")
    with pytest.raises(LabelError, match="line 2 has a number with a comma and line 3 one with a point"):
        read_table(write(tmp_path, "smiles;sequence;pKd", f"CCO;{SEQUENCE};7,25", f"CCN;{SEQUENCE};8.1"))


def test_smiles_that_look_missing_are_judged_as_smiles(tmp_path):
    path = write(
        tmp_path, "smiles,sequence,pKd", *(f"{text},{SEQUENCE},7" for text in ("CCO", "NA", "N", "None", ""))
    )
    found = read_table(path)
    assert codes(found) == [(1, "PARSE"), (2, "NO_ORGANIC"), (3, "PARSE"), (4, "EMPTY")]
    assert [rejection.text for rejection in found.rejections[:3]] == ["NA", "N", "None"]


def test_bad_smiles_and_sequences_are_rejected_and_the_rest_is_kept(tmp_path):
    path = write(
        tmp_path, "smiles,sequence,pKd", f"C1CC,{SEQUENCE},7", f"CCO,{SEQUENCE},7", "CCO,MKT-AY,7",
        "CCO,,7", f"CCO x,{SEQUENCE},7",
    )  # fmt: skip
    found = read_table(path)
    assert len(found) == 1
    assert codes(found) == [(0, "PARSE"), (2, "BAD_RESIDUE"), (3, "EMPTY"), (4, "TRAILING_TEXT")]
    assert found.rejections[1].reason.startswith("line 4: ")


def test_every_row_is_kept_merged_rejected_or_blank(tmp_path):
    path = write(
        tmp_path,
        "smiles,sequence,pKd",
        f"CCO,{SEQUENCE},7",
        ",,",
        f"C(C)O,{SEQUENCE},8",
        f"C,{SEQUENCE},x",
        ",,",
    )
    found = read_table(path)
    assert found.values.tolist() == [7.5]
    assert said(found, "2 rows without any content")
    assert len(read_table(path, merge=False)) == 2
    assert codes(found) == [(3, "NOT_A_NUMBER")]


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (f"C1CC,{SEQUENCE},7", InvalidSmilesError),
        ("CCO,MK1T,7", InvalidSequenceError),
        (f"CCO,{SEQUENCE},x", LabelError),
    ],
)
def test_strict_raises_at_the_first_bad_row_with_its_line(tmp_path, row, error):
    path = write(tmp_path, "smiles,sequence,pKd", f"CCO,{SEQUENCE},7", row, f"C1CC,{SEQUENCE},nan")
    with pytest.raises(error, match="line 3"):
        read_table(path, strict=True)


def test_no_usable_value_is_an_error_that_says_the_column_was_found(tmp_path):
    with pytest.raises(
        LabelError,
        match=r"column 'pKd' was found, and none of its 3 cells .* 2 × NO_VALUE .line 2.*1 × NOT_FINITE",
    ):
        read_table(table(tmp_path, "pKd", "nan", "", "inf"))


def test_no_usable_smiles_is_an_error_that_says_the_column_was_found(tmp_path):
    path = write(tmp_path, "name,drug,sequence,pKd", f"a,aspirin,{SEQUENCE},7", f"b,ibuprofen,{SEQUENCE},7")
    with pytest.raises(TableError, match=r"column 'drug' was found, .*2 × PARSE .line 2"):
        read_table(path)


def test_when_all_rows_are_bad_the_three_commonest_reasons_are_counted(tmp_path):
    rows = [f"C1CC,{SEQUENCE},7"] * 4 + ["CCO,M1,7"] * 3 + [f"CCO,{SEQUENCE},x"] * 2 + [f"CCO,{SEQUENCE},inf"]
    with pytest.raises(TableError) as caught:
        read_table(write(tmp_path, "smiles,sequence,pKd", *rows))
    message = str(caught.value)
    assert "4 × PARSE" in message
    assert "3 × BAD_RESIDUE" in message
    assert "2 × NOT_A_NUMBER" in message
    assert "NOT_FINITE" not in message


def test_only_blank_rows_are_an_error(tmp_path):
    with pytest.raises(TableError, match="all are blank"):
        read_table(write(tmp_path, "smiles,sequence,pKd", ",,", ",,"))


@pytest.mark.parametrize(
    ("header", "texts"),
    [
        ("label", ["1", "0", "1"]), ("active", ["true", "False", "TRUE"]),
        ("activity", ["active", "inactive", "Active"]),
        ("value", ["1", "0", "1"]), ("outcome", ["1.0", "0.0", "1"]), ("y", ["yes", "no", "yes"]),
    ],
)  # fmt: skip
def test_classes_are_recognised(tmp_path, header, texts):
    found = read_table(table(tmp_path, header, *texts))
    assert (found.quantity.kind, found.quantity.active_at) == ("binary", 0.5)
    assert found.values.tolist() == [1, 0, 1]


def test_measurements_that_happen_to_be_one_or_zero_stay_measurements(tmp_path):
    assert read_table(table(tmp_path, "Ki (nM)", "1", "1")).quantity.kind == "regression"
    assert read_table(table(tmp_path, "value", "1", "1")).quantity.kind == "regression"
    assert read_table(table(tmp_path, "value", "1", "0"), kind="regression").quantity.kind == "regression"
    assert read_table(table(tmp_path, "label", "7.1", "0")).quantity.kind == "regression"


def test_what_is_no_class_is_rejected(tmp_path):
    found = read_table(table(tmp_path, "label,relation", "1,", "0,=", "2,", ",", "1,>"), kind="binary")
    assert codes(found) == [(2, "NOT_A_CLASS"), (3, "NO_VALUE"), (4, "RELATION")]
    with pytest.raises(LabelError, match="NOT_A_CLASS"):
        read_table(table(tmp_path, "pKd", "7.1", "8"), kind="binary")
    with pytest.raises(LabelError, match="no unit and no threshold"):
        read_table(table(tmp_path, "label", "1", "0"), unit="nM", kind="binary")


def test_one_class_only_and_a_constant_are_said(tmp_path):
    assert said(read_table(table(tmp_path, "label", "1", "1")), "Every label is active")
    assert said(read_table(table(tmp_path, "pKd", "7", "7")), "Every value is 7")


def test_contradictory_classes_of_one_pair_are_reported_with_their_line(tmp_path):
    rows = [
        f"CCN,{SEQUENCE},x",
        f"CCO,{SEQUENCE},1",
        f"OCC,{SEQUENCE},0",
        f"CCC,{SEQUENCE},1",
        f"CCC,{SEQUENCE},1",
    ]
    found = read_table(write(tmp_path, "smiles,sequence,label", *rows), kind="binary")
    assert codes(found) == [(0, "NOT_A_CLASS"), (1, "CONTRADICTORY")]
    assert found.rejections[1].reason.startswith("line 3: ")
    assert found.values.tolist() == [1]
    path = write(tmp_path, "smiles,sequence,label", *rows[1:])
    with pytest.raises(LabelError, match="line 2: 2 measurements of one pair"):
        read_table(path, kind="binary", strict=True)
    assert read_table(path, merge=False).values.tolist() == [1, 0, 1, 1]
    with pytest.raises(LabelError, match="line 2: 2 measurements of one pair"):
        read_table(write(tmp_path, "smiles,sequence,label", *rows[1:3]))


def fasta(folder, text):
    path = folder / "targets.fasta"
    path.write_text(text)
    return path


def test_identifiers_are_looked_up_in_fasta_and_absent_ones_listed(tmp_path):
    library = fasta(tmp_path, f">sp|P00001|ONE_HUMAN first\n{SEQUENCE}\n>T2\n{OTHER}\n>bad\nMK1T\n")
    ids = ("P00001", "ONE_HUMAN", "sp|P00001|ONE_HUMAN", "T2", "T3", "bad", "", "T4")
    rows = [f"{'C' * place}O,{name},7" for place, name in enumerate(ids, start=1)]
    found = read_table(write(tmp_path, "smiles,target,pKd", *rows), targets=library)
    assert found.targets == (SEQUENCE, OTHER)
    assert found.target_index.tolist() == [0, 0, 0, 1]
    assert codes(found) == [(4, "UNKNOWN_TARGET"), (5, "BAD_RESIDUE"), (6, "EMPTY"), (7, "UNKNOWN_TARGET")]
    assert said(found, "2 targets are not in targets.fasta: 'T3', 'T4'.")


def test_one_identifier_with_two_sequences_is_an_error(tmp_path):
    rows = [f"CCO,T1,{SEQUENCE},7", f"CCO,T1,{OTHER},7"]
    path = write(tmp_path, "smiles,target,sequence,pKd", *rows)
    with pytest.raises(TableError, match="'T1' has one sequence at line 2 and another at line 3"):
        read_table(path)
    assert len(read_table(path, columns={"target": ""})) == 2
    single = write(tmp_path, "smiles,target,sequence,pKd", rows[0])
    with pytest.raises(TableError, match="another sequence than in the FASTA file"):
        read_table(single, targets=fasta(tmp_path, f">T1\n{OTHER}\n"))


def test_a_name_of_two_sequences_in_the_fasta_file_gives_none_of_them(tmp_path):
    library = fasta(tmp_path, f">T1\n{OTHER}\n>T1\n{SEQUENCE}\n>T2\n{OTHER}\n")
    found = read_table(write(tmp_path, "smiles,target,pKd", "CCO,T1,7", "CCO,T2,7"), targets=library)
    assert codes(found) == [(0, "CONFLICT")]


def test_gene_names_are_not_taken_for_sequences(tmp_path):
    rows = ("1,CCO,a,EGFR,7", "2,CCN,b,KDR,6")
    path = write(tmp_path, "drug_id,drug,target_id,target,y", *rows)
    with pytest.raises(TableError, match="seems to hold names"):
        read_table(path)
    assert len(read_table(path, columns={"sequence": "target"})) == 2


def test_a_missing_year_takes_the_column_out_with_a_note(tmp_path):
    found = read_table(table(tmp_path, "pKd,year", "7,2012", "8,soon"))
    assert found.year is None
    assert said(found, "'year' is not used: 1 usable rows")


def test_the_unit_and_relation_of_the_concentration_do_not_enter_a_p_value(tmp_path):
    header = "pchembl_value,standard_units,standard_relation"
    found = read_table(table(tmp_path, header, "7,nM,'='", "5,nM,'>'"))
    assert found.values.tolist() == [7]
    assert codes(found) == [(1, "RELATION")]
    assert said(found, "'standard_units' is not used")
    told = read_table(table(tmp_path, header, "7,nM,=", "5,nM,>"), columns={"relation": "standard_relation"})
    assert told.relations.tolist() == [EXACT, ABOVE]


def test_concentrations_agree_with_the_logarithm_by_hand(tmp_path):
    numbers = (0.03, 1.0, 56.4, 12_345.6)
    found = read_table(table(tmp_path, "IC50_nM", *map(str, numbers)))
    np.testing.assert_allclose(found.values, [9 - math.log10(number) for number in numbers], rtol=1e-6)
    assert found.quantity.name == "pIC50"


def test_progress_counts_different_smiles(tmp_path):
    calls = []
    read_table(table(tmp_path, "pKd", "7", "8", "9"), progress=calls.append)
    assert calls[-1] == 3


def test_a_table_whose_values_are_not_read_needs_none(tmp_path):
    rows = [f"CCO,{SEQUENCE},,nonsense,9,?", f"CCN,{SEQUENCE},many,,,", f"C1CC,{SEQUENCE},7,7,7,="]
    path = write(tmp_path, "smiles,sequence,Kd (nM),Ki,pKd,relation", *rows)
    with pytest.raises(TableError, match="could each be the measured value"):
        read_table(path)
    found = read_table(path, values=False, merge=False)
    assert (found.compounds, found.values.tolist()) == (("CCO", "CCN"), [0.0, 0.0])
    assert codes(found) == [(2, "PARSE")]
    bare = write(tmp_path, "smiles,sequence", f"CCO,{SEQUENCE}", name="bare.csv")
    assert read_table(bare, values=False).targets == (SEQUENCE,)
