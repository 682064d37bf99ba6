"""What nobody should send: each is refused with a sentence, none ends in an error of the server."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
from pathlib import Path

import httpx
import pytest

from hyperpcm.web import Limits
from small_models import QUERY
from small_servers import Running, running, settings_of

SCORE = {"target": {"known": "target 1"}, "compounds": ["CCO"]}


@pytest.fixture(scope="module")
def narrow(model_file: Path, tmp_path_factory: pytest.TempPathFactory):
    limits = Limits(max_body=200_000, max_json=50_000, max_rows=500, max_listed=20, max_sequence=100)
    with running(settings_of(model_file, tmp_path_factory.mktemp("narrow"), limits)) as found:
        yield found


def refused(answer: httpx.Response, status: int = 422) -> str:
    """The sentence with which something was refused."""
    assert answer.status_code == status, answer.text
    found = answer.json()
    assert found.keys() == {"code", "message", "details"}
    assert "/tmp" not in answer.text
    assert "Traceback" not in answer.text
    return str(found["message"])


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("place", ["score", "adapt", "panel"])
def test_numbers_that_are_none_are_refused(server: Running, number: str, place: str):
    bodies = {
        "score": '{"target": {"known": "target 1"}, "compounds": ["CCO"], "level": %s}',
        "adapt": '{"target": {"known": "target 1"}, "measurements": [{"smiles": "CCO", "value": %s}]}',
        "panel": '{"compounds": ["CCO"], "active_at": %s}',
    }
    headers = {"Content-Type": "application/json"}
    message = refused(server.http.post(f"/api/v1/{place}", content=bodies[place] % number, headers=headers))
    assert message.startswith("The request cannot be used.")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b"[" * 20_000, 400),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, None),
        (b"\xff\xfe{\x00", None),
        (json.dumps({**SCORE, "level": "x" * 10_000}).encode(), 422),
        (json.dumps({**SCORE, "compounds": {"0": "CCO"}}).encode(), 422),
        (json.dumps({**SCORE, "target": 5}).encode(), 422),
        (json.dumps({**SCORE, "level": 10**400}).encode(), 422),
        (b'{"target": {"known": "\\ud800"}, "compounds": ["CCO"]}', 422),
        (b'{"target": {"known": "target 1"}, "compounds": ["\\udfff\\u0000"]}', None),
    ],
    ids=lambda one: repr(one)[:30],
)
def test_bodies_of_every_wrong_kind_are_refused(server: Running, content: bytes, status: int | None):
    headers = {"Content-Type": "application/json"}
    answer = server.http.post("/api/v1/score", content=content, headers=headers)
    assert answer.status_code == status or (status is None and answer.status_code in (200, 400, 422)), (
        answer.text
    )
    assert len(answer.content) < 5000


def test_what_was_sent_is_not_echoed(server: Running):
    secret = "<script>alert(1)</script>"
    sent = {**SCORE, "level": secret, secret * 20: 1}
    text = server.http.post("/api/v1/score", json=sent).text
    assert "input" not in json.loads(text)
    assert text.count(secret) <= 4  # the name of a field that is not known, cut short
    assert len(text) < 1000


def test_a_body_that_is_declared_too_large_is_refused_before_it_is_sent(narrow: Running):
    host, port = narrow.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(
            b"POST /api/v1/score HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000000000\r\n\r\n{"
        )
        answer = connection.recv(10_000)
    assert answer.startswith(b"HTTP/1.1 413")


def test_a_body_that_grows_too_large_is_refused_on_the_way(narrow: Running):
    sent = 0

    def endless():
        nonlocal sent
        yield b'{"target": {"sequence": "'
        for _ in range(100_000):
            sent += 10_000
            yield b"A" * 10_000

    headers = {"Content-Type": "application/json"}
    # The server may have closed the connection before its answer was read.
    with contextlib.suppress(httpx.WriteError, httpx.ReadError):
        refused(narrow.http.post("/api/v1/score", content=endless(), headers=headers), 413)
    assert sent < 200_000_000


def test_an_upload_that_is_too_large_is_refused_and_leaves_nothing(narrow: Running):
    refused(narrow.submit(b"CCO\n" * 100_000), 413)
    assert list((narrow.service.settings.work / "uploads").iterdir()) == []
    assert list((narrow.service.settings.work / "jobs").iterdir()) == []


def test_more_rows_than_are_taken_fail_the_job(narrow: Running):
    job = narrow.wait(narrow.submit(b"CCO\n" * 501).json()["id"])
    assert (job["state"], job["error"]) == (
        "failed",
        "compounds.smi: holds 501 rows, and this server takes up to 500.",
    )


def test_a_file_that_inflates_without_end_fails_the_job(server: Running):
    bomb = gzip.compress(b"C" * 400_000_000, compresslevel=9)
    assert len(bomb) < 1_000_000
    job = server.wait(server.submit(bomb, "library.smi.gz").json()["id"])
    assert job["state"] == "failed"
    assert job["error"].startswith("library.smi.gz: ")
    assert server.http.get("/api/v1/health").status_code == 200


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("CCO äthanol\n".encode("utf-16"), "UTF-16"),
        (b"CCO \xe4thanol\n", "UTF-8"),
        (b"PK\x03\x04" + b"\0" * 100, "ZIP archive"),
        (b"", "no rows"),
        (b"a,b\n1,2\n", "none of its"),
        (b"PAR1" + b"\0" * 50, "Parquet"),
        (b"\x1f\x8b" + b"\0" * 50, "gzip"),
    ],
    ids=["utf-16", "latin-1", "zip", "empty", "no smiles", "parquet", "gzip"],
)
def test_a_file_that_cannot_be_read_fails_the_job_with_its_name(server: Running, content: bytes, says: str):
    job = server.wait(server.submit(content, "mine.txt").json()["id"])
    assert job["state"] == "failed"
    assert "mine.txt" in job["error"]
    assert says in job["error"]
    assert str(server.service.settings.work) not in job["error"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\0b.smi", "x" * 300, "CON", "<svg onload=alert(1)>.smi", " "]
)
def test_the_name_of_a_file_never_becomes_a_path(server: Running, name: str):
    boundary = "----boundary"
    shown = name.replace("\0", "%00")
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="known"\r\n\r\ntarget 1\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{shown}"\r\n\r\nCCO\n\r\n'
        f"--{boundary}--\r\n"
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    answer = server.http.post("/api/v1/screen", content=body.encode(), headers=headers)
    assert answer.status_code == 202, answer.text
    assert server.wait(answer.json()["id"])["state"] == "done"
    folder = server.service.settings.work / "jobs" / answer.json()["id"]
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} <= {
        "target.hpcm", "hits.parquet", "rejected.parquet", "outcome.json",
    }  # fmt: skip


@pytest.mark.parametrize(
    "id",
    ["../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "0" * 31, "G" * 32, "0" * 33, "%00", "a b", "0" * 5000],
)
@pytest.mark.parametrize(
    "place", ["jobs/{}", "jobs/{}/results", "jobs/{}/events", "targets/{}", "targets/{}/file"]
)
def test_ids_that_look_like_paths_are_none(server: Running, place: str, id: str):
    answer = server.http.get("/api/v1/" + place.format(id))
    assert answer.status_code in (404, 422)
    assert "root:" not in answer.text


@pytest.mark.parametrize("place", ["jobs/{}", "jobs/{}/results", "jobs/{}/events", "jobs/{}/files/hits.csv"])
def test_the_job_of_somebody_else_is_not_there(server: Running, place: str):
    answer = server.http.get("/api/v1/" + place.format("0123456789abcdef" * 2))
    assert refused(answer, 404)


def test_a_smiles_of_100_000_characters_is_refused_and_the_others_are_scored(server: Running):
    sent = {**SCORE, "compounds": ["C" * 100_000, "CCO", "C" * 100_000 + "(" * 500, "[" * 1000]}
    answer = server.http.post("/api/v1/score", json=sent)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert [one["smiles"] for one in found["scores"]] == ["CCO"]
    assert [one["row"] for one in found["rejected"]] == [1, 3, 4]
    assert all(len(one["text"]) <= 200 for one in found["rejected"])


def test_a_fasta_of_10_000_records_is_refused(server: Running):
    text = "".join(f">r{row}\nMKTAYIAKQR\n" for row in range(10_000))
    message = refused(server.http.post("/api/v1/score", json={**SCORE, "target": {"sequence": text}}))
    assert message.startswith("the target: holds 10,000 records (r0, r1")
    assert message.endswith("Paste one of them.")


@pytest.mark.parametrize(
    ("sequence", "says"),
    [
        ("", "holds no sequence"),
        (">only a name\n", "empty"),
        ("MKT1AYI", "digit"),
        ("ACGT" * 20, "DNA"),
        ("MKTÄYI", "no residue"),
        ("M" * 101, "101 residues"),
        ("<b>MKT</b>", "no residue"),
        ("\0", "no residue"),
    ],
    ids=lambda one: repr(one)[:20],
)
def test_sequences_that_cannot_be_compiled_are_refused(narrow: Running, sequence: str, says: str):
    assert says in refused(narrow.http.post("/api/v1/compile", json={"target": {"sequence": sequence}}))


def test_more_compounds_than_are_scored_at_once_are_refused(narrow: Running):
    message = refused(narrow.http.post("/api/v1/score", json={**SCORE, "compounds": ["CCO"] * 21}))
    assert "21 are given, and 20 are scored at once" in message


def test_markup_in_names_stays_text(server: Running):
    name = "<svg onload=alert(1)>&\"'"
    sent = {
        "target": {"sequence": QUERY, "name": name},
        "compounds": [{"smiles": "CCO", "name": name}, {"smiles": f"CC{name}", "name": name}],
    }
    answer = server.http.post("/api/v1/score", json=sent)
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert (found["target"]["name"], found["scores"][0]["name"]) == (name, name)
    page = server.http.get(f"/{name}")
    assert page.status_code == 404
    assert "<svg onload" not in page.text


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "FOO"])
def test_methods_that_are_none_are_refused(server: Running, method: str):
    assert server.http.request(method, "/api/v1/score").status_code == 405


def test_two_targets_at_once_or_none_are_refused(server: Running):
    for target in ({}, {"known": "target 1", "sequence": QUERY}):
        assert "exactly one" in refused(server.http.post("/api/v1/compile", json={"target": target}))
