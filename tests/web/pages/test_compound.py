"""One compound and a few on the panel, as the server sends the page."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from hyperpcm.checkpoint import save_target_model
from hyperpcm.protein import Target
from hyperpcm.web.panels import ServedPanel
from small_models import many_smiles

FEW = "CCO ethanol\nCC(=O)Oc1ccccc1C(=O)O aspirin\nnothing bad\nCCN"


@pytest.fixture(scope="module")
def panel(client: TestClient) -> TestClient:
    """The same client, once all known targets are compiled."""
    service = client.app.state.service
    served = service.served
    known = zip(served.model.memory_names, served.model.memory_sequences, strict=True)
    for path, (name, sequence) in zip(service.panel_of_targets.files, known, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_target_model(served.compile(Target(sequence, name, ())), path)
    return client


def test_one_compound_is_shown_on_all_targets(panel: TestClient) -> None:
    text = panel.get("/compound", params={"smiles": "CCO ethanol"}).text
    assert "One compound on 5 targets" in text
    assert text.count('class="heat"') == 1
    assert "Target fishing" in text


def test_a_few_compounds_stand_side_by_side_with_the_scores_that_the_panel_gives(panel: TestClient) -> None:
    text = panel.get("/compound", params={"smiles": FEW}).text
    assert "3 compounds on 5 targets" in text
    assert "1 row could not be scored" in text
    assert "line 3" in text
    rows = re.findall(r"<tr><th scope=\"row\" title=\"([^\"]*)\">.*?</th>(.*?)</tr>", text, re.DOTALL)
    assert len(rows) == 5
    answer = panel.post("/api/v1/panel", json={"compounds": ["CCO", "CC(=O)Oc1ccccc1C(=O)O", "CCN"]}).json()
    assert [name for name, _ in rows] == answer["targets"]
    for name, cells in rows:
        expected = [
            f"{one['score']:.2f}"
            for compound in answer["compounds"]
            for one in compound["targets"]
            if one["target"] == name
        ]
        assert re.findall(r"<td[^>]*>([^<]*)</td>", cells) == expected
    assert text.count("On all targets") == 3


def test_more_compounds_than_fit_side_by_side_are_refused_with_advice(panel: TestClient) -> None:
    answer = panel.get("/compound", params={"smiles": "\n".join(many_smiles(21))})
    assert answer.status_code == 422
    assert "20 are compared at once" in answer.text
    assert many_smiles(1)[0] in answer.text  # and nothing typed is lost


def test_where_no_compound_can_be_used_the_reason_is_told(panel: TestClient) -> None:
    answer = panel.get("/compound", params={"smiles": "nothing\nneither"})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_the_panel_is_loaded_before_anybody_asks_and_again_by_whoever_does(panel: TestClient) -> None:
    service = panel.app.state.service
    served = ServedPanel(service.served, service.settings.work, ())
    assert not served.is_loaded()  # which has begun it
    assert served.is_loaded(within=60)
    assert served.compiled == 5


def test_who_asks_while_the_panel_is_loaded_is_told_and_asked_to_wait(panel: TestClient) -> None:
    service = panel.app.state.service
    service.panel_of_targets = ServedPanel(service.served, service.settings.work, ())
    with service.panel_of_targets._stacking:  # as long as another thread is at it
        text = panel.get("/compound", params={"smiles": "CCO"}).text
    assert "The panel is being loaded" in text
    assert '<meta http-equiv="refresh"' in text
    assert service.panel_of_targets.is_loaded(within=60)
    assert "One compound on 5 targets" in panel.get("/compound", params={"smiles": "CCO"}).text
