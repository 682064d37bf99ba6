"""What a server says of itself."""

from __future__ import annotations

import re

from hyperpcm import __version__
from small_servers import Running


def test_the_model_that_is_served_has_its_card(server: Running):
    (model,) = server.http.get("/api/v1/models").json()
    assert (model["quantity"]["name"], model["known_targets"], model["known_compounds"]) == ("pKd", 5, 8)
    assert model["card"].startswith("# A model of")
    assert (model["can_adapt"], model["has_intervals"], model["library"]) == (True, True, None)
    assert server.http.get(f"/api/v1/models/{model['id']}").json() == model
    assert server.http.get(f"/api/v1/models/{'0' * 32}").status_code == 404


def test_health_tells_version_and_worker(server: Running):
    found = server.http.get("/api/v1/health").json()
    assert (found["status"], found["version"], found["worker"]) == ("ok", __version__, True)


def test_metrics_count_requests_by_pattern_and_never_by_id(server: Running):
    for _ in range(3):
        server.http.get(f"/api/v1/jobs/{'0' * 32}")
    answer = server.http.get("/api/v1/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    text = answer.text
    line = re.search(r'requests_total\{method="GET",path="(.*?)",status="404"\} (\d+)', text)
    assert line
    assert "0" * 32 not in text
    assert 'path="/api/v1/jobs/{job}",status="404"' in text
    assert "hyperpcm_worker_up 1.0" in text


def test_a_compound_is_drawn_and_a_wrong_one_refused(server: Running):
    drawn = server.http.get("/api/v1/depict.svg", params={"smiles": "CCO"})
    assert (drawn.headers["content-type"], drawn.text[:4]) == ("image/svg+xml", "<svg")
    wrong = server.http.get("/api/v1/depict.svg", params={"smiles": "C1CC"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "input")


def test_the_document_of_the_api_names_every_route_and_no_page(server: Running):
    document = server.http.get("/api/v1/openapi.json").json()
    assert all(path.startswith("/api/v1/") for path in document["paths"])
    words = ("compile", "score", "screen", "adapt", "evidence", "models", "health", "metrics")
    assert all(f"/api/v1/{word}" in document["paths"] for word in words)
    for path in document["paths"].values():
        for operation in path.values():
            assert {"422", "429", "413"} <= operation["responses"].keys()
            assert operation["responses"]["422"]["content"]["application/json"]["schema"]["$ref"].endswith(
                "ErrorAnswer"
            )
