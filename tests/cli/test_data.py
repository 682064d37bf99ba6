"""`hyperpcm data`: the catalog, fetching from a mirror, and a look at a user's table."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hyperpcm.cli.main import app
from hyperpcm.datasets import DATASETS

SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQ"


@pytest.fixture
def fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with nothing in it."""
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def call(*arguments: object):
    return CliRunner().invoke(app, ["data", *(str(one) for one in arguments)])


def table(path: Path, *rows: str, header: str = "smiles,sequence,Kd,relation,unit") -> Path:
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def test_the_list_has_one_aligned_line_for_each_data_set(fresh_folder: Path):
    done = call("list")
    assert done.exit_code == 0
    header, *lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(DATASETS)
    for line, record in zip(lines, DATASETS.values(), strict=True):
        end = header.index("interactions") + len("interactions")
        assert line[:end].split()[-1] == f"{record.interactions:,}"
        assert line.endswith(record.title)


def test_the_list_as_json_says_whether_files_are_here(fresh_folder: Path):
    found = json.loads(call("list", "--json").stdout)
    assert {one["name"]: one["here"] for one in found} == dict.fromkeys(DATASETS, False)


def test_describe_shows_licence_citation_pitfalls_and_checksums(fresh_folder: Path):
    shown = call("describe", "davis").stdout
    record = DATASETS["davis"]
    for text in (
        record.licence,
        record.citation,
        *record.pitfalls,
        "active from 7",
        str(fresh_folder / "davis"),
    ):
        assert text in shown
    for pinned in record.files.values():
        assert pinned.url in shown
        assert pinned.sha256 in shown


def test_a_set_made_of_others_names_them_and_what_is_to_be_given(fresh_folder: Path):
    shown = call("describe", "chembl").stdout
    assert "known to bins of 1 or exactly" in shown
    assert "It is made of chembl20 and chembl_quant" in shown
    line = next(line for line in call("list").stdout.splitlines() if line.split()[0] == "chembl")
    assert "give a copy" in line
    done = call("fetch", "chembl")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "hyperpcm data fetch chembl_quant --from PATH" in done.stderr


def test_a_misspelt_name_is_answered_with_the_nearest():
    done = call("describe", "davi")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Did you mean 'davis'?" in done.stderr


def test_fetch_prints_where_the_files_are(fresh_folder: Path, mirror: Path):
    done = call("fetch", "davis", "davis")
    assert done.exit_code == 0, done.stderr
    paths = [Path(line) for line in done.stdout.splitlines()]
    assert [path.name for path in paths] == [pinned.name for pinned in DATASETS["davis"].files.values()]
    assert all(path.is_file() and path.is_relative_to(fresh_folder) for path in paths)
    assert {one["name"]: one["here"] for one in json.loads(call("list", "--json").stdout)}["davis"]


def test_one_misspelt_name_fetches_nothing(fresh_folder: Path):
    done = call("fetch", "davis", "kibaa")
    assert done.exit_code == 2
    assert not fresh_folder.exists()


def test_check_counts_rows_and_groups_the_refused_by_reason(tmp_path: Path):
    path = table(
        tmp_path / "mine.csv",
        f"CCO,{SEQUENCE},250,=,nM",
        f"CCN,{SEQUENCE},10,>,uM",
        f"C1CC,{SEQUENCE},250,=,nM",
        f"C1CCC,{SEQUENCE},250,=,nM",
        "CCO,MKTAYIAKQRQ1SFV,250,=,nM",
        f"CCO,{SEQUENCE},-3,=,nM",
    )
    done = call("check", path)
    assert done.exit_code == 0
    assert done.stderr == ""
    assert "2 interactions, 2 compounds, 1 targets" in done.stdout
    assert "1 =, 0 >, 1 <" in done.stdout  # a concentration above 10 µM is a pKd below 5
    assert "Rows that cannot be used: 4" in done.stdout
    assert "- PARSE: 2\n    line 4: " in done.stdout
    assert "- BAD_RESIDUE: 1\n    line 6: " in done.stdout
    assert "- NOT_POSITIVE: 1\n    line 7: " in done.stdout


def test_check_as_json_holds_every_rejection(tmp_path: Path):
    path = table(tmp_path / "mine.csv", f"CCO,{SEQUENCE},250,=,nM", *[f"C1CC,{SEQUENCE},1,=,nM"] * 9)
    found = json.loads(call("check", path, "--json").stdout)
    assert (found["interactions"], found["rejected"]) == (1, 9)
    assert [one["row"] for one in found["rejections"]] == list(range(2, 11))
    assert {one["code"] for one in found["rejections"]} == {"PARSE"}


def test_rejected_rows_are_written_and_harmless_in_a_spreadsheet(tmp_path: Path):
    path = table(tmp_path / "mine.csv", f"CCO,{SEQUENCE},250,=,nM", f"=1+1,{SEQUENCE},1,=,nM")
    done = call("check", path, "--rejected", tmp_path / "rejected.csv")
    assert done.exit_code == 0
    with (tmp_path / "rejected.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["row"], row["text"], row["code"]) == ("2", "'=1+1", "PARSE")


def test_rejected_rows_never_replace_a_file_unasked(tmp_path: Path):
    path = table(tmp_path / "mine.csv", f"CCO,{SEQUENCE},250,=,nM")
    before = path.read_bytes()
    for extra in ([], ["--overwrite"]):
        done = call("check", path, "--rejected", path, *extra)
        assert done.exit_code == 2
        assert "read from" in done.stderr
    assert path.read_bytes() == before
    other = tmp_path / "other.csv"
    other.write_text("mine")
    assert call("check", path, "--rejected", other).exit_code == 2
    assert other.read_text() == "mine"
    assert call("check", path, "--rejected", other, "--overwrite").exit_code == 0
    assert other.read_text() == "row,text,code,reason\n"


def test_strict_fails_at_the_first_unusable_row(tmp_path: Path):
    path = table(tmp_path / "mine.csv", f"CCO,{SEQUENCE},250,=,nM", f"C1CC,{SEQUENCE},1,=,nM")
    done = call("check", path, "--strict")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "line 3" in done.stderr


def test_columns_and_a_fasta_file_are_taken(tmp_path: Path):
    path = table(tmp_path / "mine.csv", "CCO,abl,6.5", header="what,kinase,result")
    fasta = tmp_path / "kinases.fasta"
    fasta.write_text(f">abl human\n{SEQUENCE}\n")
    roles = ["--column", "smiles=what", "--column", "target=kinase", "--column", "value=result"]
    done = call("check", path, *roles, "--targets", fasta, "--quantity", "pKd", "--active-at", "6")
    assert done.exit_code == 0, done.stderr
    assert "pKd, -log10(M); active from 6" in done.stdout
    assert "1 (100.0 %)" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--column", "smiles"], "role=name"),
        (["--column", "colour=x"], "role=name"),
        (["--column", "smiles=a", "--column", "smiles=b"], "was given the column 'a'"),
        (["--column", "smiles=nothing"], "nothing"),
        (["--targets", "missing.fasta"], "there is no such file"),
        (["--rejected", "no/where.csv"], "does not exist"),
    ],
)
def test_arguments_that_do_not_fit_are_told(arguments: list[str], message: str, tmp_path: Path):
    path = table(tmp_path / "mine.csv", f"CCO,{SEQUENCE},250,=,nM")
    done = call("check", path, *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no rows"),
        (b"smiles,sequence,Kd,unit\n", "no rows"),
        (b"\x00\x01\x02\xff" * 50, ""),
        (b"smiles,sequence,Kd,unit\nCCO,MKV\xe9,1,nM\n", "UTF-8"),
        ("smiles,sequence,Kd,unit\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04" + b"\x00" * 100, "ZIP"),
        (b"a,b\n1,2\n", "smiles"),
    ],
    ids=["empty", "header only", "binary", "latin-1", "utf-16", "zip", "no smiles"],
)
def test_a_file_that_is_no_table_is_told_in_a_sentence(content: bytes, message: str, tmp_path: Path):
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    done = call("check", path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {path}")
    assert message.lower() in done.stderr.lower()


def test_what_a_file_says_cannot_drive_the_terminal(tmp_path: Path):
    path = table(tmp_path / "mine.csv", f"CCO,{SEQUENCE},250,=,nM", f"\x1b[2JC,{SEQUENCE},1,=,nM")
    for arguments in ([], ["--rejected", tmp_path / "rejected.csv"]):
        done = call("check", path, *arguments)
        assert "\x1b" not in done.stdout + done.stderr


def test_a_copy_is_given_once_and_then_here(fresh_folder: Path, tmp_path: Path):
    shown = call("describe", "lenselink").stdout
    assert "cannot download it" in shown
    assert "not verified" in shown
    assert "hyperpcm data fetch lenselink --from PATH" in shown
    without = call("fetch", "lenselink")
    assert without.exit_code == 2
    assert "--from PATH" in without.stderr
    header = "MID,Molecule,PID,Protein,Bioactivity,Year,random,lpo,lcco"
    given = table(tmp_path / "given.csv", f"C1,CCO,P1,{SEQUENCE},7.5,2010,0,0,0", header=header)
    done = call("fetch", "lenselink", "--from", given)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == [str(fresh_folder / "lenselink" / "table")]
    assert json.loads(call("describe", "lenselink", "--json").stdout)["here"]


def test_a_copy_is_of_exactly_one_data_set(fresh_folder: Path, tmp_path: Path):
    done = call("fetch", "lenselink", "chembl_quant", "--from", tmp_path)
    assert done.exit_code == 2
    assert "name exactly one" in done.stderr


def test_a_folder_of_tables_is_checked_like_a_table(tmp_path: Path):
    table(tmp_path / "compounds.csv", "1,CCO", "2,CCN", header="compound_id,smiles")
    table(tmp_path / "targets.csv", f"7,{SEQUENCE}", header="target_id,sequence")
    table(tmp_path / "interactions.csv", "1,7,6.5", "2,7,7.5", header="compound_id,target_id,pKd")
    done = call("check", tmp_path)
    assert done.exit_code == 0, done.stderr
    assert "2 interactions, 2 compounds, 1 targets" in done.stdout
