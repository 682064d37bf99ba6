"""Fits the exponents of the label retrieval by leaving out what a new query will not find."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from hyperpcm.config import RetrievalConfig
from hyperpcm.model import HyperPCM
from hyperpcm.model.compiling import collapse_labels
from hyperpcm.training.encoded import EncodedData, Progress
from hyperpcm.training.hiding import Hiding, OwnLabelFinder

__all__ = ["fit_retrieval"]

_TARGETS, _COMPOUNDS = 16, 64  # of one step


def fit_retrieval(
    model: HyperPCM,
    data: EncodedData,
    rows: npt.NDArray[np.int64],
    config: RetrievalConfig,
    seed: int,
    hiding: Hiding,
    progress: Progress | None = None,
) -> None:
    """Set exponents and fallbacks to what predicts training labels best that the memory hides.

    Mean squared error of the retrieved mean against scaled labels, by Adam over random training targets.
    Hidden is what validation does not find either: a query's target, its compound, or only its own label.
    Afterwards the retrieval is frozen.

    Args:
        model: its ``retrieval`` is changed in place; nothing happens where it has none.
        data: the encoded table.
        rows: training interactions, int64 [n].
        config: steps and step size.
        seed: of the sampling.
        hiding: what training queries must not see.
        progress: called with the steps done.
    """
    if model.retrieval is None or data.similarity is None:
        return
    generator = np.random.default_rng([seed, 7])
    optimiser = torch.optim.Adam(model.retrieval.parameters(), lr=config.learning_rate)
    label_memory = model.label_memory()
    finders = {
        hidden: OwnLabelFinder(model, label_memory, hidden, data.landmark_of, data.series)
        for hidden in hiding.kinds
    }
    order = rows[np.argsort(data.target_index[rows], kind="stable")]
    targets, starts = np.unique(data.target_index[order], return_index=True)
    rows_of = np.split(order, starts[1:])
    scale = model.label_scale
    for step in range(config.steps):
        losses = []
        for entry in generator.choice(len(targets), min(_TARGETS, len(targets)), replace=False):
            own = rows_of[entry]
            own = generator.choice(own, min(_COMPOUNDS, len(own)), replace=False)
            one = slice(int(targets[entry]), int(targets[entry]) + 1)
            for hidden, asked in hiding.of(own):
                allowed = data.allowed[one] if hidden.targets else None
                collapsed, kept = collapse_labels(model, label_memory, data.similarity[one], allowed)
                compounds, row = data.compound_index[asked], int(data.memory_row[targets[entry]])
                near = torch.from_numpy(data.similarity_to(kept, compounds))
                itself = float(data.similarity[one][0, row])
                unseen = finders[hidden].of(collapsed, kept, row, itself, compounds)
                features = model.retrieval(collapsed, near[None], unseen)
                error = model.retrieval.scores(features)[0] - scale.to_scaled(data.labels[asked])
                losses.append((error * error).mean())
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * (1 - step / config.steps)
        optimiser.zero_grad()
        torch.stack(losses).mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        with torch.no_grad():
            model.retrieval.target_exponent.clamp_(0.0, 64.0)
            model.retrieval.compound_exponent.clamp_(0.0, 64.0)
        if progress is not None:
            progress("label retrieval fit", step + 1, config.steps)
    model.retrieval.requires_grad_(False)
