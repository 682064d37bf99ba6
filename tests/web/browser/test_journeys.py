"""What a chemist does on each page, in a real browser."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable

import pytest

from browsing import Watched
from small_models import QUERY, SMILES, many_smiles

pytestmark = pytest.mark.timeout(240)

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
FEW = f"{ASPIRIN} aspirin\nCCO ethanol\nCn1cnc2c1c(=O)n(C)c(=O)n2C caffeine\nno-structure broken\n"


def choose(tab: Watched, value: str) -> None:
    """Make a choice of one of the rows of round buttons."""
    tab.page.locator(f"label:has(input[value={value}])").click()


def screened(tab: Watched, text: str) -> None:
    """Rank pasted compounds for an unknown protein, up to the table."""
    tab.open("/")
    choose(tab, "sequence")
    tab.page.get_by_label("Amino-acid sequence").fill(f">my protein\n{QUERY}\n")
    tab.page.get_by_label("SMILES, one compound a line").fill(text)
    tab.page.get_by_role("button", name="Rank the compounds").click()
    tab.page.locator("table.hits").wait_for()
    tab.page.wait_for_load_state()


def test_pasted_compounds_are_ranked_with_drawings_intervals_and_reasons(
    tab: Watched, picture: Callable[[Watched, str], None], accessible: Callable[[Watched], None]
) -> None:
    tab.open("/")
    accessible(tab)
    picture(tab, "screen")
    screened(tab, FEW)
    page = tab.page
    scores = [float(text.replace("−", "-")) for text in page.locator("td.score").all_inner_texts()]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert page.locator("td.drawing svg path").count() > 10
    assert page.locator("svg.whisker circle").count() == 3
    assert page.locator(".verdict-mark").count() == 3
    assert "1 row could not be scored" in page.locator("main").inner_text()
    assert "no-structure" in page.locator("section:has(#rejected)").inner_text()
    accessible(tab)
    picture(tab, "result")
    address = page.url
    tab.open("/model")
    page.goto(address)
    assert page.locator("td.score").count() == 3


def test_a_result_is_sorted_filtered_paged_and_downloaded(tab: Watched) -> None:
    compounds = many_smiles(120)
    screened(tab, "".join(f"{smiles} compound {row}\n" for row, smiles in enumerate(compounds)))
    page = tab.page
    assert page.locator("#hits tbody tr").count() == 50
    page.get_by_role("link", name="Next").click()
    page.wait_for_url(re.compile("page=2"))
    page.locator("td.rank", has_text=re.compile(r"^\s*51\s*$")).wait_for()
    head = page.locator("th a", has_text="Rank")
    head.click()
    page.wait_for_url(re.compile("sort=rank|order=down"))
    page.locator("td.rank", has_text="120").first.wait_for()
    page.get_by_label("Name or SMILES contains").fill("compound 11")
    page.get_by_text("pass the filters").wait_for()
    assert page.locator("#hits tbody tr").count() == 11  # 11 and 110 to 119
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download CSV").click()
    with taken.value.path().open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 120
    assert {row["smiles"] for row in rows} == set(compounds)
    for name in ("SDF", "Parquet"):
        with page.expect_download() as taken:
            page.get_by_role("link", name=name).click()
        assert taken.value.path().stat().st_size > 1000


def test_filters_that_nothing_passes_say_so(tab: Watched) -> None:
    screened(tab, FEW)
    tab.page.get_by_label("Name or SMILES contains").fill("nothing is called so")
    tab.page.get_by_text("No compound passes these filters").wait_for()


def test_a_known_target_is_picked_by_its_name_and_the_score_explained(
    tab: Watched, picture: Callable[[Watched, str], None], accessible: Callable[[Watched], None]
) -> None:
    page = tab.open("/")
    page.get_by_label("Name of a known target").fill("target 1")
    page.get_by_label("SMILES, one compound a line").fill(f"{SMILES[2]} paracetamol\n")
    page.get_by_role("button", name="Rank the compounds").click()
    page.locator("table.hits").wait_for()
    page.wait_for_load_state()
    page.get_by_role("link", name="Why?").click()
    page.locator("table.known").wait_for()
    page.wait_for_load_state()
    text = page.locator("main").inner_text()
    assert "target 1" in text
    assert "its own measurements are used" in text
    assert page.locator(".drawn svg").count() == 1
    assert page.locator("table.known tbody tr").count() >= 2
    accessible(tab)
    picture(tab, "evidence")


def test_evidence_is_asked_for_by_a_form_and_has_an_address(
    tab: Watched, accessible: Callable[[Watched], None], picture: Callable[[Watched, str], None]
) -> None:
    page = tab.open("/evidence")
    accessible(tab)
    picture(tab, "evidence-form")
    choose(tab, "sequence")
    page.get_by_label("Amino-acid sequence").fill(QUERY)
    page.locator("#smiles").fill(ASPIRIN)
    page.get_by_role("button", name="Show the evidence").click()
    page.locator("table.known").wait_for()
    page.wait_for_load_state()
    score = page.locator(".big").inner_text()
    tab.page.reload()
    assert page.locator(".big").inner_text() == score


def test_known_targets_that_cannot_be_told_are_missed_with_a_sentence(tab: Watched) -> None:
    tab.page.route("**/*known_targets*", lambda route: route.fulfill(status=429, body="busy"))
    page = tab.open(f"/evidence?known=target 1&smiles={ASPIRIN}")
    page.get_by_text("This could not be told now").wait_for()
    assert page.locator(".big").count() == 1


def test_a_structure_is_drawn_and_becomes_a_smiles(tab: Watched) -> None:
    page = tab.open("/evidence")
    page.locator("#smiles").fill("c1ccccc1O")
    page.get_by_role("button", name="Draw a structure").click()
    page.locator(".editor canvas").first.wait_for()
    page.locator("#smiles").fill("")
    page.get_by_role("button", name="Use this structure").click()
    assert page.locator("#smiles").input_value().replace("=", "").upper().count("C") == 6
    assert "O" in page.locator("#smiles").input_value()


def test_the_editor_is_loaded_only_when_somebody_draws(tab: Watched) -> None:
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    tab.open("/")
    assert not any("openchemlib" in url for url in asked)
    tab.page.get_by_role("button", name="Draw a structure").click()
    tab.page.locator(".editor canvas").first.wait_for()
    assert any("openchemlib" in url for url in asked)


def test_a_compound_is_fished_for_on_a_panel_that_is_compiled_first(
    tab: Watched, picture: Callable[[Watched, str], None], accessible: Callable[[Watched], None]
) -> None:
    page = tab.open(f"/compound?smiles={ASPIRIN}")
    if page.get_by_role("button", name="Compile the panel").count():
        accessible(tab)
        page.get_by_role("button", name="Compile the panel").click()
        page.wait_for_url(re.compile("/compound"))
        tab.open(f"/compound?smiles={ASPIRIN}")
    assert page.locator(".heat li").count() == 5
    scores = [float(text.replace("−", "-")) for text in page.locator(".heat li b").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    assert page.locator("table.panel tbody tr").count() == 5
    accessible(tab)
    picture(tab, "compound")
    page.get_by_role("link", name="Why?").first.click()
    page.locator("table.known").wait_for()
    page.wait_for_load_state()
    tab.open("/compound")
    page.get_by_label("SMILES, one compound a line").fill(FEW)
    page.get_by_role("button", name="Score on the panel").click()
    page.locator("table.matrix").wait_for()
    assert page.locator("table.matrix tbody tr").count() == 5
    assert page.locator(".compared li").count() == 3
    accessible(tab)
    picture(tab, "compounds")


def test_measurements_adapt_a_target_whose_file_is_downloaded_and_screened_with(
    tab: Watched, picture: Callable[[Watched, str], None], accessible: Callable[[Watched], None]
) -> None:
    page = tab.open("/adapt")
    accessible(tab)
    picture(tab, "adapt-form")
    choose(tab, "sequence")
    page.get_by_label("Amino-acid sequence").fill(f">mine\n{QUERY}")
    lines = [f"{smiles},{6 + 0.3 * (row % 5):.2f}" for row, smiles in enumerate(many_smiles(16))]
    page.get_by_label("A compound and a value a line").fill("smiles,pKd\n" + "\n".join(lines))
    page.get_by_role("button", name="Adapt the target model").click()
    page.get_by_role("heading", name="Before and after").wait_for()
    page.locator(".plot .main-svg").first.wait_for()
    assert page.locator(".plot").count() == 2  # and the curve
    assert page.locator("details table tbody tr").count() == 16
    accessible(tab)
    picture(tab, "adapt")
    page.reload()
    assert page.locator("details table tbody tr").count() == 16
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download the adapted target model").click()
    from hyperpcm.checkpoint import load_target_model

    adapted = load_target_model(taken.value.path())
    assert adapted.adaptation is not None
    assert len(adapted.adaptation.measurements) == 16
    page.get_by_role("link", name="Screen with it").click()
    page.get_by_label("SMILES, one compound a line").fill(FEW)
    page.get_by_role("button", name="Rank the compounds").click()
    page.locator("table.hits").wait_for()
    page.wait_for_load_state()
    shown = float(page.locator("tr", has_text="aspirin").locator("td.score").inner_text().replace("−", "-"))
    assert shown == pytest.approx(float(adapted.score([ASPIRIN]).values[0]), abs=0.006)


def test_the_model_tells_what_it_is(
    tab: Watched, picture: Callable[[Watched, str], None], accessible: Callable[[Watched], None]
) -> None:
    page = tab.open("/model")
    assert "What it predicts" in page.locator("main").inner_text()
    assert "5" in page.locator(".tile b").first.inner_text()
    accessible(tab)
    picture(tab, "model")


@pytest.mark.parametrize(
    ("path", "button"), [("/", "Rank the compounds"), ("/evidence", "Show the evidence"), ("/adapt", "Adapt")]
)
def test_an_empty_form_says_what_is_missing_and_keeps_what_was_typed(
    tab: Watched, path: str, button: str, accessible: Callable[[Watched], None]
) -> None:
    page = tab.open(path)
    choose(tab, "sequence")
    page.get_by_label("Amino-acid sequence").fill("THIS IS NO PR0TEIN 123")
    page.get_by_role("button", name=button).click()
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("Amino-acid sequence").input_value() == "THIS IS NO PR0TEIN 123"
    accessible(tab)


def test_what_is_not_there_is_told_on_a_page(tab: Watched, picture: Callable[[Watched, str], None]) -> None:
    page = tab.open("/jobs/00000000000000000000000000000000")
    assert page.locator("h1").inner_text() == "Nothing is here"
    picture(tab, "not-found")


def test_every_page_is_reached_and_left_by_the_keyboard(tab: Watched) -> None:
    page = tab.open("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for name in ("Compound", "Evidence", "Adapt", "Model", "Screen"):
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).focus()
        page.keyboard.press("Enter")
        page.locator("nav [aria-current=page]", has_text=name).wait_for()


@pytest.mark.parametrize("path", ["/", "/compound", "/evidence", "/adapt", "/model"])
def test_nothing_is_wider_than_a_phone(open_tab: Callable[..., Watched], path: str) -> None:
    tab = open_tab(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = tab.open(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_javascript_compounds_are_ranked_filtered_and_explained(
    open_tab: Callable[..., Watched],
) -> None:
    tab = open_tab(java_script_enabled=False)
    screened(tab, FEW)
    page = tab.page
    page.get_by_label("Name or SMILES contains").fill("caffeine")
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("1 of 3 compounds pass the filters").wait_for()
    page.get_by_role("link", name="Why?").click()
    page.get_by_role("link", name="Show them").click()
    page.locator("table.known").wait_for()


def test_without_javascript_a_target_is_adapted_downloaded_and_screened_with(
    open_tab: Callable[..., Watched],
) -> None:
    tab = open_tab(java_script_enabled=False)
    page = tab.open("/adapt")
    choose(tab, "sequence")
    page.get_by_label("Amino-acid sequence").fill(QUERY)
    lines = [f"{smiles} {6 + 0.3 * (row % 5):.2f}" for row, smiles in enumerate(many_smiles(12))]
    page.get_by_label("A compound and a value a line").fill("\n".join(lines))
    page.get_by_role("button", name="Adapt the target model").click()
    page.get_by_role("heading", name="Before and after").wait_for()
    page.get_by_text("The numbers").click()
    assert page.locator("details table tbody tr").count() == 12
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download the adapted target model").click()
    assert taken.value.path().stat().st_size > 1000
    page.get_by_role("link", name="Screen with it").click()
    page.get_by_label("SMILES, one compound a line").fill(FEW)
    page.get_by_role("button", name="Rank the compounds").click()
    page.locator("#hits").wait_for()
