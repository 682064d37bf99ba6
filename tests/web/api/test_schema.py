"""The whole API against its own document: no answer that it does not describe, no error of the server."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from small_servers import Running

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
EXAMPLES = 25
STREAMS = "/api/v1/jobs/{job}/events"  # its ids are never those of a job, so that it ends at once


@pytest.fixture
def document(server: Running):
    return schemathesis.openapi.from_url(f"{server.address}/api/v1/openapi.json")


schema = schemathesis.pytest.from_fixture("document")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_document_describes(case, server: Running):
    answer = case.call(timeout=60)
    case.validate_response(answer, checks=CHECKS)


def test_no_generated_request_ended_in_an_error_of_ours(server: Running):
    text = server.http.get("/api/v1/metrics").text
    assert "hyperpcm_failures_total 0.0" in text
