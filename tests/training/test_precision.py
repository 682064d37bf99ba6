"""Mixed precision: cheap arithmetic, weights of 32 bits, and the same exact resume."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hyperpcm.checkpoint import read_archive
from hyperpcm.training import fit
from small_runs import NO_RETRIEVAL, tiny, weights_of, write_table

STEADY = (
    "model.qsar.dropout=0",
    "model.context.dropout=0",
    "model.hypernetwork.dropout=0",
    "training.learning_rate=0.001",
    "training.epochs=4",
)


class KilledError(Exception):
    """Stands for whatever ends a process between two steps."""


def kill(stage: str, done: int, total: int) -> None:
    if stage == "training" and done == 5:
        raise KilledError


@pytest.mark.parametrize(
    ("precision", "accelerator"),
    [("bf16-mixed", "cpu"), pytest.param("16-mixed", "cuda", marks=pytest.mark.gpu)],
)
def test_mixed_precision_learns_in_32_bit_weights_and_resumes_exactly(
    precision: str, accelerator: str, tmp_path: Path
):
    if accelerator == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    table = write_table(tmp_path / "table.csv")
    more = (*NO_RETRIEVAL, *STEADY, "training.checkpoint_seconds=0", f"training.accelerator={accelerator}")
    config = tiny(table, *more, f"training.precision={precision}")
    whole = fit(config, tmp_path / "whole")
    losses = [line["train_loss"] for line in whole.folder.history()[1:]]
    assert losses[-1] < losses[0]
    floats = {t.dtype for t in read_archive(whole.model_path).tensors.values() if t.is_floating_point()}
    assert floats == {torch.float32}
    assert weights_of(whole.model_path) != weights_of(fit(tiny(table, *more), tmp_path / "full").model_path)
    with pytest.raises(KilledError):
        fit(config, tmp_path / "run", progress=kill)
    assert weights_of(fit(config, tmp_path / "run", resume=True).model_path) == weights_of(whole.model_path)
