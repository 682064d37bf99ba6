from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hyperpcm.chem import depict_svg
from hyperpcm.datasets import Quantity, load
from hyperpcm.errors import OutputError, Rejection
from hyperpcm.evaluation.report import (
    CompiledTarget,
    DataSummary,
    RankedCompound,
    ReportInputs,
    ScoredRows,
    SplitSummary,
    TrainingCurve,
    render_report,
    write_report,
)
from report_pages import IMATINIB, Page, full_inputs, row
from small_tables import CLASSES, PKD, table

HOSTILE = (
    "</title></style></svg>--><script>alert(1)</script><img src=x onerror=alert(1)>"
    "\"' {{ 7*7 }} {% x %} &amp; $\\frac{"
)


def hostile_inputs():
    """Every text that comes from outside is hostile."""
    quantity = Quantity(HOSTILE, HOSTILE, active_at=7.0)
    interactions = table([0, 1, 2] * 4, [0] * 12, np.arange(12) / 4 + 5, quantity=quantity)
    description = interactions.describe() | {"notes": [HOSTILE], "fingerprint": HOSTILE}
    refused = (Rejection(0, HOSTILE, HOSTILE, HOSTILE),)
    found = {"test_in_seen": {"rows": 0, "compounds": 0, "targets": 0}}
    side = {"rows": 1, "compounds": 1, "targets": 1, "censored": 0.0, "active": None}
    near = {"examined": 1, "of": 2, "mean": 0.5, "shares": {HOSTILE: 0.5}}
    return ReportInputs(
        title=HOSTILE,
        data=DataSummary(quantity, description, refused, {HOSTILE: HOSTILE}, interactions.values),
        split=SplitSummary(HOSTILE, 0, 5, 0, HOSTILE, found | {"test": side, "nearest_target": near}),
        training=TrainingCurve([{"epoch": 0, "train_loss": 1.0, HOSTILE: 1.0}], HOSTILE, 0, HOSTILE),
        results=(row(HOSTILE), row("additive")),
        model=HOSTILE,
        test=ScoredRows(
            interactions.values,
            interactions.values,
            interactions.target_index,
            (HOSTILE,),
            None,
            np.zeros(12, dtype=int),
            (HOSTILE,),
        ),
        trust={"no_intervals": HOSTILE},
        compiled=CompiledTarget(
            HOSTILE, HOSTILE, (RankedCompound(HOSTILE, 1.0, HOSTILE),), 1, refused, HOSTILE
        ),
        facts={HOSTILE: HOSTILE},
        settings={HOSTILE: {HOSTILE: HOSTILE}},
        warnings=(HOSTILE,),
    )


def test_the_page_fetches_nothing_and_runs_nothing():
    text = render_report(full_inputs())
    page = Page(text)
    active = {"script", "link", "img", "image", "iframe", "object", "embed", "base", "form", "video", "audio"}
    assert not page.tags & (active | {"foreignobject", "feimage", "animate"})
    for name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("href", "src", "xlink:href", "srcset", "action", "data"):
            assert value.startswith("#")
    assert not re.search(r"@import|url\((?!#)|javascript:", text)
    assert any(policy.get("content", "").startswith("default-src 'none'") for _, policy in page.elements)


def test_identifiers_are_unique_and_every_reference_has_its_place():
    page = Page(render_report(full_inputs()))
    identifiers = Counter(value for name, value in page.attributes if name == "id")
    assert [name for name, number in identifiers.items() if number > 1] == []
    targets = [value[1:] for name, value in page.attributes if name in ("href", "xlink:href")]
    clips = re.findall(r"url\(#([^)]*)\)", " ".join(value for _, value in page.attributes))
    assert set(targets) | set(clips) <= set(identifiers)
    assert {"results", "test", "compiled", "data", "split", "training", "run"} <= set(targets)


def test_every_section_shows_its_facts():
    text = Page(render_report(full_inputs())).text
    for expected in (
        "hyperpcm is better than every null evaluated here in MSE, CI and r per target.",
        "licence CC0",
        "epoch kept 3",
        "9 residues. No training target is alike.",
        "1. imatinib score 8.25 measured 8.00",
        "2. ethanol score 5.50 measured < 5.00",
        "Compounds that could not be used: 1 (PARSE 1)",
        "C1CC PARSE this is not valid SMILES.",
        "model.qsar.hidden 256",
        "version 0.1.0",
    ):
        assert expected in text


def test_compounds_are_drawn_in_the_page():
    assert depict_svg(IMATINIB, width=240, height=168) in render_report(full_inputs())


def test_text_from_outside_stays_text_in_every_place():
    page = Page(render_report(hostile_inputs()))
    assert not page.tags & {"script", "img"}
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "49" not in re.findall(r"\{\{ 7\*7 \}\}|\b49\b", page.text)
    # title twice, warning, name and unit, row of the table, note, fingerprint, licence, facts, settings …
    assert page.text.count("<script>alert(1)</script>") >= 25
    assert "cannot be drawn" in page.text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet=st.characters(), min_size=1, max_size=60))
def test_any_text_becomes_a_page_of_the_same_shape(text):
    def inputs(value):
        data = DataSummary(Quantity(value, value), {"notes": [value]}, (Rejection(0, value, value, value),))
        return ReportInputs(value, data, warnings=(value,), facts={value: value})

    page = render_report(inputs(text))
    page.encode("utf-8")
    assert [tag for tag, _ in Page(page).elements] == [
        tag for tag, _ in Page(render_report(inputs("x"))).elements
    ]


def test_what_no_page_may_hold_is_replaced():
    page = render_report(ReportInputs("a\x00b\x1bc\ud800d", DataSummary(PKD)))
    assert "a\ufffdb\ufffdc\ufffdd" in page
    assert "\x00" not in page.encode().decode()


def test_equal_inputs_give_equal_pages_in_another_process():
    code = "from report_pages import full_inputs\nfrom hyperpcm.evaluation.report import render_report\n"
    code += "import hashlib; print(hashlib.sha256(render_report(full_inputs()).encode()).hexdigest())"
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={
                "PATH": "",
                "PYTHONPATH": ":".join(sys.path),
                "PYTHONHASHSEED": seed,
                "MPLCONFIGDIR": "/nowhere",
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert len(found.pop().strip()) == 64


def test_an_empty_run_says_what_is_missing():
    text = Page(render_report(ReportInputs("Nothing yet", DataSummary(PKD)))).text
    for expected in (
        "This run has not been evaluated.",
        "No scores of a test side were given.",
        "The data were not split.",
        "No learning curve was given.",
        "Neither facts about the run nor its settings were given.",
    ):
        assert expected in text
    assert "An unseen target" not in text


def test_an_interrupted_run_says_so_at_the_top():
    inputs = full_inputs(
        warnings=("Training stopped after 1 of 6 epochs.",),
        results=(),
        test=None,
        training=TrainingCurve([], "valid_mse"),
    )
    text = Page(render_report(inputs)).text
    assert text.index("Training stopped after 1 of 6 epochs.") < text.index("Is it better than knowing less?")
    assert "No epoch was finished." in text


def test_a_binary_quantity_is_judged_by_classes():
    text = Page(render_report(full_inputs(CLASSES))).text
    assert "probability of being active" in text
    assert "AUROC per target" in text
    assert "measured active" in text
    assert "ρ" not in text


def test_many_refused_rows_are_counted_and_the_first_are_listed():
    refused = tuple(Rejection(i, f"bad{i}", "PARSE" if i % 3 else "EMPTY", "why") for i in range(300))
    text = Page(render_report(ReportInputs("x", DataSummary(PKD, rejections=refused)))).text
    assert "Rows that could not be used: 300 (PARSE 200, EMPTY 100)" in text
    assert "bad19" in text
    assert "bad20" not in text
    assert "… and 280 more." in text


def test_only_the_best_compounds_are_drawn_and_all_are_counted():
    compounds = tuple(RankedCompound("C" * (i + 1), 9 - i / 10, f"name{i}") for i in range(40))
    text = Page(render_report(full_inputs(compiled=CompiledTarget("T", "MKV", compounds)))).text
    assert "Scored: 40 compounds. Drawn, best first: 24, of which with a measured label: 0." in text
    assert "name23" in text
    assert "name24" not in text


def test_a_report_is_not_written_over_another_unless_told_to(tmp_path):
    path = tmp_path / "report.html"
    write_report(ReportInputs("first", DataSummary(PKD)), path)
    with pytest.raises(OutputError):
        write_report(ReportInputs("second", DataSummary(PKD)), path)
    assert "first" in path.read_text(encoding="utf-8")
    write_report(ReportInputs("second", DataSummary(PKD)), path, overwrite=True)
    assert "second" in path.read_text(encoding="utf-8")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["report.html", "report.json"]


def test_importing_the_report_brings_no_heavy_library():
    code = "import sys, hyperpcm.evaluation.report; "
    code += "print([m for m in ('torch', 'matplotlib', 'rdkit', 'sklearn', 'pyarrow') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.mirror
def test_a_report_of_real_data_is_one_small_file(mirror, monkeypatch, tmp_path):
    monkeypatch.setenv("HYPERPCM_MIRROR", str(mirror))
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "cache"))
    interactions = load("kiba_sample")
    rows = np.arange(len(interactions))
    sums = np.bincount(interactions.compound_index, interactions.values)
    scores = (sums / np.bincount(interactions.compound_index))[interactions.compound_index]
    compounds = tuple(RankedCompound(smiles, 11.0) for smiles in interactions.compounds)
    inputs = full_inputs(
        data=DataSummary.of(interactions),
        test=ScoredRows.of(interactions, rows, scores),
        compiled=CompiledTarget(interactions.target_names[0], interactions.targets[0], compounds),
    )
    write_report(inputs, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(page) < 2_000_000
    assert "5,000" in Page(page).text
    assert page.count('aria-label="Structure of rank') == 24 + 4 * 4
