"""Fetch the scripts that pages of the web app use, or check those in the repository.

    python scripts/vendor_web.py          fetch the pinned versions from npm and write them anew
    python scripts/vendor_web.py check    compare what is there with the lists of digests

Only the standard library and `npm pack` are used. Each package is one folder with its licence; `SHA256SUMS`
lists every file as `sha256sum --check` reads it. A file whose digest is not the one listed is not written:
`python scripts/vendor_web.py renew` takes it nevertheless, after a version below was changed by hand.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Package:
    """One npm package: the files taken from it, by what they are called here."""

    name: str
    version: str
    folder: str
    files: Mapping[str, str]


APP = ROOT / "src/hyperpcm/web/static/vendor"
TESTS = ROOT / "tests/web/vendor"
PACKAGES: Mapping[Path, tuple[Package, ...]] = {
    APP: (
        Package("htmx.org", "4.0.1", "htmx", {"htmx.min.js": "dist/htmx.min.js", "LICENSE": "LICENSE"}),
        Package(
            "openchemlib",
            "9.25.0",
            "openchemlib",
            {"openchemlib.js": "dist/openchemlib.js", "LICENSE": "LICENSE"},
        ),
        Package(
            "plotly.js-basic-dist-min",
            "4.1.1",
            "plotly",
            {"plotly-basic.min.js": "plotly-basic.min.js", "LICENSE": "LICENSE"},
        ),
        Package("3dmol", "2.5.5", "3dmol", {"3Dmol-min.js": "build/3Dmol-min.js", "LICENSE": "LICENSE"}),
    ),
    TESTS: (Package("axe-core", "4.14.1", "axe-core", {"axe.min.js": "axe.min.js", "LICENSE": "LICENSE"}),),
}


def main(arguments: list[str]) -> int:
    """Run the named task; the exit code is 0 only if every file is as it should be."""
    if arguments not in ([], ["check"], ["renew"]):
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    wrong = []
    for folder, packages in PACKAGES.items():
        if arguments != ["check"]:
            wrong += fetch(folder, packages, renew=arguments == ["renew"])
        wrong += differences(folder)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def fetch(folder: Path, packages: tuple[Package, ...], *, renew: bool) -> list[str]:
    """Write the files of all packages and their list; give what was refused."""
    listed, refused, sums = digests(folder), [], {}
    for package in packages:
        for name, content in contents(package).items():
            path = f"{package.folder}/{name}"
            sums[path] = hashlib.sha256(content).hexdigest()
            if not renew and listed.get(path) not in (None, sums[path]):
                refused.append(f"{path} of {package.name} {package.version} is not the file that is listed.")
                continue
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    if not refused:
        lines = [f"{digest}  {path}\n" for path, digest in sorted(sums.items())]
        (folder / SUMS).write_text("".join(lines))
    return refused


def contents(package: Package) -> dict[str, bytes]:
    """Download a package with npm; give the files that are kept."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(
            ["npm", "pack", "--silent", f"{package.name}@{package.version}"],
            cwd=place,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (archive,) = Path(place).glob("*.tgz")
        found = {}
        with tarfile.open(archive) as members:
            for name, source in package.files.items():
                member = members.extractfile(f"package/{source}")
                if member is None:
                    raise SystemExit(f"{package.name} {package.version} holds no file {source}.")
                found[name] = member.read()
    return found


def digests(folder: Path) -> dict[str, str]:
    """Read the list of a folder; empty where there is none."""
    path = folder / SUMS
    lines = path.read_text().splitlines() if path.exists() else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def differences(folder: Path) -> list[str]:
    """Give a sentence for each file that is missing, too much, or not as listed."""
    listed = digests(folder)
    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    there.pop(SUMS, None)
    found = [f"{folder / name} is listed, but not there." for name in sorted(listed.keys() - there.keys())]
    found += [f"{folder / name} is not listed." for name in sorted(there.keys() - listed.keys())]
    for name in sorted(listed.keys() & there.keys()):
        if hashlib.sha256(there[name].read_bytes()).hexdigest() != listed[name]:
            found.append(f"{folder / name} is not the file that is listed.")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
