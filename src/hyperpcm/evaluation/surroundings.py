"""Where a result came from: versions, commit and machine."""

from __future__ import annotations

import dataclasses
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Final

__all__ = ["Surroundings", "commit_of", "short_commit", "surroundings"]

LIBRARIES: Final = ("hyperpcm", "torch", "numpy", "scipy", "scikit-learn", "lightgbm", "rdkit", "parasail")
"""Distributions whose versions may change a number."""


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What a result depends on beside its protocol.

    Attributes:
        versions: version of Python and of each library, by name; those that are not installed are left out.
        commit: hash of the commit of the code, with ``-dirty`` when ``src`` differs from it; None outside a
            checkout.
        machine: processor, number of usable cores, memory in GB, operating system, graphics device.
    """

    versions: Mapping[str, str]
    commit: str | None
    machine: Mapping[str, str | int | float | None]


def surroundings(device: str | None = None) -> Surroundings:
    """What this process runs on.

    Args:
        device: name of the accelerator that was used, if one was.
    """
    machine: dict[str, str | int | float | None] = {
        "processor": _processor(),
        "cores": _cores(),
        "memory_gb": _memory_gb(),
        "system": f"{platform.system()} {platform.machine()}",
        "device": device,
    }
    return Surroundings(_versions(), commit_of(Path(__file__).parent), machine)


def commit_of(folder: Path) -> str | None:
    """Hash of the commit checked out around a folder: 40 hex digits.

    ``-dirty`` is added when anything under ``src`` of that checkout, new files included, differs from the
    commit. None where there is no git, no checkout, no commit, or where the folder is not part of the commit
    (an installed package inside some other project's checkout).
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    if not top or not _git(folder, "ls-files", "."):
        return None
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    changes = _git(Path(top), "status", "--porcelain", "--", "src")
    if commit is None or changes is None:
        return None
    return f"{commit}-dirty" if changes else commit


def short_commit(commit: str | None) -> str:
    """The first 12 digits of a commit, with ``-dirty`` where it has it; ``none`` where there is no commit."""
    if commit is None:
        return "none"
    return commit[:12] + ("-dirty" if commit.endswith("-dirty") else "")


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints, without the last line break; None where it fails or is not there."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _versions() -> dict[str, str]:
    versions = {"python": ".".join(map(str, sys.version_info[:3]))}
    for library in LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, OSError, ValueError):
        return None
