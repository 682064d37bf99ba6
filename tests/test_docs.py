"""What README.md and the pages under docs/ print is run as printed, page by page.

For authors. The blocks of a page run in order, in one fresh folder; what one block defines or writes, the
next one finds.

- ```` ```python ```` is executed; if it holds `>>>` lines, it is a doctest and its output is compared.
- ```` ```bash ```` whose first line starts with `hyperpcm ` is executed line by line, and each line must
  succeed: plain commands, no pipes, no redirection; `#` starts a comment and `\\` continues a line. Other
  bash blocks (`pip install …`) and other languages are not run.
- `<!-- not run: the reason -->` directly above a block skips it; the reason is required.
- `<!-- needs: HYPERPCM_MIRROR -->` on a line of its own: the rest of the page runs only where that
  environment variable is set, and is reported as skipped elsewhere.

A page should finish within a minute on one core.
"""

from __future__ import annotations

import contextlib
import dataclasses
import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<language>[\w+-]*)(?P<rest>.*)")
NOT_RUN = re.compile(r"<!--\s*not run(?P<reason>.*?)-->")
NEEDS = re.compile(r"<!--\s*needs:\s*(?P<variable>\w+)\s*-->")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class PageError(Exception):
    """A page that cannot be run as it is written; names the page and the line."""


@dataclasses.dataclass(frozen=True)
class Block:
    """One fenced block: `line` is that of its first line of code, counted from 1."""

    language: str
    code: str
    line: int
    not_run: bool = False
    needs: frozenset[str] = frozenset()

    @property
    def is_run(self) -> bool:
        """Whether a reader who follows the page runs this block."""
        command = self.language == "bash" and self.code.lstrip().startswith("hyperpcm ")
        return not self.not_run and (self.language == "python" or command)


def blocks(text: str, page: str) -> Iterator[Block]:
    """The fenced blocks of a page, with the comments that govern them."""
    lines = text.splitlines()
    not_run, needs, row = False, frozenset[str](), 0
    while row < len(lines):
        line, row = lines[row], row + 1
        if found := NEEDS.search(line):
            needs |= {found["variable"]}
        elif found := NOT_RUN.search(line):
            if not re.search(r":\s*\w", found["reason"]):
                raise PageError(f"{page}:{row}: say why: <!-- not run: the reason -->")
            not_run = True
        elif fence := FENCE.fullmatch(line):
            start, closing = row, fence["indent"] + fence["ticks"]
            while row < len(lines) and lines[row].rstrip() != closing:
                row += 1
            if row == len(lines):
                raise PageError(f"{page}:{start}: this code block is never closed")
            code = textwrap.dedent("\n".join(lines[start:row])) + "\n"
            yield Block(fence["language"], code, start + 1, not_run, needs)
            not_run, row = False, row + 1
        elif line.strip():
            not_run = False


def run_page(text: str, page: str) -> None:
    """Run a page's blocks in the current folder; skips where a variable that it needs is unset."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(text, page):
        if not block.is_run:
            continue
        if unset := [variable for variable in sorted(block.needs) if not os.environ.get(variable)]:
            pytest.skip(f"{page} from line {block.line} on needs the environment variable {unset[0]}")
        if block.language == "bash":
            run_commands(block, page)
        elif ">>>" in block.code:
            compare_output(block, page, namespace)
        else:
            # The empty lines make the line numbers of a traceback those of the page.
            source = "\n" * (block.line - 1) + block.code
            exec(compile(source, page, "exec"), namespace)


def compare_output(block: Block, page: str, namespace: dict[str, object]) -> None:
    """Run a block of `>>>` examples and compare what they print."""
    example = doctest.DocTestParser().get_doctest(block.code, namespace, page, page, block.line - 1)
    report: list[str] = []
    # clear_globs off and the names copied back: later blocks go on with what this one defined.
    failed = (
        doctest.DocTestRunner(optionflags=OPTIONS).run(example, out=report.append, clear_globs=False).failed
    )
    namespace.update(example.globs)
    assert not failed, "".join(report)


def commands(block: Block, page: str) -> Iterator[list[str]]:
    """The command lines of a bash block, split into words."""
    for line in block.code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        operators = [word for word in words if re.fullmatch(r"[|&;<>]+.*|2>.*", word)]
        if words[0] != "hyperpcm" or operators:
            raise PageError(
                f"{page}:{block.line}: {line.strip()!r} is not one plain `hyperpcm` command; "
                "put it into a block of its own or mark the block <!-- not run: the reason -->"
            )
        yield words


def run_commands(block: Block, page: str) -> None:
    """Run the commands of a bash block with the installed program, as a reader would."""
    program = shutil.which("hyperpcm", path=str(Path(sys.executable).parent))
    assert program, "the program hyperpcm is not installed beside this Python: pip install -e ."
    for words in commands(block, page):
        done = subprocess.run(
            [program, *words[1:]],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **{name: str(Path.cwd()) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME")}},
        )
        assert done.returncode == 0, (
            f"{page}:{block.line}: `{shlex.join(words)}` ended with exit code {done.returncode}\n"
            f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_code_on_this_page_runs_as_printed(page: Path, tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        run_page(page.read_text(encoding="utf-8"), page.relative_to(ROOT).as_posix())


def test_blocks_share_one_namespace_and_failures_name_the_line_of_the_page() -> None:
    text = "# T\n```python\na = 2\n```\nand\n\n```python\na += 1\nraise ValueError(a)\n```\n"
    with pytest.raises(ValueError, match="3") as caught:
        run_page(text, "page.md")
    frame = traceback.extract_tb(caught.tb)[-1]
    assert (frame.filename, frame.lineno) == ("page.md", 9)


def test_printed_output_is_compared_and_its_names_are_kept() -> None:
    run_page("```python\n>>> a = [1]\n>>> a\n[1]\n```\n\n```python\nassert a == [1]\n```\n", "page.md")
    with pytest.raises(AssertionError, match=r"(?s)Expected:.*\[2\].*Got:.*\[1\]"):
        run_page("```python\n>>> [1]\n[2]\n```\n", "page.md")


def test_a_skipped_block_needs_a_reason_and_is_not_run() -> None:
    block = "```python\nraise ValueError\n```\n"
    run_page(f"<!-- not run: it fails -->\n\n{block}", "page.md")
    for comment in ("<!-- not run -->", "<!-- not run: -->"):
        with pytest.raises(PageError, match=r"page\.md:1: say why"):
            run_page(f"{comment}\n{block}", "page.md")


def test_a_skip_holds_for_the_next_block_only() -> None:
    skipped = "<!-- not run: it fails -->\n```python\nraise KeyError\n```\n"
    with pytest.raises(ValueError):
        run_page(skipped + "```python\nraise ValueError\n```\n", "page.md")
    with pytest.raises(KeyError):
        run_page(skipped.replace("-->\n", "-->\nprose in between\n"), "page.md")


def test_what_needs_an_unset_variable_is_reported_as_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "<!-- needs: HYPERPCM_NEVER_SET -->\n```python\nraise KeyError\n```\n"
    with pytest.raises(
        pytest.skip.Exception, match="line 3 on needs the environment variable HYPERPCM_NEVER_SET"
    ):
        run_page(text, "page.md")
    monkeypatch.setenv("HYPERPCM_NEVER_SET", "1")
    with pytest.raises(KeyError):
        run_page(text, "page.md")


def test_indented_blocks_are_found_and_other_languages_left_alone() -> None:
    text = '=== "Tab"\n\n    ```python\n    if True:\n        x = 1\n    ```\n\n```toml\n[a]\n```\n'
    assert [(b.language, b.code, b.is_run) for b in blocks(text, "page.md")] == [
        ("python", "if True:\n    x = 1\n", True),
        ("toml", "[a]\n", False),
    ]
    with pytest.raises(PageError, match="never closed"):
        list(blocks("```python\nx = 1\n", "page.md"))


def test_bash_blocks_hold_plain_commands_of_this_program() -> None:
    (block,) = blocks(
        "```bash\nhyperpcm a \\\n  'b c'  # why\n# only a comment\nhyperpcm d\n```\n", "page.md"
    )
    assert block.is_run
    assert list(commands(block, "page.md")) == [["hyperpcm", "a", "b c"], ["hyperpcm", "d"]]
    for bad in ("hyperpcm a\nls", "hyperpcm a | head", "hyperpcm a > file", "hyperpcm a && hyperpcm b"):
        (block,) = blocks(f"```bash\n{bad}\n```\n", "page.md")
        with pytest.raises(PageError, match="not one plain"):
            list(commands(block, "page.md"))
    (other,) = blocks("```bash\npip install hyperpcm\n```\n", "page.md")
    assert not other.is_run
