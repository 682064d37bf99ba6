"""A small library screened in shards, and runners that break as real ones do, shared by tests."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyperpcm.checkpoint import load_target_model, save_target_model
from hyperpcm.errors import Rejection
from hyperpcm.scaleout import Merged, Settings, ShardReport, ShardRunner, merge_shards, plan_screen
from hyperpcm.scaleout.runner import _Loaded
from hyperpcm.screening import (
    CompoundRecipe,
    LibraryIndex,
    Panel,
    Screened,
    StateFolder,
    StructureFilter,
    screen_job,
    screen_library,
)
from hyperpcm.screening.recipe import CompoundGathering
from small_models import QUERY, SEQUENCES, SMALL, made_model, many_smiles
from small_trees import with_trees

BAD = ("not a molecule", "C1CC", "c1cc1[")
POISON = many_smiles(30)[17]


def write_targets(folder: Path) -> list[Path]:
    """Three compiled targets."""
    model, files = made_model(SMALL), []
    for name, sequence in zip("abc", (*SEQUENCES[:2], QUERY), strict=True):
        files.append(folder / f"{name}.hpcm")
        save_target_model(with_trees(model.compile_target(sequence, name=name)), files[-1])
    return files


def library_lines(times: int = 1) -> list[str]:
    """Structures, some of them twice and in other words, and bad rows: about two hundred, so many times."""
    lines = [f"{smiles} m{row}" for row, smiles in enumerate(many_smiles(150))]
    lines += [f"{line.split()[0]} again{row}" for row, line in enumerate(lines[:30])]
    lines += ["OCC ethanol", "CCO alcohol", "C(O)C spirit"]
    lines += [f"{bad} bad{row}" for row, bad in enumerate(BAD * 4)]
    random.Random(0).shuffle(lines)
    return lines * times


def planned(folder: Path, library: Path, targets: Sequence[Path], *, rows: int = 32, top: int = 20) -> Path:
    """The folder of a plan."""
    plan_screen(folder, library, targets, Settings(top=top, rows=rows))
    return folder


Story = tuple[int, int, dict[str, int], dict[str, list[tuple[object, ...]]], list[Rejection]]


def story(found: Screened | Merged, rejections: Sequence[Rejection]) -> Story:
    """All that is known of a screen, scores to the last bit."""
    hits = {
        name: [(hit.score.hex(), hit.row, hit.smiles, hit.name) for hit in hits]
        for name, hits in found.hits.items()
    }
    return found.rows, found.scored, dict(found.refused), hits, list(rejections)


def merged(folder: Path, *, partial: bool = False) -> Story:
    """What the shards of a plan come to."""
    rejections: list[Rejection] = []
    return story(merge_shards(folder, partial=partial, take_rejections=rejections.extend), rejections)


def screened_whole(
    library: Path | LibraryIndex, targets: Sequence[Path], work: Path, *, top: int = 20
) -> Story:
    """What one screen of the whole library finds."""
    panel = Panel([load_target_model(path) for path in targets])
    path = library.path / "index.json" if isinstance(library, LibraryIndex) else library
    folder = StateFolder(work, screen_job(path, {}, {"top": top}))
    found = screen_library(library, panel, folder, top=top, only=StructureFilter())
    return story(found, list(folder.refused()))


class SlowRunner(ShardRunner):
    """Takes a while for each shard, so that it can be disturbed."""

    def __call__(self, shard: int) -> ShardReport:
        time.sleep(0.2)
        return super().__call__(shard)


class _Watched(CompoundGathering):
    """Tells its recipe of each compound."""

    def add(self, smiles: str, molecule: Any = None) -> None:
        self.recipe.look_at(smiles)  # type: ignore[attr-defined]
        super().add(smiles, molecule)


class _WatchedRecipe(CompoundRecipe):
    def gathering(self) -> CompoundGathering:
        return _Watched(self)


class DeadlyRecipe(_WatchedRecipe):
    """Kills the process that prepares one compound."""

    def look_at(self, smiles: str) -> None:
        if smiles == POISON:
            os.kill(os.getpid(), signal.SIGKILL)


class ChokingRecipe(_WatchedRecipe):
    """Raises for one compound what no encoder should."""

    def look_at(self, smiles: str) -> None:
        if smiles == POISON:
            raise ZeroDivisionError("no atoms left")


class BrokenRecipe(_WatchedRecipe):
    """Raises for every compound."""

    def look_at(self, smiles: str) -> None:
        raise RuntimeError("weights are missing")


class FaultyRunner(ShardRunner):
    """Prepares compounds with a recipe that is broken."""

    recipe: type[CompoundRecipe] = CompoundRecipe

    def _ready(self) -> _Loaded:
        loaded = super()._ready()
        loaded.recipe = self.recipe(loaded.recipe.encoder, loaded.recipe.fingerprints)
        return loaded


class DeadlyRunner(FaultyRunner):
    """Dies of one compound."""

    recipe = DeadlyRecipe


class ChokingRunner(FaultyRunner):
    """Chokes on one compound."""

    recipe = ChokingRecipe


class BrokenRunner(FaultyRunner):
    """Can prepare nothing."""

    recipe = BrokenRecipe


class DyingRunner(ShardRunner):
    """Dies of one shard, whatever is done about it."""

    def __call__(self, shard: int) -> ShardReport:
        if shard == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(shard)
