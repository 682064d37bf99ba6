"""`hyperpcm suggest` as a user calls it."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rdkit import Chem
from typer.testing import CliRunner

from hyperpcm.adaptation import Campaign, HeldCompounds
from hyperpcm.checkpoint import load_target_model, save_target_model
from hyperpcm.cli.main import app
from hyperpcm.target_model import Measurement
from small_adaptable import adaptable_target
from small_models import many_smiles

COMPOUNDS = many_smiles(60)


def call(*arguments: object):
    """Run the program in this process."""
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Paths: `fresh` and `adapted` target, `library` and its `index`, `prices`."""
    folder = tmp_path_factory.mktemp("suggest")
    found = SimpleNamespace(
        folder=folder,
        fresh=folder / "fresh.hpcm",
        adapted=folder / "adapted.hpcm",
        library=folder / "library.smi",
        index=folder / "library.index",
        prices=folder / "prices.csv",
    )
    target = adaptable_target()
    save_target_model(target, found.fresh)
    told = [Measurement(one, 6.0 + row / 10) for row, one in enumerate(COMPOUNDS[:8])]
    save_target_model(target.adapt(told), found.adapted)
    lines = [f"{smiles} m{row}" for row, smiles in enumerate(COMPOUNDS)]
    found.library.write_text("\n".join([*lines, "C1CC bad"]) + "\n")
    rows = [f"m{row},{1 + row % 4},{row % 3}" for row in range(60)]
    found.prices.write_text("\n".join(["compound_id,euro,stock", *rows]) + "\n")
    done = call("index", found.library, "-o", found.index, "--for", found.fresh, "--processes", 1)
    assert done.exit_code == 0, done.output
    return found


def suggest(files: SimpleNamespace, out: Path, *options: object, target: Path | None = None):
    chosen = files.adapted if target is None else target
    given = [] if "-l" in options else ["-l", files.index]
    return call("suggest", chosen, *given, "-o", out, "--batch", 6, *options)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_the_batch_of_an_adapted_target_is_that_of_a_campaign(files, tmp_path):
    out = tmp_path / "next.csv"
    done = suggest(files, out, "--strategy", "thompson", "--seed", 4, "--json")
    assert done.exit_code == 0, done.output
    record, rows = json.loads(done.stdout), rows_of(out)
    target = load_target_model(files.adapted)
    pool = HeldCompounds.of(target, COMPOUNDS, [f"m{row}" for row in range(60)])
    found = Campaign(target, pool, seed=4).ask(6, "thompson")
    assert [row["name"] for row in rows] == found.compounds.names
    assert [row["smiles"] for row in rows] == [one["smiles"] for one in record["batch"]]
    np.testing.assert_allclose([float(row["score"]) for row in rows], found.mean, atol=1e-4)
    np.testing.assert_allclose([float(row["deviation"]) for row in rows], found.deviation, atol=1e-4)
    assert [int(row["row"]) for row in rows] == [int(name[1:]) + 1 for name in found.compounds.names]
    assert not {row["smiles"] for row in rows} & set(COMPOUNDS[:8])
    assert (record["measurements"], record["candidates"], record["rows"]) == (8, 52, 61)
    assert record["outlook"]["sentence"] == found.outlook.sentence(target.quantity)
    assert "rests on its scores alone" not in done.stderr


def test_without_measurements_it_works_and_says_so(files, tmp_path):
    done = suggest(files, tmp_path / "next.csv", target=files.fresh)
    assert done.exit_code == 0, done.output
    assert "adaptable: nothing was measured on this target yet" in done.stderr
    assert "1 of 61 rows cannot be scored: PARSE 1." in done.stderr
    assert "expected among these 6" in done.stderr
    assert len(done.stdout.splitlines()) == 1 + 6
    greedy = suggest(files, tmp_path / "greedy.csv", "--strategy", "greedy", target=files.fresh)
    assert greedy.exit_code == 0
    best = np.sort(load_target_model(files.fresh).score(COMPOUNDS).values)[::-1][:6]
    np.testing.assert_allclose(
        [float(row["score"]) for row in rows_of(tmp_path / "greedy.csv")], best, atol=1e-4
    )


def test_a_file_and_its_index_give_the_same_and_the_scored_library_is_kept(files, tmp_path):
    work = tmp_path / "scored"
    for name, given in (("a.csv", files.library), ("b.csv", files.index)):
        done = suggest(files, tmp_path / name, "-l", given, "--work", work / name, "--processes", 1)
        assert done.exit_code == 0, done.output
        assert (work / name / "state.json").is_file()
    assert [row["name"] for row in rows_of(tmp_path / "a.csv")] == [
        row["name"] for row in rows_of(tmp_path / "b.csv")
    ]
    assert suggest(files, tmp_path / "c.csv").exit_code == 0
    kept = list((files.folder / "library.index.scored").glob("*/state.json"))
    assert suggest(files, tmp_path / "d.csv", target=files.fresh).exit_code == 0
    assert list((files.folder / "library.index.scored").glob("*/state.json")) == kept != []


def test_prices_conditions_and_what_is_on_order_are_kept(files, tmp_path):
    out, order = tmp_path / "next.csv", tmp_path / "order.smi"
    first = suggest(files, tmp_path / "first.csv", "--strategy", "greedy")
    assert first.exit_code == 0
    order.write_text("\n".join(row["smiles"] for row in rows_of(tmp_path / "first.csv")) + "\n")
    done = suggest(
        files, out, "--strategy", "greedy", "--table", files.prices, "--price-column", "euro", "--budget", 12,
        "--where", "stock > 0", "--where", "stock != 2", "--ordered", order,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    rows = rows_of(out)
    assert len(rows) == 6
    assert sum(float(row["price"]) for row in rows) <= 12
    assert all((int(row["row"]) - 1) % 3 == 1 for row in rows)
    ordered = {row["smiles"] for row in rows_of(tmp_path / "first.csv")}
    assert not ordered & {row["smiles"] for row in rows}
    assert " for " in done.stderr.splitlines()[-1]
    few = suggest(
        files, tmp_path / "few.csv", "--table", files.prices, "--price-column", "euro", "--budget", 2
    )
    assert few.exit_code == 0
    assert "only 2 of 6 compounds could be chosen within these limits." in few.stderr


def test_a_library_that_is_a_table_is_its_own_table_of_prices(files, tmp_path):
    library = tmp_path / "library.csv"
    lines = [f"{smiles},m{row},{row}" for row, smiles in enumerate(COMPOUNDS)]
    library.write_text("\n".join(["smiles,compound_id,price", *lines]) + "\n")
    done = suggest(files, tmp_path / "next.csv", "-l", library, "--where", "price < 20", "--processes", 1)
    assert done.exit_code == 0, done.output
    assert all(int(row["row"]) <= 20 for row in rows_of(tmp_path / "next.csv"))


def test_the_batch_can_be_an_sd_file(files, tmp_path):
    out = tmp_path / "next.sdf"
    assert suggest(files, out, "--strategy", "ucb").exit_code == 0
    records = list(Chem.SDMolSupplier(str(out)))
    assert len(records) == 6
    assert records[0].GetProp("strategy") == "ucb"
    assert Chem.MolToSmiles(records[0]) == Chem.CanonSmiles(records[0].GetProp("smiles"))


def test_a_target_that_cannot_learn_is_greedy_and_says_why(files, tmp_path):
    unsure, card = tmp_path / "unsure.hpcm", {"no_adaptation": "labels are classes."}
    target = load_target_model(files.fresh)
    told = {**target.provenance, "model": {**target.provenance["model"], **card}}
    save_target_model(dataclasses.replace(target, residual_prior=None, provenance=told), unsure)
    done = call("suggest", unsure, "-l", files.library, "-o", tmp_path / "a.csv", "--work", tmp_path / "work")
    assert done.exit_code == 0, done.output
    assert "so the highest scores are chosen: labels are classes." in done.stderr
    rows = rows_of(tmp_path / "a.csv")
    assert {(row["strategy"], row["deviation"], row["top_chance"]) for row in rows} == {("greedy", "", "")}
    assert "±" not in done.stdout
    for part in ("noise", "the best of the batch", "how far off scores are"):
        assert part not in done.stderr.lower()
    as_json = call(
        "suggest",
        unsure,
        "-l",
        files.library,
        "-o",
        tmp_path / "j.csv",
        "--work",
        tmp_path / "work",
        "--json",
    )
    assert json.loads(as_json.stdout)["outlook"] is None
    asked = call(
        "suggest", unsure, "-l", files.library, "-o", tmp_path / "b.csv", "--strategy", "ei",
        "--work", tmp_path / "work",
    )  # fmt: skip
    assert asked.exit_code == 2
    assert "the strategy 'ei' needs to know how sure scores are" in asked.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--strategy", "best"], "there is no strategy 'best'"),
        (["--only", "drug"], "there is no filter 'drug'"),
        (["--budget", 5], "--budget needs prices"),
        (["--where", "stock => 5", "--table", "PRICES"], "the value '> 5' begins with a sign"),
        (["--where", "stock > 0"], "an index keeps no prices and no columns"),
        (["--where", "stock", "--table", "PRICES"], "--where 'stock': write a column"),
        (["--where", "purity > 9", "--table", "PRICES"], "no column 'purity'"),
        (["--never", "C1CC"], "--never, row 1: PARSE"),
        (["--ordered", "C1CC"], "--ordered, row 1: PARSE"),
        (["--table", "missing.csv", "--where", "a = b"], "there is no such file"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(files, tmp_path, options, said):
    options = [files.prices if one == "PRICES" else one for one in options]
    done = suggest(files, tmp_path / "next.csv", "--work", tmp_path / "work", *options)
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert not (tmp_path / "next.csv").exists()
    assert not (tmp_path / "work").exists()  # nothing was scored in vain


def test_an_output_that_is_there_is_not_replaced_unasked(files, tmp_path):
    out = tmp_path / "next.csv"
    out.write_text("mine")
    done = suggest(files, out)
    assert done.exit_code == 2
    assert "exists already" in done.stderr
    assert suggest(files, out, "--overwrite").exit_code == 0
    assert suggest(files, tmp_path / "next.doc").exit_code == 2


def test_what_is_read_from_is_never_replaced(files, tmp_path):
    order = tmp_path / "order.csv"
    order.write_text("smiles\n" + "\n".join(COMPOUNDS[50:]) + "\n")
    table = ["--table", files.prices, "--price-column", "euro"]
    for out, options in ((files.prices, table), (order, ["--never", order]), (order, ["--ordered", order])):
        before = out.read_text()
        done = suggest(files, out, "--overwrite", *options)
        assert done.exit_code == 2
        assert "this file is read from" in done.stderr
        assert out.read_text() == before


def test_a_library_without_columns_is_told_of_a_table(files, tmp_path):
    done = suggest(files, tmp_path / "next.csv", "-l", files.library, "--where", "stock > 0")
    assert done.exit_code == 2
    assert "is no table, so it has no prices" in done.stderr
    assert "--table FILE" in done.stderr


def test_given_columns_are_those_of_a_table_too(files, tmp_path):
    table = tmp_path / "prices.csv"
    table.write_text("code,stock\n" + "".join(f"m{row},{row}\n" for row in range(60)))
    options = ["--table", table, "--where", "stock > 40"]
    assert "no column tells" in suggest(files, tmp_path / "a.csv", *options).stderr
    done = suggest(files, tmp_path / "b.csv", *options, "--column", "compound_id=code")
    assert done.exit_code == 0, done.output
    assert all(int(row["name"][1:]) > 40 for row in rows_of(tmp_path / "b.csv"))


def test_candidates_are_told_as_those_before_the_filter(files, tmp_path):
    done = suggest(files, tmp_path / "next.csv", "--only", "lipinski")
    assert done.exit_code == 0, done.output
    assert "6 of 52 compounds (before --only lipinski) by ucb" in done.stderr
