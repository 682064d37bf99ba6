"""The section on mutants: the verdict, figures of new and of known mutants, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.evaluation.report import MutantFindings, render_report
from hyperpcm.evaluation.report.document import report_document
from hyperpcm.evaluation.report.plain import plain_words
from report_pages import Page, full_inputs

FIGURES = {
    "mutants": 9,
    "proteins": 2,
    "differences": 1234,
    "compounds": 40,
    "pearson": 0.125,
    "spearman": -0.25,
    "mean_pearson": None,
    "sign_agreement": 0.625,
    "clear": 64,
    "rmse": 0.75,
    "no_change_rmse": 0.7,
    "interval": (-0.05, 0.3),
    "random_pearson": 0.1,
    "gain": 0.025,
    "gain_interval": (-0.1, 0.1),
    "among": 0.05,
    "among_interval": (-0.2, 0.25),
    "among_mutants": 8,
}


def findings(**changed) -> MutantFindings:
    generator = np.random.default_rng(0)
    values = {
        "verdict": "cannot_tell",
        "says": "The model cannot tell mutants apart: <made up>.",
        "new": FIGURES,
        "known": FIGURES | {"mutants": 3, "interval": None, "pearson": 0.987},
        "measured": generator.normal(size=20),
        "predicted": generator.normal(size=20),
        "is_new": np.arange(20) < 12,
    }
    return MutantFindings(**(values | changed))


def test_the_verdict_and_both_columns_stand_on_the_page():
    page = Page(render_report(full_inputs(mutants=findings())))
    assert "The model cannot tell mutants apart: <made up>." in page.text
    assert "9 of 2 wild types 3 of 2 wild types" in page.text
    assert "0.12 (−0.05 to 0.30) 0.99" in page.text
    assert "mean r within a mutant – –" in page.text
    assert "r among mutants of one protein 0.05 (−0.20 to 0.25)" in page.text
    assert "62.5 % of 64" in page.text
    assert ("href", "#mutants") in page.attributes
    assert ("id", "mutants") in page.attributes


def test_only_new_mutants_make_one_column():
    page = Page(render_report(full_inputs(mutants=findings(known=None))))
    assert "mutants new to the model mutants 9 of 2 wild types differences 1,234" in page.text


def test_the_plot_says_what_it_shows_in_the_colours_of_the_page():
    text = render_report(full_inputs(mutants=findings()))
    assert "Measured against predicted changes of 20 compounds on mutants." in text
    section = text[text.index('<section id="mutants">') :]
    section = section[: section.index("</section>")]
    assert "var(--first)" in section
    assert "var(--second)" in section


@pytest.mark.parametrize(
    "mutants", [None, findings(measured=np.zeros(0), predicted=np.zeros(0), is_new=np.zeros(0, bool))]
)
def test_without_differences_there_is_no_plot_and_without_mutants_no_section(mutants):
    text = render_report(full_inputs(mutants=mutants))
    assert ('<section id="mutants">' in text) == (mutants is not None)
    assert "changes of 0 compounds" not in text


@pytest.mark.parametrize(("verdict", "is_good"), [("can_tell", True), ("cannot_tell", False)])
def test_the_verdict_is_one_of_the_plain_words(verdict, is_good):
    found = plain_words(full_inputs(mutants=findings(verdict=verdict)))
    assert ("The model cannot tell mutants apart: <made up>." in found.can) is is_good
    assert ("The model cannot tell mutants apart: <made up>." in found.cannot) is not is_good


def test_where_there_are_no_mutants_words_alone_say_so():
    nothing = np.zeros(0)
    found = findings(
        verdict="untested",
        says="Untested: the data hold 0 mutants.",
        new=None,
        known=None,
        measured=nothing,
        predicted=nothing,
        is_new=nothing > 0,
    )
    page = Page(render_report(full_inputs(mutants=found)))
    assert "Do not ask it what a mutation changes. Untested: the data hold 0 mutants." in page.text
    assert ("id", "mutants") not in page.attributes


def test_the_json_holds_the_figures_and_the_differences():
    record = report_document(full_inputs(mutants=findings()))["mutants"]
    assert record["new"]["interval"] == [-0.05, 0.3]
    assert len(record["measured"]) == len(record["predicted"]) == 20
