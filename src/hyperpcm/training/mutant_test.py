"""The test of a trained model on measured mutants, kept beside its file for whoever wants to scan others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.errors import TableError
from hyperpcm.evaluation.results import read_json, write_json
from hyperpcm.model import HyperPCM
from hyperpcm.training.encoded import Progress
from hyperpcm.training.run_folder import RunFolder
from hyperpcm.trust import Differences, MutantTest, judged, measured_differences

__all__ = ["KeptTest", "kept_test", "measured_mutants", "write_mutant_test"]


@dataclass(frozen=True, eq=False)
class KeptTest:
    """A test as it lies in the folder of a run.

    Attributes:
        test: the verdict.
        differences: what it rests on.
        model: sha256 of the document of the model that was tested.
        data: name of the table.
        split: its division.
    """

    test: MutantTest
    differences: Differences
    model: str
    data: str
    split: str

    def record(self) -> dict[str, Any]:
        """Return JSON values."""
        head = {"model_sha256": self.model, "data": self.data, "split": self.split}
        return head | self.test.record() | {"differences": self.differences.record()}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> KeptTest:
        """Return the test that `record` wrote."""
        return cls(
            test=MutantTest.of_record(record),
            differences=Differences.of_record(record["differences"]),
            model=record["model_sha256"],
            data=record["data"],
            split=record["split"],
        )


def measured_mutants(
    model: HyperPCM,
    interactions: Interactions,
    split: Split,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Differences:
    """Return measured and predicted differences of the mutants in a table that a model was trained on.

    Mutants that only the validation side holds chose the model and are left out, unless it learned from them.

    Args:
        model: trained on the training side of the division, or on training and validation.
        interactions: the table.
        split: its division.
        seed: of the random substitutions that the real ones are compared with.
        progress: called with a stage, what is done and what there is.
    """
    known = set(model.memory_sequences)
    seen = np.unique(interactions.target_index[split.seen])
    left_out = [int(target) for target in seen if interactions.targets[target] not in known]

    def tell(done: int, total: int) -> None:
        if progress is not None:
            progress("measured mutants", done, total)

    return measured_differences(model, interactions, left_out=left_out, seed=seed, progress=tell)


def write_mutant_test(
    run: RunFolder,
    model: HyperPCM,
    interactions: Interactions,
    split: Split,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> KeptTest:
    """Test the model of a run on the mutants of its table, and keep what is found in its folder.

    Args:
        run: whose folder it is.
        model: as read from its file.
        interactions: the table.
        split: its division.
        seed: of the random substitutions.
        progress: called with a stage, what is done and what there is.
    """
    found = measured_mutants(model, interactions, split, seed=seed, progress=progress)
    kept = KeptTest(judged(found, seed), found, model.origin, interactions.name, split.label())
    write_json(run.mutants_path, kept.record())
    return kept


def kept_test(model_path: Path) -> KeptTest | None:
    """Return the test that was kept beside a model file; None where there is none.

    Raises:
        TableError: the file beside it holds no test.
    """
    path = RunFolder(model_path.parent).mutants_path
    if not path.is_file():
        return None
    try:
        return KeptTest.of_record(read_json(path))
    except (KeyError, TypeError, ValueError) as error:
        raise TableError(
            f"{path}: this is no test of mutants ({type(error).__name__}: {error}). Remove it, and make it "
            f"anew with: hyperpcm evaluate {model_path.parent}"
        ) from None
