"""What kinds share that divide a table and run rows × folds × seeds: their files, jobs and inputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from hyperpcm.benchmark.files import BenchmarkFile
from hyperpcm.benchmark.kind import Job, Progress
from hyperpcm.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from hyperpcm.baselines import BaselineInputs
    from hyperpcm.benchmark.benchmark import Benchmark, Row
    from hyperpcm.config import RunConfig
    from hyperpcm.datasets.interactions import Interactions
    from hyperpcm.datasets.splits import Split
    from hyperpcm.encoders import EmbeddingStore

__all__ = [
    "FoldFile",
    "SplitTable",
    "check_folds",
    "check_held_out",
    "check_whole_models",
    "encode_rows",
    "fold_jobs",
    "inputs_of",
    "memory_estimate_mb",
    "networks_mb",
    "opened_fold",
    "protocol_file",
]

_BASE_MB, _COLUMNS = 700.0, 1200  # of a process that has imported everything; of the widest feature table
_File = TypeVar("_File", bound=BenchmarkFile)


class SplitTable(BaseModel):
    """How the measurements are divided; every fold is run."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Kind of split."""
    folds: int = Field(5, ge=1)
    """Number of folds the measurements are divided into."""
    seed: int = 0
    """Seed of the division."""
    options: dict[str, float | int | bool | str] = {}
    """Further options of this kind of split."""


class FoldFile(BenchmarkFile):
    """What the ``benchmark.toml`` of every such kind holds."""

    split: SplitTable
    """The division."""
    folds: tuple[int, ...] | None = None
    """Only these folds; all of the split when not given."""


def protocol_file(benchmark: Benchmark, schema: type[_File]) -> _File:
    """The protocol of a benchmark as its kind's schema has it.

    Raises:
        TypeError: the benchmark is of another kind.
    """
    if not isinstance(benchmark.file, schema):
        raise TypeError(f"benchmark {benchmark.name!r} is of kind {benchmark.file.kind!r}")
    return benchmark.file


def check_folds(benchmark: Benchmark) -> None:
    """Refuse unknown data, splits and baselines, and folds that do not exist.

    Raises:
        ConfigError: with the file and what to do.
    """
    from hyperpcm.datasets import catalog
    from hyperpcm.datasets.splits import SPLIT_NAMES

    file, path = protocol_file(benchmark, FoldFile), benchmark.folder / "benchmark.toml"
    if file.data.name is not None:
        try:
            catalog.record(file.data.name)
        except ConfigError as error:
            raise ConfigError(f"{path}: data.name: {error}") from None
    if file.split.name not in SPLIT_NAMES:
        known = ", ".join(SPLIT_NAMES)
        raise ConfigError(f"{path}: split.name: there is no split {file.split.name!r}. Known: {known}.")
    bounds = {"benchmark": file.folds} | {row.name: row.file.folds for row in benchmark.rows}
    for name, folds in bounds.items():
        for fold in folds or ():
            if not 0 <= fold < file.split.folds:
                raise ConfigError(
                    f"{benchmark.folder / name}.toml: folds holds {fold}; folds are numbered 0 to "
                    f"{file.split.folds - 1}."
                )
    _check_baselines(benchmark)


def check_whole_models(benchmark: Benchmark, why: str) -> None:
    """Refuse rows that are no whole model.

    Args:
        benchmark: whose rows.
        why: whole models are asked for; begins the sentence.

    Raises:
        ConfigError: with the file and what to do.
    """
    for row in benchmark.rows:
        if row.file.baseline is not None or row.file.part == "prior":
            raise ConfigError(f"{benchmark.folder / row.name}.toml: {why}; leave baseline and part out.")


def check_held_out(benchmark: Benchmark, splits: Sequence[str], what: str) -> None:
    """Refuse a split that does not hold targets out.

    Args:
        benchmark: whose split.
        splits: that do.
        what: needs them; begins the sentence.

    Raises:
        ConfigError: with the file and what to do.
    """
    split = protocol_file(benchmark, FoldFile).split.name
    if split not in splits:
        raise ConfigError(
            f"{benchmark.folder / 'benchmark.toml'}: split.name: {what} needs held-out targets: use "
            f"{' or '.join(splits)}, not {split}."
        )


def _check_baselines(benchmark: Benchmark) -> None:
    from hyperpcm.baselines import build_baseline

    for row in benchmark.rows:
        if row.file.baseline is not None:
            try:
                build_baseline(row.file.baseline, options=dict(row.file.options))
            except MissingExtraError:
                continue  # the table can be shown without it; its jobs will say what to install
            except ConfigError as error:
                raise ConfigError(f"{benchmark.folder / row.name}.toml: {error}") from None


def fold_jobs(benchmark: Benchmark) -> list[Job]:
    """Fold by fold, all rows of a fold together, as far as rows bound their folds and seeds."""
    file = protocol_file(benchmark, FoldFile)
    folds = range(file.split.folds) if file.folds is None else file.folds
    return [
        Job(fold, seed, row.name)
        for fold in folds
        for seed in file.seeds
        for row in benchmark.rows
        if (row.file.folds is None or fold in row.file.folds)
        and (row.file.seeds is None or seed in row.file.seeds)
    ]


def opened_fold(
    benchmark: Benchmark, row: Row, fold: int, seed: int, threads: int, progress: Progress
) -> tuple[RunConfig, Interactions, Split]:
    """The settings of a row, the table, and its division."""
    from hyperpcm.training.run import open_data, open_split

    config = _config(benchmark, row, fold, seed, threads)
    interactions = open_data(config.data, progress)
    return config, interactions, open_split(config, interactions)


def encode_rows(
    benchmark: Benchmark, rows: Iterable[Row], interactions: Interactions, store: EmbeddingStore, threads: int
) -> dict[str, float]:
    """Embeddings, fingerprints and alignments that rows need which are all models, once.

    Returns:
        For each row the memory that its networks need in training, in 10⁶ bytes.
    """
    from hyperpcm.encoders.axes import compound_counts, target_similarity
    from hyperpcm.encoders.parallel import default_processes
    from hyperpcm.training.encoded import encoders_of

    networks: dict[str, float] = {}
    for row in rows:
        own = _config(benchmark, row, 0, 0, threads)
        compound, target = encoders_of(own)
        networks[row.name] = networks_mb(own, compound.width)
        for encoder, items in ((compound, interactions.compounds), (target, interactions.targets)):
            store.encode(encoder, items, processes=max(1, min(threads, default_processes(encoder))))
        compound_counts(interactions.compounds, store, radius=own.encoders.radius, width=own.encoders.width)
        if own.model.needs_alignment:
            target_similarity(interactions.targets, store, threads=threads)
    return networks


def inputs_of(
    interactions: Interactions, store: EmbeddingStore, threads: int, progress: Progress
) -> BaselineInputs:
    """Features of the baselines; kept in the store."""
    from hyperpcm.baselines import prepare_inputs

    return prepare_inputs(interactions, store, threads=threads, progress=progress, processes=max(1, threads))


def memory_estimate_mb(interactions: Interactions) -> float:
    """Memory of a job that nothing is known about, in 10⁶ bytes, from the size of the table."""
    rows, compounds = len(interactions), len(interactions.compounds)
    wide = 4 * _COLUMNS * rows + 3 * 4 * 2300 * compounds + 16 * len(interactions.targets) ** 2
    return _BASE_MB + wide / 1e6


def networks_mb(config: RunConfig, compound_width: int) -> float:
    """Memory that training needs for heads that make whole matrices, in 10⁶ bytes; others need little.

    Measured: the published settings took 6.3 GB in all; this and the rest of the estimate say 6.5.
    """
    model, training = config.model, config.training
    if model.hypernetwork.parts != "full":
        return 0.0
    widths = [compound_width + model.qsar.noise_head, *model.qsar.hidden, 1]
    generated = sum(a * b for a, b in pairwise(widths)) + compound_width * model.qsar.noise_head
    parameters = generated * model.hypernetwork.trunk[-1] * model.members
    batch = 4 * generated * training.targets_per_batch * model.members  # weights, gradients and copies
    return (1.4 * 16 * parameters + 4 * batch) / 1e6  # parameter, gradient and two moments of Adam


def _config(benchmark: Benchmark, row: Row, fold: int, seed: int, threads: int) -> RunConfig:
    """Settings of a row; a baseline has none of its own, and the defaults stand for them."""
    split = protocol_file(benchmark, FoldFile).split.model_dump() | {"fold": fold}
    return benchmark.config(row, seed=seed, threads=threads, split=split)
