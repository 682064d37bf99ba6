"""What is rounded lies on a grid near what it was; compounds that go are those that say the least."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hyperpcm.errors import ConfigError, InputError
from hyperpcm.model import with_targets
from hyperpcm.model.agreement import difference
from hyperpcm.model.card import card_text
from hyperpcm.model.shrinking import Shrinking, compounds_by_evidence, shrunk
from small_large import COMPOUNDS, large_model
from small_models import PUBLISHED, QUERY, SEQUENCES, made_model, many_smiles
from small_projects import PROJECT

ALL = Shrinking(networks=0.25, ridge=0.25, targets=0.1, profiles=0.25, leaves=0.1, thresholds=8, labels=0.1)


def slices(name: str, tensor: np.ndarray) -> list[np.ndarray]:
    """The parts of a tensor that have a grid of their own."""
    if name == "ridge.coefficients":
        return list(tensor)
    return list(tensor.T) if name in ("memory_embeddings", "alignment.axes") else [tensor]


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("members.0.hypernetwork.heads.0.shared_weight", "networks"),
        ("ridge.coefficients", "ridge"),
        ("memory_embeddings", "targets"),
        ("residuals.profiles", "profiles"),
        ("memory_values", "labels"),
    ],
)
def test_rounded_numbers_are_the_nearest_multiples_of_a_power_of_two(name: str, option: str):
    model, step = large_model(), 0.2
    smaller = shrunk(model, Shrinking(**{option: step}))
    before, after = (one.state()[0] for one in (model, smaller))
    assert [other for other in before if not torch.equal(before[other], after[other])] == [
        other
        for other in before
        if other == name
        or (option == "networks" and is_weight(other, before))
        or (
            option == "targets"
            and other in ("alignment.axes", "alignment.memory")
            and before[other].numel() >= 256
        )
    ]
    for old, new in zip(
        *(slices(name, state[name].double().numpy()) for state in (before, after)), strict=True
    ):
        spread = old.std()
        if spread == 0:
            continue
        power = round(np.log2(spread * step))
        np.testing.assert_array_equal(new, np.round(old / 2.0**power) * 2.0**power)
        assert np.abs(new - old).max() <= 0.5 * 2**0.5 * step * spread + 1e-9


def is_weight(name: str, tensors: dict) -> bool:
    return name.startswith("members.") and tensors[name].ndim > 1 and tensors[name].numel() >= 256


def test_leaves_and_thresholds_of_trees_are_rounded_apart():
    model = large_model()
    before = model.trees.threshold
    leaf = model.trees.column < 0
    for shrinking, changed in ((Shrinking(leaves=0.5), leaf), (Shrinking(thresholds=4), ~leaf)):
        after = shrunk(model, shrinking).trees.threshold
        assert torch.equal(after[~changed], before[~changed])
        assert not torch.equal(after[changed], before[changed])
    mantissa, _ = torch.frexp(after[~leaf])
    assert torch.equal((mantissa * 16).round(), mantissa * 16)
    assert float(((after - before) / before)[~leaf].abs().max()) <= 2**-4


def test_nothing_is_rounded_twice():
    once = shrunk(large_model(), Shrinking(thresholds=8))
    assert torch.equal(shrunk(once, Shrinking(thresholds=8)).trees.threshold, once.trees.threshold)


def test_compounds_with_the_fewest_labels_go_and_those_of_the_regression_stay():
    model = large_model()
    keep = torch.tensor([3, 50, 111], dtype=torch.int32)
    tensors, header = model.state()
    tensors = dict(tensors)
    tensors["ridge_columns"] = keep
    tensors["ridge.coefficients"] = tensors["ridge.coefficients"][..., keep.long()]
    model = type(model).from_state(tensors, header)
    smaller = shrunk(model, Shrinking(compounds=60))
    kept = [model.landmark_compounds.index(one) for one in smaller.landmark_compounds]
    assert kept == sorted(kept)
    assert len(kept) == 60
    assert set(keep.tolist()) <= set(kept)
    assert [kept[one] for one in smaller.ridge_columns.tolist()] == keep.tolist()
    labels = np.bincount(model.memory_columns.numpy(), minlength=COMPOUNDS)
    gone = np.setdiff1d(np.arange(COMPOUNDS), kept)
    others = np.setdiff1d(kept, keep.numpy())
    assert labels[gone].max() <= labels[others].min()
    known = {
        (int(row), model.landmark_compounds[column]): float(value)
        for row, column, value in zip(
            model.memory_rows, model.memory_columns.tolist(), model.memory_values, strict=True
        )
        if column in kept
    }
    assert known == {
        (int(row), smaller.landmark_compounds[column]): float(value)
        for row, column, value in zip(
            smaller.memory_rows, smaller.memory_columns.tolist(), smaller.memory_values, strict=True
        )
    }
    assert smaller.memory_sequences == model.memory_sequences
    assert torch.equal(smaller.landmarks, model.landmarks[kept])
    assert np.array_equal(smaller.residual_prior.profiles, model.residual_prior.profiles[kept])


def test_equal_compounds_go_evenly():
    order = compounds_by_evidence(made_model(compounds=tuple(many_smiles(100))))
    assert sorted(order.tolist()) == list(range(100))


@pytest.mark.parametrize("number", [0, COMPOUNDS - 1])
def test_compounds_that_the_regression_reads_cannot_go(number: int):
    with pytest.raises(ConfigError, match=f"{COMPOUNDS} compounds must stay"):
        shrunk(large_model(), Shrinking(compounds=number))


def test_a_model_without_retrieval_is_made_smaller_too():
    model = made_model(PUBLISHED, compounds=tuple(many_smiles(40)))
    smaller = shrunk(model, Shrinking(networks=0.01, compounds=5))
    assert len(smaller.landmark_compounds) == 5
    smiles = many_smiles(20)
    ours, theirs = (one.compile_target(QUERY, exact=True).score(smiles).values for one in (model, smaller))
    np.testing.assert_allclose(ours, theirs, atol=0.05)


def test_the_model_is_not_changed():
    model = large_model()
    before = {name: tensor.clone() for name, tensor in model.state()[0].items()}
    shrunk(model, ALL)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state()[0].items())
    assert "shrunk" not in model.card


def test_a_model_with_overlays_is_refused():
    extended = with_targets(made_model(), PROJECT, "project").model
    with pytest.raises(InputError, match="overlays lie over the memory"):
        shrunk(extended, ALL)


def test_the_card_tells_what_was_taken_away():
    model = shrunk(large_model(), ALL)
    text = model.card["text"]
    assert text == card_text(model)
    assert "## What was taken away to make it small" in text
    assert "all 200 stay" in text
    assert "weights of its networks: rounded to steps of about 0.25 of their standard deviation" in text
    assert "what its trees split at: rounded to 8 binary digits" in text
    assert "made small" not in card_text(large_model())
    few = shrunk(made_model(PUBLISHED, compounds=tuple(many_smiles(40))), Shrinking(compounds=10))
    assert "10 of 40 stay" in card_text(few)


def test_the_difference_is_that_of_compiled_targets():
    model = large_model()
    smaller = shrunk(model, ALL)
    assert difference(model, model) == {
        "targets": len(SEQUENCES),
        "compounds": COMPOUNDS,
        "root_mean_square": 0.0,
        "largest": 0.0,
    }
    found = difference(model, smaller)
    apart = np.concatenate(
        [
            np.subtract(
                *(
                    one.compile_target(sequence, exact=True).score(model.landmark_compounds).values
                    for one in (model, smaller)
                )
            )
            for sequence in SEQUENCES
        ]
    )
    assert found["largest"] == pytest.approx(np.abs(apart).max(), abs=1e-4)
    assert found["root_mean_square"] == pytest.approx(np.sqrt((apart**2).mean()), abs=1e-4)
    assert 0 < found["root_mean_square"] < found["largest"]
