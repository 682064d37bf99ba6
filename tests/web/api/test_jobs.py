"""Long work over the API: submitted, followed, cancelled; its result in pages and as files."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from rdkit import Chem

from hyperpcm.checkpoint import load_model
from hyperpcm.model.listing import labels_on
from hyperpcm.screening import CompoundRecipe, build_index
from hyperpcm.web import Limits
from small_models import SEQUENCES, SMILES, many_smiles
from small_servers import Running, running, settings_of

COMPOUNDS = many_smiles(150)
UPLOAD = "".join(f"{smiles} compound {row}\n" for row, smiles in enumerate(COMPOUNDS)) + "C1CC broken\n"
LONG = "".join(f"{COMPOUNDS[row % 150]} c{row}\n" for row in range(300_000)).encode()


@pytest.fixture(scope="module")
def target(model_file: Path):
    return load_model(model_file).compile_target(SEQUENCES[1], name="target 1")


@pytest.fixture(scope="module")
def screened(server: Running) -> str:
    """The id of a screen that is done."""
    answer = server.submit(UPLOAD.encode(), top=100)
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}"
    assert job["title"] == "compounds.smi on target 1"
    done = server.wait(job["id"])
    assert done["state"] == "done", done
    assert (done["done"], done["total"]) == (151, 151)
    assert done["summary"]["rejected"] == {"PARSE": 1}
    return job["id"]


def rows_of(server: Running, job: str, **query: object) -> dict:
    answer = server.http.get(f"/api/v1/jobs/{job}/results", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_hits_are_the_best_of_all_scores_with_intervals_and_what_is_near(
    server: Running, screened, target
):
    scores = target.score(COMPOUNDS)
    best = [int(row) for row in scores.order()][:100]
    found = rows_of(server, screened, limit=100)
    assert (found["total"], found["matching"], found["refused"]) == (100, 100, {"PARSE": 1})
    assert [one["score"] for one in found["rows"]] == pytest.approx(
        [float(scores.values[row]) for row in best], abs=1e-5
    )
    for one in found["rows"]:
        row = one["row"] - 1
        assert (one["smiles"], one["name"]) == (COMPOUNDS[row], f"compound {row}")
        assert one["lower"] == pytest.approx(float(scores.intervals.lower[row]), abs=1e-5)
        assert one["domain"] == scores.intervals.verdicts[row]


def test_rows_are_sorted_filtered_and_cut(server: Running, screened: str):
    every = rows_of(server, screened, limit=1000)["rows"]
    names = sorted(every, key=lambda one: one["name"], reverse=True)
    page = rows_of(server, screened, sort="name", descending=True, offset=10, limit=5)
    assert page["rows"] == names[10:15]
    least = every[30]["score"]
    strong = rows_of(server, screened, at_least=least, limit=1000)
    assert strong["rows"] == [one for one in every if one["score"] >= least]
    inside = rows_of(server, screened, domain="edge", limit=1000)
    assert inside["rows"] == [one for one in every if one["domain"] == "edge"]
    found = rows_of(server, screened, search="COMPOUND 1", limit=1000)
    assert found["rows"] == [one for one in every if "compound 1" in one["name"]]
    assert found["matching"] == len(found["rows"])
    assert rows_of(server, screened, offset=5000)["rows"] == []
    assert server.http.get(f"/api/v1/jobs/{screened}/results?sort=score desc;--").status_code == 422


def test_every_file_holds_the_hits(server: Running, screened: str):
    place = f"/api/v1/jobs/{screened}/files"
    every = rows_of(server, screened, limit=1000)["rows"]
    table = list(csv.DictReader(io.StringIO(server.http.get(f"{place}/hits.csv").text)))
    assert [row["smiles"] for row in table] == [one["smiles"] for one in every]
    parquet = pq.read_table(io.BytesIO(server.http.get(f"{place}/hits.parquet").content))
    np.testing.assert_allclose(parquet["score"].to_numpy(), [one["score"] for one in every], atol=1e-6)
    supplier = Chem.ForwardSDMolSupplier(io.BytesIO(server.http.get(f"{place}/hits.sdf").content))
    records = list(supplier)
    assert [record.GetProp("_Name") for record in records] == [one["name"] for one in every]
    assert float(records[0].GetProp("score")) == pytest.approx(every[0]["score"], abs=1e-5)
    refused = list(csv.DictReader(io.StringIO(server.http.get(f"{place}/rejected.csv").text)))
    assert [(row["row"], row["code"]) for row in refused] == [("151", "PARSE")]
    assert server.http.get(f"{place}/upload").status_code == 422


def test_files_hold_what_was_measured_on_the_target(server: Running, model_file: Path):
    labels = labels_on(load_model(model_file), SEQUENCES[1])
    known = next(iter(labels))
    job = server.submit(f"{known} known\nCCOC(=O)CC new\n".encode()).json()["id"]
    assert server.wait(job)["state"] == "done"
    place = f"/api/v1/jobs/{job}/files"
    table = list(csv.DictReader(io.StringIO(server.http.get(f"{place}/hits.csv").text)))
    written = {row["name"]: row["measured"] for row in table}
    assert float(written["known"]) == pytest.approx(labels[known])
    assert written["new"] == ""
    parquet = pq.read_table(io.BytesIO(server.http.get(f"{place}/hits.parquet").content)).to_pylist()
    assert {row["name"]: row["measured"] for row in parquet}["new"] is None
    supplier = Chem.ForwardSDMolSupplier(io.BytesIO(server.http.get(f"{place}/hits.sdf").content))
    fields = {record.GetProp("_Name"): record.GetPropsAsDict() for record in supplier}
    assert fields["known"]["measured"] == pytest.approx(labels[known])
    assert "measured" not in fields["new"]


def test_cells_that_a_spreadsheet_would_run_are_harmless(server: Running):
    names = ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "<img src=x onerror=alert(1)>"]
    rows = zip(COMPOUNDS, names, strict=False)
    upload = "smiles,name\n" + "".join(f'{smiles},"{name}"\n' for smiles, name in rows)
    job = server.submit(upload.encode(), "list.csv").json()["id"]
    assert server.wait(job)["state"] == "done"
    table = csv.DictReader(io.StringIO(server.http.get(f"/api/v1/jobs/{job}/files/hits.csv").text))
    written = {row["name"] for row in table}
    assert written == {f"'{name}" for name in names[:4]} | {names[4]}


def test_the_events_tell_the_progress_until_the_end(server: Running):
    job = server.submit(LONG[:1_500_000]).json()["id"]
    states = []
    with server.http.stream("GET", f"/api/v1/jobs/{job}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        event = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            if line.startswith("data: "):
                states.append((event, json.loads(line.removeprefix("data: "))))
    assert [event for event, _ in states[-2:]] == ["progress", "end"]
    done = [state["done"] for _, state in states]
    assert done == sorted(done)
    assert states[-1][1]["state"] == "done"
    assert states[-1][1]["done"] == states[-1][1]["total"] > 10_000


def test_a_job_that_runs_is_cancelled_by_two_tabs_at_once(server: Running):
    job = server.submit(LONG).json()["id"]
    while server.http.get(f"/api/v1/jobs/{job}").json()["done"] == 0:
        time.sleep(0.1)
    answers = []
    tabs = [
        threading.Thread(target=lambda: answers.append(server.http.delete(f"/api/v1/jobs/{job}").status_code))
        for _ in range(2)
    ]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert answers == [200, 200]
    ended = server.wait(job, 15)
    assert (ended["state"], ended["error"]) == ("cancelled", None)
    assert server.http.delete(f"/api/v1/jobs/{job}").json()["state"] == "cancelled"
    assert server.http.get(f"/api/v1/jobs/{job}/results").status_code == 404
    folder = server.service.settings.work / "jobs" / job
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} <= {"target.hpcm"}


def test_a_job_that_waits_is_cancelled_at_once_and_the_result_of_one_that_runs_is_not_ready(server: Running):
    first, second = (server.submit(LONG).json()["id"] for _ in range(2))
    assert server.http.get(f"/api/v1/jobs/{first}/results").status_code == 409
    assert server.http.delete(f"/api/v1/jobs/{second}").json()["state"] == "cancelled"
    server.http.delete(f"/api/v1/jobs/{first}")
    assert server.wait(first)["state"] == "cancelled"


def test_only_so_many_jobs_wait(model_file: Path, tmp_path: Path):
    with running(settings_of(model_file, tmp_path, Limits(max_jobs=2))) as server:
        ids = [server.submit(LONG).json()["id"] for _ in range(2)]
        third = server.submit(LONG)
        assert (third.status_code, third.json()["code"]) == (429, "busy")
        assert int(third.headers["retry-after"]) > 0
        assert len(list((tmp_path / "jobs").iterdir())) == 2
        assert list((tmp_path / "uploads").iterdir()) == []
        for id in ids:
            server.http.delete(f"/api/v1/jobs/{id}")


def test_the_library_of_the_server_is_screened_without_an_upload(model_file: Path, tmp_path: Path, target):
    model, source = load_model(model_file), tmp_path / "library.smi"
    source.write_text(UPLOAD)
    recipe = CompoundRecipe(model.compound_encoder, ((model.radius, model.landmark_width),))
    build_index(source, tmp_path / "library.index", recipe)
    settings = settings_of(model_file, tmp_path / "work", library=tmp_path / "library.index")
    with running(settings) as server:
        (told,) = server.http.get("/api/v1/models").json()
        assert (told["library"], told["library_rows"]) == ("library.index", 151)
        sent = {"known": "target 1", "library": "true", "top": 20}
        answer = server.http.post("/api/v1/screen", data=sent)
        job = server.wait(answer.json()["id"])
        assert job["state"] == "done", job
        found = rows_of(server, job["id"])
    best = np.sort(target.score(COMPOUNDS).values)[::-1][:20]
    assert [one["score"] for one in found["rows"]] == pytest.approx(best.tolist(), abs=1e-5)


def test_filters_and_columns_are_those_of_the_command_line(server: Running):
    names = ("Structure of it", "Label")
    upload = f"{names[0]};{names[1]}\n" + "".join(f"{one};n{row}\n" for row, one in enumerate(SMILES))
    sent = {"smiles_column": names[0], "name_column": names[1], "only": ["lipinski", "pains"]}
    job = server.wait(server.submit(upload.encode(), "table.csv", **sent).json()["id"])
    assert job["state"] == "done", job
    found = rows_of(server, job["id"])
    assert {one["name"] for one in found["rows"]} == {f"n{row}" for row in range(len(SMILES))}
    wrong = server.http.post(
        "/api/v1/screen", data={"known": "target 1", "only": "beauty"}, files={"file": ("a.smi", b"CCO")}
    )
    assert wrong.status_code == 422


@pytest.mark.parametrize(
    ("sent", "with_file", "says"),
    [
        ({"known": "target 1"}, False, "either a file of compounds or library=true"),
        ({"known": "target 1", "library": "true"}, False, "has no library"),
        ({}, True, "exactly one of sequence, known and id"),
        ({"known": "nobody"}, True, "no known target"),
        ({"known": "target 1", "top": "10001"}, True, "1 to 10,000"),
        ({"known": "target 1", "level": "0.805"}, True, "intervals are kept for"),
    ],
)
def test_a_screen_that_cannot_be_is_refused_at_once(server: Running, sent, with_file: bool, says: str):
    files = {"file": ("a.smi", b"CCO\n")} if with_file else None
    answer = server.http.post("/api/v1/screen", data=sent, files=files)
    assert answer.status_code == 422
    assert says in answer.json()["message"]
    assert list((server.service.settings.work / "uploads").iterdir()) == []
