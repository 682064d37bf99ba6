"""Long work as a chemist sees it: an upload of many compounds, its progress, its end, and its address."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from browsing import Watched
from small_models import QUERY

pytestmark = pytest.mark.timeout(300)

ENDED = 200_000  # milliseconds


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 10,000 different compounds, three of them unusable."""
    return _table(tmp_path_factory.mktemp("upload") / "ten thousand.csv", 10_000)


def _table(path: Path, rows: int, unusable: tuple[int, ...] = (10, 500, 9000)) -> Path:
    chains = [
        f"{'C' * (1 + row % 20)}N(C{'C' * (row // 20 % 25)})C(=O)c1ccc({'C' * (row // 500 % 21)}O)cc1"
        for row in range(rows)
    ]
    lines = [f"{smiles},c{row}" for row, smiles in enumerate(chains)]
    for row in unusable:
        lines[row] = f"no structure,c{row}"
    path.write_text("smiles,name\n" + "\n".join(lines) + "\n")
    return path


def upload(tab: Watched, path: Path) -> None:
    """Send a file to be screened, up to the page of its job."""
    page = tab.open("/")
    page.locator("label:has(input[value=sequence])").click()
    page.get_by_label("Amino-acid sequence").fill(QUERY)
    page.locator("label:has(input[value=upload])").click()
    page.get_by_label("File of compounds").set_input_files(path)
    page.get_by_role("button", name="Rank the compounds").click()
    page.wait_for_url(re.compile("/jobs/"))


def test_ten_thousand_compounds_are_uploaded_reloaded_in_the_middle_and_ranked(
    tab: Watched, many: Path, picture: Callable[[Watched, str], None], accessible: Callable[[Watched], None]
) -> None:
    upload(tab, many)
    page = tab.page
    address = page.url
    page.get_by_role("heading", name=re.compile("Running|Waiting")).wait_for()
    accessible(tab)
    picture(tab, "job")
    page.reload()
    assert page.url == address
    page.locator("table.hits").wait_for(timeout=ENDED)
    page.wait_for_load_state()
    text = page.locator("main").inner_text()
    assert "9,997 compounds scored" in text
    assert "3 rows could not be scored" in text
    assert page.locator("h1").inner_text().startswith("ten thousand.csv")
    picture(tab, "job-done")


def test_a_job_is_followed_to_its_end_without_a_reload_by_hand(tab: Watched, tmp_path: Path) -> None:
    upload(tab, _table(tmp_path / "a few.csv", 1500, unusable=(10,)))
    tab.page.locator("table.hits").wait_for(timeout=ENDED)
    tab.page.wait_for_load_state()


def test_a_job_is_cancelled_and_a_second_tab_may_cancel_it_too(
    open_tab: Callable[..., Watched], tmp_path: Path, picture: Callable[[Watched, str], None]
) -> None:
    one, other = open_tab(), open_tab()
    upload(one, _table(tmp_path / "more.csv", 100_000))
    one.page.get_by_role("heading", name=re.compile("Running|Waiting")).wait_for()
    other.page.goto(one.page.url)
    one.page.get_by_role("button", name="Cancel the job").click()
    # What its button would send: the page itself may have heard of the end already.
    again = "fetch(location.pathname + '/cancel', {method: 'POST'}).then((answer) => answer.status)"
    assert other.page.evaluate(again) == 200
    for tab in (one, other):
        tab.page.get_by_text("This job was cancelled").wait_for()
    picture(one, "job-cancelled")


def test_a_file_that_holds_no_compounds_fails_with_a_sentence(tab: Watched, tmp_path: Path) -> None:
    path = tmp_path / "picture.csv"
    path.write_bytes(b"\x89PNG\r\n" + bytes(range(256)) * 20)
    upload(tab, path)
    tab.page.get_by_role("alert").wait_for(timeout=ENDED)
    told = tab.page.get_by_role("alert").inner_text()
    assert "picture.csv" in told
    assert "/" not in told.replace("picture.csv", "")


def test_no_file_is_said_before_anything_starts(tab: Watched) -> None:
    page = tab.open("/")
    page.get_by_label("Name of a known target").fill("target 1")
    page.locator("label:has(input[value=upload])").click()
    page.get_by_role("button", name="Rank the compounds").click()
    page.get_by_role("alert").wait_for()
    assert "no file is chosen" in page.get_by_role("alert").inner_text()
