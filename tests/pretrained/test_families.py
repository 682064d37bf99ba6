"""The family of a protein by its name."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from hyperpcm.datasets.catalog import DATASETS
from hyperpcm.pretrained.families import FAMILIES, family_of

TABLES = Path(__file__).resolve().parents[2] / "benchmarks" / "families"


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Tyrosine-protein kinase ABL", "protein kinases"),
        ("Epidermal growth factor receptor erbB1", "protein kinases"),
        ("G-protein coupled receptor kinase 2", "protein kinases"),
        ("PI3-kinase p110-alpha subunit", "kinases of lipids and small molecules"),
        ("Urokinase-type plasminogen activator", "proteases"),
        ("Urokinase plasminogen activator surface receptor", "proteases"),
        ("Receptor-type tyrosine-protein phosphatase beta", "protein phosphatases"),
        ("Fructose-1,6-bisphosphatase", "other enzymes"),
        ("Adenosine A2a receptor", "G protein-coupled receptors"),
        ("Serotonin 2a (5-HT2a) receptor", "G protein-coupled receptors"),
        ("Serotonin transporter", "transporters"),
        ("Glutamate [NMDA] receptor subunit epsilon 2", "ion channels"),
        ("Metabotropic glutamate receptor 5", "G protein-coupled receptors"),
        ("Thyroid hormone receptor alpha", "nuclear receptors"),
        ("Parathyroid hormone receptor", "G protein-coupled receptors"),
        ("Carbonic anhydrase II", "carbonic anhydrases"),
        ("Cytochrome P450 3A4", "cytochromes P450"),
        ("Histone deacetylase 6", "enzymes and readers of histones"),
        ("Thrombin", "proteases"),
        ("Dihydrofolate reductase", "other enzymes"),
        ("Tubulin beta chain", "other proteins"),
        ("", "other proteins"),
    ],
)
def test_the_words_of_a_name_tell_its_family(name: str, family: str):
    assert family_of(name) == family


@pytest.mark.parametrize("data", ["chembl20", "chembl"])
def test_the_committed_table_is_what_the_rules_say(data: str):
    with (TABLES / f"{data}.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["target"]) for row in rows] == list(range(DATASETS[data].targets))
    assert all(row["family"] == family_of(row["described"]) for row in rows)
    counted = Counter(row["family"] for row in rows)
    assert set(counted) == set(FAMILIES)
    assert counted["other proteins"] < 0.15 * len(rows)
