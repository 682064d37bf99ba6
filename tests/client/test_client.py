"""The client says what the server says, and raises what the library would raise."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperpcm.client import AskedTarget, Client, GivenCompound, ResultQuery
from hyperpcm.errors import HyperpcmError, InputError, NotReadyError, OutputError, UnknownIdError
from small_models import QUERY, SMILES
from small_servers import Running, running, saved_model, settings_of

TOKEN = "a token of more than sixteen letters"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    model = saved_model(tmp_path_factory.mktemp("served"))
    with running(settings_of(model, tmp_path_factory.mktemp("work"), token=TOKEN)) as found:
        yield found


@pytest.fixture
def client(server: Running) -> Iterator[Client]:
    with Client(server.address, token=TOKEN) as found:
        yield found


def test_a_target_is_compiled_scored_explained_and_adapted(client: Client, tmp_path: Path):
    assert client.health().status == "ok"
    (model,) = client.models()
    assert model.quantity.name == "pKd"
    assert client.known_targets("target 1").targets[0].name == "target 1"
    target = client.compile(AskedTarget(sequence=QUERY, name="query"))
    scored = client.score(target, [GivenCompound("CCO", "ethanol"), "c1ccccc1", "C1CC"])
    assert {one.smiles for one in scored.scores} == {"CCO", "c1ccccc1"}
    assert scored.rejected[0].code == "PARSE"
    explained = client.evidence(target, "CCO", known=2)
    assert len(explained.retrieved) == 2
    lines = "\n".join(f"{smiles} {5 + row / 2}" for row, smiles in enumerate(SMILES))
    adapted = client.adapt(target, lines)
    assert adapted.curve[0].compounds == 0
    assert adapted.target.adapted is not None
    client.save_target(adapted.target, tmp_path / "adapted.hpcm")
    with pytest.raises(OutputError, match="exists already"):
        client.save_target(adapted.target, tmp_path / "adapted.hpcm")


def test_a_screen_is_followed_to_its_result(client: Client, tmp_path: Path):
    library = tmp_path / "library.smi"
    library.write_text("".join(f"{smiles} c{row}\n" for row, smiles in enumerate(SMILES)))
    job = client.screen(AskedTarget(known="target 1"), library, top=5)
    states = []
    done = client.wait(job.id, states.append)
    assert states[-1] == done
    assert done.summary["rows"] == len(SMILES)
    page = client.results(job.id, ResultQuery(limit=2, sort="score", descending=True))
    assert (len(page.rows), page.total) == (2, 5)
    client.save_results(job.id, tmp_path / "hits.csv")
    assert len((tmp_path / "hits.csv").read_text().splitlines()) == 6
    assert client.jobs()[0].id == job.id
    assert client.cancel(job.id).state == "done"


def test_the_panel_is_built_and_asked(client: Client):
    with pytest.raises(NotReadyError):
        client.panel(["CCO"])
    assert client.panel_state().targets == 5
    client.wait(client.build_panel().id)
    found = client.panel(["CCO"], wanted="target 2")
    assert len(found.compounds[0].targets) == 5


def test_what_the_server_refuses_is_raised(client: Client, server: Running, tmp_path: Path):
    with pytest.raises(InputError, match="no known target"):
        client.compile(AskedTarget(known="nobody"))
    with pytest.raises(UnknownIdError):
        client.job("0" * 32)
    with pytest.raises(UnknownIdError):
        list(client.follow("0" * 32))
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n")
    job = client.screen(AskedTarget(known="target 1"), wrong)
    with pytest.raises(HyperpcmError, match=r"wrong\.csv"):
        client.wait(job.id)
    with Client(server.address) as stranger, pytest.raises(InputError, match="token"):
        stranger.health()
    with Client("http://127.0.0.1:9") as nobody, pytest.raises(HyperpcmError, match="Does the server run"):
        nobody.health()


def test_the_client_loads_no_heavy_library():
    code = (
        "import sys; from hyperpcm.client import Client; Client();"
        "print([one for one in ('torch', 'rdkit', 'fastapi', 'sklearn', 'pyarrow') if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
