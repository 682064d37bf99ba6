"""Small benchmarks on disk, shared by tests."""

from __future__ import annotations

from pathlib import Path

from small_runs import write_table

PROTOCOL = """
title = "A small one"
about = "Families of mutants and a dozen compounds."
reference = "model"
folds = [0, 1]

[data]
path = "table.csv"
{data}
[split]
name = "cold_target"
folds = 3
"""
MODEL = """
title = "The model"
note = "Bounded at one epoch."

[settings.encoders]
compound = ["ecfp"]
width = 128

[settings.model]
members = 1
alignment_components = 4
qsar = { hidden = [8] }
hypernetwork = { trunk = [8] }
context = { heads = 2, head_width = 8 }
retrieval = { steps = 2 }

[settings.training]
epochs = 1
accelerator = "cpu"
"""


def write_benchmark(
    root: Path, name: str = "small", *, model: str | None = MODEL, data: str = "", kind: str = "", **rows: str
) -> Path:
    """A folder with a protocol, the model (unless None) and further rows given as ``name=text``.

    ``data`` is put into the section of the data, ``kind`` at the beginning of the protocol.
    """
    folder = root / name
    folder.mkdir(parents=True)
    write_table(folder / "table.csv", targets=18)
    reference = "model" if model is not None else next(iter(rows))
    protocol = PROTOCOL.format(data=data).replace('"model"', f'"{reference}"', 1)
    (folder / "benchmark.toml").write_text(kind + protocol)
    if model is not None:
        (folder / "model.toml").write_text(model)
    for row, text in rows.items():
        (folder / f"{row}.toml").write_text(text)
    return folder
