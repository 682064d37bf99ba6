"""Make `.venv` with the pinned requirements, then run the demo or the checks, or renew the pins.

    python scripts/bootstrap.py demo      the main job on real data, into demo-output/
    python scripts/bootstrap.py test      every check that a change must pass
    python scripts/bootstrap.py install   only the environment, with the development tools
    python scripts/bootstrap.py lock      resolve everything anew and rewrite constraints.txt

Only the standard library is used: this file runs before anything is installed, on Linux, macOS and Windows.
The environment variable HYPERPCM_TORCH chooses the build of torch: `cpu`, `cuda`, or by default the CPU
build wherever its index can be reached.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CONSTRAINTS = ROOT / "constraints.txt"
OLDEST_PYTHON = (3, 11)
TORCH_HOST = "download.pytorch.org"
TORCH_INDEX = f"https://{TORCH_HOST}/whl/cpu"
LOCKED_EXTRAS = ("dev", "tensorboard", "wandb", "xgboost", "ray")
LOCK_HEADER = """\
# Exact versions of every requirement, direct and transitive, of the library, its development tools and its
# optional loggers, resolved with Python {python}. `scripts/bootstrap.py` installs with them; the package
# itself only states ranges. Regenerate with `python scripts/bootstrap.py lock` (the torch line is kept:
# change it by hand first to move to another torch).
"""
# Environment of every check: one thread per test process, no window, no advertisement in the log.
QUIET = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "NO_MKDOCS_2_WARNING": "1"}
CHECKS = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "layers": ["lint-imports"],
    "tests": ["pytest", "-n", "2", "-m", "not slow", "--durations", "10"],
    "documentation": ["mkdocs", "build", "--strict", "--quiet"],
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
APT = {"DEBIAN_FRONTEND": "noninteractive"}


class StepError(Exception):
    """A step failed; the message is one sentence that names the step and its command."""


def main(arguments: list[str]) -> int:
    """Run the named task; the exit code is 0 only if all of it passed."""
    tasks = {"demo": demo, "test": test, "install": lambda: prepare(("dev",)), "lock": lock}
    if len(arguments) != 1 or arguments[0] not in tasks:
        print(f"Say which task to run: python scripts/bootstrap.py {' | '.join(tasks)}", file=sys.stderr)
        return 2
    try:
        require_python(sys.version_info[:2])
        tasks[arguments[0]]()
    except StepError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def require_python(version: tuple[int, ...]) -> None:
    """Refuse an interpreter that the requirements do not support."""
    if version < OLDEST_PYTHON:
        found, needed = (".".join(map(str, v)) for v in (version, OLDEST_PYTHON))
        raise StepError(
            f"This is Python {found} and hyperpcm needs {needed} or newer: name one, "
            "as in `make demo PYTHON=python3.12`."
        )


def demo() -> None:
    """Train, evaluate, compile and rank on a real data set."""
    prepare(())
    run("The demo", [program("hyperpcm"), "demo", "--out", str(ROOT / "demo-output")])


def test() -> None:
    """Run all checks, also after one failed, and end with the list of those that did."""
    prepare(("dev",))
    browser()
    failures = []
    for name, command in CHECKS.items():
        heading(name)
        started = time.monotonic()
        try:
            run(f"The check of {name}", [program(command[0]), *command[1:]], QUIET)
            print(f"{name}: passed in {time.monotonic() - started:.0f} s", flush=True)
        except StepError as error:
            failures.append(str(error))
            print(error, flush=True)
    if failures:
        raise StepError("\n".join(failures))
    print("\nAll checks passed.")


def browser() -> None:
    """Install Chromium for the tests of the web pages, where Debian can; without it they are skipped."""
    if os.environ.get("HYPERPCM_CHROMIUM") or any(map(shutil.which, BROWSERS)):
        return
    told = "The tests of the web pages are skipped: they need Chromium, and"
    if not shutil.which("apt-get") or os.geteuid() != 0:
        print(f"{told} it is installed here by who owns the machine (apt-get install chromium).", flush=True)
        return
    heading("install a browser for the tests of the web pages")
    apt = ["apt-get", "-q", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"]
    try:
        run("Reading Debian's list of packages", [*apt, "update"], APT)
        packages = ["chromium", "fonts-dejavu-core"]
        run("Installing Chromium", [*apt, "install", "-y", "--no-install-recommends", *packages], APT)
    except StepError as error:
        print(f"{told} it could not be installed. {error}", flush=True)


def prepare(extras: tuple[str, ...]) -> None:
    """Bring `.venv` up to date with the pinned requirements; does nothing when it already is."""
    path = VENV / "hyperpcm-stamp.json"
    stamp = json.loads(path.read_text()) if path.exists() else {}
    wanted = missing(stamp, extras)
    if wanted is None:
        return
    heading(f"install into {VENV}")
    started = time.monotonic()
    make_venv(VENV, clear=bool(stamp) and stamp["base"] != fingerprint()["base"])
    path.unlink(missing_ok=True)
    install_torch(program("python"), "-c", str(CONSTRAINTS))
    selected = f".[{','.join(wanted)}]" if wanted else "."
    run("Installing the requirements", [*pip(program("python")), "-e", selected, "-c", str(CONSTRAINTS)])
    path.write_text(json.dumps({**fingerprint(), "extras": wanted}))
    print(f"Installed in {time.monotonic() - started:.0f} s.", flush=True)


def missing(stamp: dict[str, Any], extras: tuple[str, ...]) -> tuple[str, ...] | None:
    """The extras to install for an environment that left this stamp, or None if it holds everything."""
    if all(stamp.get(key) == value for key, value in fingerprint().items()):
        together = tuple(sorted({*stamp["extras"], *extras}))
        return None if len(together) == len(stamp["extras"]) else together
    return extras


def fingerprint() -> dict[str, str]:
    """What an environment depends on: its `base` cannot be changed in place, its `inputs` can."""
    contents = b"\0".join(path.read_bytes() for path in (ROOT / "pyproject.toml", CONSTRAINTS))
    base = f"Python {sys.version.split()[0]}, torch {torch_choice()}, {ROOT}"
    return {"base": base, "inputs": hashlib.sha256(contents).hexdigest()}


def make_venv(folder: Path, *, clear: bool = False) -> None:
    """Create a virtual environment, or leave the one there."""
    if clear or not Path(program("python", folder)).exists():
        options = ["--clear"] if folder.exists() else []
        run("Creating the virtual environment", [sys.executable, "-m", "venv", *options, str(folder)])


def torch_choice() -> str:
    """The build of torch that HYPERPCM_TORCH asks for: `cpu`, `cuda` or `auto`."""
    choice = os.environ.get("HYPERPCM_TORCH") or "auto"
    if choice not in ("auto", "cpu", "cuda"):
        raise StepError(f"HYPERPCM_TORCH is {choice!r}, which is none of cpu, cuda and auto.")
    return choice


def install_torch(python: str, *options: str) -> None:
    """Install torch by itself, so that the index of CPU builds is asked for nothing else."""
    choice, requirement = torch_choice(), f"torch=={pinned_torch()}"
    if choice == "cpu" or (choice == "auto" and reachable(TORCH_HOST)):
        # --no-deps: that index holds only some versions of what torch requires; the next step brings those.
        cpu = [*pip(python), requirement, "--no-deps", "--index-url", TORCH_INDEX]
        run("Installing the CPU build of torch (HYPERPCM_TORCH=cuda takes pip's own index instead)", cpu)
    else:
        if choice == "auto":
            print(f"{TORCH_HOST} cannot be reached: taking torch from the configured package index, which")
            print(
                "on Linux is the CUDA build of several gigabytes unless a local CPU file is offered.",
                flush=True,
            )
        run("Installing torch", [*pip(python), requirement, *options])


def pinned_torch() -> str:
    """The version of torch that constraints.txt pins."""
    found = re.search(r"^torch==(\S+)$", CONSTRAINTS.read_text(), re.MULTILINE)
    if not found:
        raise StepError(f"{CONSTRAINTS} pins no torch: add a line `torch==<version>`.")
    return found[1]


def reachable(host: str, *, timeout_seconds: float = 3) -> bool:
    """Whether a TCP connection to the host's HTTPS port can be opened."""
    try:
        socket.create_connection((host, 443), timeout=timeout_seconds).close()
    except OSError:
        return False
    return True


def lock() -> None:
    """Resolve all requirements in a throw-away environment and write what came out."""
    with tempfile.TemporaryDirectory() as folder:
        venv = Path(folder) / "venv"
        make_venv(venv)
        python = program("python", venv)
        torch = pinned_torch()
        install_torch(python)
        everything = f".[{','.join(LOCKED_EXTRAS)}]"
        run("Resolving the requirements", [*pip(python), everything, f"torch=={torch}"])
        frozen = subprocess.run(
            [python, "-m", "pip", "freeze", "--all", "--exclude", "pip", "--exclude", "hyperpcm"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    CONSTRAINTS.write_text(LOCK_HEADER.format(python=sys.version.split()[0]) + pins(frozen))
    print(f"Wrote {CONSTRAINTS}.")


def pins(frozen: str) -> str:
    """The lines of `pip freeze` that hold on any machine: no local versions, no CUDA packages."""
    lines = [re.sub(r"\+\S+$", "", line) for line in frozen.splitlines() if "==" in line]
    kept = [line for line in lines if not re.match(r"(nvidia-|cuda-|triton)", line, re.IGNORECASE)]
    # On macOS the same XGBoost comes under its plain name: one version for both.
    kept += [line.replace("-cpu", "") for line in kept if line.startswith("xgboost-cpu==")]
    return "\n".join(sorted(kept, key=lambda line: line.partition("==")[0].lower())) + "\n"


def pip(python: str) -> list[str]:
    """The start of an installing command; index, proxy and the like stay as pip is configured."""
    return [python, "-m", "pip", "install", "--disable-pip-version-check"]


def program(name: str, venv: Path = VENV) -> str:
    """Where a virtual environment keeps a program."""
    return str(venv / "Scripts" / f"{name}.exe" if os.name == "nt" else venv / "bin" / name)


def heading(text: str) -> None:
    """Set off what follows in the log."""
    print(f"\n===== {text} =====", flush=True)


def run(step: str, command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run a command in the repository, or say in one sentence which step failed and how to repeat it."""
    shown = shlex.join(command)
    try:
        code = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **(environment or {})}, check=False
        ).returncode
    except OSError as error:
        raise StepError(f"{step} could not start ({error}): {shown}") from error
    if code:
        raise StepError(f"{step} failed with exit code {code}: {shown}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
