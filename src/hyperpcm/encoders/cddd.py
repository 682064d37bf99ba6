"""CDDD: 512 numbers of a recurrent network that learned to translate one spelling of a compound into another.

Its encoder is published as an ONNX file, which the user brings; the SMILES are spelled here.

Source: Winter, Montanari, Noé and Clevert, Chem. Sci. 2019, 10, 1692; the file: Zenodo, record 14811055.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.base import Json, Side
from hyperpcm.encoders.from_file import FileEncoder, file_state
from hyperpcm.encoders.onnx_session import onnx_session, onnxruntime, unreadable
from hyperpcm.errors import ConfigError, InvalidSmilesError

__all__ = ["PUBLISHED", "CdddEncoder"]

PUBLISHED: Final = (
    "encoder.onnx of https://zenodo.org/records/14811055 (md5 35ef1902b85e67abfb7abed9fa06ffc2)"
)
"""The file that this encoder is made for."""

_TOKENS: Final = (
    "</s>",
    *"#%)(+-1032547698:=@CBFIHONPS[]cionps",
    "Cl",
    "Br",
    "<s>",
)  # in the order of their numbers
_NUMBER: Final = {token: number for number, token in enumerate(_TOKENS)}
_PIECE: Final = re.compile("Cl|Br|.")
_END, _START = _NUMBER["</s>"], _NUMBER["<s>"]
_ELEMENTS: Final = frozenset({5, 6, 7, 8, 9, 15, 16, 17, 35, 53})  # B C N O F P S Cl Br I
_DOMAINS: Final = ("published", "any")
_BATCH: Final = 64  # compounds run at once
_INPUTS: Final = ("Input/Placeholder:0", "Input/Placeholder_1:0")  # tokens [n, l] and their numbers [n]


@final
@dataclasses.dataclass(frozen=True)
class CdddEncoder(FileEncoder):
    """The continuous data-driven descriptors of a compound: 512 numbers between -1 and 1.

    Read is the largest part of a compound without salts and stereo, as in the published work. A compound
    outside the published domain is refused: elements other than B, C, N, O, F, P, S, Cl, Br and I, 3 heavy
    atoms or fewer, 50 or more, a weight outside 12 to 600, or a logP outside -5 to 7. Compounds of similar
    length are run together, so the last digits depend on what is beside a compound.

    Attributes:
        domain: ``published`` refuses what lies outside; ``any`` reads whatever has a spelling.

    Raises:
        ConfigError: as `FileEncoder`, or a domain that is not known.
        DataUnavailableError: as `FileEncoder`.
        MissingExtraError: ONNX Runtime is not installed.
    """

    name: ClassVar[str] = "cddd"
    side: ClassVar[Side] = "compound"
    licence: ClassVar[str] = "NOASSERTION"
    revision: ClassVar[str] = "1"
    width: ClassVar[int] = 512

    which: ClassVar[str] = f"where you have put {PUBLISHED}"

    domain: str = "published"

    def __post_init__(self) -> None:
        if self.domain not in _DOMAINS:
            raise ConfigError(f"encoder 'cddd': domain must be published or any, not {self.domain!r}.")
        super().__post_init__()

    def options(self) -> dict[str, Json]:
        """Content and domain; the place of the file is none of the numbers' business."""
        return {"content": self.content, "domain": self.domain}

    def libraries(self) -> tuple[str, ...]:
        """RDKit and ONNX Runtime."""
        import rdkit

        return (f"rdkit {rdkit.__version__}", f"onnxruntime {onnxruntime(self.name).__version__}")

    def _network_in(self, file: Path) -> Any:
        return _loaded(*file_state(file))

    def _encode(self, items: Sequence[str]) -> npt.NDArray[np.float32]:
        session = self._network()
        spelled = [self._tokens(smiles) for smiles in items]
        order = np.argsort([len(tokens) for tokens in spelled], kind="stable")
        rows = np.empty((len(items), self.width), dtype=np.float32)
        for start in range(0, len(order), _BATCH):
            block = order[start : start + _BATCH]
            lengths = np.array([len(spelled[row]) for row in block], dtype=np.int32)
            tokens = np.full((len(block), lengths.max()), _END, dtype=np.int32)
            for line, row in enumerate(block):
                tokens[line, : lengths[line]] = spelled[row]
            rows[block] = session.run(None, dict(zip(_INPUTS, (tokens, lengths), strict=True)))[0]
        return rows

    def _read(self, item: str) -> None:
        self._tokens(item)

    def _tokens(self, smiles: str) -> list[int]:
        """The numbers of the tokens of one compound, with start and end."""
        molecule = _largest_part(smiles)
        if self.domain == "published":
            _check_domain(molecule)
        from rdkit import Chem

        pieces = _PIECE.findall(Chem.MolToSmiles(molecule, isomericSmiles=False))
        unknown = next((piece for piece in pieces if piece not in _NUMBER), None)
        if unknown is not None:
            raise InvalidSmilesError("UNSUPPORTED", f"cddd has no token for {unknown!r} in its spelling")
        return [_START, *(_NUMBER[piece] for piece in pieces), _END]


def _largest_part(smiles: str) -> Any:
    """The largest part of a compound, without what RDKit knows as salts and without stereo."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or molecule.GetNumAtoms() == 0:
        raise InvalidSmilesError("PARSE", "RDKit cannot read it as a compound; standardise it first")
    parts = Chem.GetMolFrags(_salt_remover().StripMol(molecule, dontRemoveEverything=True), asMols=True)
    largest = max(parts, key=lambda part: part.GetNumAtoms())  # the first of equally large ones
    return Chem.MolFromSmiles(Chem.MolToSmiles(largest, isomericSmiles=False))


@functools.cache
def _salt_remover() -> Any:
    from rdkit.Chem import SaltRemover

    module: Any = SaltRemover
    return module.SaltRemover()


def _check_domain(molecule: Any) -> None:
    """Raise `InvalidSmilesError` for a compound outside the published domain, with what is outside."""
    from rdkit.Chem import rdMolDescriptors

    descriptors: Any = importlib.import_module("rdkit.Chem.Descriptors")
    strange = sorted({a.GetSymbol() for a in molecule.GetAtoms() if a.GetAtomicNum() not in _ELEMENTS})
    weight, atoms = descriptors.MolWt(molecule), molecule.GetNumHeavyAtoms()
    log_p = rdMolDescriptors.CalcCrippenDescriptors(molecule)[0]
    problem = None
    if strange:
        problem = f"it holds {', '.join(strange)}"
    elif not 3 < atoms < 50:
        problem = f"it has {atoms} heavy atoms, not 4 to 49"
    elif not 12 < weight < 600:
        problem = f"its weight is {weight:.0f}, not 12 to 600"
    elif not -5 < log_p < 7:  # as the published program has it
        problem = f"its logP is {log_p:.1f}, not -5 to 7"
    if problem is not None:
        raise InvalidSmilesError(
            "OUTSIDE", f"cddd was made for other compounds: {problem}; the option domain = 'any' reads it"
        )


@functools.lru_cache(maxsize=1)
def _loaded(path: str, _size: int, _modified: int) -> Any:
    """The network of a file in this state, tried on butane."""
    onnxruntime(CdddEncoder.name)
    try:
        session = onnx_session(path, CdddEncoder.name)
    except unreadable() as error:
        reason = str(error).strip().splitlines()[0][:120]
        raise ConfigError(f"encoder 'cddd': {path} is no ONNX file ({reason}). Give {PUBLISHED}.") from None
    inputs = {one.name for one in session.get_inputs()}
    tokens = np.array([[_START, *[_NUMBER["C"]] * 4, _END]], dtype=np.int32)
    given = dict(zip(_INPUTS, (tokens, np.array([tokens.shape[1]], dtype=np.int32)), strict=True))
    found: tuple[int, ...] = ()
    if inputs == set(_INPUTS):
        with contextlib.suppress(*unreadable()):
            found = np.shape(session.run(None, given)[0])
    if found != (1, CdddEncoder.width):
        raise ConfigError(
            f"encoder 'cddd': {path} is another network: it reads {', '.join(sorted(inputs))} and gives "
            f"{found[-1] if found else 'no'} numbers. Give {PUBLISHED}."
        )
    return session
