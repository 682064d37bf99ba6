"""Rounded weights change scores by no more than is stated, and are the same in every form of a target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.checkpoint import load_target_model, save_target_model
from hyperpcm.screening import Panel
from hyperpcm.target_model import TargetModel, rounding
from hyperpcm.target_model.rounding import TOLERANCE, bytes_of, rounded
from small_models import ACTIVE, GRAPHS, PKD, PUBLISHED, QUERY, SEQUENCES, SMALL, made_model, many_smiles

SETTINGS = [(SMALL, PKD), (PUBLISHED, PKD), (SMALL, ACTIVE), (GRAPHS, PKD)]
NAMES = ["retrieval", "as published", "classes", "graphs"]


def weights_of(target: TargetModel) -> list[torch.Tensor]:
    """All matrices, those of the output layers last."""
    found = []
    for network in target.networks:
        head = [] if network.noise_head is None else [network.noise_head]
        found.append([layer.dense()[0] for layer in [*head, *network.layers]])
    return [layer for layers in found for layer in layers[:-1]] + [layers[-1] for layers in found]


def test_steps_are_found_again_and_products_are_exact():
    """Against whole numbers and steps in double precision, where nothing is rounded."""
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(50, 30)) * 10.0 ** generator.integers(-20, 20, size=(50, 1))
    weight[3] = 0.0
    given = torch.from_numpy(weight.astype(np.float32))
    near = rounding._in_steps(given[None])[0]
    numbers, steps = bytes_of(near)
    assert numbers.dtype == torch.int8
    assert (numbers.double() * steps.double()[:, None] == near.double()).all()
    largest = np.abs(given.numpy()).max(1)
    assert (steps.numpy() >= largest / 127 * (1 - 1e-6)).all()
    assert (steps.numpy() <= largest / 127 * (1 + 2**-10)).all()
    assert (np.abs(near.numpy() - given.numpy()).max(1) <= steps.numpy() / 2 * (1 + 1e-6)).all()
    assert not near[3].any()
    assert bytes_of(given) is None
    assert torch.equal(rounding._in_steps(near[None])[0], near), "rounding twice is rounding once"


@pytest.mark.parametrize("name", ["byte", "half"])
def test_all_weights_but_those_of_the_output_layers_are_rounded(name: str):
    exact = made_model(PUBLISHED).compile_target(QUERY, exact=True)
    target = rounded(exact, name)
    before, after = weights_of(exact), weights_of(target)
    assert torch.equal(before[-1], after[-1])
    for one, other in zip(before[:-1], after[:-1], strict=True):
        assert not torch.equal(one, other)
        if name == "byte":
            assert bytes_of(other) is not None
        else:
            assert torch.equal(other.half().float(), other)
    assert torch.equal(exact.networks[0].layers[0].bias, target.networks[0].layers[0].bias)
    assert rounded(exact, "single") is exact
    with pytest.raises(ValueError, match="byte, half, single"):
        rounded(exact, "quarter")


@pytest.mark.parametrize(("settings", "quantity"), SETTINGS, ids=NAMES)
def test_scores_stay_within_the_stated_tolerance_also_of_other_compounds(settings: dict, quantity):
    model = made_model(settings, quantity)
    model.correction.fill_(1.0)
    exact, target = (model.compile_target(QUERY, exact=one) for one in (True, False))
    record, most = target.provenance["rounding"], TOLERANCE * target.label_scale.scale
    assert record["weights"] in ("byte", "half")
    assert record["compounds"] == len(model.landmark_compounds)
    known = [one.score(model.landmark_compounds).values for one in (exact, target)]
    assert record["largest_difference"] == pytest.approx(np.abs(known[0] - known[1]).max(), abs=1e-6)
    assert 0 < record["largest_difference"] <= most
    others = many_smiles(200)
    difference = np.abs(exact.score(others).values - target.score(others).values)
    assert 0 < difference.max() <= 4 * most  # eight known compounds are few
    assert exact.provenance["rounding"] == {"weights": "single", "largest_difference": 0.0, "compounds": 0}


def test_weights_are_as_narrow_as_the_tolerance_allows(monkeypatch: pytest.MonkeyPatch):
    model, found = made_model(SMALL), []
    for tolerance in (1.0, 1e-3, 1e-12):
        monkeypatch.setattr(rounding, "TOLERANCE", tolerance)
        record = model.compile_target(QUERY).provenance["rounding"]
        assert record["largest_difference"] <= tolerance * model.label_scale.scale
        found.append(record["weights"])
    assert found == ["byte", "half", "single"]


def test_nothing_is_rounded_where_nothing_can_be_compared_or_a_score_is_no_number():
    target = made_model(SMALL).compile_target(QUERY, exact=True)
    none = torch.zeros(0, target.encoder.width)
    same, record, scores = rounding.rounded_within_tolerance(
        target, none, torch.zeros(0, len(target.prior.landmarks))
    )
    assert same is target
    assert scores.shape == (0,)
    assert record == {"weights": "single", "largest_difference": 0.0, "compounds": 0}
    layers = target.networks[0].layers
    layers[0].bias[0, 0] = float("nan")
    smiles = many_smiles(3)
    given = torch.from_numpy(target.encoder.encode(smiles)), torch.from_numpy(target.prior.similarity(smiles))
    same, record, _ = rounding.rounded_within_tolerance(target, *given)
    assert same is target
    assert record["weights"] == "single"


def test_the_scores_that_rounding_compares_are_those_of_the_target_it_returns():
    target = made_model(SMALL).compile_target(QUERY, exact=True)
    assert target.prior is not None
    smiles = many_smiles(150)
    given = torch.from_numpy(target.encoder.encode(smiles)), torch.from_numpy(target.prior.similarity(smiles))
    narrow, record, scores = rounding.rounded_within_tolerance(target, *given)
    assert record["weights"] != "single"
    assert torch.equal(scores, narrow.score_embedded(*given))
    exact = target.score_embedded(*given)
    assert record["largest_difference"] == float((scores - exact).abs().max()) > 0


def test_rounded_and_exact_targets_stand_in_one_panel(tmp_path: Path):
    model = made_model(SMALL)
    targets = []
    for number, sequence in enumerate(SEQUENCES[:4]):
        target = rounded(
            model.compile_target(sequence, name=f"t{number}", exact=True),
            ("byte", "half", "single", "byte")[number],
        )
        save_target_model(target, tmp_path / f"{number}.hpcm")
        targets.append(load_target_model(tmp_path / f"{number}.hpcm"))
    panel, smiles = Panel(targets), many_smiles(50)
    assert len(panel._stacks) == 1
    found = panel.score(smiles).values
    for row, target in zip(found, targets, strict=True):
        np.testing.assert_allclose(row, target.score(smiles).values, atol=1e-5)


def test_a_network_without_a_share_takes_no_room(tmp_path: Path):
    """Its scores are exactly those of the prior."""
    model = made_model(SMALL)
    model.correction.fill_(0.0)
    target = model.compile_target(QUERY)
    assert target.provenance["rounding"]["largest_difference"] == 0.0
    save_target_model(target, tmp_path / "t.hpcm")
    smiles = many_smiles(30)
    near = torch.from_numpy(target.prior.similarity(smiles))
    _, mean = target.prior.features_and_mean(near, torch.from_numpy(target.encoder.encode(smiles)))
    expected = target.label_scale.to_labels(mean)[0].numpy()
    found = load_target_model(tmp_path / "t.hpcm")
    assert np.array_equal(found.score(smiles).values, expected)
    assert sum(layer.bias.numel() for network in found.networks for layer in network.layers) == 1
