"""Who gets in, and what every answer carries."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from hyperpcm.errors import ConfigError
from hyperpcm.web import WebSettings
from small_servers import Running, running, settings_of

TOKEN = "a token of more than sixteen letters"


@pytest.fixture(scope="module")
def guarded(model_file: Path, tmp_path_factory: pytest.TempPathFactory):
    with running(settings_of(model_file, tmp_path_factory.mktemp("guarded"), token=TOKEN)) as found:
        yield found


@pytest.mark.parametrize("path", ["/", "/api/v1/health", "/nowhere", "/api/v1/jobs/x"])
def test_every_answer_carries_the_policy(server: Running, path: str):
    headers = server.http.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self' 'wasm-unsafe-eval'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", ""])
def test_another_name_of_the_host_is_refused(server: Running, host: str):
    answer = server.http.get("/api/v1/health", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1", "[::1]:8000"])
def test_names_of_this_machine_are_answered(server: Running, host: str):
    assert server.http.get("/api/v1/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_what_another_site_sends_is_refused(server: Running, headers: dict[str, str]):
    sent = {"target": {"known": "target 1"}, "compounds": ["CCO"]}
    answer = server.http.post("/api/v1/score", json=sent, headers=headers)
    assert answer.status_code == 403
    assert server.http.get("/api/v1/health", headers=headers).status_code == 200


def test_what_our_own_page_sends_is_answered(server: Running):
    sent = {"target": {"known": "target 1"}, "compounds": ["CCO"]}
    headers = {"Origin": server.address, "Sec-Fetch-Site": "same-origin"}
    assert server.http.post("/api/v1/score", json=sent, headers=headers).status_code == 200


def test_without_the_token_nothing_is_told(guarded: Running):
    with httpx.Client(base_url=guarded.address, trust_env=False) as stranger:
        for path in ("/api/v1/health", "/api/v1/openapi.json", "/api/v1/jobs", "/nowhere", "/loginx/../jobs"):
            answer = stranger.get(path)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path
        for header in ("Bearer wrong", f"Basic {TOKEN}", "Bearer", TOKEN):
            assert stranger.get("/api/v1/health", headers={"Authorization": header}).status_code == 401
        page = stranger.get("/", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "/login")
    assert guarded.http.get("/api/v1/health").status_code == 200


def test_a_browser_is_let_in_by_a_cookie_that_is_not_the_token(guarded: Running):
    with httpx.Client(base_url=guarded.address, trust_env=False) as browser:
        wrong = browser.post("/login", data={"token": "x" * 30})
        assert wrong.status_code == 403
        assert not browser.cookies
        right = browser.post("/login", data={"token": TOKEN})
        assert (right.status_code, right.headers["location"]) == (303, "/")
        cookie = right.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        assert browser.get("/api/v1/health").status_code == 200
        browser.cookies.set("hyperpcm", "ä" * 10, domain="127.0.0.1")
    with httpx.Client(base_url=guarded.address, trust_env=False) as odd:
        for value in ("é".encode(), b"x", b'"'):
            answer = odd.get("/api/v1/health", headers=[(b"Cookie", b"hyperpcm=" + value)])
            assert answer.status_code == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "example.org"])
def test_an_address_that_others_reach_needs_a_token(host: str, tmp_path: Path):
    with pytest.raises(ConfigError, match="a token is needed"):
        WebSettings(model=tmp_path, work=tmp_path, host=host)
    assert not WebSettings(model=tmp_path, work=tmp_path, host=host, token=TOKEN).is_local


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.3.2.1"])
def test_this_machine_alone_needs_none(host: str, tmp_path: Path):
    assert WebSettings(model=tmp_path, work=tmp_path, host=host).is_local


def test_a_short_token_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="16 characters"):
        WebSettings(model=tmp_path, work=tmp_path, token="secret")
