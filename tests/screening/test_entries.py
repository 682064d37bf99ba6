"""Screening by entries gives the numbers of the dense products that it stands for."""

from __future__ import annotations

import dataclasses
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from hyperpcm.chem import morgan_counts, tanimoto
from hyperpcm.encoders import compound_encoder
from hyperpcm.encoders.sparse_rows import SparseRows
from hyperpcm.errors import ConfigError
from hyperpcm.nn.scaling import Standardiser
from hyperpcm.nn.trees import BoostedTrees
from hyperpcm.scaleout import LocalEngine, run_shards
from hyperpcm.screening import CompoundRecipe, Panel
from hyperpcm.screening.bag import BagProduct
from hyperpcm.screening.forest import Forest, Forests, JoinedForests
from hyperpcm.screening.landmark_kernels import LandmarkKernels
from hyperpcm.screening.seen import SeenStructures
from hyperpcm.screening.tensors import CompoundTensors, Entries
from hyperpcm.screening.threads import in_threads
from small_models import QUERY, SEQUENCES, SMALL, made_model, many_smiles
from small_shards import library_lines, merged, planned, write_targets
from small_trees import with_trees

CPU = torch.device("cpu")


@pytest.fixture
def table() -> np.ndarray:
    generator = np.random.default_rng(0)
    values = generator.integers(1, 5, (37, 300)) * (generator.random((37, 300)) < 0.05)
    values[5] = 0  # a row without entries
    return values.astype(np.float32)


def entries(table: np.ndarray, *, bits: bool = False) -> Entries:
    return Entries.of(SparseRows.of(table, bits=bits), CPU)


def test_rows_come_back_whole_in_part_and_in_another_order(table: np.ndarray):
    rows = SparseRows.of(table)
    assert len(rows) == 37
    assert np.array_equal(rows.dense(), table)
    order = np.array([5, 3, 3, 36])
    assert np.array_equal(rows.taken(order).dense(), table[order])
    assert np.array_equal(rows.bits().dense(), (table > 0).astype(np.float32))
    found = entries(table)
    assert len(found) == 37
    assert np.array_equal(found.dense().numpy(), table)
    assert np.array_equal(found[4:9].dense().numpy(), table[4:9])
    assert np.array_equal(found[30:99].dense().numpy(), table[30:])
    assert len(found[40:50]) == 0
    places = np.full(300, -1)
    places[[7, 2]] = [0, 1]
    assert np.array_equal(found.only(places, 2).numpy(), table[:, [7, 2]])
    with pytest.raises(ValueError, match="consecutive"):
        found[::2]


@pytest.mark.parametrize("outputs", [1, 256, 600])
def test_a_product_by_entries_is_the_dense_product(table: np.ndarray, outputs: int):
    matrix = torch.randn(300, outputs, generator=torch.Generator().manual_seed(0))
    product = BagProduct(matrix, CPU)
    torch.testing.assert_close(product(entries(table)), torch.from_numpy(table) @ matrix)
    bits = entries(table, bits=True)
    torch.testing.assert_close(product(bits), torch.from_numpy((table > 0).astype(np.float32)) @ matrix)
    assert product(bits[3:3]).shape == (0, outputs)


def test_kernels_by_lookup_have_the_digits_of_kernels_that_are_computed():
    landmarks, asked = (
        morgan_counts(many_smiles(40)),
        morgan_counts(["C" * n for n in (1, 9, 60)] + many_smiles(9)),
    )
    kernels = (lambda t: t**2.5, lambda t: torch.exp(-t))
    found = LandmarkKernels(landmarks, kernels, CPU)
    similarity = torch.from_numpy(tanimoto(asked, landmarks)).double()
    for part in (slice(0, 2), slice(0, len(asked))):  # the second needs larger tables
        said_of = found(entries(asked[part], bits=True))
        for kernel, said in zip(kernels, said_of.kernels(range(2)), strict=True):
            assert torch.equal(said, kernel(similarity[part]))


def test_tables_that_grow_in_one_thread_mislead_no_other():
    landmarks = morgan_counts(many_smiles(40))
    asked = morgan_counts([*many_smiles(9), "".join("CNOS"[n % 4] for n in range(200))])
    is_slow = threading.Event()

    def slow(similarity: Tensor) -> Tensor:
        if is_slow.is_set():
            time.sleep(0.05)
        return similarity**2.5

    expected = torch.from_numpy(tanimoto(asked, landmarks)).double() ** 2.5
    found = LandmarkKernels(landmarks, (slow, slow), CPU)
    is_slow.set()

    def asked_row(row: int) -> bool:
        time.sleep(0.02 * row)  # each comes while another grows the tables
        similarities = found(entries(asked[row : row + 1], bits=True))
        return all(torch.equal(said[0], expected[row]) for said in similarities.kernels(range(2)))

    with ThreadPoolExecutor(len(asked)) as pool:
        assert all(pool.map(asked_row, range(len(asked))))


def test_lightgbm_goes_down_trees_as_we_do():
    target = with_trees(made_model(SMALL).compile_target(QUERY, name="a"))
    assert target.prior is not None
    assert target.prior.trees is not None
    trees = target.prior.trees.trees
    width = int(trees.column.max()) + 10
    columns = torch.randn(500, width, generator=torch.Generator().manual_seed(1))
    columns[:50] = trees.threshold[trees.column >= 0][0]  # exactly on a threshold: left
    forest = Forest(trees, width)
    assert 0 < len(forest.used) < width
    said = forest(columns[:, torch.from_numpy(forest.used)])
    torch.testing.assert_close(said, trees(columns), rtol=0, atol=1e-6)
    assert np.ptp(said.numpy()) > 0


def test_trees_without_a_split_and_no_trees_at_all_say_what_they_say():
    only_leaf = BoostedTrees(1, 1)
    only_leaf.column.fill_(-1)
    only_leaf.threshold.fill_(0.25)
    assert Forest(only_leaf, 4)(torch.zeros(3, 0)).tolist() == [0.25] * 3
    assert Forest(BoostedTrees(), 4)(torch.zeros(3, 0)).tolist() == [0.0] * 3


def test_trees_of_several_targets_walked_down_together_say_what_each_says():
    targets = [with_trees(made_model(SMALL).compile_target(one, name=one)) for one in (*SEQUENCES, QUERY)]
    trees = [target.prior.trees.trees for target in targets if target.prior and target.prior.trees]
    deepest = int(trees[0].depths[0])
    fewer = trees[0].folded(torch.ones(3000, dtype=torch.bool), torch.zeros(3000))  # one leaf each
    trees += [BoostedTrees(), fewer]
    recipe = CompoundRecipe(targets[0].encoder, ((2, 2048),))
    parts = CompoundTensors.of(recipe.prepared(many_smiles(300)), CPU).parts
    width = recipe.encoder.width
    prior = targets[0].prior
    assert prior is not None
    columns = prior.retrieval.width + 2
    retrieved = torch.randn(len(trees), 300, columns, generator=torch.Generator().manual_seed(2))
    assert deepest > 1
    expected = Forests(trees, columns, width)(retrieved, parts)
    found = JoinedForests(trees, columns, width, CPU)(retrieved, parts)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    assert all(row.std() > 0 for row in expected[: len(targets)])
    assert not expected[-2].any()


def test_parts_are_scaled_as_the_whole_is_and_stay_sparse_where_they_can():
    recipe = CompoundRecipe(compound_encoder(["ecfp", "descriptors"]), ((2, 2048), (3, 64)))
    prepared = recipe.prepared(many_smiles(20))
    scaler = Standardiser(recipe.encoder.width, clip=1.5)
    scaler.scale.uniform_(0.5, 2.0, generator=torch.Generator().manual_seed(0))
    scaler.mean[2048:] = 0.3
    for mean in (0.0, 0.1):
        scaler.mean[:2048] = mean
        parts = CompoundTensors.of(prepared, CPU).scaled(scaler)
        assert isinstance(parts[0], Entries) == (mean == 0)
        whole = torch.cat([part.dense() if isinstance(part, Entries) else part for part in parts], dim=1)
        assert torch.equal(whole, scaler(torch.from_numpy(prepared.embeddings)))
    assert recipe.same_bits((2, 2048)) == 0
    assert recipe.same_bits((3, 64)) is None
    own = morgan_counts(many_smiles(20))
    assert np.array_equal(prepared.prints[2, 2048].dense(), own > 0)


def test_targets_whose_landmarks_have_little_in_common_are_scored_each_for_itself():
    model = made_model(SMALL)
    targets = [model.compile_target(sequence, name=str(n)) for n, sequence in enumerate(SEQUENCES)]
    apart = []
    for number, target in enumerate(targets):
        prior = target.prior
        assert prior is not None
        kept = np.arange(number % 2, len(prior.landmarks), 2)
        landmarks = prior.landmarks[kept].copy()
        landmarks[:, number] = 1  # no fingerprint is another target's
        landmarks[:, [n for n in range(len(targets)) if n != number]] = 0
        sums = {name: getattr(prior.collapsed, name)[..., kept] for name in ("evidence", "first", "second")}
        ridge = prior.ridge
        if ridge is not None:
            ridge = dataclasses.replace(ridge, coefficients=ridge.coefficients[:, kept])
        collapsed = dataclasses.replace(prior.collapsed, **sums)
        prior = dataclasses.replace(prior, landmarks=landmarks, collapsed=collapsed, ridge=ridge)
        apart.append(dataclasses.replace(target, prior=prior))
    smiles = many_smiles(30)
    for given, stacks in ((targets, 1), (apart, len(apart))):
        panel = Panel(given)
        assert len(panel._stacks) == stacks
        expected = np.stack([target.score(smiles).values for target in given])
        np.testing.assert_allclose(panel.score(smiles).values, expected, atol=2e-5)


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    target = made_model(SMALL).compile_target(QUERY, name="a")
    with pytest.raises(ConfigError, match="auto, cpu or cuda"):
        Panel([target], device="tpu")
    with pytest.raises(ConfigError, match="no GPU"):
        Panel([target], device="cuda")
    with pytest.raises(ConfigError, match="no GPU"):
        Panel([target], device="cuda:1")
    assert Panel([target], device="auto").device == CPU


@pytest.mark.gpu
def test_a_gpu_says_what_the_cpu_says():
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    model = made_model(SMALL)
    targets = [with_trees(model.compile_target(sequence, name=sequence)) for sequence in (*SEQUENCES, QUERY)]
    smiles = many_smiles(400)
    near, far = (Panel(targets, device=device).score(smiles).values for device in ("cpu", "cuda"))
    np.testing.assert_allclose(far, near, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.parametrize("processes", [None, 2])
def test_shards_on_a_gpu_find_what_shards_on_the_cpu_find(processes: int | None, tmp_path: Path):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    targets = write_targets(tmp_path)
    library = tmp_path / "library.smi"
    library.write_text("\n".join(library_lines()) + "\n")
    near, far = (planned(tmp_path / name, library, targets, rows=48) for name in ("near", "far"))
    run_shards(near, LocalEngine(1))
    run_shards(far, LocalEngine(processes, "cuda"))
    ours, theirs = merged(near), merged(far)
    assert (ours[:3], ours[4]) == (theirs[:3], theirs[4])
    for name, hits in ours[3].items():
        scores = [[float.fromhex(str(hit[0])) for hit in one] for one in (hits, theirs[3][name])]
        np.testing.assert_allclose(scores[1], scores[0], atol=1e-4)


def test_structures_are_known_again_whenever_they_came():
    generator = random.Random(0)
    seen, first = SeenStructures(), {}
    row = 0
    for size in (1, 300, 5, 5, 5, 80, 2, 40):
        names = [f"C{generator.randrange(400)}" for _ in range(size)]
        rows = list(range(row, row + size))
        row += size
        expected = [first.setdefault(name, at) for name, at in zip(names, rows, strict=True)]
        assert seen.add(names, rows).tolist() == expected
    assert len(seen) == len(first)
    assert seen.add([], []).tolist() == []


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_give_results_in_order_and_errors_at_their_place(threads: int):
    def work(number: int) -> int:
        if number == 7:
            raise ValueError("seven")
        return number * number

    got: list[int] = []
    before = torch.get_num_threads()
    with pytest.raises(ValueError, match="seven"):
        got.extend(in_threads(work, iter(range(20)), threads))
    assert list(in_threads(work, range(7), threads)) == [number * number for number in range(7)]
    assert torch.get_num_threads() == before
