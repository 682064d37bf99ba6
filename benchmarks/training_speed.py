"""Training steps, and scoring one target, against the straightforward way of doing the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from timing import seconds_of
from torch import Tensor, nn
from torch.nn import functional

from hyperpcm.config import ContextConfig, HypernetworkConfig, ModelConfig, QsarConfig, RetrievalConfig
from hyperpcm.datasets.interactions import Quantity
from hyperpcm.encoders import EcfpEncoder, Encoder
from hyperpcm.encoders.base import Json, Side
from hyperpcm.evaluation.measure import peak_memory_mb
from hyperpcm.evaluation.performance import Performance
from hyperpcm.evaluation.surroundings import surroundings
from hyperpcm.model import ContextMemory, HyperPCM
from hyperpcm.nn.qsar import QsarNetwork

__all__ = ["score_one_target", "train_step_default", "train_step_published"]

TARGETS, COMPOUNDS, MEMORY, TARGET_WIDTH, COMPOUND_WIDTH = 32, 32, 1100, 1900, 512
PUBLISHED = ModelConfig(
    qsar=QsarConfig(hidden=(512,), noise_head=512, standardise=False, zero_start=False),
    hypernetwork=HypernetworkConfig(parts="full", shared=False, initialisation="published"),
    context=ContextConfig(heads=8, head_width=512, dropout=0.5, guided=False),
    retrieval=RetrievalConfig(enabled=False),
    alignment_components=0,
    members=1,
)


class GivenWidth(Encoder):
    """Stands where an encoder stands in a model whose embeddings are made up here; it encodes nothing."""

    name = "given"
    licence = "none"
    revision = "1"
    side: Side = "target"
    width = TARGET_WIDTH

    def options(self) -> dict[str, Json]:
        """No option changes it."""
        return {}

    def _encode(self, items: Sequence[str]) -> npt.NDArray[np.float32]:
        raise ValueError(f"this benchmark makes its embeddings up; it cannot encode {len(items)} items")


def made_memory(generator: np.random.Generator, rows: int = MEMORY) -> ContextMemory:
    """A memory of distinct targets at the published width, with ten labels each."""
    per_target, landmarks = 10, 500
    similarity = np.clip(generator.normal(0.2, 0.1, (rows, rows)), 0.01, 1).astype(np.float32)
    return ContextMemory(
        sequences=tuple(f"M{'ACDEFGHIKL'[i % 10]}" + "A" * (i // 10) for i in range(rows)),
        names=tuple(map(str, range(rows))),
        embeddings=generator.normal(size=(rows, TARGET_WIDTH)).astype(np.float32),
        compounds=tuple("C" * (i + 1) for i in range(landmarks)),
        landmarks=(generator.random((landmarks, 2048)) < 0.02).astype(np.uint8),
        rows=np.repeat(np.arange(rows), per_target),
        columns=generator.integers(0, landmarks, rows * per_target),
        values=generator.normal(6, 1, rows * per_target).astype(np.float32),
        similarity=similarity,
    )


class PublishedLoop(nn.Module):
    """The straightforward way: project the whole memory, generate, slice and apply target by target."""

    def __init__(self) -> None:
        super().__init__()
        inner = 8 * 512
        self.norms = nn.ModuleList(nn.LayerNorm(TARGET_WIDTH) for _ in range(3))
        self.query, self.key, self.value = (nn.Linear(TARGET_WIDTH, inner) for _ in range(3))
        self.output = nn.Linear(inner, TARGET_WIDTH)
        self.trunk = nn.Linear(TARGET_WIDTH, 256)
        self.sizes = [(512, 512), (512,), (512, 1024), (512,), (1, 512), (1,)]
        self.heads = nn.ModuleList(nn.Linear(256, int(np.prod(size))) for size in self.sizes)

    def forward(self, targets: Tensor, compounds: Tensor, memory: Tensor, allowed: Tensor) -> Tensor:
        """Scores [t, c]."""
        query = self.query(self.norms[0](targets)).view(-1, 8, 512)
        key = self.key(self.norms[1](memory)).view(-1, 8, 512)
        value = self.value(self.norms[2](memory)).view(-1, 8, 512)
        logits = torch.einsum("thk,mhk->thm", query, key) / 512**0.5
        weights = logits.masked_fill(~allowed[:, None], float("-inf")).softmax(-1)
        weights = functional.dropout(weights, 0.5, self.training)
        context = self.output(torch.einsum("thm,mhk->thk", weights, value).flatten(1))
        hidden = functional.dropout(functional.relu(self.trunk(targets + context)), 0.25, self.training)
        made = [head(hidden) for head in self.heads]
        scores = []
        for target in range(len(targets)):
            w0, b0, w1, b1, w2, b2 = (
                flat[target].view(size) for flat, size in zip(made, self.sizes, strict=True)
            )
            inputs = compounds[target]
            noised = inputs + 0.01 * torch.randn_like(inputs)
            head = functional.dropout(functional.relu(functional.linear(noised, w0, b0)), 0.2, self.training)
            layer = functional.relu(functional.linear(torch.cat([head, inputs], -1), w1, b1))
            layer = functional.dropout(layer, 0.25, self.training)
            scores.append(functional.linear(layer, w2, b2).squeeze(-1))
        return torch.stack(scores)


def training_step(module: nn.Module, forward: Callable[[], Tensor], *, fused: bool) -> Callable[[], None]:
    """A whole step: forward, L1 loss, backward, Adam."""
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-4, weight_decay=1e-5, fused=fused)
    labels = torch.randn(TARGETS, COMPOUNDS)

    def step() -> None:
        module.train()
        optimiser.zero_grad(set_to_none=True)
        (forward() - labels).abs().mean().backward()
        optimiser.step()

    return step


def train_step(config: ModelConfig, name: str, repeats: int) -> Performance:
    """Pairs per second of one training step of 32 targets × 32 compounds."""
    generator = np.random.default_rng(0)
    torch.manual_seed(0)
    memory = made_memory(generator)
    model = HyperPCM(
        config,
        Quantity("pChEMBL", "-log10(M)"),
        memory,
        EcfpEncoder(width=COMPOUND_WIDTH),
        GivenWidth(),
    )
    model.requires_grad_(True)
    if model.retrieval is not None:
        model.retrieval.requires_grad_(False)  # it is fitted before training
    rows = generator.choice(MEMORY, TARGETS, replace=False)
    targets = torch.from_numpy(memory.embeddings[rows])
    compounds = torch.randn(TARGETS, COMPOUNDS, COMPOUND_WIDTH)
    allowed = torch.from_numpy(np.arange(MEMORY)[None] != rows[:, None])
    similarity = torch.from_numpy(memory.similarity[rows]) if config.needs_alignment else None  # type: ignore[index]
    retrieved = None
    if model.retrieval is not None:
        retrieved = torch.randn(TARGETS, COMPOUNDS, model.retrieval.width)
    loop = PublishedLoop()
    stored = torch.from_numpy(memory.embeddings)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    taken = seconds_of(
        {
            "ours": training_step(
                model,
                lambda: model(targets, compounds, retrieved, similarity, allowed).mean(0),
                fused=True,
            ),
            "loop": training_step(loop, lambda: loop(targets, compounds, stored, allowed), fused=False),
        },
        repeats,
    )
    pairs = TARGETS * COMPOUNDS
    detail = {
        "step_seconds": taken,
        "threads": torch.get_num_threads(),
        "peak_mb": peak_memory_mb(),
        "parameters": parameters,
        "against": "per-target Python loop that slices generated weights and projects the whole memory, "
        "same widths, plain Adam",
        "widths": {"compounds": COMPOUND_WIDTH, "targets": TARGET_WIDTH, "memory": MEMORY},
    }
    return Performance.of_rates(
        name, pairs / taken["ours"], pairs / taken["loop"], "pairs/s", detail, surroundings()
    )


def score_one_target(repeats: int) -> Performance:
    """Time of scoring 100,000 embedded compounds against the same matrix products in bare torch."""
    generator = np.random.default_rng(0)
    torch.manual_seed(0)
    memory = made_memory(generator, rows=100)
    model = HyperPCM(
        PUBLISHED,
        Quantity("pChEMBL", "-log10(M)"),
        memory,
        EcfpEncoder(width=COMPOUND_WIDTH),
        GivenWidth(),
    )
    model.eval()
    with torch.no_grad():
        networks = tuple(
            network.densified() for network in model.generate(torch.from_numpy(memory.embeddings[:1]))
        )
    from hyperpcm.target_model import TargetModel

    target = TargetModel(
        name="made",
        sequence="M",
        quantity=model.quantity,
        encoder=model.compound_encoder,
        networks=networks,
        compound_scaler=model.compound_scaler,
        label_scale=model.label_scale,
    )
    compounds = torch.randn(100_000, COMPOUND_WIDTH)
    network: QsarNetwork = networks[0]
    assert network.noise_head is not None
    stack = [network.noise_head, *network.layers]
    weights = [(layer.dense()[0].T.contiguous(), layer.bias[0]) for layer in stack]

    @torch.no_grad()
    def bare() -> Tensor:
        (w0, b0), (w1, b1), (w2, b2) = weights
        head = torch.relu(torch.addmm(b0, compounds, w0))
        hidden = torch.relu(torch.addmm(b1, torch.cat([head, compounds], -1), w1))
        return torch.addmm(b2, hidden, w2).squeeze(-1)

    torch.testing.assert_close(target.score_embedded(compounds), bare(), rtol=1e-3, atol=1e-3)
    taken = seconds_of({"ours": lambda: target.score_embedded(compounds), "bare": bare}, repeats)
    detail = {
        "compounds": len(compounds),
        "threads": torch.get_num_threads(),
        "peak_mb": peak_memory_mb(),
        "network": "published widths: noise head 512, hidden 512, 787,969 parameters",
    }
    return Performance.of_times("score_one_target", taken["ours"], taken["bare"], detail, surroundings())


def train_step_published(repeats: int) -> Performance:
    """Training steps at the published widths."""
    return train_step(PUBLISHED, "train_step_published", repeats)


def train_step_default(repeats: int) -> Performance:
    """Training steps of the default model."""
    return train_step(ModelConfig(), "train_step_default", repeats)
