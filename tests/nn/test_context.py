"""Retrieval from the memory of targets, beside the computation written out as the formula has it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from hyperpcm.nn.context import ContextModule, masked_softmax


def straightforward(
    module: ContextModule,
    query: Tensor,
    memory: Tensor,
    allowed: Tensor | None = None,
    log_similarity: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Project the whole memory, head by head: softmax(β q kᵀ) v, then the output projection."""
    wide = module.head_width
    q = module.query(module.query_norm(query))
    k = module.stored_norm(memory) @ module.key.weight.T
    v = module.value(module.projected_norm(memory))
    heads, attentions = [], []
    for head in range(module.heads):
        part = slice(head * wide, (head + 1) * wide)
        logits = q[:, part] @ k[:, part].T / math.sqrt(wide)
        if log_similarity is not None:
            logits = logits + module.guidance[head] * log_similarity
        if allowed is not None:
            logits = torch.where(allowed, logits, torch.full_like(logits, -1e30))
        attention = torch.softmax(logits, dim=1)
        attentions.append(attention)
        heads.append(attention @ v[:, part])
    return module.output(torch.cat(heads, dim=1)), torch.stack(attentions, dim=1)


def made(guided: bool = False, **options) -> ContextModule:
    torch.manual_seed(0)
    module = ContextModule(6, heads=3, head_width=5, guided=guided, **options).eval()
    for norm in (module.query_norm, module.stored_norm, module.projected_norm):
        torch.nn.init.normal_(norm.weight)
        torch.nn.init.normal_(norm.bias)
    return module


def inputs(targets: int = 4, rows: int = 9) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    query, memory = torch.randn(targets, 6, generator=generator), torch.randn(rows, 6, generator=generator)
    allowed = torch.rand(targets, rows, generator=generator) > 0.3
    log_similarity = torch.rand(targets, rows, generator=generator).clamp_min(0.01).log()
    return query, memory, allowed, log_similarity


@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_it_equals_projecting_the_whole_memory(guided: bool, masked: bool):
    module = made(guided).double()
    query, memory, allowed, log_similarity = inputs()
    query, memory, log_similarity = query.double(), memory.double(), log_similarity.double()
    arguments = (query, memory, allowed if masked else None, log_similarity if guided else None)
    context, attention = module(*arguments)
    expected, weights = straightforward(module, *arguments)
    torch.testing.assert_close(context, expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(attention, weights, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("guided", [False, True])
def test_its_gradients_equal_those_of_projecting_the_whole_memory(guided: bool):
    module = made(guided)
    query, memory, allowed, log_similarity = inputs()
    query.requires_grad_()
    memory.requires_grad_()
    wanted = [query, memory, *module.parameters()]
    arguments = (query, memory, allowed, log_similarity if guided else None)
    gradients = [
        torch.autograd.grad(compute(*arguments)[0].square().sum(), wanted)
        for compute in (module, lambda *given: straightforward(module, *given))
    ]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
        assert float(theirs.abs().sum()) > 0 or theirs.shape == (6,)


def test_beta_follows_from_the_head_width():
    assert ContextModule(4, heads=2, head_width=512).beta == 1 / math.sqrt(512)
    assert made().beta == 1 / math.sqrt(5)


def test_attention_sums_to_one_over_what_is_allowed_and_is_zero_elsewhere():
    query, memory, allowed, log_similarity = inputs()
    allowed[:, 2] = False  # its own row, say
    for guided in (False, True):
        attention = made(guided).attention(query, memory, allowed, log_similarity)
        assert attention.shape == (4, 3, 9)
        torch.testing.assert_close(attention.sum(-1), torch.ones(4, 3))
        assert not attention.masked_select(~allowed[:, None].expand(4, 3, 9)).any()


def test_what_a_masked_row_holds_does_not_matter():
    query, memory, allowed, _ = inputs()
    allowed[:, 2] = False
    module = made()
    before = module(query, memory, allowed)[0]
    memory[2] = 1e4
    assert torch.equal(module(query, memory, allowed)[0], before)


def test_a_target_that_may_see_nothing_gets_finite_values_and_gradients():
    query, memory, allowed, _ = inputs()
    allowed[1] = False
    module = made()
    context, attention = module(query, memory, allowed)
    assert torch.equal(attention[1], torch.zeros(3, 9))
    torch.testing.assert_close(context[1], module.output.bias)
    context.square().sum().backward()
    assert all(bool(torch.isfinite(p.grad).all()) for p in module.parameters() if p.grad is not None)


def test_the_order_of_the_memory_does_not_matter():
    query, memory, allowed, log_similarity = inputs()
    order = torch.randperm(9, generator=torch.Generator().manual_seed(3))
    module = made(guided=True).double()
    query, memory, log_similarity = query.double(), memory.double(), log_similarity.double()
    context, attention = module(query, memory, allowed, log_similarity)
    shuffled, weights = module(query, memory[order], allowed[:, order], log_similarity[:, order])
    torch.testing.assert_close(shuffled, context, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(weights, attention[..., order], rtol=1e-12, atol=1e-12)


def test_a_query_does_not_depend_on_the_others_in_its_batch():
    query, memory, allowed, _ = inputs()
    module = made()
    together = module(query, memory, allowed)[0]
    for target in range(4):
        alone = module(query[target : target + 1], memory, allowed[target : target + 1])[0]
        torch.testing.assert_close(alone[0], together[target])


def test_guidance_draws_attention_to_the_similar():
    query, memory, _, _ = inputs()
    similarity = torch.full((4, 9), 0.05)
    similarity[:, 7] = 0.9
    attention = made(guided=True).attention(query, memory, None, similarity.log())
    assert bool((attention[:, -1].argmax(-1) == 7).all())


def test_dropout_of_the_attention_is_for_training_only():
    query, memory, allowed, _ = inputs()
    module = made(dropout=0.5)
    assert torch.equal(module(query, memory, allowed)[0], module(query, memory, allowed)[0])
    module.train()
    assert not torch.equal(module(query, memory, allowed)[0], module(query, memory, allowed)[0])


def test_the_keys_and_values_are_initialised_as_they_are_declared():
    # A trap of the published code: its initialisation of this module never ran.
    torch.manual_seed(0)
    module = ContextModule(300, heads=2, head_width=100)
    for layer in (module.query, module.key, module.value):
        assert layer.weight.var().item() == pytest.approx(2 / (300 + 200), rel=0.03)


def test_masked_softmax_equals_the_softmax_of_the_allowed_alone():
    logits = torch.tensor([[1.0, 5.0, -2.0], [0.0, 0.0, 0.0]])
    allowed = torch.tensor([[True, False, True], [False, False, False]])
    expected = torch.softmax(torch.tensor([1.0, -2.0]), 0)
    weights = masked_softmax(logits, allowed)
    torch.testing.assert_close(weights[0], torch.stack([expected[0], torch.tensor(0.0), expected[1]]))
    assert torch.equal(weights[1], torch.zeros(3))
    torch.testing.assert_close(masked_softmax(logits, None), torch.softmax(logits, -1))
