"""A server with a library offers it on the first page; the page of a job from its start to its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperpcm.checkpoint import load_model
from hyperpcm.screening import build_index
from hyperpcm.screening.recipe import CompoundRecipe
from small_models import QUERY, many_smiles
from small_servers import Running, running, settings_of

SENT = {"target_by": "sequence", "sequence": QUERY, "compounds_by": "library"}


@pytest.fixture(scope="module")
def with_library(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with an indexed library of 40 compounds."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "source.smi").write_text("".join(f"{one} c{row}\n" for row, one in enumerate(many_smiles(40))))
    model = load_model(model_file)
    recipe = CompoundRecipe(model.compound_encoder, ((model.radius, model.landmark_width),))
    build_index(folder / "source.smi", folder / "ours.index", recipe)
    with running(settings_of(model_file, folder / "work", library=folder / "ours.index")) as server:
        yield server


def test_the_library_is_offered_by_name_and_size(with_library: Running) -> None:
    assert "ours.index, 40 compounds" in with_library.http.get("/").text


def test_the_page_of_a_job_follows_it_to_its_result(with_library: Running) -> None:
    started = with_library.http.post("/screen", data=SENT)
    assert started.status_code == 303
    address = started.headers["location"]
    before = with_library.http.get(address).text
    job = with_library.wait(address.rpartition("/")[2])
    assert job["state"] == "done"
    if "data-events" in before:
        assert f'data-events="/api/v1{address}/events"' in before
        assert f'action="{address}/cancel"' in before
    after = with_library.http.get(address).text
    assert "data-events" not in after
    assert after.count('class="drawing"') == 40
    assert "Latest results" in with_library.http.get("/").text


def test_cancelling_what_has_ended_changes_nothing(with_library: Running) -> None:
    address = with_library.http.post("/screen", data=SENT).headers["location"]
    with_library.wait(address.rpartition("/")[2])
    for _ in range(2):
        assert with_library.http.post(f"{address}/cancel").status_code == 303
    assert "40 compounds scored" in with_library.http.get(address).text
