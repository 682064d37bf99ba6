"""Small tables on disk and the settings of runs that take a second, shared by tests of training."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import numpy as np
from torch import Tensor

from hyperpcm.checkpoint import read_archive
from hyperpcm.config import RunConfig, load_config
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.training.hiding import Hidden

SMILES = (
    "CCO",
    "CC(=O)Oc1ccccc1C(=O)O",
    "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "c1ccccc1",
    "CCN(CC)CC",
    "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "Oc1ccccc1",
    "Nc1ccccc1",
    "c1ccncc1",
    "CC(=O)Nc1ccc(O)cc1",
    "C1CCCCC1",
    "OCC(O)CO",
    "Clc1ccccc1",
    "CCCCCC",
)
TINY = (
    "split.folds=3",
    "encoders.compound=['ecfp']",
    "encoders.width=128",
    "model.members=1",
    "model.alignment_components=4",
    "model.qsar.hidden=[8]",
    "model.hypernetwork.trunk=[8]",
    "model.context.heads=2",
    "model.context.head_width=8",
    "model.retrieval.steps=3",
    "model.trees.enabled=false",
    "training.targets_per_batch=3",
    "training.compounds_per_target=4",
    "training.epochs=3",
    "training.patience=100",
    "training.learning_rate=0.003",
    "training.accelerator=cpu",
)
EVERY_HIDDEN = (
    Hidden(False, False),
    Hidden(True, False),
    Hidden(False, True),
    Hidden(True, True),
    Hidden(False, True, series=True),
    Hidden(True, True, series=True),
)
NO_RETRIEVAL = (
    "model.retrieval.enabled=false",
    "model.alignment_components=0",
    "model.context.guided=false",
    "model.qsar.zero_start=false",
)


def families(targets: int, seed: int = 0) -> list[str]:
    """Mutants of three proteins, each once."""
    generator = random.Random(seed)
    parents = ["".join(generator.choices("ACDEFGHIKLMNPQRSTVWY", k=60)) for _ in range(3)]
    made = []
    for number in range(targets):
        letters = list(parents[number % 3])
        letters[number] = "W" if letters[number] != "W" else "A"
        made.append("".join(letters))
    return made


def write_table(path: Path, *, targets: int = 12, seed: int = 0, header: str = "pKd", relation=None) -> Path:
    """Labels that the family and the compound decide, but for a little noise."""
    generator = random.Random(seed)
    lines = [f"smiles,target,sequence,{header}" + (",relation" if relation else "")]
    for number, sequence in enumerate(families(targets, seed)):
        for place, smiles in enumerate(SMILES):
            value = 5 + (number % 3) + (place % 4) / 2 + generator.random() / 5
            text = str(int(value > 6.6)) if header == "active" else f"{value:.2f}"
            line = f"{smiles},t{number},{sequence},{text}"
            lines.append(line + (f",{relation(number, place)}" if relation else ""))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def tiny(table: Path, *overrides: str) -> RunConfig:
    """Settings of a run on a table that takes about a second."""
    return load_config(overrides=[f"data.path='{table}'", *TINY, *overrides])


def fingerprint(tensors: dict[str, Tensor]) -> str:
    """One sha256 of all names, shapes and bytes."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].detach().contiguous().numpy().tobytes())
    return digest.hexdigest()


def weights_of(path: Path) -> str:
    """The fingerprint of the tensors in a model file."""
    return fingerprint(read_archive(path, "model").tensors)


def part_of(interactions: Interactions, targets: int, seed: int = 0) -> Interactions:
    """All measurements on some of the targets, as a table of its own."""
    chosen = np.random.default_rng(seed).permutation(len(interactions.targets))[:targets]
    rows = np.flatnonzero(np.isin(interactions.target_index, chosen))
    kept, target_index = np.unique(interactions.target_index[rows], return_inverse=True)
    compounds, compound_index = np.unique(interactions.compound_index[rows], return_inverse=True)
    return Interactions(
        name=f"part of {interactions.name}",
        quantity=interactions.quantity,
        compounds=tuple(interactions.compounds[index] for index in compounds),
        targets=tuple(interactions.targets[index] for index in kept),
        compound_names=tuple(interactions.compound_names[index] for index in compounds),
        target_names=tuple(interactions.target_names[index] for index in kept),
        compound_index=compound_index,
        target_index=target_index,
        values=interactions.values[rows],
        relations=interactions.relations[rows],
    )
