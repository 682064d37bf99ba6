"""The catalog: every file is pinned, looking at it is cheap, and the folders obey the environment."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hyperpcm.datasets import catalog
from hyperpcm.errors import ConfigError, DataUnavailableError, OutputError
from hyperpcm.public_files.pinned import PinnedFile, mirrored

ALL_FILES = [
    pytest.param(pinned, id=f"{name}-{key}")
    for name, record in catalog.DATASETS.items()
    if record.kept_with is None
    for key, pinned in record.files.items()
]


@pytest.mark.parametrize("pinned", ALL_FILES)
def test_every_file_is_pinned_by_content(pinned: PinnedFile):
    assert re.fullmatch(r"[0-9a-f]{64}", pinned.sha256)
    assert pinned.size > 0
    commit = r"https://raw\.githubusercontent\.com/[^/]+/[^/]+/[0-9a-f]{40}/.+"
    content = r"https://files\.pythonhosted\.org/packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/.+\.whl"
    assert re.fullmatch(f"{commit}|{content}", pinned.url)
    assert (pinned.requirement is not None) == pinned.url.endswith(".whl")
    if pinned.requirement is not None:
        name, version = pinned.requirement.split("==")
        assert pinned.name.startswith(f"{name}-{version}-")


@pytest.mark.mirror
@pytest.mark.parametrize("pinned", ALL_FILES)
def test_pins_are_those_of_the_mirrored_files(pinned: PinnedFile, mirror: Path):
    path = mirrored(pinned, mirror)
    if path is None:
        assert pinned.requirement is not None, f"{pinned.url} is not below {mirror}"
        pytest.skip(f"{pinned.requirement} comes from the package index, not from the mirror")
    assert path.stat().st_size == pinned.size
    assert hashlib.sha256(path.read_bytes()).hexdigest() == pinned.sha256


@pytest.mark.parametrize("record", catalog.DATASETS.values(), ids=lambda record: record.name)
def test_a_record_says_all_that_a_user_must_know(record: catalog.DatasetRecord):
    assert record.title
    assert record.licence
    assert record.citation
    assert record.pitfalls
    assert record.quantity.active_at is not None
    assert record.interactions >= max(record.compounds, record.targets) > 0
    assert record.download_bytes == sum(pinned.size for pinned in record.files.values())
    plain = json.loads(json.dumps(record.as_dict()))
    assert plain["quantity"]["name"] == record.quantity.name
    assert plain["files"].keys() == record.files.keys()


def test_looking_at_the_catalog_imports_nothing_heavy():
    code = (
        "import sys; from hyperpcm.datasets import catalog\n"
        "for name in catalog.DATASETS: catalog.is_local(name); catalog.record(name).as_dict()\n"
        "heavy = {'urllib.request', 'torch', 'sklearn', 'rdkit', 'pyarrow', 'scipy', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


def test_an_unknown_name_is_answered_with_the_nearest_one():
    with pytest.raises(ConfigError, match=r"'devis'. Did you mean 'davis'\? Known: davis, kiba"):
        catalog.record("devis")
    with pytest.raises(ConfigError, match=r"has no file 'x'\. It has: affinities"):
        catalog.local_path("davis", "x")


def test_the_data_folder_obeys_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path))
    assert catalog.local_path("davis") == tmp_path / "davis"
    assert catalog.local_path("davis", "compounds") == tmp_path / "davis" / "ligands_can.txt"
    monkeypatch.setenv("HYPERPCM_DATA", "")
    assert "hyperpcm" in str(catalog.data_folder())
    assert tmp_path not in catalog.data_folder().parents


def test_two_data_sets_made_of_the_same_files_keep_them_once():
    small, whole = catalog.record("dude_small"), catalog.record("dude")
    assert small.files is whole.files
    assert len({pinned.name for pinned in whole.files.values()}) == len(whole.files) == 208
    assert catalog.local_path("dude_small", "sequences") == catalog.local_path("dude", "sequences")


@pytest.mark.mirror
def test_fetching_puts_verified_files_into_the_data_folder(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HYPERPCM_MIRROR", str(mirror))
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path))
    assert not catalog.is_local("davis")
    files = catalog.fetch("davis")
    assert catalog.is_local("davis")
    for key, path in files.items():
        assert path == catalog.local_path("davis", key)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == catalog.record("davis").files[key].sha256
    files["targets"].write_text("{}")
    assert not catalog.is_local("davis")


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="HYPERPCM_DATA"):
        catalog.fetch("davis")


def test_without_network_or_mirror_a_wheel_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path))
    monkeypatch.setenv("HYPERPCM_MIRROR", str(tmp_path / "empty"))
    # No index and no proxy that answers: both ways out fail at once.
    for name in ("PIP_NO_INDEX", "PIP_ISOLATED"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(DataUnavailableError) as caught:
        catalog.fetch("bindingdb_sample")
    said = str(caught.value)
    pinned = catalog.record("bindingdb_sample").files["wheel"]
    for needed in (pinned.url, "pip download pydta==0.0.3", "HYPERPCM_MIRROR", str(tmp_path)):
        assert needed in said
    assert not list((tmp_path / "bindingdb_sample").glob("*.whl"))
