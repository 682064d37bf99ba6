"""The examples in the docstrings print what they say; white space and `...` in the output are free."""

from __future__ import annotations

import contextlib
import doctest
import importlib
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src"
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = [
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(SOURCE.rglob("*.py"))
    if ">>>" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_this_module_print_what_they_say(name: str, tmp_path: Path) -> None:
    module = importlib.import_module(name)
    with contextlib.chdir(tmp_path):
        result = doctest.testmod(module, optionflags=OPTIONS)
    # A file that holds `>>>` outside of any docstring that doctest finds would pass without being run.
    assert result.attempted
    assert not result.failed, (
        f"{result.failed} of {result.attempted} examples of {name}; see the captured output"
    )
