"""A trained D-MPNN of chemprop as an encoder: messages along the bonds, gathered into one vector.

The network is the user's: a published foundation model, such as CheMeleon, or one that chemprop has trained.

Source: Yang et al., J. Chem. Inf. Model. 2019, 59, 3370; Heid et al., J. Chem. Inf. Model. 2024, 64, 9.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.base import Json, Side
from hyperpcm.encoders.from_file import FileEncoder, file_state
from hyperpcm.errors import ConfigError, InvalidSmilesError, MissingExtraError

__all__ = ["MAX_ATOMS", "MessagePassingEncoder"]

MAX_ATOMS: Final = 2000
"""Most heavy atoms of a compound."""
POOLINGS: Final = ("mean", "sum")

_BATCH: Final = 64  # compounds at a time
_SETTINGS: Final = ("d_v", "d_e", "d_h", "bias", "depth", "dropout", "activation", "undirected")
_UNUSED: Final = ("d_vd", "V_d_transform", "graph_transform")  # a network that needs these is refused
_HOW: Final = (
    'It has to be a dictionary of "hyper_parameters" and "state_dict" of chemprop\'s BondMessagePassing, as '
    "published foundation models are. Of a model of your own write one with: mp = mpnn.message_passing; "
    "torch.save({'hyper_parameters': {k: str(v) if isinstance(v, str) else v for k, v in mp.hparams.items() "
    "if isinstance(v, (int, float, str))}, 'state_dict': mp.state_dict()}, FILE)"
)


@final
@dataclasses.dataclass(frozen=True)
class MessagePassingEncoder(FileEncoder):
    """The message passing of a chemprop model, frozen; its last layer is as wide as the network was made.

    Only numbers are read from the file, never code. Compounds are run together, so the last digits depend on
    what is beside a compound.

    Attributes:
        pooling: how atoms become one vector: ``mean`` (as CheMeleon) or ``sum``.

    Raises:
        ConfigError: as `FileEncoder`, or a pooling that is not known.
        DataUnavailableError: as `FileEncoder`.
        MissingExtraError: chemprop is not installed.
    """

    name: ClassVar[str] = "chemprop"
    side: ClassVar[Side] = "compound"
    licence: ClassVar[str] = "NOASSERTION"
    revision: ClassVar[str] = "1"

    which: ClassVar[str] = "where the trained network is, such as chemeleon_mp.pt"

    pooling: str = "mean"

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS:
            raise ConfigError(f"encoder 'chemprop': pooling must be mean or sum, not {self.pooling!r}.")
        super().__post_init__()

    @property
    def width(self) -> int:
        """As the network was made: 300 by chemprop's default, 2,048 for CheMeleon."""
        return int(self._network().output_dim)

    def options(self) -> dict[str, Json]:
        """Content and pooling; the place of the file is none of the numbers' business."""
        return {"content": self.content, "pooling": self.pooling}

    def libraries(self) -> tuple[str, ...]:
        """RDKit, chemprop and torch."""
        import rdkit
        import torch

        return (
            f"rdkit {rdkit.__version__}",
            f"chemprop {_chemprop('').__version__}",
            f"torch {torch.__version__}",
        )

    def _network_in(self, file: Path) -> Any:
        return _loaded(*file_state(file))

    def _encode(self, items: Sequence[str]) -> npt.NDArray[np.float32]:
        import torch

        network, data = self._network(), _chemprop(".data")
        rows = np.empty((len(items), self.width), dtype=np.float32)
        graphs = [_graph(smiles) for smiles in items]
        with torch.inference_mode():
            for start in range(0, len(items), _BATCH):
                batch = data.BatchMolGraph(graphs[start : start + _BATCH])
                atoms = network(batch)
                number = len(graphs[start : start + _BATCH])
                pooled = atoms.new_zeros(number, atoms.shape[1]).index_add_(0, batch.batch, atoms)
                if self.pooling == "mean":
                    pooled = pooled / torch.bincount(batch.batch, minlength=number)[:, None]
                rows[start : start + number] = pooled.numpy()
        return rows


def _graph(smiles: str) -> Any:
    """The graph of one compound as chemprop describes atoms and bonds."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or molecule.GetNumAtoms() == 0:
        raise InvalidSmilesError("PARSE", "RDKit cannot read it as a compound; standardise it first")
    if molecule.GetNumAtoms() > MAX_ATOMS:
        raise InvalidSmilesError(
            "TOO_LARGE",
            f"it has {molecule.GetNumAtoms():,} atoms, and chemprop is given {MAX_ATOMS:,} at most",
        )
    return _featurizer()(molecule)


@functools.cache
def _featurizer() -> Any:
    return _chemprop(".featurizers").SimpleMoleculeMolGraphFeaturizer()


@functools.lru_cache(maxsize=2)
def _loaded(path: str, _size: int, _modified: int) -> Any:
    """The network of a file in this state, in evaluation mode.

    Raises:
        ConfigError: the file holds something else; the message says what it has to be.
    """
    import torch

    networks = _chemprop(".nn")
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise ConfigError(
            f"encoder 'chemprop': {path} holds more than numbers and text, and code is not run. {_HOW}"
        ) from None
    except (RuntimeError, OSError, EOFError, ValueError, KeyError):
        raise ConfigError(f"encoder 'chemprop': {path} is damaged, or no file of torch. {_HOW}") from None
    if not isinstance(held, Mapping) or not {"hyper_parameters", "state_dict"} <= set(held):
        raise ConfigError(f"encoder 'chemprop': {path} holds something else than message passing. {_HOW}")
    given = dict(held["hyper_parameters"])
    extra = [name for name in _UNUSED if given.get(name) is not None]
    if extra:
        raise ConfigError(
            f"encoder 'chemprop': the network in {path} wants {', '.join(extra)}: values of atoms or bonds "
            "beside chemprop's own, which nobody could supply for a new compound."
        )
    try:
        network = networks.BondMessagePassing(**{name: given[name] for name in _SETTINGS if name in given})
        network.load_state_dict(held["state_dict"])
    except (RuntimeError, TypeError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0][:120]
        raise ConfigError(
            f"encoder 'chemprop': the weights in {path} do not fit their settings ({reason}). {_HOW}"
        ) from None
    atoms, bonds = _featurizer().shape
    if (network.hparams["d_v"], network.hparams["d_e"]) != (atoms, bonds):
        raise ConfigError(
            f"encoder 'chemprop': the network in {path} reads {network.hparams['d_v']} values of an atom and "
            f"{network.hparams['d_e']} of a bond; chemprop's own are {atoms} and {bonds}. It was trained on "
            "another description of compounds."
        )
    return network.eval().requires_grad_(False)


def _chemprop(part: str) -> Any:
    """chemprop or a part of it, imported when it is needed."""
    try:
        return importlib.import_module(f"chemprop{part}")
    except ModuleNotFoundError as error:
        raise MissingExtraError("chemprop", "chemprop") from error
