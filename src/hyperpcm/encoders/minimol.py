"""MiniMol: 512 numbers of a graph network that was trained on about 3,300 assays and quantum properties.

The network is published as an ONNX file and runs in ONNX Runtime on one thread; what it reads of a compound
is computed here with RDKit, NumPy and SciPy.

Source: Kläser et al., MiniMol: A Parameter-Efficient Foundation Model for Molecular Learning,
arXiv:2404.14986.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.base import Encoder, Json, Side
from hyperpcm.encoders.onnx_session import onnx_session, onnxruntime

__all__ = ["MAX_ATOMS", "MinimolEncoder"]

MAX_ATOMS: Final = 2000
"""Most atoms of a compound: its eigenvectors take 12 s and 0.3 GB at this size, and a few ms at 50 atoms."""


@final
@dataclasses.dataclass(frozen=True)
class MinimolEncoder(Encoder):
    """The MiniMol fingerprint: 512 numbers, most of them from -0.2 to 3.

    Compounds are encoded one by one: in a batch, the last digits depend on what is beside a compound. Stereo
    at double bonds is read, stereo at atoms is not. Numbers are the same bits on one kind of processor; on
    another they differ by about 0.01, in symmetric compounds by up to 0.3 (see `minimol_features.laplacian`).

    Raises:
        MissingExtraError: on encoding, where ONNX Runtime is not installed.
        DataUnavailableError: on encoding, where the weights are not on this machine.

    Example:
        >>> MinimolEncoder().width
        512
    """

    name: ClassVar[str] = "minimol"
    side: ClassVar[Side] = "compound"
    licence: ClassVar[str] = "MIT"
    revision: ClassVar[str] = "1"  # another network or another way to read compounds is another revision
    width: ClassVar[int] = 512

    def options(self) -> dict[str, Json]:
        """None: the network is fixed."""
        return {}

    def libraries(self) -> tuple[str, ...]:
        """RDKit, ONNX Runtime and NumPy, and the kernels of NumPy's linear algebra on this processor."""
        import rdkit
        from threadpoolctl import threadpool_info

        np.linalg.eigvals(np.eye(1))  # so that the library is loaded and listed
        kernels = sorted(
            {
                f"{one['internal_api']} {one['version']} {one.get('architecture')}"
                for one in threadpool_info()
                if one["user_api"] == "blas" and "numpy" in one["filepath"]
            }
        )
        runtime = onnxruntime(self.name).__version__
        return (f"rdkit {rdkit.__version__}", f"onnxruntime {runtime}", f"numpy {np.__version__}", *kernels)

    def _encode(self, items: Sequence[str]) -> npt.NDArray[np.float32]:
        from threadpoolctl import threadpool_limits

        session = _session()
        rows = np.empty((len(items), self.width), dtype=np.float32)
        with threadpool_limits(limits=1, user_api="blas"):  # signs of eigenvectors depend on it
            for row, smiles in enumerate(items):
                (rows[row],) = session.run(None, _inputs(smiles))[0]
        return rows


def _inputs(smiles: str) -> dict[str, npt.NDArray[Any]]:
    """What the network reads of one compound, by the names of its inputs."""
    from hyperpcm.chem.molecular_graph import molecular_graph
    from hyperpcm.encoders.minimol_features import atom_features, bond_features, laplacian, returns

    graph = molecular_graph(smiles, max_atoms=MAX_ATOMS)
    values, vectors = laplacian(graph)
    both_ways = np.stack([graph.bonds, graph.bonds[:, ::-1]], axis=1).reshape(-1, 2)
    return {
        "feat": atom_features(graph),
        "edge_feat": np.repeat(bond_features(graph), 2, axis=0),
        "edge_index": np.ascontiguousarray(both_ways.T),
        "laplacian_eigvec": vectors,
        "laplacian_eigval": values,
        "rw_return_probs": returns(graph),
        "batch": np.zeros(graph.size, dtype=np.int64),  # the number of the compound that an atom belongs to
        "graph_slots": np.zeros(1, dtype=np.float32),  # one for each compound; only the length is read
    }


@cache
def _session() -> Any:
    """The network, loaded once in a process."""
    from hyperpcm.encoders.weights.catalog import WEIGHTS

    extra = MinimolEncoder.name
    onnxruntime(extra)  # asked for first: without it weights are of no use
    path = WEIGHTS["minimol"].path("minimol.onnx")
    return onnx_session(str(path), extra)
