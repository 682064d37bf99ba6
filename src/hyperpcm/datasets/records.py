"""The records of the catalog: for each data set its pinned files, meaning, licence, citation and pitfalls."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from hyperpcm.datasets.dataset_record import DatasetRecord
from hyperpcm.datasets.dude_records import DUDE, DUDE_SMALL
from hyperpcm.datasets.interactions import Quantity
from hyperpcm.datasets.local_records import CHEMBL_QUANT, LENSELINK
from hyperpcm.public_files.pinned import PinnedFile

__all__ = ["DATASETS", "DatasetRecord"]


_DEEP_DTA = "https://raw.githubusercontent.com/hkmztrk/DeepDTA/a546a8433a6822e958f36171c4356ad6f414d623/data"
_E3FP = "https://raw.githubusercontent.com/keiserlab/e3fp-paper/2651410e4dd02f6bbeb83c9d8de85eac421052d3/project/data"
_MDEEPRED = (
    "https://raw.githubusercontent.com/cansyl/MDeePred/98203f83d2687e790d7429bc9a11fd93cd6e067e"
    "/training_files/kinome/helper_files"
)
_WHEELS = "https://files.pythonhosted.org/packages"

_DEEP_DTA_PAPER = "Öztürk et al. 2018, Bioinformatics 34:i821, doi:10.1093/bioinformatics/bty593"

_DAVIS = DatasetRecord(
    name="davis",
    title="Kinase inhibitor selectivity: Kd of 68 inhibitors against 442 kinase constructs",
    quantity=Quantity("pKd", "-log10(M)", active_at=7.0),
    interactions=30056,
    compounds=68,
    targets=379,
    licence="not stated by the origin (supplementary data of Davis et al. 2011)",
    citation=f"Davis et al. 2011, Nat Biotechnol 29:1046, doi:10.1038/nbt.1990; folds: {_DEEP_DTA_PAPER}",
    pitfalls=(
        "69.6 % of the labels are the floor: Kd = 10,000 nM means that no binding was seen up to there. "
        "They are "
        "read as '<' (pKd below 5); pooled MSE and concordance are dominated by them.",
        "442 target names are 379 sequences: mutants, phosphorylation states and domains of one kinase "
        "share one. "
        "A model of the sequence cannot tell them apart (irreducible MSE 0.03), and cold targets must be "
        "grouped "
        "by sequence.",
        "929 of the 5,010 published test pairs have the same compound and sequence in training. The "
        "published "
        "folds are warm on both sides and apply to the unmerged table only (merge=False).",
        "68 compounds are few: in a cold-compound split the noise between folds exceeds most published "
        "gains.",
        "Other copies under this name differ (that of TDC has other rows).",
        "One sequence (TESK1) holds X.",
    ),
    files=MappingProxyType(
        {
            "affinities": PinnedFile(
                f"{_DEEP_DTA}/davis/drug-target_interaction_affinities_Kd__Davis_et_al.2011v1.txt",
                "e2c3d003d49aff61f70be24feafd8d084b0df9404d919338088855828e252d88",
                164306,
            ),
            "compounds": PinnedFile(
                f"{_DEEP_DTA}/davis/ligands_can.txt",
                "141094d99510a52091d2ea1b05be7c1f66b2c5fcaeeeb261eaf4cbf2128bde6d",
                5306,
            ),
            "targets": PinnedFile(
                f"{_DEEP_DTA}/davis/proteins.txt",
                "187cedeee10cd3b58af915a2861a5ed0c4ff42a2d728f4dea5e0b47e3d75b291",
                355211,
            ),
            "test_fold": PinnedFile(
                f"{_DEEP_DTA}/davis/folds/test_fold_setting1.txt",
                "c97589fa2fae318b01870854af0ab6fdd155dd38524cc6ac1d0319418ac6d568",
                33252,
            ),
            "train_folds": PinnedFile(
                f"{_DEEP_DTA}/davis/folds/train_fold_setting1.txt",
                "bb7a63b2178c40a4e2417bc701b95511407787fa5eabb6a43a695fe6bd722f56",
                166040,
            ),
        }
    ),
)

_DAVIS_MUTANTS = dataclasses.replace(
    _DAVIS,
    name="davis_mutants",
    title="Davis with the substitutions in the names of its mutants made in their sequences",
    interactions=29376,
    targets=418,
    pitfalls=(
        "The published files give every mutant the sequence of its wild type. Here the substitutions that a "
        "name tells are made, in EGFR, KIT, FLT3, BRAF, LRRK2 and MET as numbered there, in ABL1 and PIK3CA "
        "at the one shift with which all of them fit.",
        "Left out, as the sequence cannot be made: five deletions in EGFR and the duplication in FLT3; the "
        "mutants of RET and FGFR3, whose published sequences do not reach that far.",
        "Phosphorylated forms and domains of one kinase still share a sequence and are merged.",
        "A division by targets leaves a mutant and its wild type on two sides: that makes the test of "
        "mutants possible, and everything else look easier than for new proteins. Compare models on davis.",
    ),
    kept_with="davis",
)

_KIBA_QUANTITY = Quantity("KIBA score", "", active_at=12.1)

_KIBA = DatasetRecord(
    name="kiba",
    title="Kinase inhibitors: one score from Ki, Kd and IC50, 2,111 compounds against 229 kinases",
    quantity=_KIBA_QUANTITY,
    interactions=118254,
    compounds=2065,
    targets=229,
    licence="not stated by the origin (data of Tang et al. 2014, filtered by He et al. 2017)",
    citation=(
        "Tang et al. 2014, J Chem Inf Model 54:735, doi:10.1021/ci400709d; "
        f"He et al. 2017, J Cheminform 9:24, doi:10.1186/s13321-017-0209-z; folds: {_DEEP_DTA_PAPER}"
    ),
    pitfalls=(
        "A composite of several kinds of measurement, transformed so that higher is stronger; it is no "
        "concentration.",
        "2,111 compound names are 2,068 structures (2,065 once neutralised): the file of SMILES that the "
        "published work reads holds no stereo, so stereoisomers share one entry.",
        "One value is exactly 0 and seven are below 5, in a distribution around 11.7: they inflate "
        "squared errors.",
        "Kinases only; 24.5 % of the matrix is measured; the published folds are warm on both sides and "
        "apply to "
        "the unmerged table only (merge=False).",
    ),
    files=MappingProxyType(
        {
            "affinities": PinnedFile(
                f"{_DEEP_DTA}/kiba/kiba_binding_affinity_v2.txt",
                "0b062d3f51e80b63acda95bcc6364cacafa744d1dcd2d97293ccc878540b5732",
                2864308,
            ),
            "compounds": PinnedFile(
                f"{_DEEP_DTA}/kiba/ligands_can.txt",
                "a95797abaf31b17bd2471dbf3e3476f588d5a79797903cc156528f66e55c963b",
                165908,
            ),
            "targets": PinnedFile(
                f"{_DEEP_DTA}/kiba/proteins.txt",
                "2ba9dbc2959d88b0740aaf28828c4c611c2dbd1c2019547eb2ec1c3daa192604",
                170137,
            ),
            "test_fold": PinnedFile(
                f"{_DEEP_DTA}/kiba/folds/test_fold_setting1.txt",
                "92801eec2caddf950235c6c6a46d999d2eeeaa6d35cbeffd68c72a5cf54b208d",
                139047,
            ),
            "train_folds": PinnedFile(
                f"{_DEEP_DTA}/kiba/folds/train_fold_setting1.txt",
                "da74eeeb2c3e7d52a2fd6daac0dc105bba097c222337230eec69d9fd7e1c301e",
                695885,
            ),
        }
    ),
)

_CHEMBL20 = DatasetRecord(
    name="chembl20",
    title="ChEMBL 20 binding data of single proteins, affinity in bins of one log unit",
    quantity=Quantity("pChEMBL", "-log10(M)", active_at=7.0, bin_width=1.0),
    interactions=464109,
    compounds=286506,
    targets=1923,
    licence="data CC BY-SA 3.0 (ChEMBL, EMBL-EBI); the repositories' code licences do not cover it",
    citation=(
        "Axen et al. 2017, J Med Chem 60:7393, doi:10.1021/acs.jmedchem.7b00696; "
        "Bento et al. 2014, Nucleic Acids Res 42:D1083 (ChEMBL); "
        "sequences as kept by Rifaioglu et al. 2021, Bioinformatics 37:693 (MDeePred)"
    ),
    pitfalls=(
        "Affinity is known as a bin only: 5 means between 5 and 6, up to '>' 10. Thresholds other than a "
        "whole "
        "number cannot be expressed; nothing weaker than 10 µM is in it.",
        "Ki, Kd, IC50 and EC50 are pooled.",
        "A random split over targets leaks: 25 % of the targets (42 % of the rows) have a relative of 90 % "
        "identity in another part (orthologues), 72 % (88 %) one of 40 %. Split by homology clusters.",
        "Structures are neutralised protomers, not ChEMBL's own SMILES; several identifiers can become one.",
        "Only targets with exactly one sequence are kept, in any organism; 689 of them have 100 rows or "
        "more, "
        "many have very few.",
        "It shares 62 % of the pairs of later ChEMBL extracts: never train on one and test on the other "
        "unfiltered.",
    ),
    files=MappingProxyType(
        {
            "binding": PinnedFile(
                f"{_E3FP}/chembl20_binding_targets.csv.bz2",
                "c3e6820de19a061027868540ef862ed5eb9fefea241d31e36b5ea5551d2ce6f3",
                2431152,
            ),
            "smiles": PinnedFile(
                f"{_E3FP}/chembl20_proto_smiles.smi.bz2",
                "d98a25129f1af0d13cf39275d491a29d641dc6b94860b3258367d2f4549491e0",
                3449113,
            ),
            "sequences": PinnedFile(
                f"{_MDEEPRED}/chembl_25.fa.gz",
                "685581b66c0e8f7601c7c81a46477e885d69133b11599daf67e93c8e6ef695e3",
                3220220,
            ),
        }
    ),
)

_CHEMBL = DatasetRecord(
    name="chembl",
    title="ChEMBL 20 and later, values where there are some and bins elsewhere; give a copy of chembl_quant",
    quantity=_CHEMBL20.quantity,
    interactions=549594,
    compounds=345113,
    targets=1989,
    licence=CHEMBL_QUANT.licence,
    citation=f"{_CHEMBL20.citation}; {CHEMBL_QUANT.citation}",
    pitfalls=(
        "96,628 pairs have a bin in chembl20 and a value in chembl_quant: the value is kept. 1,459 of them, "
        "whose value is more than one log unit away from the bin, are left out.",
        "after_chembl20 marks the rows of compounds that ChEMBL 20 did not hold (split forward): all of them "
        "values. The known side holds bins and values.",
        "Compounds that chembl20 holds as another tautomer or protomer than chembl_quant are two here.",
        *_CHEMBL20.pitfalls[:5],
    ),
    files=MappingProxyType({}),
    made_of=("chembl20", "chembl_quant"),
)

_KIBA_SAMPLE = DatasetRecord(
    name="kiba_sample",
    title="5,000 interactions of KIBA, for a machine that reaches only the package index",
    quantity=_KIBA_QUANTITY,
    interactions=5000,
    compounds=458,
    targets=189,
    licence="MIT (wheel pydebiaseddta 0.1.0); the terms of the data itself are not stated",
    citation=f"Özçelik et al. 2022, DebiasedDTA, arXiv:2107.05556; {_KIBA.citation}",
    pitfalls=(
        "A sample for trying things out: too small and too warm to compare methods on.",
        *_KIBA.pitfalls[:1],
        "The wheel is read as a ZIP file and never installed.",
    ),
    files=MappingProxyType(
        {
            "wheel": PinnedFile(
                f"{_WHEELS}/3c/80/d77854ce82910c80cc07143365900ffe2d217d86a7ea23f7cd0a6a7a5d40"
                "/pydebiaseddta-0.1.0-py3-none-any.whl",
                "e8a0ff0da4113fd0f0268d63e0f4095e98a4238be3695e1e979269ccc52e7fe4",
                1726524,
                requirement="pydebiaseddta==0.1.0",
            )
        }
    ),
)

_BINDINGDB_SAMPLE = DatasetRecord(
    name="bindingdb_sample",
    title="5,000 Kd of BindingDB, for a machine that reaches only the package index",
    quantity=Quantity("pKd", "-log10(M)", active_at=7.0),
    interactions=5000,
    compounds=443,
    targets=388,
    licence="MIT (wheel pydta 0.0.3); the terms of BindingDB apply to the data (attribution)",
    citation=(
        "Özçelik et al. 2021, ChemBoost, Mol Inform 40:2000212; "
        "Gilson et al. 2016, Nucleic Acids Res 44:D1045 (BindingDB)"
    ),
    pitfalls=(
        "A sample for trying things out: too small and too warm to compare methods on.",
        "64 % of the values are exactly 5.0: Kd = 10,000 nM, the floor of the kinase panels that make up "
        "most of "
        "it. The file does not say which of them are '>', so all are read as '<' (pKd below 5).",
        "It names neither compounds nor targets; they are numbered in order of appearance.",
        "The wheel is read as a ZIP file and never installed.",
    ),
    files=MappingProxyType(
        {
            "wheel": PinnedFile(
                f"{_WHEELS}/80/16/dfd53d09b537174b16cf25db6aca2a9f989638f992ab1ead7fb024c6e480"
                "/pydta-0.0.3-py3-none-any.whl",
                "d117fafe315ca5d63e42d588ccbb9b0c7d2097db85148a4abc1f4ac8e35a2df9",
                2291156,
                requirement="pydta==0.0.3",
            )
        }
    ),
)

DATASETS: Mapping[str, DatasetRecord] = MappingProxyType(
    {
        one.name: one
        for one in (
            _DAVIS,
            _KIBA,
            _DAVIS_MUTANTS,
            _CHEMBL20,
            CHEMBL_QUANT,
            _CHEMBL,
            LENSELINK,
            DUDE,
            DUDE_SMALL,
            _KIBA_SAMPLE,
            _BINDINGDB_SAMPLE,
        )
    }
)
"""All public data sets by name."""
