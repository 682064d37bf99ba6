"""What somebody else wrote never runs in a reader's browser, and pages ask for nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from browsing import RunningServer, Watched
from small_models import QUERY

pytestmark = pytest.mark.timeout(240)

HOSTILE = (
    "<script>window.caught=1</script>",
    "<img src=x onerror=window.caught=1>",
    "<svg onload=window.caught=1>",
    "\"><a href='javascript:window.caught=1'>",
    "{{7*7}}${7*7}",
    "</code></td><style>*{display:none}</style>",
)


def is_unharmed(tab: Watched) -> bool:
    """Whether nothing of the hostile texts ran or became an element."""
    page = tab.page
    return (
        page.evaluate("window.caught") is None
        and page.locator("main script, main img, main style, main a[href^=javascript]").count() == 0
        and page.locator("h1").is_visible()
    )


def test_markup_in_names_of_compounds_and_targets_is_shown_as_text(tab: Watched) -> None:
    page = tab.open("/")
    page.locator("label:has(input[value=sequence])").click()
    page.get_by_label("Amino-acid sequence").fill(f">{HOSTILE[1]}\n{QUERY}")
    lines = [f"{'C' * (row + 1)}O {name}" for row, name in enumerate(HOSTILE)]
    page.get_by_label("SMILES, one compound a line").fill(
        "\n".join([*lines, f"{HOSTILE[2]} bad", HOSTILE[0]])
    )
    page.get_by_role("button", name="Rank the compounds").click()
    page.locator("table.hits").wait_for()
    page.wait_for_load_state()
    text = page.locator("main").inner_text()
    for name in HOSTILE:
        assert " ".join(name.split()) in " ".join(text.split())
    assert is_unharmed(tab)
    page.get_by_role("link", name="Why?").first.click()
    page.locator("table.known").wait_for()
    page.wait_for_load_state()
    assert is_unharmed(tab)


def test_markup_in_an_address_is_shown_as_text(tab: Watched) -> None:
    for path in (
        f"/compound?smiles={HOSTILE[1]}",
        f"/evidence?known={HOSTILE[0]}&smiles={HOSTILE[1]}",
        f"/?target={HOSTILE[3]}&known={HOSTILE[1]}",
        f"/jobs/{HOSTILE[2].replace('/', '')}",
    ):
        tab.open(path)
        assert is_unharmed(tab)


def test_markup_in_names_and_cells_of_a_file_is_shown_as_text(tab: Watched, tmp_path: Path) -> None:
    path = tmp_path / "<img src=x onerror=window.caught=1>.csv"
    rows = [f'{"C" * (row + 1)}N,"{name.replace(chr(34), chr(34) * 2)}"' for row, name in enumerate(HOSTILE)]
    path.write_text("smiles,name\n" + "\n".join(rows) + '\n"<svg/onload=window.caught=1>",x\n')
    page = tab.open("/")
    page.get_by_label("Name of a known target").fill("target 2")
    page.locator("label:has(input[value=upload])").click()
    page.get_by_label("File of compounds").set_input_files(path)
    page.get_by_role("button", name="Rank the compounds").click()
    page.locator("table.hits").wait_for(timeout=120_000)
    page.wait_for_load_state()
    assert "onerror" in page.locator("h1").inner_text()
    assert is_unharmed(tab)


def test_a_script_that_got_into_a_page_would_not_run(open_tab: Callable[..., Watched]) -> None:
    tab = open_tab()
    page = tab.open("/model")
    page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.caught = 1';"
        "document.body.append(s);"
        "const d = document.createElement('div'); d.innerHTML = '<img src=x onerror=\"window.caught = 1\">';"
        "document.body.append(d)"
    )
    page.wait_for_timeout(500)
    assert page.evaluate("window.caught") is None
    assert len(tab.complaints) >= 2
    assert all("Content Security Policy" in one for one in tab.complaints)
    tab.complaints.clear()


RESIDUES = ("MET", "LYS", "THR", "ALA", "TYR", "ILE", "ALA", "LYS")
PDB = "".join(
    f"ATOM  {place:5d}  CA  {residue} A{place:4d}    {place * 3.8:8.3f}{0:8.3f}{0:8.3f}{1:6.2f}{0:6.2f}\n"
    for place, residue in enumerate(RESIDUES, start=1)
)


def test_a_structure_file_is_shown_in_the_browser_gives_its_sequence_and_is_sent_nowhere(
    tab: Watched, tmp_path: Path
) -> None:
    path = tmp_path / "one.pdb"
    path.write_text(PDB + "END\n")
    sent: list[str] = []
    page = tab.open("/")
    page.on("request", lambda request: sent.append(request.method))
    page.locator("label:has(input[value=sequence])").click()
    page.get_by_text("Take it from a structure file").click()
    page.get_by_label("PDB or mmCIF file").set_input_files(path)
    page.locator(".viewer canvas").wait_for()
    page.get_by_role("button", name="Take chain A").click()
    assert page.get_by_label("Amino-acid sequence").input_value() == "MKTAYIAK"
    assert "POST" not in sent


@pytest.fixture
def guarded(chromium: str, model_file: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a server that asks for a token, where there is a browser to ask it."""
    running = RunningServer(model_file, tmp_path / "guarded", "--token", "a token of sixteen letters")
    yield running.address
    running.stop()


def test_a_server_with_a_token_asks_for_it_once(guarded: str, open_tab: Callable[..., Watched]) -> None:
    tab = open_tab(guarded)
    page = tab.open("/")
    assert page.locator("h1").inner_text() == "Sign in"
    page.get_by_label("Token").fill("another one")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    page.get_by_label("Token").fill("a token of sixteen letters")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Screen").wait_for()
    tab.open("/model")
    assert page.locator("h1").inner_text() == "Model"
