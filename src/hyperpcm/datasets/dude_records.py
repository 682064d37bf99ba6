"""The two records of DUD-E: all of it, and all actives with ten decoys each."""

from __future__ import annotations

import dataclasses

from hyperpcm.datasets.dataset_record import DatasetRecord
from hyperpcm.datasets.interactions import Quantity
from hyperpcm.datasets.pinned_list import PinnedList

__all__ = ["DUDE", "DUDE_SMALL"]

_ORIGIN = (
    "https://raw.githubusercontent.com/ml-jku/hyper-dti/d90e5131af5a4add6b03fa31f03b8911b132e3fa"
    "/hyper_dti/data/DUDE/raw"
)

DUDE = DatasetRecord(
    name="dude",
    title="DUD-E: actives of 102 proteins and about 62 presumed inactives (decoys) for each",
    quantity=Quantity("activity", "", kind="binary"),
    interactions=1434015,
    compounds=1196093,
    targets=102,
    licence="MIT (the repository it is kept in); DUD-E itself states none",
    citation=(
        "Mysinger et al. 2012, J Med Chem 55:6582, doi:10.1021/jm300687e; sequences and folds: "
        "Zheng et al. 2020 (DrugVQA), Nat Mach Intell 2:134, doi:10.1038/s42256-020-0152-y"
    ),
    pitfalls=(
        "Decoys are presumed inactive, not measured: compounds of ZINC that resemble the actives in bulk "
        "properties and differ from them in topology.",
        "Because decoys were chosen by that rule, a model that never sees the protein tells them from "
        "actives. Print ligand-only and nearest-neighbour rows beside every result.",
        "Actives and decoys are written in two dialects of SMILES: charges, order of atoms, ring numbers. "
        "A character model on the published strings reads the label off the spelling; here they are "
        "standardised first (the baseline raw_string shows what the spelling gives away).",
        "Test folds divide targets, not compounds: many decoys serve targets of several folds. Families "
        "are kept together only roughly.",
        "Sequences are the chains of the crystal structures: often a catalytic domain, a fusion or another "
        "species.",
        "The published training folds, a sample of the decoys, are lost with files their origin lacks; all "
        "rows of the training targets stand in for them.",
    ),
    files=PinnedList("dude_files.tsv", _ORIGIN),
)

DUDE_SMALL = dataclasses.replace(
    DUDE,
    name="dude_small",
    title="DUD-E with ten decoys for each active, drawn by hash: the same questions at a sixth of the cost",
    interactions=250855,
    compounds=240240,
    pitfalls=(
        "Ten decoys for each active instead of about 62, those with the lowest sha256 of target and SMILES: "
        "enrichment factors are bounded by 11 and not comparable with the whole set; AUROC and ROC "
        "enrichment are.",
        *DUDE.pitfalls,
    ),
    kept_with="dude",
)
