"""Losses beside torch's own and beside SciPy's normal distribution, out to the tails."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch.nn import functional

from hyperpcm.nn.losses import Loss

ORACLES = {
    "l1": functional.l1_loss,
    "mse": functional.mse_loss,
    "smooth_l1": functional.smooth_l1_loss,
    "bce": functional.binary_cross_entropy_with_logits,
}


def batch(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    scores = 2 * torch.randn(4, 6, generator=generator)
    labels = torch.randn(4, 6, generator=generator)
    return scores, (labels > 0).float() if name == "bce" else labels


@pytest.mark.parametrize("name", list(ORACLES))
def test_plain_losses_equal_those_of_torch(name: str):
    scores, labels = batch(name)
    torch.testing.assert_close(Loss(name)(scores, labels), ORACLES[name](scores, labels))


@pytest.mark.parametrize("name", [*ORACLES, "censored"])
def test_weights_leave_out_padding(name: str):
    scores, labels = batch(name)
    weights = torch.zeros(4, 6)
    weights[:, :2] = 1.0
    loss = Loss(name)
    kept = loss(scores[:, :2], labels[:, :2])
    torch.testing.assert_close(loss(scores, labels, weights=weights), kept)
    torch.testing.assert_close(loss(scores, labels, weights=weights.bool()), kept)
    assert loss(scores, labels, weights=torch.zeros(4, 6)).item() == 0.0


def test_weights_count_in_proportion():
    scores, labels = batch("mse")
    weights = torch.rand(4, 6)
    expected = np.average(((scores - labels) ** 2).numpy(), weights=weights.numpy())
    assert float(Loss("mse")(scores, labels, weights=weights)) == pytest.approx(expected, rel=1e-5)


def censored_loss(deviation: float) -> Loss:
    loss = Loss("censored").double()
    with torch.no_grad():
        loss.log_deviation.fill_(float(np.log(deviation)))
    return loss


@pytest.mark.parametrize("deviation", [0.3, 1.0, 2.5])
def test_censored_loss_is_the_likelihood_of_scipy(deviation: float):
    scores, labels = (tensor.double() for tensor in batch("censored"))
    censored = torch.tensor([0, 1, -1]).repeat(8).view(4, 6)
    mean, label = scores.numpy(), labels.numpy()
    # A label censored above says that the true value exceeds it, and so on.
    expected = -np.select(
        [censored.numpy() == 0, censored.numpy() == 1],
        [
            norm.logpdf(label, mean, deviation) + 0.5 * np.log(2 * np.pi),  # the constant is left out
            norm.logsf(label, mean, deviation),
        ],
        norm.logcdf(label, mean, deviation),
    )
    loss = censored_loss(deviation)
    for row in range(4):
        for column in range(6):
            at = (slice(row, row + 1), slice(column, column + 1))
            assert loss(scores[at], labels[at], censored[at]).item() == pytest.approx(
                expected[row, column], rel=1e-9, abs=1e-12
            )
    assert loss(scores, labels, censored).item() == pytest.approx(expected.mean(), rel=1e-9)


@pytest.mark.parametrize("deviation", [0.3, 1.0])
def test_a_bin_contributes_its_probability(deviation: float):
    scores, labels = (tensor.double() for tensor in batch("censored"))
    width = 0.8
    mean, label = scores.numpy(), labels.numpy()
    z = np.abs(label - mean) / deviation  # by symmetry; survival functions keep their digits in the tail
    near, far = (norm.sf(z + side * width / 2 / deviation) for side in (-1, 1))
    loss = censored_loss(deviation)(scores, labels, None, width).item()
    assert loss == pytest.approx(-np.log(near - far).mean(), rel=1e-9)


def test_of_points_and_bins_each_contributes_what_it_is():
    scores, labels = (tensor.double() for tensor in batch("censored"))
    widths = torch.zeros(4, 6, dtype=torch.float64)
    widths[1], widths[2, ::2] = 0.8, 0.3
    censored = torch.zeros(4, 6, dtype=torch.int8)
    censored[3, :3] = 1
    loss, deviation = censored_loss(0.7), 0.7
    found, one_by_one = loss(scores, labels, censored, widths), []
    for score, label, width, side in zip(
        scores.flatten(), labels.flatten(), widths.flatten(), censored.flatten(), strict=True
    ):
        if side > 0:
            one_by_one.append(norm.logsf(label, score, deviation))
        elif width > 0:
            low, high = label - width / 2, label + width / 2
            one_by_one.append(np.log(norm.cdf(high, score, deviation) - norm.cdf(low, score, deviation)))
        else:
            one_by_one.append(norm.logpdf(label, score, deviation) + np.log(2 * np.pi) / 2)
    assert found.item() == pytest.approx(-np.mean(one_by_one), rel=1e-6)
    everywhere = torch.full_like(widths, 0.8)
    assert torch.equal(loss(scores, labels, censored, everywhere), loss(scores, labels, censored, 0.8))


def test_all_exact_is_what_no_relation_means():
    scores, labels = batch("censored")
    loss = Loss("censored")
    exact = torch.zeros(4, 6, dtype=torch.int8)
    assert torch.equal(loss(scores, labels), loss(scores, labels, exact))


@pytest.mark.parametrize("distance", [-1000.0, -100.0, -30.0, -6.0, 6.0, 30.0, 100.0, 1000.0])
@pytest.mark.parametrize("bin_width", [None, 0.5, torch.full((1, 3), 0.5), torch.zeros(1, 3)])
def test_tails_are_finite_and_pull_back(distance: float, bin_width: float | torch.Tensor | None):
    scores = torch.full((1, 3), distance, requires_grad=True)
    labels = torch.zeros(1, 3)
    censored = torch.tensor([[0, 1, -1]], dtype=torch.int8)
    loss = Loss("censored")
    value = loss(scores, labels, censored, bin_width)
    value.backward()
    assert bool(torch.isfinite(value))
    assert bool(torch.isfinite(scores.grad).all())
    assert bool(torch.isfinite(loss.log_deviation.grad))
    exact, above, below = scores.grad[0].tolist()
    assert exact * distance > 0  # downhill is towards the label
    assert (
        (above < 0 and below == pytest.approx(0, abs=1e-6))
        if distance < 0
        else (below > 0 and above == pytest.approx(0, abs=1e-6))
    )


@pytest.mark.parametrize("distance", [5.0, 20.0, 60.0])
def test_far_tails_equal_scipy(distance: float):
    loss = Loss("censored")
    scores, labels = torch.tensor([[-distance]]), torch.zeros(1, 1)
    above = loss(scores, labels, torch.ones(1, 1, dtype=torch.int8)).item()
    assert above == pytest.approx(-norm.logsf(0.0, -distance, 1.0), rel=1e-5)
    binned = loss(scores, labels, None, 0.5).item()
    low, high = distance - 0.25, distance + 0.25
    expected = norm.logsf(low) + np.log1p(-np.exp(norm.logsf(high) - norm.logsf(low)))
    assert binned == pytest.approx(-expected, rel=1e-4)


def test_the_deviation_is_learned_to_be_that_of_the_errors():
    generator = torch.Generator().manual_seed(0)
    labels = 0.4 * torch.randn(40, 50, generator=generator)
    loss = Loss("censored")
    optimiser = torch.optim.Adam(loss.parameters(), lr=0.05)
    for _ in range(150):
        optimiser.zero_grad()
        loss(torch.zeros(40, 50), labels).backward()
        optimiser.step()
    assert loss.log_deviation.exp().item() == pytest.approx(0.4, rel=0.05)


def test_only_the_censored_loss_has_something_to_learn():
    assert [name for name in (*ORACLES, "censored") if list(Loss(name).parameters())] == ["censored"]
