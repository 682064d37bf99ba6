"""The records of data sets that this program cannot download: a copy of one's own is given to it once."""

from __future__ import annotations

from types import MappingProxyType

from hyperpcm.datasets.dataset_record import DatasetRecord, LocalSource
from hyperpcm.datasets.interactions import Quantity

__all__ = ["CHEMBL_QUANT", "LENSELINK"]

# Active is *above* 6.5: the next number that a float32 label can hold.
_ABOVE_6_5 = 6.500000476837158

LENSELINK = DatasetRecord(
    name="lenselink",
    title="ChEMBL 20 bioactivities of Lenselink et al. with published folds and years; give your own copy",
    quantity=Quantity("pChEMBL", "-log10(M)", active_at=_ABOVE_6_5),
    # Source: Lenselink et al. 2017, abstract and data section.
    interactions=314767,
    compounds=204085,
    targets=1227,
    licence="not stated here: see where it is published; data derived from ChEMBL 20 (CC BY-SA 3.0)",
    citation="Lenselink et al. 2017, J Cheminform 9:45, doi:10.1186/s13321-017-0232-0",
    pitfalls=(
        "It cannot be downloaded by this program, so its numbers were never measured here: counts are those "
        "of the paper, and only the layout of the table is checked.",
        "The reference convention is: part 8 validates, part 9 tests, the other eight train "
        "(split published_folds with column = random, lpo or lcco, fold 0).",
        "The temporal split trains before 2012, validates on 2012 and tests on what follows "
        "(split temporal with valid_from = 2012 and test_from = 2013).",
        "Leaving out proteins at random (lpo) leaves orthologues on both sides; look at the audit.",
        "Published folds divide the rows of the table: load with merge=False.",
    ),
    files=MappingProxyType({}),
    local=LocalSource(
        published=(
            "4TU.ResearchData, https://doi.org/10.4121/uuid:547e8014-d662-4852-9840-c1ef065d03ef "
            "(this address was not verified)"
        ),
        accepted=(
            "one table as CSV, TSV or Parquet, or a pickled pandas frame, with the columns MID, Molecule "
            "(SMILES), PID, Protein (sequence), Bioactivity and, if there, Year, random, lpo and lcco"
        ),
        files=MappingProxyType({"table": "table"}),
    ),
)

CHEMBL_QUANT = DatasetRecord(
    name="chembl_quant",
    title="Quantitative pChEMBL of later ChEMBL releases: the future of chembl20; give your own copy",
    quantity=Quantity("pChEMBL", "-log10(M)", active_at=6.5),
    interactions=185955,
    compounds=97175,
    targets=912,
    licence="data CC BY-SA 3.0 (ChEMBL, EMBL-EBI)",
    citation=(
        "Wu et al. 2018, Chem Sci 9:513 (MoleculeNet, ChEMBL 22); "
        "Rifaioglu et al. 2021, Bioinformatics 37:693 (MDeePred, ChEMBL 25); Bento et al. 2014 (ChEMBL)"
    ),
    pitfalls=(
        "after_chembl20 marks compounds that ChEMBL 20 did not hold: 72,032 readable pairs of 55,492 "
        "compounds and 600 targets. It is a forward-in-time test (split forward) for what was fitted to the "
        "others or to chembl20.",
        "62 % of its pairs are in chembl20 as bins: never train on one and test on the other but for "
        "after_chembl20.",
        "Ki, Kd, IC50 and EC50 are pooled; repeats are medians over sources. 255 values sit at the lower end "
        "4.0 and 83 at the upper end 11.0.",
        "fold_lpo divides targets at random and leaves orthologues on both sides; fold_lpo_cluster does not "
        "at 40 % identity. In both, -1 is a target that chembl20 lacks.",
    ),
    files=MappingProxyType({}),
    local=LocalSource(
        published=(
            "made of deepchem's chembl_5thresh and year sets and of MDeePred's comp_targ_affinity.csv; "
            "the joined tables are not published"
        ),
        accepted=(
            "a folder with compounds.parquet (compound_id, smiles), targets.parquet (target_id, sequence) "
            "and interactions.parquet (compound_id, target_id, value, after_chembl20 and other fold columns)"
        ),
        files=MappingProxyType(
            {
                "compounds": "compounds.parquet",
                "targets": "targets.parquet",
                "interactions": "interactions.parquet",
            }
        ),
    ),
)
