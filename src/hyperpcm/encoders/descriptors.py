"""Physico-chemical descriptors of compounds: size, polarity, flexibility, charge, rings, elements.

A short list of RDKit descriptors that are defined for every compound, quick, and readable by a chemist. Each
has a stated range; a value outside it is set to the nearer end, so one odd compound cannot dominate a model.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.base import Json, Side
from hyperpcm.encoders.molecules import MoleculeEncoder
from hyperpcm.errors import ConfigError, InvalidSmilesError

if TYPE_CHECKING:
    from rdkit import Chem

    from hyperpcm.chem.query_screen import AtomKind

__all__ = ["DESCRIPTORS", "DescriptorEncoder"]

DESCRIPTORS: Final[tuple[tuple[str, float, float], ...]] = (
    # Size
    ("MolWt", 0, 1500),  # g/mol
    ("HeavyAtomCount", 0, 100),
    ("MolMR", 0, 400),  # molar refractivity, Wildman and Crippen 1999
    ("LabuteASA", 0, 600),  # approximate surface area, Å², Labute 2000
    # Polarity
    ("MolLogP", -8, 12),  # octanol-water, log10, Wildman and Crippen 1999
    ("TPSA", 0, 400),  # topological polar surface area, Å², Ertl et al. 2000
    ("NumHDonors", 0, 20),
    ("NumHAcceptors", 0, 30),
    ("NumHeteroatoms", 0, 40),
    ("NumAmideBonds", 0, 15),
    # Charge
    ("FormalCharge", -6, 6),
    ("NumPositiveAtoms", 0, 6),
    ("NumNegativeAtoms", 0, 6),
    ("MaxPartialCharge", -1, 1),  # Gasteiger and Marsili 1980; 0 where it has no parameters
    ("MinPartialCharge", -1, 1),
    ("MaxEStateIndex", -10, 20),  # Hall and Kier electrotopological state
    ("MinEStateIndex", -15, 10),
    # Flexibility and shape
    ("NumRotatableBonds", 0, 40),
    ("FractionCSP3", 0, 1),
    ("Phi", 0, 30),  # Kier flexibility
    ("Kappa1", 0, 80),  # Kier shape indices
    ("Kappa2", 0, 40),
    ("Kappa3", 0, 40),
    ("HallKierAlpha", -15, 5),
    ("Chi0v", 0, 60),  # Kier and Hall valence connectivity
    ("Chi1v", 0, 40),
    ("BalabanJ", 0, 8),
    # Rings
    ("RingCount", 0, 12),
    ("NumAromaticCarbocycles", 0, 8),
    ("NumAromaticHeterocycles", 0, 8),
    ("NumAliphaticCarbocycles", 0, 8),
    ("NumAliphaticHeterocycles", 0, 8),
    ("NumSaturatedRings", 0, 8),
    ("NumSpiroAtoms", 0, 4),
    ("NumBridgeheadAtoms", 0, 12),
    ("NumAtomStereoCenters", 0, 20),
    # Elements
    ("NumCarbon", 0, 80),
    ("NumNitrogen", 0, 20),
    ("NumOxygen", 0, 30),
    ("NumSulfur", 0, 6),
    ("NumPhosphorus", 0, 4),
    ("NumFluorine", 0, 12),
    ("NumChlorine", 0, 6),
    ("NumBromineIodine", 0, 4),
    # Summary
    ("QED", 0, 1),  # quantitative estimate of drug-likeness, Bickerton et al. 2012
)
"""Name, lowest and highest value of each column, in order. A change of this table is a new revision."""


@final
@dataclasses.dataclass(frozen=True)
class DescriptorEncoder(MoleculeEncoder):
    """The descriptors of `DESCRIPTORS`, in that order.

    Attributes:
        scaled: whether each value is mapped linearly from its stated range to 0 … 1 (dimensionless, of the
            size of fingerprint columns); otherwise values keep the units of `DESCRIPTORS`.

    Raises:
        ConfigError: `scaled` is not a boolean.

    Example:
        >>> DescriptorEncoder(scaled=False).encode(["CCO"])[0, :2].tolist()  # weight, heavy atoms
        [46.069000244140625, 3.0]
    """

    name: ClassVar[str] = "descriptors"
    side: ClassVar[Side] = "compound"
    licence: ClassVar[str] = "BSD-3-Clause"
    revision: ClassVar[str] = "1"
    width: ClassVar[int] = len(DESCRIPTORS)

    scaled: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.scaled, bool):
            raise ConfigError(f"encoder 'descriptors': scaled must be true or false, not {self.scaled!r}")

    def libraries(self) -> tuple[str, ...]:
        """RDKit and its version."""
        import rdkit

        return (f"rdkit {rdkit.__version__}",)

    def options(self) -> dict[str, Json]:
        """Whether values are scaled."""
        return {"scaled": self.scaled}

    def _encode(self, items: Sequence[str]) -> npt.NDArray[np.float32]:
        gathering = self.gathering()
        for item in items:
            gathering.add(_parse(item))
        return gathering.rows()

    def gathering(self) -> _GatheredValues:
        """What takes molecules one by one and gives their rows."""
        return _GatheredValues(self)

    def of_values(self, rows: Sequence[Sequence[float]]) -> npt.NDArray[np.float32]:
        """Return raw values, in the order of `DESCRIPTORS`, within their ranges: float32 [n, width]."""
        _, low, high = zip(*DESCRIPTORS, strict=True)
        raw = np.array(rows, dtype=np.float64).reshape(-1, self.width)
        values = np.clip(np.nan_to_num(raw, nan=0.0, posinf=np.inf, neginf=-np.inf), low, high)
        return self._scaled(values).astype(np.float32)

    def _scaled(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        if not self.scaled:
            return values
        low, high = np.array([ends for _, *ends in DESCRIPTORS], dtype=np.float64).T
        scaled: npt.NDArray[np.float64] = (values - low) / (high - low)
        return scaled


class _GatheredValues:
    """Values of molecules."""

    def __init__(self, encoder: DescriptorEncoder) -> None:
        self._encoder, self._found = encoder, list[list[float]]()

    def add(self, molecule: Chem.Mol) -> None:
        """Describe one more molecule."""
        found = _values(molecule)
        self._found.append([found[name] for name, _, _ in DESCRIPTORS])

    def rows(self) -> npt.NDArray[np.float32]:
        """Rows of all molecules so far."""
        return self._encoder.of_values(self._found)


def _parse(smiles: str) -> Chem.Mol:
    """RDKit molecule of a SMILES that has at least one atom; raises `InvalidSmilesError`."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or molecule.GetNumAtoms() == 0:
        raise InvalidSmilesError("PARSE", "RDKit cannot read it as a compound; standardise it first")
    return molecule


def _values(molecule: Chem.Mol) -> dict[str, float]:
    """The raw value of every name in `DESCRIPTORS`; some may be NaN or infinite for unusual elements."""
    from rdkit.Chem import Descriptors, rdMolDescriptors

    from hyperpcm.chem.drug_likeness import WeighedProperties, drug_likeness
    from hyperpcm.chem.query_screen import atom_kinds
    from hyperpcm.chem.topological_indices import balaban_j, electrotopological_states

    log_p, refractivity = rdMolDescriptors.CalcCrippenDescriptors(molecule)
    states, kinds = electrotopological_states(molecule), atom_kinds(molecule)
    found: dict[str, float] = {
        "MolLogP": log_p,
        "MolMR": refractivity,
        "MaxEStateIndex": states.max(),
        "MinEStateIndex": states.min(),
        "BalabanJ": balaban_j(molecule),
        "NumAmideBonds": rdMolDescriptors.CalcNumAmideBonds(molecule),
        "NumSpiroAtoms": rdMolDescriptors.CalcNumSpiroAtoms(molecule),
        "NumBridgeheadAtoms": rdMolDescriptors.CalcNumBridgeheadAtoms(molecule),
        "NumAtomStereoCenters": rdMolDescriptors.CalcNumAtomStereoCenters(molecule),
        **_charges(molecule),
        **_atom_counts(kinds),
    }
    for name, _, _ in DESCRIPTORS:
        if name not in found and name not in ("Phi", "QED"):
            found[name] = getattr(Descriptors, name)(molecule)
    heavy = found["HeavyAtomCount"]
    found["Phi"] = found["Kappa1"] * found["Kappa2"] / heavy if heavy else 0.0
    known = (found[name] for name in ("MolWt", "MolLogP", "NumHDonors", "TPSA", "NumRotatableBonds"))
    found["QED"] = drug_likeness(molecule, WeighedProperties(*known), kinds)
    return found


def _charges(molecule: Chem.Mol) -> dict[str, float]:
    """Lowest and highest partial charge, as `rdkit.Chem.Descriptors` compares them where some are NaN."""
    from rdkit.Chem.rdPartialCharges import ComputeGasteigerCharges

    ComputeGasteigerCharges(molecule)
    lowest, highest = 500.0, -500.0
    for atom in molecule.GetAtoms():
        charge = atom.GetDoubleProp("_GasteigerCharge")
        lowest, highest = min(charge, lowest), max(charge, highest)
    return {"MinPartialCharge": lowest, "MaxPartialCharge": highest}


def _atom_counts(kinds: Sequence[AtomKind]) -> dict[str, float]:
    """Numbers of atoms by element and by sign of the charge, and the total charge."""
    elements = collections.Counter(kind.element for kind in kinds)
    charges = [kind.charge for kind in kinds]
    return {
        "NumCarbon": elements[6],
        "NumNitrogen": elements[7],
        "NumOxygen": elements[8],
        "NumSulfur": elements[16],
        "NumPhosphorus": elements[15],
        "NumFluorine": elements[9],
        "NumChlorine": elements[17],
        "NumBromineIodine": elements[35] + elements[53],
        "FormalCharge": sum(charges),
        "NumPositiveAtoms": sum(charge > 0 for charge in charges),
        "NumNegativeAtoms": sum(charge < 0 for charge in charges),
    }
