"""The pretrained transformers that are known by name: one row for each.

A row holds facts about a public model: where it is, at which commit, on what terms, and its shape. The commit
is what `hyperpcm encoders fetch` brings unless another is asked for; what came is written to a receipt.

Sources: the models' pages and papers. ESM-2: Lin et al., Science 2023, 379, 1123. ESM-1b: Rives et al., PNAS
2021, 118, e2016239118. ProtBERT and ProtT5: Elnaggar et al., IEEE TPAMI 2022, 44, 7112; licence from the
README of github.com/agemagician/ProtTrans. Ankh: Elnaggar et al., arXiv 2301.06568; licence from the README
of github.com/agemagician/Ankh. ChemBERTa: Chithrananda et al., arXiv 2010.09885; ChemBERTa-2: Ahmad et al.,
arXiv 2209.01712; their pages state no licence.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hyperpcm.encoders.base import Side
from hyperpcm.encoders.transformer_config import Family

__all__ = ["HUB_MODELS", "HubModel"]


@dataclasses.dataclass(frozen=True, slots=True)
class HubModel:
    """One published transformer.

    Attributes:
        name: what users write.
        repository: owner/name on the Hugging Face hub.
        commit: 40 hex digits.
        licence: SPDX name; ``NOASSERTION`` where its authors state none.
        family: which class it is.
        side: what it reads.
        hidden: numbers per token.
        limit: residues, or tokens of a SMILES, that it reads at once; longer items are read in windows.
        size: bytes of its files, rounded.
        summary: one line for people.
        weights_sha256: digest of its one file of weights, where that is public knowledge.
    """

    name: str
    repository: str
    commit: str
    licence: str
    family: Family
    side: Side
    hidden: int
    limit: int
    size: int
    summary: str
    weights_sha256: str | None = None


def _esm2(
    name: str, part: str, commit: str, hidden: int, layers: int, size: int, sha256: str | None = None
) -> HubModel:
    return HubModel(
        name=name,
        repository=f"facebook/esm2_t{layers}_{part}_UR50D",
        commit=commit,
        licence="MIT",
        family="esm",
        side="target",
        hidden=hidden,
        limit=1022,  # it was trained on crops of 1,024 tokens
        size=size,
        summary=f"protein language model ESM-2, {part} parameters",
        weights_sha256=sha256,
    )


def _protein(
    name: str,
    repository: str,
    commit: str,
    licence: str,
    family: Family,
    shape: tuple[int, int],
    size: int,
    summary: str,
    sha256: str | None = None,
) -> HubModel:
    hidden, limit = shape
    return HubModel(name, repository, commit, licence, family, "target", hidden, limit, size, summary, sha256)


def _smiles(name: str, repository: str, commit: str, hidden: int, size: int, summary: str) -> HubModel:
    return HubModel(
        name, repository, commit, "NOASSERTION", "roberta", "compound", hidden, 510, size, summary
    )


_ROWS: Final = (
    _esm2(
        "esm2_8m",
        "8M",
        "c731040fcd8d73dceaa04b0a8e6329b345b0f5df",
        320,
        6,
        31_400_000,
        "24c5fa474c48f3b754b86efe752d5f189d2bcd88190fa2270fc92b2ef3034189",
    ),
    _esm2("esm2_35m", "35M", "6fbf070e65b0b7291e7bbcd451118c216cff79d8", 480, 12, 136_000_000),
    _esm2(
        "esm2_150m",
        "150M",
        "a695f6045e2e32885fa60af20c13cb35398ce30c",
        640,
        30,
        595_000_000,
        "c3f1da8aea53bddd32c246c86168c23b9fd72341fb9db9a94436f855f5053566",
    ),
    _esm2(
        "esm2_650m",
        "650M",
        "08e4846e537177426273712802403f7ba8261b6c",
        1280,
        33,
        2_610_000_000,
        "a08adabb949fa67ad3c14b509d04fd60368b35007b0095e3358f81200c4f4db0",
    ),
    _esm2("esm2_3b", "3B", "476b639933c8baad5ad09a60ac1a87f987b656fc", 2560, 36, 11_400_000_000),
    _esm2("esm2_15b", "15B", "5fbca39631164edc1d402a5aa369f982f72ee282", 5120, 48, 60_500_000_000),
    _protein(
        "esm1b",
        "facebook/esm1b_t33_650M_UR50S",
        "7b37824baec4d3658e1df7479222a7c79b465b76",
        "MIT",
        "esm",
        (1280, 1022),
        2_610_000_000,
        "protein language model ESM-1b, 650M parameters",
    ),
    _protein(
        "protbert",
        "Rostlab/prot_bert",
        "7a894481acdc12202f0a415dd567f6cfdb698908",
        "AFL-3.0",
        "bert",
        (1024, 2046),  # its last training steps read 2,048 tokens
        1_680_000_000,
        "protein language model ProtBERT (UniRef100), 420M parameters",
    ),
    _protein(
        "prott5",
        "Rostlab/prot_t5_xl_half_uniref50-enc",
        "94a6abc029ae13029317b140b7424e012bf8dfbf",
        "AFL-3.0",
        "t5",
        (1024, 2047),
        2_420_000_000,
        "protein language model ProtT5-XL (UniRef50), encoder kept in 16 bits, 1.2B parameters",
        "7f51ba885541c7dc569d46b796af57cc7a2ba7945107dced4f19d1b5ec091157",
    ),
    _protein(
        "ankh_base",
        "ElnaggarLab/ankh-base",
        "d99cb6b966530dfc2ae96bc69d9255c2a07308b0",
        "CC-BY-NC-SA-4.0",
        "t5",
        (768, 2047),
        2_950_000_000,
        "protein language model Ankh, base",
    ),
    _protein(
        "ankh_large",
        "ElnaggarLab/ankh-large",
        "74b371dbfa3ee0a05d32ae74df0c2e0b82d6b9a6",
        "CC-BY-NC-SA-4.0",
        "t5",
        (1536, 2047),
        7_520_000_000,
        "protein language model Ankh, large",
    ),
    _smiles(
        "chemberta",
        "seyonec/ChemBERTa-zinc-base-v1",
        "761d6a18cf99db371e0b43baf3e2d21b3e865a20",
        768,
        179_000_000,
        "language model of SMILES ChemBERTa (ZINC)",
    ),
    _smiles(
        "chemberta2_mlm",
        "DeepChem/ChemBERTa-77M-MLM",
        "ed8a5374f2024ec8da53760af91a33fb8f6a15ff",
        384,
        14_000_000,
        "ChemBERTa-2, trained to fill in masked text of 77M SMILES",
    ),
    _smiles(
        "chemberta2_mtr",
        "DeepChem/ChemBERTa-77M-MTR",
        "66b895cab8adebea0cb59a8effa66b2020f204ca",
        384,
        14_000_000,
        "ChemBERTa-2, trained to predict 200 descriptors of 77M SMILES",
    ),
)

HUB_MODELS: Final[Mapping[str, HubModel]] = MappingProxyType({row.name: row for row in _ROWS})
"""The table by name."""
