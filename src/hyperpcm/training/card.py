"""What a trained model says about itself: the record in its file, and the card that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hyperpcm.config import DataConfig, RunConfig
from hyperpcm.datasets import catalog
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.training.encoded import EncodedData

__all__ = ["card_record", "learned_counts", "source_of"]


def source_of(config: DataConfig) -> dict[str, str]:
    """Return where the data come from: what they are, their licence and citation, or the file.

    Args:
        config: of the data.
    """
    if config.name is None:
        return {"file": str(config.path)}
    record = catalog.record(config.name)
    return {"what": record.title, "licence": record.licence, "citation": record.citation}


def learned_counts(data: EncodedData) -> dict[str, int]:
    """Return how much was learned from."""
    return {
        "interactions": len(data.learned),
        "targets": len(data.memory_targets),
        "compounds": int((data.landmark_of >= 0).sum()),
    }


def card_record(
    config: RunConfig,
    interactions: Interactions,
    split: Split,
    data: EncodedData,
    history: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return what a reader of the model file should know about its training (JSON values).

    Args:
        config: all settings.
        interactions: the table.
        split: its division.
        data: the encoded table.
        history: the record of each epoch.
    """
    best = next(record for record in history if record["epoch"] == history[-1]["best_epoch"])
    return {
        "data": interactions.name,
        "source": source_of(config.data),
        "data_fingerprint": interactions.fingerprint(),
        **learned_counts(data),
        "split": split.label(),
        **({} if split.test.size else {"tested": False}),
        "seed": config.seed,
        "best": dict(best),
        "learning_rates": [
            record["learning_rate"] for record in history if 0 < record["epoch"] <= best["epoch"]
        ],
    }
