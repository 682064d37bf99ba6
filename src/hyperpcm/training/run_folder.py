"""The folder of one training run: what lies in it, and how it is read back."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperpcm.config import RunConfig
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.locking import only_run
from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.datasets.splits import Split
from hyperpcm.errors import IncompatibleModelError, InputError, OutputError

__all__ = ["OuterProcesses", "RunFolder", "outer_processes"]


@dataclass(frozen=True)
class OuterProcesses:
    """The processes of a run that were started from outside, of which this is one.

    Attributes:
        starter: ``torchrun`` or ``srun``.
        rank: which one this is; the first, 0, alone writes into the run's folder.
        count: how many there are.
        on_this_machine: how many of them run on this machine.
    """

    starter: str
    rank: int
    count: int
    on_this_machine: int


def outer_processes() -> OuterProcesses | None:
    """Return what torchrun or srun say in the environment; None where this process stands alone."""
    said = os.environ
    if "TORCHELASTIC_RUN_ID" in said:
        count = int(said["WORLD_SIZE"])
        return OuterProcesses("torchrun", int(said["RANK"]), count, int(said.get("LOCAL_WORLD_SIZE", count)))
    if int(said.get("SLURM_STEP_NUM_TASKS", "1")) > 1:  # of srun; the batch script itself has no such tasks
        count = int(said["SLURM_STEP_NUM_TASKS"])
        machines = int(said.get("SLURM_STEP_NUM_NODES", "1"))
        return OuterProcesses("srun", int(said["SLURM_PROCID"]), count, count // machines)
    return None


@dataclass(frozen=True)
class RunFolder:
    """Paths and records of one run.

    Attributes:
        path: the folder: ``config.json``, ``split.json``, ``environment.json``, ``metrics.jsonl``,
            ``model.safetensors``, after a refit ``selected.safetensors``, while unfinished ``state/``, and
            what evaluation adds: ``results.json``, ``scores.parquet``, ``trust.json``, ``mutants.json``,
            ``report.html`` and ``report.json``. Loggers add ``tensorboard/``, ``wandb/`` and ``wandb.json``.
            A hidden lock file stays behind.
    """

    path: Path

    @property
    def config_path(self) -> Path:
        """All settings, every default written out."""
        return self.path / "config.json"

    @property
    def split_path(self) -> Path:
        """Row numbers of the three sides, tied to the content of the table."""
        return self.path / "split.json"

    @property
    def environment_path(self) -> Path:
        """Versions, commit and machine."""
        return self.path / "environment.json"

    @property
    def metrics_path(self) -> Path:
        """One JSON line per epoch."""
        return self.path / "metrics.jsonl"

    @property
    def model_path(self) -> Path:
        """The trained model; there when training has ended."""
        return self.path / "model.safetensors"

    @property
    def selected_path(self) -> Path:
        """The model that validation chose, before it learned from the validation side too (refit only)."""
        return self.path / "selected.safetensors"

    @property
    def state_path(self) -> Path:
        """Where training stands; there while it has not ended."""
        return self.path / "state"

    @property
    def tensorboard_path(self) -> Path:
        """Curves for TensorBoard."""
        return self.path / "tensorboard"

    @property
    def wandb_path(self) -> Path:
        """Id of the run at Weights & Biases."""
        return self.path / "wandb.json"

    @property
    def results_path(self) -> Path:
        """Rows of the table, in the layout of results files."""
        return self.path / "results.json"

    @property
    def scores_path(self) -> Path:
        """Labels and scores of the validation and test side."""
        return self.path / "scores.parquet"

    @property
    def trust_path(self) -> Path:
        """What the intervals of the model held on the test side."""
        return self.path / "trust.json"

    @property
    def mutants_path(self) -> Path:
        """Whether the model can tell mutants apart, and what that rests on."""
        return self.path / "mutants.json"

    @property
    def report_path(self) -> Path:
        """The report for people."""
        return self.path / "report.html"

    @property
    def report_record_path(self) -> Path:
        """The report for programs."""
        return self.path / "report.json"

    def held(self) -> AbstractContextManager[None]:
        """Hold the folder, which is made, against a second training; reading needs no hold.

        Raises:
            OutputError: another training holds it, or it cannot be made.
        """
        return only_run(self.config_path)

    def begin(self, config: RunConfig, interactions: Interactions, split: Split, *, overwrite: bool) -> None:
        """Create the folder and write what is known before training.

        Raises:
            OutputError: the folder holds a run already and ``overwrite`` is not set, or cannot be made.
        """
        if self.config_path.exists() and not overwrite:
            raise OutputError(
                f"{self.path} holds a run already. Give another folder, --resume to go on with it, or "
                "--overwrite to lose it."
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.path}: the folder cannot be made ({error.strerror}).") from None
        self.clear()
        self.write_text(self.split_path, split.to_json(interactions))
        self.write_text(self.config_path, config.to_json())

    def clear(self) -> None:
        """Remove what an earlier run left behind; its settings first, as they say that there is a run."""
        self.config_path.unlink(missing_ok=True)
        self.clear_state()
        for path in (
            self.metrics_path,
            self.model_path,
            self.selected_path,
            self.results_path,
            self.scores_path,
            self.trust_path,
            self.mutants_path,
            self.report_path,
            self.report_record_path,
        ):
            path.unlink(missing_ok=True)
        self.wandb_path.unlink(missing_ok=True)
        for folder in (self.tensorboard_path, self.path / "wandb"):
            if folder.is_dir():
                shutil.rmtree(folder)

    def clear_state(self) -> None:
        """Remove the training state."""
        if self.state_path.is_dir():
            for path in self.state_path.iterdir():
                path.unlink()
            self.state_path.rmdir()

    def config(self) -> RunConfig:
        """Return the run's settings.

        Raises:
            InputError: there is no run here.
        """
        if not self.config_path.is_file():
            raise InputError(f"{self.path}: there is no run in this folder (no {self.config_path.name}).")
        return RunConfig.from_json(self.config_path.read_text(encoding="utf-8"))

    def check_same(self, config: RunConfig) -> None:
        """Refuse to go on with other settings than the run was begun with.

        Raises:
            IncompatibleModelError: a setting differs; the first few are named.
        """
        here, asked = self.config().model_dump(mode="json"), config.model_dump(mode="json")
        different = sorted(_differences(here, asked))
        if different:
            raise IncompatibleModelError(
                f"{self.path} was begun with other settings: {'; '.join(different[:5])}. Resume with the "
                "settings it was begun with, or start a new folder."
            )

    def split(self, interactions: Interactions) -> Split:
        """Return the run's split.

        Raises:
            SplitError: it was made for another table.
        """
        return Split.from_json(self.split_path.read_text(encoding="utf-8"), interactions)

    def history(self) -> list[dict[str, Any]]:
        """Return the epochs' records."""
        if not self.metrics_path.exists():
            return []
        return [json.loads(line) for line in self.metrics_path.read_text(encoding="utf-8").splitlines()]

    def write_history(self, history: list[dict[str, Any]]) -> None:
        """Write the epochs' records, whole or not at all."""
        self.write_text(self.metrics_path, "".join(json.dumps(line) + "\n" for line in history))

    def write_environment(self, surroundings: Any, seed: int) -> None:
        """Write versions, commit, machine and seed."""
        record = {**dataclasses.asdict(surroundings), "seed": seed}
        self.write_text(self.environment_path, json.dumps(record, indent=2, default=dict))

    @staticmethod
    def write_text(path: Path, text: str) -> None:
        """Write a small file, whole or not at all."""
        with atomic_file(path, overwrite=True) as stream:
            stream.write(text.encode("utf-8"))


def _differences(here: dict[str, Any], asked: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for key in here.keys() | asked.keys():
        one, other = here.get(key), asked.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            found += _differences(one, other, f"{prefix}{key}.")
        elif one != other:
            found.append(f"{prefix}{key} was {one!r}, now {other!r}")
    return found
