"""The script behind `make`: what it refuses, what it pins and when it considers an environment up to date."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from itertools import chain
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def bootstrap() -> ModuleType:
    """A fresh copy of the script as a module, so that a test may point it at another folder."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "scripts" / "bootstrap.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project() -> dict[str, list[str]]:
    """Requirement lines of pyproject.toml: `""` holds those of the library itself, the others are extras."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {"": table["dependencies"], **table["optional-dependencies"]}


def test_every_requirement_is_pinned_to_a_version_that_its_range_allows(
    project: dict[str, list[str]],
) -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    versions = {canonicalize_name(name): version for name, version in pins.items()}
    for line in chain.from_iterable(project.values()):
        wanted = Requirement(line)
        assert wanted.specifier.contains(versions[canonicalize_name(wanted.name)], prereleases=True), line


def test_constraints_are_plain_pins_without_an_index_or_a_local_build() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        assert line.startswith("#") or re.fullmatch(r"[\w.-]+==[\w.]+", line), line
    assert not re.search(r"^(nvidia|cuda|triton|hyperpcm)", text, re.MULTILINE | re.IGNORECASE)


def test_the_package_asks_for_ranges_and_names_no_place_to_get_them_from(
    project: dict[str, list[str]],
) -> None:
    for line in chain.from_iterable(project.values()):
        wanted = Requirement(line)
        assert wanted.url is None
        assert wanted.specifier
        assert not any(part.operator in ("==", "===") for part in wanted.specifier), line


def test_an_old_python_is_refused_with_both_versions_named(bootstrap: ModuleType) -> None:
    bootstrap.require_python((3, 11))
    with pytest.raises(bootstrap.StepError, match=r"Python 3\.9 and hyperpcm needs 3\.11 or newer"):
        bootstrap.require_python((3, 9))


def test_frozen_versions_lose_their_local_part_and_cuda_packages(bootstrap: ModuleType) -> None:
    frozen = "torch==2.13.0+cpu\npytest-xdist==3\nnvidia-cublas==13.1\npytest==9\ntriton==3\nx @ file:///x\n"
    assert bootstrap.pins(frozen) == "pytest==9\npytest-xdist==3\ntorch==2.13.0\n"
    assert bootstrap.pins("xgboost-cpu==3.2.0\n") == "xgboost==3.2.0\nxgboost-cpu==3.2.0\n"


def test_a_failed_step_is_one_sentence_with_the_command_to_repeat(bootstrap: ModuleType) -> None:
    command = [sys.executable, "-c", "import os; raise SystemExit(int(os.environ['CODE']))"]
    with pytest.raises(
        bootstrap.StepError, match=r"The check failed with exit code 3: .* -c 'import os; raise"
    ):
        bootstrap.run("The check", command, {"CODE": "3"})
    bootstrap.run("The check", command, {"CODE": "0"})
    with pytest.raises(bootstrap.StepError, match=r"The check could not start .*no-such-program"):
        bootstrap.run("The check", ["no-such-program"])


def test_an_unknown_task_and_an_unknown_build_of_torch_are_refused(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bootstrap.main(["tset"]) == 2
    assert "demo | test | install | lock" in capsys.readouterr().err
    monkeypatch.setenv("HYPERPCM_TORCH", "rocm")
    assert bootstrap.main(["install"]) == 1
    assert "HYPERPCM_TORCH is 'rocm'" in capsys.readouterr().err


def test_a_host_that_cannot_be_resolved_is_unreachable(bootstrap: ModuleType) -> None:
    assert not bootstrap.reachable("no-such-host.invalid")


def test_a_stamp_holds_until_pins_python_torch_build_or_extras_change(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pins = tmp_path / "constraints.txt"
    pins.write_text("torch==2.13.0\n")
    monkeypatch.setattr(bootstrap, "CONSTRAINTS", pins)
    stamp = {**bootstrap.fingerprint(), "extras": ["dev"]}
    assert bootstrap.missing(stamp, ()) is None
    assert bootstrap.missing(stamp, ("dev",)) is None
    assert bootstrap.missing(stamp, ("wandb",)) == ("dev", "wandb")
    assert bootstrap.missing({}, ()) == ()
    monkeypatch.setenv("HYPERPCM_TORCH", "cuda")
    assert bootstrap.missing(stamp, ("dev",)) == ("dev",)
    monkeypatch.delenv("HYPERPCM_TORCH")
    pins.write_text("torch==2.14.0\n")
    assert bootstrap.missing(stamp, ("dev",)) == ("dev",)


def test_a_browser_that_is_there_is_not_installed_again(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYPERPCM_CHROMIUM", "/opt/some/chrome")
    monkeypatch.setattr(bootstrap, "run", lambda *_: pytest.fail("nothing is to be run"))
    bootstrap.browser()


def test_where_a_browser_cannot_be_installed_the_checks_go_on_and_say_so(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("HYPERPCM_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    bootstrap.browser()
    assert "tests of the web pages are skipped" in capsys.readouterr().out
    failing = tmp_path / "apt-get"
    failing.write_text("#!/bin/sh\nexit 100\n")
    failing.chmod(0o755)
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 0)
    bootstrap.browser()
    assert "could not be installed" in capsys.readouterr().out
