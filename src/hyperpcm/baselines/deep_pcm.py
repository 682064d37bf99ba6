"""DeepPCM: one network that reads compound and target side by side, fitted with a plain loop."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.baselines.base import (
    Baseline,
    BaselineInputs,
    Rows,
    count_setting,
    share_setting,
    squared_error,
)
from hyperpcm.baselines.features import FeatureTable, feature_table
from hyperpcm.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["DeepPCM"]

Floats32 = npt.NDArray[np.float32]

_PREDICT_BLOCK: Final = 8192  # rows scored at once
_SCALE_ROWS: Final = 50_000  # training compounds that mean and scale are computed on at most
_CLIP: Final = 5.0  # bound on a standardised input


@final
class DeepPCM(Baseline):
    """The network of `nn.deep_pcm` on compound and target columns, stopped early on the validation rows.

    The columns are those of `features.feature_table`, standardised on the compounds and targets of the
    training rows and kept within 5 standard deviations. Adam in batches of 512; mean squared error on
    standardised labels, cross-entropy for classes, whose scores are probabilities. The weights of the epoch
    with the least squared error on the validation rows are kept. Deterministic for a seed on one machine
    and number of threads.

    Source: Svensson et al. 2024, baseline DeepPCM: Adam 1e-3, batches of 512, cross-entropy.
    Deviation: squared error for real values, which the publication scores as classes; early stopping, and
    standardised columns of this package's encoders instead of learned embeddings.

    Args:
        threads: of torch while it fits and scores.
        epochs: at most this many.
        patience: epochs without a better validation error before it stops.
        learning_rate: of Adam.
        batch_size: rows of one step.
        device: ``cpu``, ``cuda``, or ``auto``: a GPU where torch sees one.
    """

    name: ClassVar[str] = "deep_pcm"

    def __init__(
        self,
        *,
        threads: int = 1,
        epochs: int = 50,
        patience: int = 8,
        learning_rate: float = 1e-3,
        batch_size: int = 512,
        device: str = "auto",
    ) -> None:
        super().__init__()
        self._threads = threads
        self._epochs, self._patience = count_setting("epochs", epochs), count_setting("patience", patience)
        self._learning_rate = share_setting("learning_rate", learning_rate)
        self._batch_size = count_setting("batch_size", batch_size)
        if device not in ("auto", "cpu", "cuda"):
            raise ConfigError(f"device is {device!r}; give auto, cpu or cuda.")
        self._device = device

    def _fit(self, inputs: BaselineInputs, train: Rows, valid: Rows, seed: int) -> None:
        self.best_epochs = self._begun(inputs, train, valid, self._epochs, seed)

    def _refit(self, inputs: BaselineInputs, rows: Rows, seed: int) -> None:
        self._begun(inputs, rows, None, self.best_epochs, seed)

    def _begun(self, inputs: BaselineInputs, train: Rows, valid: Rows | None, epochs: int, seed: int) -> int:
        """Fit from the beginning; returns how many epochs the weights that are kept have seen."""
        import torch

        labels = inputs.interactions.point()
        self._binary = inputs.interactions.quantity.kind == "binary"
        self._centre, self._spread = float(labels[train].mean()), float(labels[train].std())
        self._network: Any = None
        if (labels[train] == labels[train[0]]).all():
            self._centre = float(labels[train[0]])
            return epochs  # one class, or one value: that is the score
        if self._device == "auto":
            self._device = "cuda" if torch.cuda.is_available() else "cpu"
        if self._device == "cuda" and not torch.cuda.is_available():
            raise ConfigError("device is 'cuda', and torch sees no GPU here; give cpu.")
        self._features = feature_table(inputs, train, with_targets=True, seed=seed)
        self._columns = _Columns(self._features, train, seed, self._device)
        goal = labels if self._binary else (labels - self._centre) / self._spread
        devices = [torch.cuda.current_device()] if self._device == "cuda" else []
        with _threads(self._threads), torch.random.fork_rng(devices):
            torch.manual_seed(seed)
            return self._train(goal, labels, train, valid, epochs, seed)

    def _train(
        self,
        goal: Floats32,
        labels: Floats32,
        train: Rows,
        valid: Rows | None,
        epochs: int,
        seed: int,
    ) -> int:
        import torch

        from hyperpcm.nn.deep_pcm import DeepPCMNetwork

        network = DeepPCMNetwork(*self._columns.widths).to(self._device)
        optimiser = torch.optim.Adam(network.parameters(), lr=self._learning_rate, fused=True)
        order = np.random.default_rng(seed)
        self._network, best, kept, at = network, np.inf, network.state_dict(), 0
        for epoch in range(1, epochs + 1):
            self._epoch(optimiser, goal, order.permutation(train))
            if valid is None:
                continue
            error = squared_error(labels[valid], self._scores(valid))
            if error < best:
                best, kept, at = error, copy.deepcopy(network.state_dict()), epoch
            if epoch - at >= self._patience:
                break
        if valid is not None:
            network.load_state_dict(kept)
        return at or epochs

    def _epoch(self, optimiser: Any, goal: Floats32, rows: Rows) -> None:
        """One pass over the training rows in the order given."""
        import torch
        from torch.nn import functional

        loss_of = functional.binary_cross_entropy_with_logits if self._binary else functional.mse_loss
        self._network.train()
        for start in range(0, len(rows), self._batch_size):
            batch = rows[start : start + self._batch_size]
            loss: Any = loss_of(
                self._network(*self._columns.of(batch)), torch.from_numpy(goal[batch]).to(self._device)
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    def _predict(self, inputs: BaselineInputs, rows: Rows) -> npt.NDArray[np.floating]:
        if self._network is None:
            return np.full(len(rows), self._centre, dtype=np.float32)
        with _threads(self._threads):
            return self._scores(rows)

    def _scores(self, rows: Rows) -> Floats32:
        """Scores in units of the label, block by block."""
        import torch

        self._network.eval()
        scores = np.empty(len(rows), dtype=np.float32)
        with torch.no_grad():
            for start in range(0, len(rows), _PREDICT_BLOCK):
                raw = self._network(*self._columns.of(rows[start : start + _PREDICT_BLOCK]))
                raw = raw.sigmoid() if self._binary else raw * self._spread + self._centre
                scores[start : start + _PREDICT_BLOCK] = raw.cpu().numpy()
        return scores


class _Columns:
    """Standardised compound and target columns of rows, made when asked for."""

    def __init__(self, features: FeatureTable, train: Rows, seed: int, device: str) -> None:
        import torch

        from hyperpcm.nn.scaling import Standardiser

        compounds = np.unique(features.compound_index[train])
        if len(compounds) > _SCALE_ROWS:
            compounds = np.random.default_rng(seed).choice(compounds, _SCALE_ROWS, replace=False)
        targets = np.unique(features.target_index[train])
        self.widths = features.compound_width, features.of_targets.shape[1]
        self._features, self._device = features, device
        self._scale = Standardiser(self.widths[0], _CLIP)
        self._scale.fit(torch.from_numpy(features.compounds(compounds)))
        scale = Standardiser(self.widths[1], _CLIP)
        scale.fit(torch.from_numpy(features.of_targets[targets]))
        self._scale.to(device)
        self._targets = scale(torch.from_numpy(features.of_targets)).to(device)

    def of(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """Of these rows: compound columns [n, c] and target columns [n, t]."""
        import torch

        compounds = torch.from_numpy(self._features.compounds(self._features.compound_index[rows]))
        targets = torch.from_numpy(self._features.target_index[rows]).to(self._device)
        return self._scale(compounds.to(self._device)), self._targets[targets]


@contextmanager
def _threads(threads: int) -> Iterator[None]:
    """Let torch use so many threads inside."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
