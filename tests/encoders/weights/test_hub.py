"""Weights from the hub and out of folders, against a server on this machine that answers as the hub does."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from hyperpcm.encoders.pretrained import PretrainedEncoder
from hyperpcm.encoders.registry import build_encoder, target_encoder
from hyperpcm.encoders.weights.folders import keep_folder
from hyperpcm.encoders.weights.hub import HubWeights, hub_weights
from hyperpcm.encoders.weights.hub_models import HUB_MODELS, HubModel
from hyperpcm.errors import (
    ChecksumError,
    ConfigError,
    DataUnavailableError,
    LicenceNotAcceptedError,
    MissingExtraError,
)
from tiny_transformers import save_esm

COMMIT, OTHER = "a" * 40, "b" * 40


class Hub:
    """Answers as the hub does about one repository, from folders; what was asked is kept."""

    def __init__(self, folders: dict[str, Path]) -> None:  # noqa: C901  # a server with its handler
        self.folders, self.asked, self.status, self.reason = folders, [], 200, ""
        self.corrupt: str | None = None
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(body=True)

            def do_HEAD(self) -> None:
                self.answer(body=False)

            def answer(self, *, body: bool) -> None:
                hub.asked.append((self.path, self.headers.get("User-Agent", "")))
                parts = self.path.split("?")[0].strip("/").split("/")
                if hub.status != 200:
                    self.send(b"{}", body, status=hub.status, **{"X-Error-Code": hub.reason})
                elif parts[0] == "api":
                    self.listing(parts[-1], body)
                else:
                    self.file(hub.folders[parts[3]] / parts[4], parts[3], body)

            def listing(self, revision: str, body: bool) -> None:
                commit = {"main": COMMIT}.get(revision, revision)
                if commit not in hub.folders:
                    self.send(b"{}", body, status=404, **{"X-Error-Code": "RevisionNotFound"})
                    return
                siblings = []
                for path in sorted(hub.folders[commit].iterdir()):
                    content = path.read_bytes()
                    sha256 = hashlib.sha256(content).hexdigest()
                    lfs = {"sha256": sha256, "size": len(content), "pointerSize": 134}
                    siblings.append({"rfilename": path.name, "size": len(content), "lfs": lfs})
                siblings.append({"rfilename": "onnx/model.onnx", "size": 1})
                info = {"id": "someone/tiny", "sha": commit, "siblings": siblings, "tags": []}
                self.send(json.dumps(info).encode(), body)

            def file(self, path: Path, commit: str, body: bool) -> None:
                content = path.read_bytes()
                etag = hashlib.sha256(content).hexdigest()
                if path.name == hub.corrupt:
                    content = content[::-1]
                self.send(content, body, **{"ETag": f'"{etag}"', "X-Repo-Commit": commit})

            def send(self, content: bytes, body: bool, *, status: int = 200, **headers: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if body:
                    self.wfile.write(content)

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def hub(transformers_folder, tmp_path, monkeypatch) -> Iterator[Hub]:
    """The hub with two commits of one tiny ESM, and files that are of no use."""
    first = shutil.copytree(transformers_folder / "esm2", tmp_path / "first")
    second = save_esm(tmp_path / "second", seed=9)
    for name in ("README.md", "tf_model.h5", "pytorch_model.bin", "modeling_tiny.py"):
        (first / name).write_bytes(b"of no use")
    hub = Hub({COMMIT: first, OTHER: second})
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    Thread(target=hub.server.serve_forever, daemon=True).start()
    yield hub
    hub.server.shutdown()
    hub.server.server_close()


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch) -> None:
    """An empty data folder, no mirror, no token and an end of the internet."""
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for name in ("HYPERPCM_MIRROR", "HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def tiny(**changes) -> HubWeights:
    row = {
        "name": "tiny",
        "repository": "someone/tiny",
        "commit": COMMIT,
        "licence": "MIT",
        "family": "esm",
        "side": "target",
        "hidden": 16,
        "limit": 1022,
        "size": 80_000,
        "summary": "a tiny ESM",
    }
    return hub_weights(HubModel(**(row | changes)))


@pytest.fixture
def as_esm2_8m(monkeypatch) -> None:
    """The tiny ESM under a name of the table."""
    weights = tiny(name="esm2_8m")
    table = {"esm2_8m": weights}
    monkeypatch.setattr("hyperpcm.encoders.weights.catalog.WEIGHTS", table)
    monkeypatch.setattr("hyperpcm.encoders.pretrained.WEIGHTS", table)


def test_the_commit_of_the_table_is_brought_with_the_files_that_are_used_and_no_others(hub):
    weights = tiny()
    assert weights.lacks() == "hyperpcm encoders fetch tiny"
    seen: dict[str, int] = {}
    weights.fetch(progress=lambda name, done, _total: seen.update({name: done}))
    kept = sorted(path.name for path in weights.folder.iterdir() if not path.name.startswith("."))
    assert kept == ["config.json", "model.safetensors", "receipt.json", "tokenizer_config.json", "vocab.txt"]
    assert not list(weights.folder.glob(".fetching*"))
    assert seen["model.safetensors"] == (hub.folders[COMMIT] / "model.safetensors").stat().st_size
    receipt = weights.receipt()
    assert receipt is not None
    assert (receipt.commit, receipt.repository, receipt.origin) == (COMMIT, "someone/tiny", "hub")
    for name, one in receipt.files.items():
        content = (hub.folders[COMMIT] / name).read_bytes()
        assert (one.sha256, one.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert weights.lacks() is None
    assert weights.verified_folder() == weights.folder
    assert COMMIT in weights.source()


def test_what_is_here_is_not_asked_for_again(hub):
    tiny().fetch()
    asked = len(hub.asked)
    tiny().fetch()
    assert len(hub.asked) == asked
    tiny().asked(revision="main").fetch()  # the branch is looked up, and is what is here
    assert [path for path, _ in hub.asked[asked:]] == ["/api/models/someone/tiny/revision/main?blobs=true"]


def test_a_branch_is_noted_as_its_commit_and_another_commit_takes_its_place(hub):
    tiny().asked(revision="main").fetch()
    first = tiny().receipt()
    tiny().asked(revision=OTHER).fetch()
    second = tiny().receipt()
    assert first is not None
    assert second is not None
    assert (first.commit, second.commit) == (COMMIT, OTHER)
    assert first.content != second.content
    tiny().fetch()  # nothing else was asked for: the receipt rules
    assert tiny().receipt() == second
    assert tiny().verified_folder()


def test_a_damaged_file_is_named_and_fetched_again_at_the_same_commit(hub):
    tiny().asked(revision=OTHER).fetch()
    file = tiny().folder / "model.safetensors"
    content = file.read_bytes()
    file.write_bytes(content[::-1])
    with pytest.raises(DataUnavailableError, match=r"damaged \(.*model\.safetensors\).*fetch tiny"):
        tiny().verified_folder()
    tiny().fetch()
    assert tiny().verified_folder()
    assert file.read_bytes() == content
    (tiny().folder / "receipt.json").write_text("{")
    assert not tiny().is_here()


def test_a_file_altered_on_the_way_is_refused_and_not_kept(hub):
    hub.corrupt = "model.safetensors"
    with pytest.raises(ChecksumError, match=r"model\.safetensors of someone/tiny .*the hub says"):
        tiny().fetch()
    assert not tiny().is_here()
    assert not list(tiny().folder.rglob("model.safetensors"))
    hub.corrupt = None
    tiny().fetch()
    assert tiny().is_here()


def test_a_model_refuses_the_vectors_of_another_commit(hub, as_esm2_8m):
    tiny(name="esm2_8m").fetch()
    encoder = target_encoder("esm2_8m")
    spec, vectors = encoder.spec(), encoder.encode(["MKTAYIAKQR"])
    assert np.array_equal(build_encoder(spec).encode(["MKTAYIAKQR"]), vectors)
    tiny(name="esm2_8m").asked(revision=OTHER).fetch()
    assert target_encoder("esm2_8m").key() != encoder.key()
    with pytest.raises(ConfigError, match=f"are wanted, and here are .*at {OTHER}.*numbers would differ"):
        build_encoder(spec)


def test_a_spec_is_an_encoder_without_the_weights_until_something_is_encoded(hub, as_esm2_8m):
    with pytest.raises(DataUnavailableError, match=r"tiny at a{40}.*Run: hyperpcm encoders fetch esm2_8m"):
        target_encoder("esm2_8m")
    encoder = PretrainedEncoder(model="esm2_8m", content="c" * 64)
    assert encoder.width == 16
    with pytest.raises(DataUnavailableError, match=r"are not on this machine"):
        encoder.encode(["MKT"])


def test_an_altered_file_is_noticed_when_the_model_is_loaded(hub, as_esm2_8m):
    tiny(name="esm2_8m").fetch()
    encoder = target_encoder("esm2_8m")
    file = tiny(name="esm2_8m").folder / "vocab.txt"
    file.write_text(file.read_text().replace("L\nA", "A\nL"))
    with pytest.raises(DataUnavailableError, match=r"damaged \(.*vocab\.txt\)"):
        encoder.encode(["MKT"])


def test_terms_against_commerce_are_accepted_first(hub):
    weights = tiny(licence="CC-BY-NC-SA-4.0")
    with pytest.raises(LicenceNotAcceptedError, match=r"--accept-noncommercial"):
        weights.fetch()
    assert hub.asked == []
    weights.fetch(accept_noncommercial=True)
    assert weights.verified_folder()


def test_without_a_network_the_files_the_commit_the_size_and_the_way_are_named():
    started = time.monotonic()
    with pytest.raises(
        DataUnavailableError,
        match=rf"config.json, the tokenizer's files and the weights of facebook/esm2_t33_650M_UR50D"
        rf" at {HUB_MODELS['esm2_650m'].commit}, about 2,610 MB.*hf download .*fetch esm2_650m --from FOLDER",
    ):
        hub_weights(HUB_MODELS["esm2_650m"]).fetch()
    assert time.monotonic() - started < 20


def test_a_hub_that_never_answers_is_given_up_soon(monkeypatch):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        weights = HubWeights(**{**vars(tiny()), "timeout_s": 0.3})
        started = time.monotonic()
        with pytest.raises(DataUnavailableError, match=r"cannot be had"):
            weights.fetch()
        assert time.monotonic() - started < 20


@pytest.mark.parametrize("value", ["1", "true"])
def test_offline_mode_is_obeyed(hub, monkeypatch, value):
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    with pytest.raises(DataUnavailableError, match=r"HF_HUB_OFFLINE is set.*--from FOLDER"):
        tiny().fetch()
    assert hub.asked == []


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "GatedRepo", r"accept them at https://huggingface.co/someone/tiny, make a token.*HF_TOKEN"),
        (404, "RepoNotFound", "shows no repository someone/tiny"),
        (404, "RevisionNotFound", f"has no revision '{COMMIT}'"),
        (500, "", "cannot be had"),
    ],
)
def test_what_the_hub_refuses_is_said_in_one_sentence(hub, status, code, said):
    hub.status, hub.reason = status, code
    with pytest.raises(DataUnavailableError, match=said):
        tiny().fetch()


def test_nothing_is_said_of_this_machine_to_others_than_the_hub(hub, monkeypatch):
    monkeypatch.delenv("HF_HUB_DISABLE_TELEMETRY", raising=False)
    tiny().fetch()
    import os

    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert {path.split("/")[1] for path, _ in hub.asked} == {"api", "someone"}


def test_a_folder_copied_by_hand_is_brought_without_a_network(hub, tmp_path):
    folder = hub.folders[COMMIT]
    weights = tiny()
    weights.asked(folder=folder).fetch()
    receipt = weights.receipt()
    assert receipt is not None
    assert (receipt.commit, receipt.origin) == (None, str(folder))
    assert hub.asked == []
    by_hand = receipt.content
    weights.asked(folder=folder, revision=COMMIT).fetch()
    receipt = weights.receipt()
    assert receipt is not None
    assert receipt.commit == COMMIT
    shutil.rmtree(weights.folder)
    tiny().fetch()
    receipt = weights.receipt()
    assert receipt is not None
    assert receipt.content == by_hand  # the same encoder, whichever way it came


def test_the_cache_of_the_hub_names_the_commit(hub, tmp_path):
    snapshot = tmp_path / "models--someone--tiny" / "snapshots" / OTHER
    shutil.copytree(hub.folders[OTHER], snapshot)
    tiny().asked(folder=snapshot).fetch()
    receipt = tiny().receipt()
    assert receipt is not None
    assert receipt.commit == OTHER


def test_a_mirror_is_looked_in_before_the_network(hub, tmp_path, monkeypatch):
    place = tmp_path / "mirror" / "huggingface.co" / "someone" / "tiny" / "resolve" / COMMIT
    shutil.copytree(hub.folders[COMMIT], place)
    monkeypatch.setenv("HYPERPCM_MIRROR", str(tmp_path / "mirror"))
    tiny().fetch()
    assert hub.asked == []
    receipt = tiny().receipt()
    assert receipt is not None
    assert (receipt.commit, receipt.origin) == (COMMIT, "mirror")


def test_the_folder_of_another_model_is_refused(hub, transformers_folder):
    with pytest.raises(ConfigError, match=r"is not someone/tiny: .*'bert' of width 16, tiny is 'esm'"):
        tiny().asked(folder=transformers_folder / "protbert").fetch()
    with pytest.raises(ConfigError, match=r"tiny is 'esm' of width 320"):
        tiny(hidden=320).asked(folder=hub.folders[COMMIT]).fetch()
    with pytest.raises(ConfigError, match=r"lacks config.json"):
        tiny().asked(folder=hub.folders[COMMIT].parent).fetch()
    with pytest.raises(ConfigError, match=r"40 hex digits, not 'main'"):
        tiny().asked(folder=hub.folders[COMMIT], revision="main")
    assert not tiny().is_here()


def test_weights_whose_digest_is_known_are_told_from_others(hub):
    known = hashlib.sha256((hub.folders[COMMIT] / "model.safetensors").read_bytes()).hexdigest()
    weights = tiny(weights_sha256=known)
    with pytest.raises(ChecksumError, match=r"not those of someone/tiny.*--revision COMMIT"):
        weights.asked(folder=hub.folders[OTHER]).fetch()
    weights.asked(folder=hub.folders[OTHER], revision=OTHER).fetch()
    weights.asked(folder=hub.folders[COMMIT]).fetch()
    assert weights.verified_folder()


def test_weights_in_several_files_need_their_index(hub, transformers_folder, tmp_path):
    import torch
    from transformers import EsmModel

    folder = shutil.copytree(transformers_folder / "esm2", tmp_path / "parts")
    model = EsmModel.from_pretrained(folder, add_pooling_layer=False, dtype=torch.float32)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="8KB")
    tiny().asked(folder=folder).fetch()
    assert len(list(tiny().folder.glob("model-*-of-*.safetensors"))) > 1
    (folder / "model.safetensors.index.json").unlink()
    with pytest.raises(ConfigError, match=r"lacks model\.safetensors\.index\.json"):
        tiny().asked(folder=folder).fetch()


def test_a_full_disk_leaves_nothing_that_counts(hub, small_disk, monkeypatch):
    from hyperpcm.errors import DiskFullError

    big = hub.folders[COMMIT] / "vocab.txt"
    big.write_bytes(b"x" * (2 << 20))
    monkeypatch.setenv("HYPERPCM_DATA", str(small_disk))
    with pytest.raises(DiskFullError):
        tiny().asked(folder=hub.folders[COMMIT]).fetch()
    assert not tiny().is_here()


def test_without_the_client_of_the_hub_the_extra_is_named(monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *a: None if name == "huggingface_hub" else found(name, *a)
    )
    with pytest.raises(MissingExtraError, match=r"pip install 'hyperpcm\[plm\]'"):
        tiny().fetch()


def test_a_folder_of_ones_own_is_kept_by_its_content(transformers_folder, tmp_path):
    copy = shutil.copytree(transformers_folder / "esm2", tmp_path / "copy")
    kept = keep_folder(copy)
    assert keep_folder(copy) == kept
    shutil.rmtree(copy)
    options = {"protein_model": {"content": kept.name}}
    assert target_encoder("protein_model", options=options).encode(["MKT"]).shape == (1, 16)


@pytest.mark.parametrize("model", HUB_MODELS.values(), ids=lambda model: model.name)
def test_every_row_of_the_table_pins_a_commit(model):
    assert len(model.commit) == 40
    assert set(model.commit) <= set("0123456789abcdef")
    assert model.repository.count("/") == 1
    weights = hub_weights(model)
    assert weights.terms
    assert weights.noncommercial == ("-NC" in model.licence)
