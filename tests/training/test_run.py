"""A whole run: what it leaves in its folder, what it refuses, and that a seed decides all of it."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from hyperpcm.checkpoint import load_model, save_model
from hyperpcm.checkpoint.archive import read_archive, write_archive
from hyperpcm.checkpoint.small import small_model
from hyperpcm.datasets import load, make_splits
from hyperpcm.datasets.interactions import Quantity
from hyperpcm.encoders import EmbeddingStore
from hyperpcm.encoders.store import usual_store
from hyperpcm.errors import (
    ConfigError,
    IncompatibleModelError,
    InputError,
    LabelError,
    MissingExtraError,
    OutputError,
    SplitError,
    TableError,
)
from hyperpcm.evaluation import evaluate_scores
from hyperpcm.training import fit
from hyperpcm.training.encoded import encode
from hyperpcm.training.evaluation import evaluate_run
from hyperpcm.training.loop import predict_pairs
from hyperpcm.training.run import open_data, open_split, train_model
from hyperpcm.training.run_folder import RunFolder
from small_runs import NO_RETRIEVAL, SMILES, families, fingerprint, part_of, tiny, weights_of, write_table

UNSEEN = families(40)[33]  # of a known family, and in no table of these tests


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("table") / "table.csv")


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return fit(tiny(table), tmp_path_factory.mktemp("runs") / "run").folder


# What a run leaves


def test_the_folder_holds_what_the_run_depended_on_and_what_it_found(run: RunFolder, table: Path):
    names = {path.name for path in run.path.iterdir() if not path.name.endswith(".lock")}
    assert names == {"config.json", "split.json", "environment.json", "metrics.jsonl", "model.safetensors"}
    assert run.config() == tiny(table)
    split = run.split(open_data(run.config().data))
    assert (split.name, split.fold, split.folds) == ("cold_target", 0, 3)
    environment = json.loads(run.environment_path.read_text())
    assert environment["seed"] == 0
    assert "torch" in json.dumps(environment["versions"])
    lines = [json.loads(line) for line in run.metrics_path.read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [0, 1, 2, 3]
    assert all(
        {"step", "train_loss", "learning_rate", "valid_mse", "valid_ci"} <= line.keys() for line in lines
    )
    assert all(np.isfinite(line["valid_mse"]) for line in lines)


def test_the_model_says_where_it_comes_from(run: RunFolder):
    card, lines = load_model(run.model_path).card, run.history()
    interactions = open_data(run.config().data)
    split = run.split(interactions)
    assert card["data_fingerprint"] == interactions.fingerprint()
    assert card["interactions"] == len(split.train)
    assert card["licences"] == {"ecfp": "BSD-3-Clause", "composition": "MIT"}
    assert card["targets"] == len(np.unique(interactions.target_index[split.train]))
    assert card["best"] == next(line for line in lines if line["epoch"] == lines[-1]["best_epoch"])


def test_the_saved_model_scores_a_protein_that_no_one_has_measured(run: RunFolder):
    compiled = load_model(run.model_path).compile_target(UNSEEN, name="new")
    scores = compiled.score([*SMILES, "junk"])
    assert np.isfinite(scores.values[:-1]).all()
    assert np.isnan(scores.values[-1])
    assert len(scores.rejections) == 1
    assert len(scores.order()) == len(SMILES)
    assert scores.quantity.name == "pKd"
    # The labels rise with the place of the compound modulo 4; the unseen protein is of the first family.
    measured = np.array([5 + (33 % 3) + (place % 4) / 2 + 0.1 for place in range(len(SMILES))])
    assert np.corrcoef(scores.values[:-1], measured)[0, 1] > 0.8
    assert abs(scores.values[:-1].mean() - measured.mean()) < 0.7


@pytest.fixture(scope="module")
def run_of_both_kinds(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Validated on new targets and on known ones."""
    folder = tmp_path_factory.mktemp("mixed")
    table = write_table(folder / "table.csv", targets=24)
    config = tiny(table, "split.name=mixed", "split.folds=3", "split.options={compounds='cold_compound'}")
    return fit(config, folder / "run").folder


@pytest.mark.parametrize("name", ["run", "run_of_both_kinds"])
def test_the_validation_record_is_what_the_saved_model_scores(name: str, request: pytest.FixtureRequest):
    """Once by the loop in batches, once by the compiled targets of the file."""
    run: RunFolder = request.getfixturevalue(name)
    interactions = open_data(run.config().data)
    split = run.split(interactions)
    model = load_model(run.model_path)
    labels, scores = [], []
    for target in np.unique(interactions.target_index[split.valid]):
        rows = split.valid[interactions.target_index[split.valid] == target]
        compounds = [interactions.compounds[index] for index in interactions.compound_index[rows]]
        compiled = model.compile_target(interactions.targets[target], exact=True)
        scores.append(compiled.score(compounds).values)
        labels.append(interactions.values[rows])
    mse = float(np.square(np.concatenate(scores) - np.concatenate(labels)).mean())
    assert mse == pytest.approx(model.card["best"]["valid_mse"], rel=1e-3)


def test_new_targets_and_known_ones_have_a_share_each_where_validation_has_both(
    run: RunFolder, run_of_both_kinds: RunFolder
):
    model = load_model(run_of_both_kinds.model_path)
    best = model.card["best"]
    shares = [best["valid_correction_new"], best["valid_correction_known"]]
    assert model.correction.tolist() == pytest.approx(shares)
    assert shares[0] != shares[1]
    model = load_model(run.model_path)
    best = model.card["best"]
    assert "valid_correction_known" not in best
    assert model.correction.tolist() == pytest.approx([best["valid_correction_new"]] * 2)


@pytest.mark.parametrize("is_small", [False, True])
def test_a_file_of_a_time_when_all_targets_had_one_share_is_read_as_it_was_meant(
    run: RunFolder, tmp_path: Path, *, is_small: bool
):
    model, new, old = load_model(run.model_path), tmp_path / "new.safetensors", tmp_path / "old.safetensors"
    model.correction.fill_(0.3)
    save_model(small_model(model, 10**6) if is_small else model, new)
    archive = read_archive(new, "model")
    tensors = {**archive.tensors, "correction": torch.tensor(0.3)}
    write_archive(old, "model", tensors, archive.header)
    assert load_model(old).correction.tolist() == load_model(new).correction.tolist()
    scores = [load_model(path).compile_target(UNSEEN).score(SMILES).values for path in (old, new)]
    np.testing.assert_array_equal(*scores)


# Seeds


def test_one_seed_gives_the_same_weights_bit_for_bit_and_another_gives_others(
    run: RunFolder, table: Path, tmp_path: Path
):
    again = fit(tiny(table), tmp_path / "again")
    assert weights_of(again.model_path) == weights_of(run.model_path)
    assert again.folder.history() == run.history()
    other = fit(tiny(table, "seed=1"), tmp_path / "other")
    assert weights_of(other.model_path) != weights_of(run.model_path)


def test_a_second_training_and_the_evaluation_compute_no_embedding_again(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "data"))
    fit(tiny(table), tmp_path / "first")
    with EmbeddingStore(usual_store()) as store:
        held = {holding.encoder: holding.rows for holding in store.info().holdings}
    assert held["ecfp"] == len(open_data(tiny(table).data).compounds)

    def refuse(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr("hyperpcm.encoders.ecfp.EcfpEncoder._encode", refuse)
    second = fit(tiny(table), tmp_path / "second")
    evaluate_run(second.folder.path, nulls=[])


def test_folds_differ(run: RunFolder, table: Path, tmp_path: Path):
    """A trap of the published code: its five folds were one."""
    other = fit(tiny(table, "split.fold=1"), tmp_path / "fold1")
    interactions = open_data(run.config().data)
    ours, theirs = run.split(interactions), other.folder.split(interactions)
    assert not set(ours.test) & set(theirs.test)
    assert load_model(other.model_path).label_scale != load_model(run.model_path).label_scale


def test_training_in_memory_equals_training_in_a_folder(run: RunFolder):
    config = run.config()
    interactions = open_data(config.data)
    model, best = train_model(config, interactions, open_split(config, interactions))
    assert fingerprint({k: v.cpu() for k, v in model.state()[0].items()}) == weights_of(run.model_path)
    assert best == load_model(run.model_path).card["best"]


# Real data


def test_on_a_part_of_the_real_davis_data_the_loss_falls(mirror: Path):
    interactions = part_of(load("davis"), targets=40)
    split = make_splits(interactions, "cold_target", folds=5)[0]
    config = tiny(
        Path("unused.csv"),
        "encoders.compound=['ecfp', 'descriptors']",
        "model.qsar.hidden=[32]",
        "model.hypernetwork.trunk=[32]",
        "model.hypernetwork.delta_scale=1.0",
        "model.retrieval.enabled=false",
        "model.qsar.zero_start=false",
        "training.targets_per_batch=8",
        "training.compounds_per_target=16",
        "training.epochs=8",
    )
    records: list[dict] = []
    model, best = train_model(config, interactions, split, progress=lambda *told: records.append(told))
    assert {told[0] for told in records} >= {"training", "alignment to the memory"}
    assert best["epoch"] > 0
    assert best["train_loss"] < 0.9
    labels = interactions.values[split.valid]
    assert best["valid_mse"] < 0.9 * labels.var()
    assert np.isfinite(model.compile_target(UNSEEN).score(list(SMILES)).values).all()


# Kinds of labels


def test_two_classes_are_learned_as_probabilities(tmp_path: Path):
    table = write_table(tmp_path / "classes.csv", header="active")
    config = tiny(table, *NO_RETRIEVAL, "training.epochs=6")
    done = fit(config, tmp_path / "run")
    model = load_model(done.model_path)
    assert model.quantity.kind == "binary"
    assert done.best["valid_auroc"] > 0.6
    values = model.compile_target(UNSEEN).score(SMILES).values
    assert ((values >= 0) & (values <= 1)).all()


def test_censored_and_binned_labels_can_be_trained_on(table: Path):
    config = tiny(table, "training.loss=censored")
    interactions = open_data(config.data)
    relations = np.where(interactions.values < 5.5, -1, 0)
    quantity = dataclasses.replace(interactions.quantity, bin_width=0.5)
    interactions = dataclasses.replace(interactions, relations=relations, quantity=quantity)
    assert 0 < np.count_nonzero(relations) < len(relations)
    split = open_split(config, interactions)
    _, best = train_model(config, interactions, split)
    assert np.isfinite(best["valid_mse"])
    plain = dataclasses.replace(interactions, quantity=Quantity("pKd", "-log10(M)"))
    assert train_model(config, plain, split)[1]["valid_mse"] != best["valid_mse"]


def test_points_beside_bins_are_learned_as_points(table: Path):
    config = tiny(table, "training.loss=censored", "training.epochs=1", *NO_RETRIEVAL)
    interactions = open_data(config.data)
    quantity = dataclasses.replace(interactions.quantity, bin_width=0.5)
    edges = np.floor(interactions.values * 2) / 2
    bins = dataclasses.replace(interactions, values=edges, quantity=quantity)
    split = open_split(config, interactions)
    models = [
        train_model(config, dataclasses.replace(bins, binned=marks), split)[0]
        for marks in (None, np.ones(len(bins), dtype=bool), np.arange(len(bins)) % 2 == 0)
    ]
    states = [fingerprint({key: value.cpu() for key, value in one.state()[0].items()}) for one in models]
    assert states[0] == states[1]
    assert states[0] != states[2]
    stored = dict(zip(split.train.tolist(), models[2].memory_values.tolist(), strict=True))
    for row, value in stored.items():
        assert value == pytest.approx(edges[row] + (0.25 if row % 2 == 0 else 0.0))


@pytest.mark.parametrize("metric", ["mse", "mae", "ci", "pearson", "spearman"])
def test_every_metric_of_values_can_select_the_epoch(table: Path, metric: str):
    config = tiny(table, f"training.metric={metric}", "training.epochs=2", *NO_RETRIEVAL)
    interactions = open_data(config.data)
    _, best = train_model(config, interactions, open_split(config, interactions))
    assert np.isfinite(best[f"valid_{metric}"])


def test_auroc_selects_by_the_rows_whose_class_is_known_as_the_evaluation_counts_them(table: Path):
    config = tiny(table, "data.active_at=6", "training.metric=auroc", "training.epochs=1", *NO_RETRIEVAL)
    interactions = open_data(config.data)
    split = open_split(config, interactions)
    middle = float(np.median(interactions.values[split.valid]))
    quantity = dataclasses.replace(interactions.quantity, active_at=middle)
    odd = np.arange(len(interactions)) % 2 == 1
    relations = np.where(odd & (interactions.values > middle), -1, 0)  # less than that may be either
    interactions = dataclasses.replace(interactions, relations=relations, quantity=quantity)
    model, best = train_model(config, interactions, split)
    data = encode(config, interactions, split)
    rows = interactions.compound_index[split.valid], interactions.target_index[split.valid]
    found = evaluate_scores(interactions, split.valid, predict_pairs(model, data, *rows))
    assert 0 < found["n_classified"] < len(split.valid)
    assert np.isfinite(found["auroc"])
    assert best["valid_auroc"] == pytest.approx(found["auroc"], abs=1e-6)


@pytest.mark.filterwarnings("error")
def test_a_metric_that_is_undefined_at_the_start_does_not_stop_the_run(table: Path, tmp_path: Path):
    """An untrained network that says 0 for all has no correlation with anything; checkpoints still work."""
    overrides = (*NO_RETRIEVAL, "model.qsar.zero_start=true", "training.metric=pearson")
    config = tiny(table, *overrides, "training.epochs=2", "training.checkpoint_seconds=0")
    done = fit(config, tmp_path / "run")
    assert done.folder.history()[0]["valid_pearson"] is None
    assert done.best["epoch"] > 0


# What is refused, and before anything is left behind


def test_a_run_is_not_overwritten_unasked(run: RunFolder, table: Path):
    before = weights_of(run.model_path)
    with pytest.raises(OutputError, match="--overwrite"):
        fit(tiny(table), run.path)
    assert weights_of(run.model_path) == before


def test_overwriting_leaves_nothing_of_the_run_before(table: Path, tmp_path: Path):
    fit(tiny(table), tmp_path / "run")
    for name in ("results.json", "scores.parquet", "report.html"):
        (tmp_path / "run" / name).write_text("old")
    done = fit(tiny(table, "training.epochs=1"), tmp_path / "run", overwrite=True)
    assert done.epochs == 1
    assert not {"results.json", "scores.parquet", "report.html"} & {
        p.name for p in done.folder.path.iterdir()
    }


MANY = [f"MKTAYIAKQRQISFVK{'A' * m}" for m in range(9)]
CASES = {
    "one pair": (["CCO,MKTAYIAKQRQISFVKSHFSRQ,6.5"], "pKd", InputError, "target"),
    "one target": ([f"{'C' * n}O,MKTAYIAKQRQ,6.{n}" for n in range(1, 9)], "pKd", InputError, "target"),
    "constant": (
        [f"{'C' * n}O,{target},6" for n in (1, 2, 3) for target in MANY],
        "pKd",
        LabelError,
        "constant",
    ),
    "no negatives": (
        [f"{'C' * n}O,{target},1" for n in (1, 2, 3) for target in MANY],
        "active",
        LabelError,
        "constant",
    ),
    "no usable row": (["C1CC,MKTAYIAKQRQISFVKSHFSRQ,6.5"], "pKd", TableError, "none of the 1 rows"),
}


@pytest.mark.parametrize("case", CASES)
def test_data_that_nothing_can_be_learned_from_leave_no_run(case: str, tmp_path: Path):
    rows, label, error, message = CASES[case]
    path = tmp_path / "table.csv"
    path.write_text("\n".join([f"smiles,sequence,{label}", *rows]) + "\n")
    with pytest.raises(error, match=message) as caught:
        fit(tiny(path), tmp_path / "run")
    assert caught.value.exit_code == 2
    assert not (tmp_path / "run").exists()


def test_one_compound_is_enough_for_a_run(tmp_path: Path):
    """A one-compound batch loses no axis; a trap of the published code."""
    path = tmp_path / "table.csv"
    rows = [f"CCO,{target},6.{number}" for number, target in enumerate(MANY)]
    path.write_text("\n".join(["smiles,sequence,pKd", *rows]) + "\n")
    done = fit(tiny(path, "training.compounds_per_target=1"), tmp_path / "run")
    assert np.isfinite(load_model(done.model_path).compile_target(UNSEEN).score(["CCO"]).values).all()


@pytest.mark.parametrize(
    ("header", "overrides", "message"),
    [
        ("pKd", ["training.loss=bce"], "does not fit regression labels"),
        ("active", ["training.loss=mse"], "does not fit binary labels"),
        ("active", ["training.metric=mse"], "use auroc"),
        ("pKd", ["training.metric=auroc"], "data.active_at"),
    ],
)
def test_settings_that_do_not_fit_the_labels_leave_no_run(
    header: str, overrides: list[str], message: str, tmp_path: Path
):
    table = write_table(tmp_path / "table.csv", header=header)
    config = tiny(table, *overrides)
    with pytest.raises(ConfigError, match=message):
        fit(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_logger_that_is_not_installed_is_refused_with_the_command_before_the_work(
    table: Path, tmp_path: Path
):
    pytest.importorskip("torch")
    try:
        import wandb  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("W&B is installed here")
    with pytest.raises(MissingExtraError, match=r"pip install 'hyperpcm\[wandb\]'") as caught:
        fit(tiny(table, "training.wandb=true"), tmp_path / "run")
    assert caught.value.exit_code == 2
    assert not (tmp_path / "run").exists()


# Resuming what needs no work, or must not be resumed


def test_a_finished_run_is_returned_at_once(run: RunFolder, table: Path):
    before = run.model_path.stat().st_mtime_ns
    told: list[str] = []
    done = fit(tiny(table), run.path, resume=True, progress=lambda stage, *_: told.append(stage))
    assert run.model_path.stat().st_mtime_ns == before
    assert "training" not in told
    assert done.epochs == 3
    assert done.best == load_model(run.model_path).card["best"]


def test_other_settings_are_not_resumed(run: RunFolder, table: Path):
    with pytest.raises(IncompatibleModelError, match=r"seed was 0, now 5; training\.epochs was 3, now 9"):
        fit(tiny(table, "seed=5", "training.epochs=9"), run.path, resume=True)


def test_other_data_are_not_resumed(tmp_path: Path):
    table = write_table(tmp_path / "table.csv")
    fit(tiny(table), tmp_path / "run")
    write_table(table, seed=1)
    with pytest.raises(SplitError):
        fit(tiny(table), tmp_path / "run", resume=True)


def test_a_second_training_in_one_folder_is_told_who_has_it(table: Path, tmp_path: Path):
    run = RunFolder(tmp_path / "run")
    seconds: list[str] = []

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "training" and not seconds:
            for how in ("resume", "overwrite"):
                with pytest.raises(OutputError, match="another run is writing here") as refused:
                    fit(tiny(table), run.path, resume=how == "resume", overwrite=how == "overwrite")
                seconds.append(str(refused.value))

    fit(tiny(table), run.path, progress=progress)
    assert len(seconds) == 2
    assert all(f"process {os.getpid()} on" in told for told in seconds)
    assert run.model_path.exists()  # what the first one made is whole, and the folder is free again
    fit(tiny(table), run.path, overwrite=True)


def test_nothing_is_resumed_where_there_is_no_run(table: Path, tmp_path: Path):
    with pytest.raises(InputError, match="no run"):
        fit(tiny(table), tmp_path / "none", resume=True)
    assert not (tmp_path / "none").exists()


def test_threads_are_given_back(table: Path, tmp_path: Path):
    before = torch.get_num_threads()
    fit(tiny(table, "threads=2", "training.epochs=1"), tmp_path / "run")
    assert torch.get_num_threads() == before
