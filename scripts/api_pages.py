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
        overview += [f"## {part}", shortcuts(part, modules)]
        overview += [summary(name, path, part) for name, path in modules.items()]
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
    own: set[str] = set()
    for node in parsed(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            own |= {target.id for target in assigned(node) if isinstance(target, ast.Name)}
    return [name for name in public(path) if name in own]


def public(path: Path) -> list[str]:
    """The names in the `__all__` of a module; without one, none."""
    for node in parsed(path).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            names = [target.id for target in assigned(node) if isinstance(target, ast.Name)]
            if names == ["__all__"]:
                return [str(name) for name in ast.literal_eval(node.value)]
    return []


def assigned(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    """What a statement assigns to."""
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def parsed(path: Path) -> ast.Module:
    """The syntax tree of a source file."""
    return ast.parse(path.read_text(encoding="utf-8"), path.name)


def shortcuts(part: str, modules: dict[str, Path]) -> str:
    """What a part is for and which names it hands on, linked to where they are defined."""
    init = PACKAGE / part / "__init__.py"
    if not init.exists():
        return ""
    homes = {name: module for module, path in modules.items() for name in defined(path)}
    names = [f"[`{name}`]({part}.md#{homes[name]}.{name})" for name in public(init) if name in homes]
    imported = f"\n\nFrom `hyperpcm.{part}` itself: {', '.join(names)}." if names else ""
    return first_line(init) + imported


def summary(module: str, path: Path, part: str) -> str:
    """One list entry: the module, the first sentence of its docstring and its public names, linked."""
    names = ", ".join(f"[`{name}`]({part}.md#{module}.{name})" for name in defined(path))
    return f"- [`{module}`]({part}.md#{module}): {first_line(path)}\n  {names}"


def first_line(path: Path) -> str:
    """The first line of a module's docstring."""
    return (ast.get_docstring(parsed(path)) or "").partition("\n")[0]
