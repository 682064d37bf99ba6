"""Targets over the API: every answer is what the library says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hyperpcm.checkpoint import load_model, load_target_model
from hyperpcm.protein import Target
from hyperpcm.screening import Panel, fishing_scores
from hyperpcm.target_model import Measurement
from hyperpcm.trust import atom_contributions, evidence_card
from hyperpcm.web.served import ServedModel
from small_models import QUERY, SEQUENCES, SMILES
from small_servers import Running, running, settings_of

ASKED = [*SMILES[:4], "not a molecule", "CCN"]


@pytest.fixture(scope="module")
def compiled(model_file: Path):
    return load_model(model_file).compile_target(QUERY, name="query")


def post(server: Running, place: str, **sent: object) -> dict:
    answer = server.http.post(f"/api/v1/{place}", json=sent)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_scores_are_those_of_the_library_ranked_with_intervals_and_what_is_near(server: Running, compiled):
    found = post(
        server, "score", target={"sequence": QUERY, "name": "query"}, compounds=ASKED, level=0.9, nearest=True
    )
    expected = compiled.score(ASKED, level=0.9)
    rows = [int(row) for row in expected.order()]
    assert [one["row"] - 1 for one in found["scores"]] == rows
    assert [one["rank"] for one in found["scores"]] == [1, 2, 3, 4, 5]
    near = compiled.nearest_landmarks([expected.smiles[row] for row in rows])
    for one, row, landmark in zip(found["scores"], rows, near, strict=True):
        assert one["score"] == pytest.approx(float(expected.values[row]))
        assert one["lower"] == pytest.approx(float(expected.intervals.lower[row]))
        assert (one["level"], one["domain"]) == (0.9, expected.intervals.verdicts[row])
        assert one["nearest_compound"] == landmark.smiles
    (refused,) = found["rejected"]
    assert (refused["row"], refused["code"]) == (5, "TRAILING_TEXT")
    assert any("held-out rows" in note for note in found["target"]["notes"])


def test_a_target_is_asked_again_by_its_id_and_its_file_scores_alike(
    server: Running, compiled, tmp_path: Path
):
    made = post(server, "compile", target={"sequence": f">query some words\n{QUERY.lower()}\n"})
    assert (made["name"], made["residues"], made["known"]) == ("query", len(QUERY), None)
    assert made["changes"] == ["UPPER_CASED"]
    assert server.http.get(f"/api/v1/targets/{made['id']}").json()["sequence"] == QUERY
    answer = server.http.get(f"/api/v1/targets/{made['id']}/file")
    assert answer.headers["content-disposition"].endswith('.hpcm"')
    path = tmp_path / "query.hpcm"
    path.write_bytes(answer.content)
    np.testing.assert_array_equal(load_target_model(path).score(SMILES).values, compiled.score(SMILES).values)


def test_the_first_target_does_not_wait_for_the_known_compounds(model_file: Path, compiled):
    served = ServedModel(model_file)
    assert served.model.known is None
    served.prepare()
    known = served.model.known
    assert known is not None
    target = served.compile(Target(QUERY, "query", ()))
    assert served.model.known is known
    np.testing.assert_array_equal(target.score(SMILES).values, compiled.score(SMILES).values)


def test_a_known_target_goes_by_its_name_and_its_sequence_is_told_to_be_known(server: Running):
    found = post(server, "compile", target={"known": "target 2"})
    assert (found["sequence"], found["known"]) == (SEQUENCES[2], "target 2")
    by_sequence = post(server, "compile", target={"sequence": SEQUENCES[2], "name": "mine"})
    assert (by_sequence["name"], by_sequence["known"]) == ("mine", "target 2")


def test_what_was_measured_on_a_known_target_stands_beside_its_score(server: Running, model_file: Path):
    model = load_model(model_file)
    row, column = int(model.memory_rows[0]), int(model.memory_columns[0])
    known, label = model.landmark_compounds[column], float(model.memory_values[0])
    target = {"known": model.memory_names[row]}
    found = post(server, "score", target=target, compounds=[known, "CCCCCCCCCCN"])["scores"]
    measured = {one["smiles"]: one["measured"] for one in found}
    assert measured.pop(known) == pytest.approx(label)
    assert list(measured.values()) == [None]
    new = post(server, "score", target={"sequence": QUERY}, compounds=[known])["scores"]
    assert new[0]["measured"] is None
    card = post(server, "evidence", target=target, compound={"smiles": known}, known=0)
    assert card["compound"]["measured"] == pytest.approx(label)


def test_known_targets_are_found_by_a_part_of_their_name(server: Running):
    found = server.http.get("/api/v1/known-targets", params={"search": "GET 3"}).json()
    assert [one["name"] for one in found["targets"]] == ["target 3"]
    first = server.http.get("/api/v1/known-targets", params={"limit": 2}).json()
    assert ([one["name"] for one in first["targets"]], first["matching"]) == (["target 0", "target 1"], 5)


def test_the_evidence_is_that_of_the_library(server: Running, model_file: Path, compiled):
    smiles = SMILES[2]
    sent = {"target": {"sequence": QUERY, "name": "query"}, "compound": {"smiles": smiles}, "known": 3}
    found = post(server, "evidence", **sent)
    card = evidence_card(load_model(model_file), QUERY, smiles, name="query", top=3)
    assert [one["name"] for one in found["retrieved"]] == [one.name for one in card.retrieved]
    for one, expected in zip(found["retrieved"], card.retrieved, strict=True):
        assert one["score_without"] == pytest.approx(expected.score_without, abs=1e-5)
    atoms = atom_contributions(compiled, smiles)
    assert found["atoms"]["adds"] == pytest.approx(atoms.atoms.tolist(), abs=1e-5)
    total = sum(found["atoms"]["adds"]) + found["atoms"]["whole"] + found["atoms"]["baseline"]
    assert total == pytest.approx(found["atoms"]["score"], abs=1e-4)
    assert found["atoms"]["losses"] is None
    fast = post(server, "evidence", **{**sent, "known": 0, "mask": True})
    assert (fast["retrieved"], fast["of_mean"]) == ([], None)
    assert len(fast["atoms"]["losses"]) == len(found["atoms"]["adds"])


def test_a_target_learns_as_in_the_library_and_is_kept_under_a_new_id(
    server: Running, compiled, tmp_path: Path
):
    values = [7.1, 6.2, 5.3, 8.0, 6.6, 7.7]
    lines = "".join(f"{smiles} {value}\n" for smiles, value in zip(SMILES, values, strict=False))
    found = post(server, "adapt", target={"sequence": QUERY, "name": "query"}, table=lines, source="assay 1")
    measured = [Measurement(one, value, 0, "assay 1") for one, value in zip(SMILES, values, strict=False)]
    expected = compiled.adapt(measured)
    scores = expected.score(SMILES).values
    again = post(server, "score", target={"id": found["target"]["id"]}, compounds=list(SMILES))
    by_row = {one["row"] - 1: one["score"] for one in again["scores"]}
    assert [by_row[row] for row in range(len(SMILES))] == pytest.approx(scores.tolist(), abs=1e-5)
    assert found["target"]["id"] != found["before"]
    assert found["summary"]["compounds"] == 6
    before = compiled.score(SMILES).values
    for row, one in enumerate(found["compounds"]):
        assert (one["measured"], one["relation"]) == (values[row], "=")
        assert one["before"] == pytest.approx(float(before[row]), abs=1e-5)
        assert one["after"] == pytest.approx(float(scores[row]), abs=1e-5)
    assert [one["compounds"] for one in found["curve"]] == [0, 1, 2]
    path = tmp_path / "adapted.hpcm"
    path.write_bytes(server.http.get(f"/api/v1/targets/{found['target']['id']}/file").content)
    assert len(load_target_model(path).adaptation.measurements) == 6


def test_measurements_as_a_list_and_with_units_are_those_of_a_table(server: Running):
    target = {"sequence": QUERY}
    table = "smiles,relation,Kd (nM)\nCCO,=,100\nCCN,>,10000\n"
    by_table = post(server, "adapt", target=target, table=table)
    rows = [{"smiles": "CCO", "value": 100}, {"smiles": "CCN", "value": 10000, "relation": ">"}]
    by_list = post(server, "adapt", target=target, measurements=rows, quantity="Kd", unit="nM")
    assert by_list["target"]["id"] == by_table["target"]["id"]
    assert [(one["measured"], one["relation"]) for one in by_list["compounds"]] == [(7.0, "="), (5.0, "<")]
    on_scale = post(server, "adapt", target=target, measurements=[{"smiles": "CCO", "value": 7.25}])
    assert on_scale["compounds"][0]["measured"] == 7.25


def test_what_cannot_be_learned_from_is_said_without_a_path(server: Running):
    sent = {"target": {"sequence": QUERY}, "table": "smiles,Ki (nM)\nCCO,5\n"}
    answer = server.http.post("/api/v1/adapt", json=sent)
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("the table: values are pKi, and the model predicts pKd")
    assert "/" not in answer.json()["message"].replace("and/or", "")


def test_the_panel_waits_for_its_targets_and_then_says_what_the_library_says(
    model_file: Path, tmp_path: Path
):
    with running(settings_of(model_file, tmp_path)) as server:
        assert server.http.get("/api/v1/panel").json()["is_ready"] is False
        early = server.http.post("/api/v1/panel", json={"compounds": ["CCO"]})
        assert (early.status_code, early.json()["code"]) == (409, "not_ready")
        built = server.http.post("/api/v1/panel/build")
        assert built.status_code == 202
        job = server.wait(built.json()["id"])
        assert (job["state"], job["done"], job["summary"]["targets"]) == ("done", 5, 5), job
        assert server.http.get("/api/v1/panel").json()["is_ready"] is True
        compounds = [{"smiles": one, "name": f"c{row}"} for row, one in enumerate(SMILES[:3])]
        found = post(server, "panel", compounds=[*compounds, "C1CC"], wanted="target 4")
    model = load_model(model_file)
    targets = [model.compile_target(one, name=f"target {row}") for row, one in enumerate(SEQUENCES)]
    values = Panel(targets).score(SMILES[:3]).values
    usual = [one.provenance["background"] for one in targets]
    means, deviations = (np.array([one[key] for one in usual]) for key in ("mean", "deviation"))
    above = fishing_scores(values, means, deviations)
    assert sorted(found["targets"]) == [f"target {row}" for row in range(5)]
    for row, one in enumerate(found["compounds"]):
        assert [place["rank"] for place in one["targets"]] == [1, 2, 3, 4, 5]
        for place in one["targets"]:
            target = int(place["target"].removeprefix("target "))
            assert place["score"] == pytest.approx(float(values[target, row]), abs=1e-5)
            assert place["above_usual"] == pytest.approx(float(above[target, row]), abs=1e-4)
        assert one["window"] == pytest.approx(float(values[4, row] - values[:4, row].max()), abs=1e-5)
        assert one["share"] == pytest.approx(float((values[:, row] >= 7.0).mean()))
    assert [one["row"] for one in found["rejected"]] == [4]


def test_given_targets_are_the_panel(model_file: Path, compiled, tmp_path: Path):
    from hyperpcm.checkpoint import save_target_model

    folder = tmp_path / "panel"
    folder.mkdir()
    save_target_model(compiled, folder / "query.hpcm")
    with running(settings_of(model_file, tmp_path / "work", targets=(folder,))) as server:
        found = post(server, "panel", compounds=["CCO"])
        assert found["compounds"][0]["strongest"] == "query"
        assert server.http.post("/api/v1/panel/build").status_code == 422
