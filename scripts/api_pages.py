"""Hook of the documentation build: one API page for each part of the library, and an overview of them.

A part is a package or a module directly below `hyperpcm`. Its page documents each of its modules, whose
public names are those in `__all__`; the overview lists them all. The source is parsed and never imported.
"""

from __future__ import annotations

import ast
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "hyperpcm"
INTRODUCTION = """\
# API

Every public name of the library, by part. What a name starting with an underscore does may change at any
time; what is listed here follows the changelog.
"""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the page of each part below the entry `API` of the navigation."""
    pages: list[str | dict[str, str]] = [{"Overview": "api/index.md"}]
    pages += [{part: f"api/{part}.md"} for part in parts()]
    config.nav = [{"API": pages} if "API" in entry else entry for entry in config.nav or []]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to the files of the site."""
    overview = [INTRODUCTION]
    for part, modules in parts().items():
        page = [f"# hyperpcm.{part}", *(f"::: {name}" for name in modules)]
        files.append(File.generated(config, f"api/{part}.md", content="\n\n".join(page)))
        overview += [f"## {part}", *(summary(name, path, part) for name, path in modules.items())]
    files.append(File.generated(config, "api/index.md", content="\n\n".join(overview)))
    return files


def parts() -> dict[str, dict[str, Path]]:
    """The documented modules of each part, by dotted name; an `__init__` counts if it defines something."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        names = path.relative_to(PACKAGE).with_suffix("").parts
        package = names[-1] == "__init__"
        names = names[:-1] if package else names
        if not names or any(name.startswith("_") for name in names) or (package and not defined(path)):
            continue
        found.setdefault(names[0], {})[".".join(("hyperpcm", *names))] = path
    return found


def defined(path: Path) -> list[str]:
    """The public names that a module defines itself, rather than passes on, in the order of its `__all__`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own: set[str] = set()
    public: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            own |= {target.id for target in targets if isinstance(target, ast.Name)}
            if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
                strings = ast.walk(node.value) if node.value else ()
                public = [
                    n.value for n in strings if isinstance(n, ast.Constant) and isinstance(n.value, str)
                ]
    return [name for name in public if name in own]


def summary(module: str, path: Path, part: str) -> str:
    """One list entry: the module, the first sentence of its docstring and its public names, linked."""
    first_line = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
    names = ", ".join(f"[`{name}`]({part}.md#{module}.{name})" for name in defined(path))
    return f"- [`{module}`]({part}.md#{module}): {first_line}\n  {names}"
