"""Small reports and what stands on a page, shared by the tests of the report."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np

from hyperpcm.datasets.splits import make_splits
from hyperpcm.errors import Rejection
from hyperpcm.evaluation.report import (
    CompiledTarget,
    DataSummary,
    RankedCompound,
    ReportInputs,
    ScoredRows,
    SplitSummary,
    TrainingCurve,
)
from hyperpcm.evaluation.results import ResultRow
from small_tables import PKD, random_table

IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"


TRUST = {
    "by_nearest_target": [
        {"from": 0.1, "to": 0.4, "rows": 100, "rmse": 0.9},
        {"from": 0.4, "to": 0.7, "rows": 150, "rmse": 0.5},
        {"from": 0.7, "to": 1.0, "rows": 120, "rmse": 0.3},
    ],
    "by_nearest_compound": [
        {"from": 0.2, "to": 0.5, "rows": 185, "rmse": 0.7},
        {"from": 0.5, "to": 1.0, "rows": 185, "rmse": 0.4},
    ],
    "levels": [{"level": 0.5, "held": 0.52, "width": 0.7}, {"level": 0.8, "held": 0.79, "width": 1.2}],
    "coverage": {
        "held": {"0.8": 0.79, "0.9": 0.9},
        "held_by_bin": {"0.8": [0.75, 0.79, 0.83], "0.9": [0.85, 0.9, 0.95]},
        "width": {"0.8": 1.2, "0.9": 1.6},
        "width_ratio": {"0.8": 0.5, "0.9": 0.5},
        "rmse_by_verdict": {"inside": 0.3, "edge": 0.5, "outside": 0.9},
        "share_by_verdict": {"inside": 0.7, "edge": 0.2, "outside": 0.1},
        "abstain_mse_ratio": 0.4,
    },
    "calibrated_on": {"rows": 500, "targets": 30, "unseen": "target"},
}
"""As ``trust.json`` of a run."""


class Page(HTMLParser):
    """Elements, attributes and text of a page, as a browser would build them."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.pieces = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    handle_startendtag = handle_starttag

    def handle_data(self, data):
        self.pieces.append(data)

    @property
    def tags(self):
        return {tag for tag, _ in self.elements}

    @property
    def attributes(self):
        return [(name, value or "") for _, attributes in self.elements for name, value in attributes.items()]

    @property
    def text(self):
        """All text, white space collapsed."""
        return " ".join(" ".join(self.pieces).split())


def row(model, fold=0, *, mse=0.5, ci=0.7, r=0.4, auroc=None):
    found = {
        "mse": mse,
        "ci": ci,
        "auroc": auroc,
        "auprc": auroc,
        "per_target": {"pearson": r, "auroc": auroc},
    }
    return ResultRow(model, fold, 0, 100, found, 1.0, 80.0)


def full_inputs(quantity=PKD, **changes):
    """A report with every section, of a made-up table."""
    table = random_table(0, compounds=30, targets=24, share=0.9, quantity=quantity)
    split = make_splits(table, "cold_target", folds=3)[0]
    rng = np.random.default_rng(0)
    scores = table.point()[split.test] + rng.normal(scale=0.3, size=split.test.size)
    if quantity.kind == "binary":
        scores = 1 / (1 + np.exp(-scores))
    epochs = [{"epoch": e, "train_loss": 1 / (e + 1), "valid_mse": 0.4 + abs(e - 3) / 10} for e in range(6)]
    values = {
        "title": "A run",
        "data": DataSummary.of(table, {"licence": "CC0"}),
        "split": SplitSummary.of(split),
        "training": TrainingCurve(epochs, "valid_mse", 3, "mse"),
        "results": (row("hyperpcm", mse=0.3, ci=0.8, r=0.7, auroc=0.9), row("additive", auroc=0.7)),
        "test": ScoredRows.of(table, split.test, scores),
        "compiled": CompiledTarget(
            "A kinase",
            "MKVLSLIPE",
            (RankedCompound(IMATINIB, 8.25, "imatinib", 8.0), RankedCompound("CCO", 5.5, "ethanol", 5.0, -1)),
            rejections=(Rejection(4, "C1CC", "PARSE", "this is not valid SMILES."),),
            note="No training target is alike.",
        ),
        "facts": {"version": "0.1.0"},
        "settings": {"model": {"qsar": {"hidden": (256,)}}, "seed": 0},
    }
    return ReportInputs(**(values | changes))
