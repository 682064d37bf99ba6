"""Pages as the server sends them, without a browser: what stands in them, and what must not."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from hyperpcm.web import Limits, WebSettings, create_app
from small_models import QUERY
from small_servers import saved_model

FEW = "CCO ethanol\nCC(=O)Oc1ccccc1C(=O)O aspirin\nnothing bad\n"
PAGES = ("/", "/compound", "/evidence", "/adapt", "/model", "/jobs/none", "/login")


class Elements(HTMLParser):
    """All elements of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep one."""
        self.found.append((tag, dict(attrs)))


def ranked(client: TestClient, **changed: str) -> str:
    """The address of the result of a short list."""
    form = {"target_by": "sequence", "sequence": QUERY, "compounds_by": "smiles", "smiles": FEW} | changed
    answer = client.post("/screen", data=form, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_no_script_of_its_own_text_and_loads_nothing_from_elsewhere(
    client: TestClient, path: str
) -> None:
    for tag, attributes in Elements(client.get(path).text).found:
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        if tag == "script":
            assert (attributes.get("src") or "").startswith("/static/")
        for name in ("src", "href", "action"):
            assert not re.match(r"(https?:)?//|javascript:", attributes.get(name) or "")


@pytest.mark.parametrize("path", PAGES)
def test_whatever_a_page_refers_to_is_there(client: TestClient, path: str) -> None:
    for tag, attributes in Elements(client.get(path).text).found:
        address = attributes.get("src") or (attributes.get("href") if tag == "link" else None)
        if address is not None:
            answer = client.get(address)
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("path", PAGES)
def test_every_field_has_a_label_and_every_page_one_heading(client: TestClient, path: str) -> None:
    text = client.get(path).text
    found = Elements(text).found
    labelled = {attributes.get("for") for tag, attributes in found if tag == "label"}
    for tag, attributes in found:
        if tag in ("input", "select", "textarea") and attributes.get("type") not in ("hidden", "radio"):
            assert attributes.get("id") in labelled
    assert [tag for tag, _ in found].count("h1") == 1
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_a_short_list_is_ranked_at_once_and_keeps_its_address(client: TestClient) -> None:
    address = ranked(client)
    first, second = client.get(address), client.get(address)
    assert first.text == second.text
    assert "aspirin" in first.text
    assert "1 row could not be scored" in first.text
    assert re.fullmatch(r"/jobs/[0-9a-f]{32}", address)


def test_scores_of_the_page_are_those_of_the_model(client: TestClient) -> None:
    target = client.app.state.service.served.model.compile_target(QUERY)
    expected = {f"{value:.2f}".replace("-", "−") for value in target.score(["CCO"]).values}
    shown = re.findall(
        r'class="number score"[^>]*>([^<]+)<', client.get(f"{ranked(client)}?find=ethanol").text
    )
    assert set(shown) == expected


def test_the_order_and_the_filter_of_an_address_are_kept(client: TestClient) -> None:
    address = ranked(client, smiles="CCO b\nCCN c\nCCC a\n")
    text = client.get(f"{address}?sort=name").text
    assert re.findall(r'<b class="outside">(\w)</b>', text) == ["a", "b", "c"]
    assert 'aria-sort="ascending"' in text
    assert re.findall(r'<b class="outside">(\w)</b>', client.get(f"{address}?find=CCN").text) == ["c"]


@pytest.mark.parametrize(
    "query", ["sort=password", "page=-1", "page=99999999999", "least=NaN", "domain=x", "page=two"]
)
def test_an_address_that_makes_no_sense_still_shows_the_table(client: TestClient, query: str) -> None:
    assert client.get(f"{ranked(client)}?{query}").status_code == 200


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"sequence": ""}, "there is no sequence yet"),
        ({"target_by": "known", "known": ""}, "no target is chosen yet"),
        ({"target_by": "known", "known": "nobody"}, "no known target"),
        ({"sequence": "PR0TEIN"}, "residue 3"),
        ({"sequence": f">a\n{QUERY}\n>b\n{QUERY}\n"}, "Paste one of them"),
        ({"smiles": "\n \n"}, "there are no compounds yet"),
        ({"smiles": "nothing"}, "none of these compounds can be used"),
        ({"compounds_by": "upload"}, "no file is chosen yet"),
        ({"compounds_by": "library"}, "this server has no library"),
        ({"sequence": "A" * 6000}, "up to 5,000"),
        ({"smiles": "C" * 100_000}, "none of these compounds can be used"),
    ],
)
def test_a_mistake_is_told_on_the_form_which_keeps_what_was_typed(
    client: TestClient, form: dict[str, str], told: str
) -> None:
    sent = {"target_by": "sequence", "sequence": QUERY, "compounds_by": "smiles", "smiles": FEW} | form
    answer = client.post("/screen", data=sent)
    assert answer.status_code == 422
    assert told in answer.text
    assert 'role="alert"' in answer.text
    if "smiles" not in form:
        assert "aspirin" in answer.text


def test_markup_is_escaped_wherever_it_is_shown(client: TestClient) -> None:
    bad = "<img src=x onerror=alert(1)>"
    address = ranked(client, smiles=f"CCO {bad}\n{bad} b", sequence=f">{bad}\n{QUERY}")
    pages = [
        client.get(address),
        client.get(address, params={"find": bad}),
        client.get("/compound", params={"smiles": bad}),
        client.get("/evidence", params={"known": bad, "smiles": bad}),
        client.post("/adapt", data={"target_by": "known", "known": bad, "measurements": bad, "unit": bad}),
        client.get(f"/jobs/{bad}"),
    ]
    for answer in pages:
        assert "<img" not in answer.text
    assert "&lt;img" in pages[0].text


def test_evidence_of_a_form_moves_to_an_address(client: TestClient) -> None:
    sent = {"target_by": "known", "known": "target 1", "smiles": "CCO"}
    answer = client.post("/evidence", data=sent, follow_redirects=False)
    assert answer.status_code == 303
    shown = client.get(answer.headers["location"])
    assert "which takes some seconds" in shown.text
    (rest,) = re.findall(r'hx-get="([^"]+)"', shown.text)
    assert "Score without it" in client.get(rest.replace("&amp;", "&")).text
    assert "its own measurements are used" in shown.text


def test_adapting_shows_each_compound_before_and_after(client: TestClient) -> None:
    rows = "CCO,6.1\nCCN,7.2\nCCC,5.5\nc1ccccc1,6.6\nCCCl,<5\n"
    sent = {"target_by": "sequence", "sequence": QUERY, "measurements": rows}
    answer = client.post("/adapt", data=sent)
    assert answer.status_code == 200, answer.text
    assert "Before and after" in answer.text
    assert "&lt; 5.00" in answer.text
    (again,) = re.findall(r'data-address="(/adapt/[0-9a-f]{32})"', answer.text)
    assert re.findall(r"<tbody>.*</tbody>", client.get(again).text, re.DOTALL) == re.findall(
        r"<tbody>.*</tbody>", answer.text, re.DOTALL
    )
    (path,) = re.findall(r'href="(/targets/[0-9a-f]{32}/file)"', answer.text)
    assert client.get(path).status_code == 200


def test_how_a_table_was_read_is_still_told_when_the_page_of_the_result_is_loaded_again(
    client: TestClient,
) -> None:
    rows = "CCO,6.2\nCCN,7.1\nC1CC,5.5\nc1ccccc1O,6.6\n"
    answer = client.post("/adapt", data={"target_by": "sequence", "sequence": QUERY, "measurements": rows})
    assert "1 row could not be used" in answer.text
    (again,) = re.findall(r'data-address="(/adapt/[0-9a-f]{32})"', answer.text)
    main = re.compile(r"<main.*</main>", re.DOTALL)
    assert main.findall(client.get(again).text) == main.findall(answer.text)


@pytest.mark.parametrize("rows", ["", "nonsense", "CCO,high", "CCO,1e9"])
def test_measurements_that_cannot_be_used_are_told_on_the_form(client: TestClient, rows: str) -> None:
    sent = {"target_by": "sequence", "sequence": QUERY, "measurements": rows}
    answer = client.post("/adapt", data=sent)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_no_message_tells_a_path_of_the_server(client: TestClient) -> None:
    work = str(client.app.state.service.settings.work)
    for data in ({"measurements": "nonsense"}, {"measurements": "a,b\nc,d"}):
        text = client.post("/adapt", data={"target_by": "sequence", "sequence": QUERY, **data}).text
        assert work not in text
        assert "/tmp" not in text


def test_what_is_not_there_is_told_as_a_page_with_its_status(client: TestClient) -> None:
    for path in (
        "/jobs/0",
        f"/jobs/{'0' * 32}",
        "/nothing",
        "/static/none.js",
        "/model/report",
        "/targets/x/file",
        "/adapt/x",
    ):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")


def test_what_was_sent_for_a_job_that_failed_stands_in_the_form_again(client: TestClient) -> None:
    service = client.app.state.service
    text = "".join(f"{'C' * 310} name {row}\n" for row in range(1100))  # too many to be ranked at once
    pasted = ranked(client, smiles=text)
    sent = {"target_by": "known", "known": "target 1", "compounds_by": "upload", "smiles_column": "structure"}
    files = {"file": ("mine.csv", b"structure,name\nnothing,one\n")}
    uploaded = client.post("/screen", data=sent, files=files, follow_redirects=False).headers["location"]
    for address in (pasted, uploaded):
        end = time.monotonic() + 60
        while not service.job(address.removeprefix("/jobs/")).is_final:
            assert time.monotonic() < end
            time.sleep(0.1)
    (again,) = re.findall(r'href="(/\?again=[0-9a-f]{32})"', client.get(pasted).text)
    shown = client.get(again).text
    assert f"{'C' * 310} name 1099" in shown
    assert re.search(r'value="own" checked', shown)
    (again,) = re.findall(r'href="(/\?again=[0-9a-f]{32})"', client.get(uploaded).text)
    shown = client.get(again).text
    assert "Sent before: mine.csv" in shown
    assert 'value="structure"' in shown
    assert re.search(r'value="upload" checked', shown)
    assert client.get("/", params={"again": "0" * 32}).status_code == 200


def test_names_beyond_those_on_the_page_are_looked_up(tmp_path: Path) -> None:
    limits = Limits(suggested=2)
    app = create_app(WebSettings(model=saved_model(tmp_path), work=tmp_path / "work", limits=limits))
    with TestClient(app, base_url="http://127.0.0.1:8000") as asked:
        text = asked.get("/").text
        (search,) = re.findall(r'data-search="([^"]+)"', text)
        assert text.count('<option value="target') == 2
        found = asked.get(search, params={"search": "3", "limit": 50}).json()["targets"]
        assert [one["name"] for one in found] == ["target 3"]


def test_more_text_than_is_taken_is_told_on_the_form(client: TestClient) -> None:
    sent = {
        "target_by": "sequence",
        "sequence": QUERY,
        "compounds_by": "smiles",
        "smiles": "CCO\n" * 1_100_000,
    }
    answer = client.post("/screen", data=sent, files={"file": ("", b"")})
    assert answer.status_code == 422
    assert "is longer than 4 MB" in answer.text


def test_a_browser_is_told_as_a_page_that_a_request_is_too_large(client: TestClient) -> None:
    sent = {"measurements": "C" * 5_000_000}
    answer = client.post("/adapt", data=sent, headers={"Accept": "text/html"})
    assert answer.status_code == 413
    assert "<h1" in answer.text
    assert "up to 4,000,000 bytes" in answer.text


def test_the_name_of_an_upload_is_never_a_path(client: TestClient) -> None:
    sent = {"target_by": "sequence", "sequence": QUERY, "compounds_by": "upload"}
    for name in ("../../etc/passwd", "CON", "a" * 300, "x\u202egpj.csv"):
        files = {"file": (name, b"CCO one\n")}
        answer = client.post("/screen", data=sent, files=files, follow_redirects=False)
        assert answer.status_code in (303, 429)
    work = client.app.state.service.settings.work
    assert not [path for path in work.rglob("*") if "passwd" in path.name or path.name == "CON"]
