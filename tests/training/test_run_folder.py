"""The folder of a run: begun clean, read back as written, compared setting by setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyperpcm.config import RunConfig
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.errors import ConfigError, IncompatibleModelError, InputError, OutputError
from hyperpcm.training.run import open_data, open_split
from hyperpcm.training.run_folder import RunFolder
from small_runs import tiny, write_table


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunConfig, Interactions, Split]:
    config = tiny(write_table(tmp_path_factory.mktemp("table") / "table.csv"))
    interactions = open_data(config.data)
    return config, interactions, open_split(config, interactions)


def test_settings_and_split_come_back_as_written(made, tmp_path: Path):
    config, interactions, split = made
    run = RunFolder(tmp_path / "deep" / "run")
    run.begin(config, interactions, split, overwrite=False)
    assert run.config() == config
    run.check_same(config)
    back = run.split(interactions)
    for side in ("train", "valid", "test"):
        assert getattr(back, side).tolist() == getattr(split, side).tolist()
    assert run.history() == []


def test_every_setting_that_differs_is_named(made, tmp_path: Path):
    run = RunFolder(tmp_path)
    run.begin(*made, overwrite=False)
    other = made[0].model_dump(mode="json")
    other["model"]["context"]["heads"] = 7
    other["training"]["epochs"] = 9
    with pytest.raises(IncompatibleModelError) as caught:
        run.check_same(RunConfig.model_validate(other))
    assert "model.context.heads was 2, now 7" in str(caught.value)
    assert "training.epochs was 3, now 9" in str(caught.value)
    assert "learning_rate" not in str(caught.value)
    assert caught.value.exit_code == 3


def test_a_run_is_kept_unless_it_may_be_overwritten(made, tmp_path: Path):
    run = RunFolder(tmp_path)
    run.begin(*made, overwrite=False)
    run.write_history([{"epoch": 0}])
    run.state_path.mkdir()
    (run.state_path / "last.safetensors").write_text("old")
    with pytest.raises(OutputError, match="holds a run already"):
        run.begin(*made, overwrite=False)
    assert run.history() == [{"epoch": 0}]
    run.begin(*made, overwrite=True)
    assert run.history() == []
    assert not run.state_path.exists()


def test_a_beginning_that_is_cut_short_leaves_no_settings_of_the_run_before(made, tmp_path: Path):
    run = RunFolder(tmp_path)
    run.begin(*made, overwrite=False)
    run.split_path.unlink()
    run.split_path.mkdir()  # nothing can be written there
    with pytest.raises(OutputError):
        run.begin(*made, overwrite=True)
    with pytest.raises(InputError, match="no run in this folder"):
        run.check_same(made[0])


def test_a_folder_that_cannot_be_made_is_told(made, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be made"):
        RunFolder(tmp_path / "file" / "run").begin(*made, overwrite=False)


def test_a_folder_without_a_run_is_told(tmp_path: Path):
    with pytest.raises(InputError, match="no run in this folder"):
        RunFolder(tmp_path).config()


def test_settings_that_were_altered_by_hand_are_told(made, tmp_path: Path):
    run = RunFolder(tmp_path)
    run.begin(*made, overwrite=False)
    run.config_path.write_text(run.config_path.read_text().replace('"heads": 2', '"head": 2'))
    with pytest.raises(ConfigError, match=r"Did you mean model\.context\.heads"):
        run.config()


def test_a_fold_that_the_split_does_not_have_is_refused(made):
    config, interactions, _ = made
    beyond = config.model_dump(mode="json")
    beyond["split"] |= {"name": "random", "folds": 3, "fold": 2}
    assert open_split(RunConfig.model_validate(beyond), interactions).fold == 2
    with pytest.raises(ConfigError, match="folds are numbered"):
        tiny(Path("unused.csv"), "split.fold=3")
