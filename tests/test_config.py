"""Settings: closed, described, and refused with a sentence that says where."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from hyperpcm.config import (
    ContextConfig,
    DataConfig,
    ModelConfig,
    RunConfig,
    TrainingConfig,
    describe_fields,
    load_config,
)
from hyperpcm.errors import ConfigError, InputError

DAVIS = "data.name=davis"


def written(folder: Path, text: str) -> Path:
    path = folder / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_setting_is_described_in_words():
    described = describe_fields()
    assert len(described) > 60
    assert [name for name, text in described.items() if len(text) < 5] == []
    assert "model.context.heads" in described
    assert "training.learning_rate" in described
    assert "seed" in described


def test_every_default_is_a_value_that_the_settings_accept():
    config = RunConfig(data=DataConfig(name="davis"))
    assert RunConfig.model_validate(config.model_dump()) == config


def test_settings_come_back_from_json_as_they_were():
    overrides = [DAVIS, "model.qsar.hidden=[7, 5]", "split.options={min_identity=0.3}", "seed=5"]
    config = load_config(overrides=overrides)
    assert RunConfig.from_json(config.to_json()) == config
    assert (config.model.qsar.hidden, config.split.options, config.seed) == ((7, 5), {"min_identity": 0.3}, 5)


def test_a_file_and_what_is_set_over_it(tmp_path: Path):
    path = written(tmp_path, "seed = 1\n[data]\nname = 'kiba'\n[model.context]\nheads = 2\nskip = false\n")
    config = load_config(path, ["model.context.heads=8", "training.schedule = plateau", "seed=3"])
    assert config.data.name == "kiba"
    assert (config.model.context.heads, config.model.context.skip) == (8, False)
    assert (config.training.schedule, config.seed) == ("plateau", 3)


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("model.qsar.hidden=[64, 32]", (64, 32)),
        ("model.label_centre=7", 7.0),
        ("training.loss='l1'", "l1"),
        ("training.loss=l1", "l1"),
        ("training.learning_rate=1e-4", 1e-4),
        ("model.context.enabled=false", False),
        ("encoders.compound=['ecfp']", ("ecfp",)),
        ("data.path=tables/a b.csv", Path("tables/a b.csv")),
    ],
)
def test_values_on_the_command_line_are_toml_or_plain_text(override: str, value: object):
    overrides = [override] if override.startswith("data.") else [DAVIS, override]
    node: object = load_config(overrides=overrides)
    for part in override.partition("=")[0].split("."):
        node = getattr(node, part)
    assert node == value
    assert type(node) is type(value) or isinstance(value, Path)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["model.contxt.heads=3"], "model.contxt: there is no such setting"),
        (["model.context.head=3"], "Did you mean model.context.heads?"),
        (["training.shedule=cosine"], "Did you mean training.schedule?"),
        (["training.schedule=cosin"], "training.schedule = 'cosin'"),
        (["training.epochs=0"], "training.epochs = 0"),
        (["training.epochs=many"], "training.epochs = 'many'"),
        (["training.dropout"], "write section.key=value"),
        (["=3"], "write section.key=value"),
        (["model..heads=3"], "write section.key=value"),
        (["seed=1", "seed.value=3"], "seed is a value, not a section"),
        (["model.qsar.dropout=1.0"], "model.qsar.dropout = 1.0"),
        (["training.learning_rate=nan"], "training.learning_rate = nan"),
        (["model.label_centre=inf"], "model.label_centre = inf"),
        (["split.fold=5"], "folds are numbered 0 to 4"),
        (["data.path=table.csv"], "either data.name"),
        (
            ["model.retrieval.target_exponents=[1.0]"],
            "one target exponent and one compound exponent per level",
        ),
        (["model.hypernetwork.parts=half"], "model.hypernetwork.parts = 'half'"),
        (["encoders.width=10"], "encoders.width = 10"),
        (["model=3"], "model = 3"),
    ],
)
def test_what_is_wrong_with_a_setting_is_said(overrides: list[str], sentence: str):
    with pytest.raises(ConfigError) as caught:
        load_config(overrides=[DAVIS, *overrides])
    assert sentence in str(caught.value)
    assert "pydantic" not in str(caught.value)
    assert isinstance(caught.value, InputError)
    assert caught.value.exit_code == 2


def test_all_mistakes_are_named_at_once():
    with pytest.raises(ConfigError) as caught:
        load_config(overrides=["training.epochs=0", "model.members=99", "seeds=1"])
    text = str(caught.value)
    assert [line.partition(" ")[0].rstrip(":") for line in text.splitlines()] == [
        "data",
        "model.members",
        "training.epochs",
        "seeds",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[data\nname = 'davis'", "not a TOML file"),
        ("seed = 1", "data: this setting is required"),
        ("data = 'davis'", "data = 'davis'"),
        ("[data]\n", "either data.name"),
    ],
)
def test_a_file_that_holds_no_settings_is_refused(tmp_path: Path, text: str, sentence: str):
    with pytest.raises(ConfigError, match=sentence.replace("[", r"\[")):
        load_config(written(tmp_path, text))


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="no such file"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not a TOML file"):
        load_config(tmp_path / "binary.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"data": {"name": "davis"}, "later": 1}'])
def test_stored_settings_that_are_none_are_refused(text: str):
    with pytest.raises(ConfigError):
        RunConfig.from_json(text)


def test_settings_cannot_be_changed_once_made():
    config = load_config(overrides=[DAVIS])
    with pytest.raises(ValidationError):
        config.seed = 3  # type: ignore[misc]


def test_beta_is_derived_and_cannot_be_set():
    assert ContextConfig(head_width=512).beta == 1 / math.sqrt(512)
    with pytest.raises(ConfigError, match="no such setting"):
        load_config(overrides=[DAVIS, "model.context.beta=1.0"])


@pytest.mark.parametrize(
    ("settings", "aligns"),
    [
        ({"retrieval": {"enabled": False}, "context": {"guided": False}, "alignment_components": 0}, False),
        ({"retrieval": {"enabled": False}, "context": {"enabled": False}, "alignment_components": 0}, False),
        ({"retrieval": {"enabled": True}, "context": {"guided": False}, "alignment_components": 0}, True),
        ({"retrieval": {"enabled": False}, "context": {"guided": True}, "alignment_components": 0}, True),
        ({"retrieval": {"enabled": False}, "context": {"guided": False}, "alignment_components": 4}, True),
    ],
)
def test_targets_are_aligned_where_something_uses_it(settings: dict, aligns: bool):
    assert ModelConfig.model_validate(settings).needs_alignment is aligns


def test_nothing_published_is_out_of_range():
    """The published configuration, as the paper and its settings give it."""
    config = load_config(
        overrides=[
            DAVIS,
            "model.qsar.hidden=[512, 256]",
            "model.qsar.noise_head=512",
            "model.qsar.zero_start=false",
            "model.hypernetwork.parts=full",
            "model.hypernetwork.shared=false",
            "model.hypernetwork.initialisation=published",
            "model.context.heads=8",
            "model.context.head_width=512",
            "model.context.dropout=0.5",
            "model.context.guided=false",
            "model.retrieval.enabled=false",
            "model.alignment_components=0",
            "model.members=1",
            "model.scale_labels=false",
            "model.label_centre=7",
            "training.optimiser=adam",
            "training.learning_rate=1e-4",
            "training.weight_decay=1e-5",
            "training.epochs=1000",
            "training.patience=100",
            "training.schedule=plateau",
            "training.plateau_epochs=30",
        ]
    )
    assert not config.model.needs_alignment
    assert config.model.context.beta == 1 / math.sqrt(512)
    training = TrainingConfig()
    assert (training.targets_per_batch, training.compounds_per_target) == (32, 32)


def test_reading_settings_loads_no_heavy_library():
    program = (
        "import sys; from hyperpcm.config import load_config; load_config(overrides=['data.name=davis']);"
        "print(*sorted({'torch', 'rdkit', 'sklearn', 'pyarrow', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_each_section_is_documented_and_closed():
    def sections(model: type[BaseModel]) -> list[type[BaseModel]]:
        inner = [field.annotation for field in model.model_fields.values()]
        found = [kind for kind in inner if isinstance(kind, type) and issubclass(kind, BaseModel)]
        return [model, *(deeper for kind in found for deeper in sections(kind))]

    for section in sections(RunConfig):
        assert section.__doc__
        assert section.model_config["extra"] == "forbid"
        assert section.model_config["frozen"] is True
