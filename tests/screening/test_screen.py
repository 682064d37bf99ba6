"""Screening a library: the hits are those of sorting all scores, whatever happens on the way."""

from __future__ import annotations

import dataclasses
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.checkpoint import save_target_model
from hyperpcm.datasets.compound_files import compound_parts
from hyperpcm.errors import InputError, InvalidSmilesError, OutputError, TableError
from hyperpcm.screening import (
    Panel,
    Screened,
    StateFolder,
    StructureFilter,
    TopList,
    screen_job,
    screen_library,
)
from hyperpcm.screening import screen as module
from hyperpcm.screening.library import prepared_chunk
from hyperpcm.target_model import TargetModel
from small_models import QUERY, SEQUENCES, SMALL, made_model, many_smiles
from small_trees import with_trees

BAD = ("not a molecule", "C1CC", "c1cc1[")


class KilledError(Exception):
    """Stands for whatever ends a process between two batches."""


@pytest.fixture(scope="module")
def targets() -> list[TargetModel]:
    model = made_model(SMALL)
    named = zip("abc", (*SEQUENCES[:2], QUERY), strict=True)
    return [with_trees(model.compile_target(sequence, name=name)) for name, sequence in named]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred structures, some of them twice and in other words, and bad rows."""
    lines = [f"{smiles} m{row}" for row, smiles in enumerate(many_smiles(180))]
    lines += [f"{line.split()[0]} again{row}" for row, line in enumerate(lines[:40])]
    lines += ["OCC ethanol", "CCO alcohol", "C(O)C spirit"]
    lines += [f"{bad} bad{row}" for row, bad in enumerate(BAD * 4)]
    random.Random(0).shuffle(lines)
    path = tmp_path_factory.mktemp("library") / "library.smi"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 16)


def expected(library: Path, target: TargetModel, top: int) -> list[tuple[int, str]]:
    """Row and structure of the best, by scoring and sorting everything."""
    scores = target.score([line.split()[0] for line in library.read_text().splitlines()])
    found: dict[str, int] = {}
    for row in scores.order():
        found.setdefault(scores.smiles[row] or "", int(row))
    return [(row, smiles) for smiles, row in list(found.items())[:top]]


def screened(
    library: Path, targets: list[TargetModel], folder: Path, *, top: int = 25, **options
) -> Screened:
    job = screen_job(library, {target.name: "sha" for target in targets}, {"top": top})
    return screen_library(library, Panel(targets), StateFolder(folder, job), top=top, **options)


def told(found: Screened) -> dict[str, list[tuple[int, str]]]:
    return {name: [(hit.row, hit.smiles) for hit in hits] for name, hits in found.hits.items()}


@pytest.mark.parametrize("top", [1, 25, 10_000])
def test_hits_are_those_of_sorting_all_scores(top: int, library: Path, targets, tmp_path: Path):
    found = screened(library, targets, tmp_path / "work", top=top)
    for target in targets:
        hits = found.hits[target.name]
        ours, theirs = told(found)[target.name], expected(library, target, top)
        # Scores of a panel are those of the target to rounding, so the order of near ties may differ.
        values = {row: float(target.score([smiles]).values[0]) for row, smiles in theirs}
        np.testing.assert_allclose([hit.score for hit in hits], list(values.values()), atol=2e-5)
        assert len({smiles for _, smiles in ours}) == len(ours) == len(theirs)
        assert len(set(ours) & set(theirs)) >= len(ours) - 1
    rows = library.read_text().count("\n")
    assert (found.rows, found.scored, dict(found.refused)) == (rows, rows - 12, {"PARSE": 12})
    assert found.resumed == 0


def test_a_screen_that_was_stopped_anywhere_ends_as_if_it_had_not_been(
    library: Path, targets, tmp_path: Path
):
    whole = screened(library, targets, tmp_path / "whole")
    generator = random.Random(1)
    work = tmp_path / "work"
    stops = 0
    while True:
        limit = generator.randint(1, 4)
        calls = iter(range(10_000))

        def stop(_: int, calls=calls, limit=limit) -> None:
            if next(calls) >= limit:
                raise KilledError

        try:
            found = screened(library, targets, work, progress=stop, checkpoint_seconds=0)
            break
        except KilledError:
            stops += 1
            with (work / "refused.jsonl").open("a") as file:  # written after the last state
                file.write('[1, "half a li')
    assert stops >= 3
    assert told(found) == told(whole)
    assert [hit.score for hit in found.hits["a"]] == [hit.score for hit in whole.hits["a"]]
    assert (found.rows, found.scored, found.refused) == (whole.rows, whole.scored, whole.refused)
    job = screen_job(library, {target.name: "sha" for target in targets}, {"top": 25})
    refused = [one.row for one in StateFolder(work, job).refused()]
    lines = library.read_text().splitlines()
    assert refused == [row for row, line in enumerate(lines) if " bad" in line]


def test_a_screen_that_is_done_is_not_done_again(library: Path, targets, tmp_path: Path):
    first = screened(library, targets, tmp_path / "work")
    again = screened(
        library, targets, tmp_path / "work", progress=lambda _: pytest.fail("a batch was scored")
    )
    assert told(again) == told(first)
    assert again.resumed == first.rows
    folder = StateFolder(tmp_path / "work", screen_job(library, dict.fromkeys("abc", "sha"), {"top": 25}))
    folder.remove()
    assert not (tmp_path / "work").exists()


def test_two_processes_find_what_one_finds(library: Path, targets, tmp_path: Path, monkeypatch):
    from hyperpcm.encoders import parallel

    monkeypatch.setattr(parallel, "WARM_UP_S", 0.0)
    one = screened(library, targets, tmp_path / "one")
    two = screened(library, targets, tmp_path / "two", processes=2)
    assert told(one) == told(two)
    assert one.refused == two.refused


def test_ctrl_c_leaves_a_state(library: Path, targets, tmp_path: Path):
    def interrupt(rows: int) -> None:
        if rows > 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        screened(library, targets, tmp_path / "work", progress=interrupt)
    found = screened(library, targets, tmp_path / "work")
    assert found.resumed == 64
    assert told(found) == told(screened(library, targets, tmp_path / "whole"))


PROGRAM = """
import json, sys
from pathlib import Path
from hyperpcm.checkpoint import load_target_model
from hyperpcm.screening import Panel, StateFolder, screen_job, screen_library

library, work, out = map(Path, sys.argv[1:])
panel = Panel([load_target_model(Path(f"{name}.hpcm")) for name in "abc"])
folder = StateFolder(work, screen_job(library, {}, {}))
found = screen_library(library, panel, folder, top=20, checkpoint_seconds=0)
hits = {name: [[hit.row, hit.score, hit.smiles, hit.name] for hit in one] for name, one in found.hits.items()}
refused = [[one.row, one.code] for one in folder.refused()]
out.write_text(json.dumps([found.rows, found.scored, found.refused, hits, refused]))
"""


def test_ctrl_c_in_the_middle_of_a_batch_counts_nothing_twice(
    library: Path, targets, tmp_path: Path, monkeypatch
):
    refused, calls = StateFolder.note_refused, iter(range(1000))

    def interrupted(self: StateFolder, state, rejections) -> None:
        refused(self, state, rejections)
        if next(calls) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(StateFolder, "note_refused", interrupted)
    with pytest.raises(KeyboardInterrupt):
        screened(library, targets, tmp_path / "work", checkpoint_seconds=0)
    whole = screened(library, targets, tmp_path / "whole")
    found = screened(library, targets, tmp_path / "work")
    assert (found.rows, found.scored, found.refused) == (whole.rows, whole.scored, whole.refused)
    assert told(found) == told(whole)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_twenty_sigkills_cost_time_and_no_row(library: Path, targets, tmp_path: Path):
    for target in targets:
        save_target_model(target, tmp_path / f"{target.name}.hpcm")
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "long.smi").write_text(library.read_text() * 60)
    command = [sys.executable, "program.py", "long.smi"]
    subprocess.run([*command, "calm", "calm.json"], cwd=tmp_path, check=True)
    generator, kills, rows = random.Random(0), 0, []
    out, state = tmp_path / "hits.json", tmp_path / "work" / "state.json"
    while kills < 20 and not out.exists():
        running = subprocess.Popen([*command, "work", "hits.json"], cwd=tmp_path)
        begun = state.read_bytes() if state.exists() else b""
        while running.poll() is None and (state.read_bytes() if state.exists() else b"") == begun:
            time.sleep(0.01)  # let it get somewhere, or twenty kills would only test the start
        time.sleep(generator.uniform(0.0, 0.1))
        running.send_signal(signal.SIGKILL)
        running.wait()
        kills += 1
        rows.append(json.loads(state.read_text())["rows"])
    assert kills > 3
    assert rows == sorted(rows)
    if not out.exists():
        subprocess.run([*command, "work", "hits.json"], cwd=tmp_path, check=True)
    assert json.loads(out.read_text()) == json.loads((tmp_path / "calm.json").read_text())


def test_a_compound_that_the_encoder_cannot_read_costs_itself(library: Path, targets, tmp_path: Path):
    panel = Panel(targets)
    poison = many_smiles(5)[3]
    recipe = panel.recipe

    class Choosy:
        reads_stereo = False

        def gathering(self):
            gathered = recipe.gathering()
            gathered.prepared = lambda: self.prepared(gathered.smiles)
            return gathered

        def prepared(self, smiles):
            if poison in smiles:
                raise InvalidSmilesError("TOO_LARGE", "it is too large for this encoder")
            return recipe.prepared(smiles)

    batch = prepared_chunk(Choosy(), next(compound_parts(library, rows=10_000)))
    rows = library.read_text().splitlines()
    poisoned = [row for row, line in enumerate(rows) if line.split()[0] == poison]
    assert poisoned
    assert [one.row for one in batch.rejections if one.code == "TOO_LARGE"] == poisoned
    assert len(batch.places) == len(rows) - len(poisoned) - 12
    assert len(batch.compounds.embeddings) == len(batch.places) == len(batch.smiles)


# What may be among the hits


def test_filters_hold_for_every_hit_and_cost_no_better_one(library: Path, targets, tmp_path: Path):
    actives = many_smiles(3)
    only = StructureFilter(["lipinski", "pains"], actives, most_similar=0.5)
    found = screened(library, targets[:1], tmp_path / "work", only=only)
    allowed = [one for one in expected(library, targets[0], 10_000) if only.accepts(one[1])]
    assert 0 < len(allowed) < len(expected(library, targets[0], 10_000))
    ours = told(found)["a"]
    assert len(set(ours) & set(allowed[:25])) >= len(ours) - 1
    assert all(only.accepts(smiles) for _, smiles in ours)


# Refusals


def test_the_state_of_another_screen_is_not_gone_on_with(library: Path, targets, tmp_path: Path):
    screened(library, targets, tmp_path / "work")
    with pytest.raises(OutputError, match="state of another screen"):
        screened(library, targets[:2], tmp_path / "work")
    with pytest.raises(OutputError, match="state of another screen"):
        screened(library, targets, tmp_path / "work", top=3)
    changed = tmp_path / "library.smi"
    changed.write_text(library.read_text() + "CCCC more\n")
    with pytest.raises(OutputError, match="state of another screen"):
        screened(changed, targets, tmp_path / "work")


@pytest.mark.parametrize("content", ["", "{", '{"version": 9}', "[]"])
def test_a_damaged_state_is_named(content: str, library: Path, targets, tmp_path: Path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "state.json").write_text(content)
    with pytest.raises(
        OutputError, match=r"state\.json: this is not the state of a screen, or it is damaged"
    ):
        screened(library, targets, tmp_path / "work")


def test_a_library_without_a_usable_compound_is_refused(targets, tmp_path: Path):
    path = tmp_path / "bad.smi"
    path.write_text("\n".join(BAD))
    with pytest.raises(InputError, match="none of its 3 rows can be scored"):
        screened(path, targets, tmp_path / "work")
    empty = tmp_path / "empty.smi"
    empty.write_text("\n\n")
    with pytest.raises(TableError, match=r"no compound|empty"):
        screened(empty, targets, tmp_path / "other")


# The list of the best


@pytest.mark.parametrize("seed", range(5))
def test_the_list_holds_the_best_of_a_stream_each_structure_once(seed: int):
    generator = np.random.default_rng(seed)
    # Many ties; equal structures score alike.
    smiles = [f"s{number}" for number in generator.integers(0, 120, 300)]
    by_structure = {text: generator.integers(0, 30) for text in smiles}
    scores = np.array(
        [by_structure[text] for text in smiles], dtype=np.float32
    )  # equal structures score alike
    top = TopList(20)
    accepts: Callable[[str], bool] = lambda text: not text.endswith("7")  # noqa: E731
    for start in range(0, 300, 37):
        part = slice(start, min(start + 37, 300))
        rows = list(range(300))[part]
        top.offer(scores[part], rows, smiles[part], [""] * len(rows), accepts)
    first = {text: smiles.index(text) for text in smiles if accepts(text)}
    best = sorted(first, key=lambda text: (-by_structure[text], first[text]))[:20]
    assert [hit.smiles for hit in top.best()] == best
    assert [hit.row for hit in top.best()] == [first[text] for text in best]
    again = TopList(20, [dataclasses.replace(hit) for hit in top.best()])
    assert again.best() == top.best()
