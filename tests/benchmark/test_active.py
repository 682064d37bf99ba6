"""Benchmarks that replay campaigns, from their files to their tables."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperpcm.adaptation.suggest_replay import METHODS
from hyperpcm.benchmark import Benchmark, Choice, all_benchmarks, find_benchmark, run_benchmark, view_of
from hyperpcm.benchmark.active_results import ActiveOnDisk, summarised_campaigns
from hyperpcm.benchmark.html import html
from hyperpcm.benchmark.markdown import markdown
from hyperpcm.benchmark.page import page
from hyperpcm.errors import ConfigError, TableError
from small_benchmarks import MODEL, write_benchmark

REPOSITORY = Path(__file__).resolve().parents[2] / "benchmarks"
KIND = 'kind = "active"\nrounds = 2\nbatch = 3\nshare = 0.1\nleast = 2\nleast_compounds = 10\nreplays = 1\n'
ON_A_FLOOR = "t0"  # a target whose labels are all equal


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finished")
    protocol = write_benchmark(root, kind=KIND) / "benchmark.toml"
    table = protocol.with_name("table.csv")
    table.write_text(re.sub(rf"(,{ON_A_FLOOR},\w+),[\d.]+", r"\1,5.00", table.read_text()))
    protocol.write_text(protocol.read_text() + "options = { valid_share = 0.5 }\n")
    benchmark = find_benchmark(root, "small")
    with pytest.raises(TableError, match=r"has no results at .*active/table\.json"):
        view_of(benchmark)
    said: list[str] = []
    summary = run_benchmark(benchmark, Choice(store=root / "store.sqlite"), say=said.append)
    assert (len(summary.done), summary.failed) == (2, ()), said
    assert any("best compounds found on 6 targets: random" in line for line in said)
    assert any(
        "best compounds found on 5 targets (1 more left out for ties): random" in line for line in said
    )
    return root


def results_of(root: Path):
    return json.loads((root / "results" / "active" / "table.json").read_text())


def test_the_file_holds_every_target_of_every_fold_and_the_means(finished):
    record = results_of(finished)
    assert [(part["row"], part["fold"]) for part in record["parts"]] == [("model", 0), ("model", 1)]
    targets = [target for part in record["parts"] for target in part["targets"]]
    assert len(set(targets)) == len(targets) == record["targets"] == 11
    assert sum(len(part["tied"]) for part in record["parts"]) == record["tied"] == 1
    assert list(record["methods"]) == list(METHODS)
    for method, entry in record["methods"].items():
        every = np.array([shares for part in record["parts"] for shares in part["found"][method]])
        assert every.shape == (11, 2)
        assert entry["found"] == pytest.approx(every.mean(axis=0).tolist())
    assert record["protocol"]["replay"]["batch"] == 3


def test_what_is_there_is_not_run_again(finished):
    summary = run_benchmark(find_benchmark(finished, "small"), Choice(store=finished / "store.sqlite"))
    assert (summary.done, len(summary.skipped)) == ((), 2)


def test_the_table_and_the_page_show_every_method(finished):
    benchmark = find_benchmark(finished, "small")
    view = view_of(benchmark)
    text = markdown(view)
    for part in ("3 measured", "6 measured", "highest zero-shot scores", "Thompson sampling", "11 held-out"):
        assert part in text
    assert "ties included" in text
    assert "Targets left out because ties make their best more than 2 times as many: 1." in text
    assert "After the last round, adapted scores, against the highest zero-shot scores: " in text
    assert "Thompson sampling" in html(view)
    assert "A small one" in page(finished)
    lines = {line.name: line for line in view.sections[0].lines}
    found = results_of(finished)["methods"]["greedy"]["found"]
    assert [cell.numbers["found"] for cell in lines["greedy"].cells] == pytest.approx(found)


def part(benchmark: Benchmark, row: str, fold: int) -> dict[str, Any]:
    """What a job of a benchmark as of `KIND` gave, on three targets."""
    known = {one.name: one.digest for one in benchmark.rows}
    found = {name: [[0.3, 0.4], [0.3, 0.5], [0.3, 0.6]] for name in METHODS}
    targets = [3 * fold, 3 * fold + 1, 3 * fold + 2]
    made: dict[str, Any] = {"row": row, "fold": fold, "seed": 0, "targets": targets, "compounds": [14] * 3}
    made |= {"found": found, "tied": [], "seconds": 1.0, "peak_mb": 1.0, "settings": known.get(row, "0" * 12)}
    return made | {"versions": {}, "commit": "a" * 40, "machine": {}}


def write_results(benchmark: Benchmark, *parts: dict[str, Any]) -> Path:
    """The results file of a benchmark, with these parts."""
    protocol = {"data": "table", "fingerprint": "0" * 64, "merged": True, "split": "cold_target", "folds": 3}
    replay = benchmark.file.replay.record()
    protocol |= {"split_seed": 0, "options": {"valid_share": 0.5}, "replay": replay}
    path = benchmark.folder.parent / "results" / "active" / "table.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"reference": "model", "protocol": protocol, "parts": parts}))
    return path


def test_the_table_tells_how_its_results_were_made_not_what_the_protocol_says_now(tmp_path):
    file = write_benchmark(tmp_path, kind=KIND) / "benchmark.toml"
    benchmark = find_benchmark(tmp_path, "small")
    write_results(benchmark, part(benchmark, "model", 0), part(benchmark, "model", 1))
    before = view_of(benchmark).sections[0]
    assert [column.title for column in before.columns] == ["3 measured", "6 measured"]
    for was, now in [
        ("batch = 3", "batch = 4"),
        ("rounds = 2", "rounds = 3"),
        ("share = 0.1", "share = 0.2"),
    ]:
        file.write_text(
            file.read_text().replace(was, now).replace("least_compounds = 10", "least_compounds = 13")
        )
        assert view_of(find_benchmark(tmp_path, "small")).sections[0] == before
    assert "best 10 % of" in before.caption
    assert "(2 at least, ties included)" in before.caption
    assert "6 held-out targets with 10 compounds" in before.caption


def test_results_from_before_ties_were_looked_at_are_shown_without_a_word_on_them(tmp_path):
    write_benchmark(tmp_path, kind=KIND)
    benchmark = find_benchmark(tmp_path, "small")
    old = part(benchmark, "model", 0)
    del old["tied"]
    path = write_results(benchmark, old)
    path.write_text(path.read_text().replace(', "most_tied": 2.0', ""))
    assert "left out" not in view_of(benchmark).sections[0].caption


@pytest.mark.parametrize("replay", ['"batch": 3, ', '"replay"'])
def test_results_that_do_not_say_how_they_were_made_are_refused(tmp_path, replay):
    write_benchmark(tmp_path, kind=KIND)
    benchmark = find_benchmark(tmp_path, "small")
    path = write_results(benchmark, part(benchmark, "model", 0))
    other = {'"batch": 3, ': '"bunch": 3, ', '"replay"': '"played"'}[replay]
    path.write_text(path.read_text().replace(replay, other))
    with pytest.raises(
        TableError, match=r"table\.json: its protocol does not say how campaigns were replayed"
    ):
        view_of(benchmark)


def test_parts_of_a_row_that_is_gone_are_not_shown_and_stay_in_the_file(tmp_path):
    write_benchmark(tmp_path, kind=KIND)
    benchmark = find_benchmark(tmp_path, "small")
    gone = part(benchmark, "gone", 0)
    path = write_results(benchmark, gone)
    assert "`small`: A small one" in page(tmp_path).partition("## Without results so far")[2]
    with pytest.raises(TableError, match="has no results at"):
        view_of(benchmark)
    own = part(benchmark, "model", 0)
    surroundings = {name: own.pop(name) for name in ("versions", "commit", "machine")}
    held = ActiveOnDisk(benchmark, path)
    assert held.done() == {}
    held.add({"protocol": held.protocol, "part": own, "surroundings": surroundings})
    assert [one["row"] for one in results_of(tmp_path)["parts"]] == ["gone", "model"]
    assert results_of(tmp_path)["parts"][0] == gone
    assert [section.heading for section in view_of(benchmark).sections] == ["The model"]
    with pytest.raises(TableError, match="another protocol"):
        ActiveOnDisk(benchmark, write_results(benchmark, gone)).check({"protocol": {}}, None)


def test_parts_from_before_a_method_was_there_are_left_out_and_named(tmp_path):
    write_benchmark(tmp_path, kind=KIND)
    benchmark = find_benchmark(tmp_path, "small")
    older = part(benchmark, "model", 0)
    older["found"]["oracle"] = older["found"].pop("ei")
    write_results(benchmark, older, part(benchmark, "model", 1))
    view = view_of(benchmark)
    assert [line.name for line in view.sections[0].lines] == list(METHODS)
    assert "over 3 held-out targets" in view.sections[0].caption
    assert (
        "The model: folds 0 were measured before there were all methods, so they are left out; run them "
        "again with --fresh."
    ) in view.sentences
    write_results(benchmark, older)
    view = view_of(benchmark)
    assert [line.title for line in view.sections[0].lines if line.name == "oracle"] == ["oracle"]
    assert "measured before" not in " ".join(view.sentences)


def test_sentences_name_their_row_where_the_reference_has_no_results(tmp_path):
    write_benchmark(tmp_path, kind=KIND, other=MODEL.replace("The model", "The other one"))
    benchmark = find_benchmark(tmp_path, "small")
    write_results(benchmark, part(benchmark, "other", 0))
    told = [one for one in view_of(benchmark).sentences if "after the last round, adapted scores" in one]
    assert len(told) == 2
    assert all(one.startswith("The other one, after the last round, adapted scores, against") for one in told)
    write_results(benchmark, part(benchmark, "other", 0), part(benchmark, "model", 0))
    told = [one for one in view_of(benchmark).sentences if "he last round" in one]
    assert len(told) == 2
    assert all(one.startswith("After the last round, adapted scores, against") for one in told)


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"fold": "x"}, "invalid literal"), ({"settings": ...}, "settings"), ({"peak_mb": ...}, "peak_mb")]
    + [({name: ...}, name) for name in ("row", "found", "targets", "machine")],
)
def test_a_part_that_cannot_be_read_is_told_with_its_file(tmp_path, changed, said):
    write_benchmark(tmp_path, kind=KIND)
    benchmark = find_benchmark(tmp_path, "small")
    broken = part(benchmark, "model", 0) | changed
    write_results(benchmark, {name: value for name, value in broken.items() if value is not ...})
    with pytest.raises(TableError, match=rf"table\.json: this is not a results file of this kind .*{said}"):
        view_of(benchmark)


@pytest.mark.parametrize("shares", [[[0.3, 0.4], [0.3, 0.5]], [[0.3, 0.4], [0.3], [0.3, 0.6]]])
def test_a_part_that_lacks_a_target_or_a_round_is_told_with_its_file(tmp_path, shares):
    write_benchmark(tmp_path, kind=KIND)
    benchmark = find_benchmark(tmp_path, "small")
    broken = part(benchmark, "model", 0)
    broken["found"]["ei"] = shares
    write_results(benchmark, broken)
    with pytest.raises(TableError, match=r"table\.json: .*ei lacks shares of some target or round"):
        view_of(benchmark)


def test_means_are_over_targets_and_seeds_of_a_target_count_once():
    part = {"targets": [1, 2], "found": {"zero_shot": [[0.0], [1.0]], "greedy": [[0.5], [1.0]]}}
    again = {"targets": [1], "found": {"zero_shot": [[0.2]], "greedy": [[0.9]]}}
    found = summarised_campaigns([part, again])
    assert found["targets"] == 2
    assert found["methods"]["greedy"]["found"] == pytest.approx([0.85])
    assert found["methods"]["greedy"]["to_zero_shot"][0][0] == pytest.approx(0.3)


def test_results_of_another_protocol_are_refused(finished):
    benchmark = find_benchmark(finished, "small")
    file = finished / "small" / "benchmark.toml"
    before = file.read_text()
    file.write_text(before.replace("batch = 3", "batch = 4"))
    try:
        with pytest.raises(TableError, match="another protocol"):
            run_benchmark(
                find_benchmark(finished, benchmark.name),
                Choice(store=finished / "store.sqlite", fresh=True, folds=[0]),
            )
    finally:
        file.write_text(before)


@pytest.mark.parametrize(
    ("kind", "rows", "said"),
    [
        (KIND.replace("least_compounds = 10", "least_compounds = 5"), {}, "2 rounds of 3 measure 6"),
        (KIND + "most_tied = 0.5\n", {}, "most_tied is a number from 1 on, not 0.5"),
        (KIND, {"near": 'baseline = "kernel_knn"\n'}, "only a whole model learns from measurements"),
        (KIND, {"prior": 'part = "prior"\n'}, "only a whole model learns from measurements"),
    ],
)
def test_what_cannot_be_run_is_refused(tmp_path, kind, rows, said):
    write_benchmark(tmp_path, kind=kind, **rows)
    with pytest.raises(ConfigError, match=said):
        find_benchmark(tmp_path, "small")


def test_a_split_that_shares_targets_is_refused(tmp_path):
    folder = write_benchmark(tmp_path, kind=KIND)
    file = folder / "benchmark.toml"
    file.write_text(file.read_text().replace('"cold_target"', '"random"'))
    with pytest.raises(ConfigError, match="use cold_target or homology_target, not random"):
        find_benchmark(tmp_path, "small")


def test_those_of_the_repository_can_be_run():
    ours = [one for one in all_benchmarks(REPOSITORY) if one.file.kind == "active"]
    assert [one.name for one in ours] == ["active_kiba"]
