from __future__ import annotations

import json
import platform
import subprocess

import numpy as np

from hyperpcm.evaluation import surroundings
from hyperpcm.evaluation.results import write_json
from hyperpcm.evaluation.surroundings import commit_of


def git(folder, *arguments):
    name = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *name, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def checkout(tmp_path):
    package = tmp_path / "src" / "package"
    package.mkdir(parents=True)
    (package / "module.py").write_text("x = 1\n")
    (tmp_path / "README.md").write_text("read me\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return package


def test_a_clean_checkout_gives_its_commit_whatever_lies_outside_src(tmp_path):
    package = checkout(tmp_path)
    head = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "README.md").write_text("changed\n")
    (tmp_path / "notes.txt").write_text("new\n")
    assert commit_of(package) == head


def test_a_changed_or_a_new_file_under_src_makes_it_dirty(tmp_path):
    package = checkout(tmp_path)
    head = git(tmp_path, "rev-parse", "HEAD")
    (package / "module.py").write_text("x = 2\n")
    assert commit_of(package) == f"{head}-dirty"
    git(tmp_path, "commit", "-q", "-a", "-m", "second")
    assert commit_of(package) == git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "src" / "other.py").write_text("")
    assert commit_of(package).endswith("-dirty")


def test_outside_a_checkout_there_is_no_commit(tmp_path):
    assert commit_of(tmp_path) is None


def test_a_package_installed_inside_another_checkout_does_not_take_its_commit(tmp_path):
    checkout(tmp_path)
    installed = tmp_path / ".venv" / "package"
    installed.mkdir(parents=True)
    (installed / "module.py").write_text("")
    assert commit_of(installed) is None


def test_a_repository_without_a_commit_gives_none(tmp_path):
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path) is None


def test_surroundings_can_be_written_and_name_versions_and_machine(tmp_path):
    here = surroundings(device="none")
    write_json(
        tmp_path / "s.json", {"versions": here.versions, "machine": here.machine, "commit": here.commit}
    )
    found = json.loads((tmp_path / "s.json").read_text())
    assert found["versions"]["numpy"] == np.__version__
    assert found["versions"]["python"] == platform.python_version()
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["device"] == "none"
    assert found["machine"]["processor"]
