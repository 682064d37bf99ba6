"""A D-MPNN of chemprop in a user's file: the numbers are chemprop's own, and nothing else is read from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts import COMPOUNDS, ODD_COMPOUNDS, UNREADABLE_COMPOUNDS, EncoderContract
from hyperpcm.encoders.base import Encoder
from hyperpcm.encoders.message_passing import MAX_ATOMS, MessagePassingEncoder
from hyperpcm.encoders.registry import build_encoder, compound_encoder
from hyperpcm.encoders.table import ENCODERS
from hyperpcm.errors import ConfigError, DataUnavailableError, InvalidSmilesError, MissingExtraError

pytest.importorskip("chemprop", reason="the extra chemprop is not installed")


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def network(seed: int = 0, **settings: Any) -> Any:
    """A tiny random one of chemprop's class, in evaluation mode."""
    import torch
    from chemprop.nn import BondMessagePassing

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = BondMessagePassing(**{"d_h": 16, "depth": 3, "dropout": 0.2, **settings})
    return made.eval()


def saved(made: Any, path: Path, **changes: Any) -> Path:
    """As published foundation models are saved, and as the error message says."""
    import torch

    settings = {
        key: str(value) if isinstance(value, str) else value
        for key, value in made.hparams.items()
        if isinstance(value, (int, float, str))
    }
    torch.save({"hyper_parameters": settings | changes, "state_dict": made.state_dict()}, path)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return saved(network(), tmp_path / "mp.pt")


class TestMessagePassingEncoder(EncoderContract):
    rounding = 1e-6

    @pytest.fixture
    def encoder(self, file: Path) -> Encoder:
        return MessagePassingEncoder(file=str(file))

    @pytest.fixture
    def items(self) -> list[str]:
        return COMPOUNDS

    @pytest.fixture
    def odd_items(self) -> list[str]:
        return ODD_COMPOUNDS

    @pytest.fixture
    def unusable_items(self) -> list[str]:
        return UNREADABLE_COMPOUNDS


@pytest.mark.parametrize("pooling", ["mean", "sum"])
@pytest.mark.parametrize("settings", [{}, {"activation": "leakyrelu", "bias": True, "depth": 5}], ids=str)
def test_the_numbers_are_those_of_chemprop(settings: dict[str, Any], pooling: str, tmp_path: Path):
    import torch
    from chemprop.data import BatchMolGraph
    from chemprop.featurizers import SimpleMoleculeMolGraphFeaturizer
    from chemprop.nn import MeanAggregation, SumAggregation
    from rdkit import Chem

    made = network(3, **settings)
    encoder = MessagePassingEncoder(file=str(saved(made, tmp_path / "mp.pt")), pooling=pooling)
    items = [*COMPOUNDS, "[Na+].[Cl-]"] * 20  # more than one batch
    featurizer = SimpleMoleculeMolGraphFeaturizer()
    batch = BatchMolGraph([featurizer(Chem.MolFromSmiles(smiles)) for smiles in items])
    with torch.no_grad():
        aggregation = MeanAggregation() if pooling == "mean" else SumAggregation()
        expected = aggregation(made(batch), batch.batch).numpy()
    assert encoder.width == 16
    np.testing.assert_allclose(encoder.encode(items), expected, atol=1e-5)


def test_the_spec_finds_the_network_when_the_file_is_gone(file: Path):
    encoder = MessagePassingEncoder(file=str(file))
    before = encoder.encode(COMPOUNDS)
    file.unlink()
    again = build_encoder(encoder.spec())
    assert again == encoder
    np.testing.assert_array_equal(again.encode(COMPOUNDS), before)


def test_another_network_is_another_encoder_and_another_place_is_not(file: Path, tmp_path: Path):
    copy = tmp_path / "copy.pt"
    copy.write_bytes(file.read_bytes())
    other = saved(network(1), tmp_path / "other.pt")
    one, same, different = (MessagePassingEncoder(file=str(path)) for path in (file, copy, other))
    assert one.key() == same.key() != different.key()
    assert MessagePassingEncoder(file=str(file), pooling="sum").key() != one.key()
    with pytest.raises(ConfigError, match="holds another network"):
        MessagePassingEncoder(content=one.content, file=str(other))


def test_it_stands_beside_fingerprints(file: Path):
    encoder = compound_encoder(["maccs", "chemprop"], options={"chemprop": {"file": str(file)}})
    assert encoder.width == ENCODERS["maccs"].width + 16
    assert "NOASSERTION" in encoder.licence


def test_a_file_that_could_run_code_is_not_run(tmp_path: Path, data_folder: Path):
    import torch
    from chemprop.models import MPNN
    from chemprop.models.utils import save_model
    from chemprop.nn import MeanAggregation, RegressionFFN

    whole = tmp_path / "model.pt"
    save_model(whole, MPNN(network(), MeanAggregation(), RegressionFFN(input_dim=16)))
    with pytest.raises(ConfigError, match=r"code is not run.*torch\.save"):
        MessagePassingEncoder(file=str(whole))

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"hyper_parameters": {}, "state_dict": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(ConfigError, match="code is not run"):
        MessagePassingEncoder(file=str(tmp_path / "evil.pt"))
    assert not (tmp_path / "ran").exists()
    assert not list(data_folder.rglob("*"))  # what is no network is not kept


def test_a_file_that_is_no_such_network_is_refused_with_what_it_has_to_be(file: Path, tmp_path: Path):
    import torch

    whole = file.read_bytes()
    for number, content in enumerate((b"", whole[: len(whole) // 2], whole[:-100])):
        path = tmp_path / f"{number}.pt"
        path.write_bytes(content)
        with pytest.raises(ConfigError, match="no file of torch"):
            MessagePassingEncoder(file=str(path))
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ConfigError, match="something else than message passing"):
        MessagePassingEncoder(file=str(tmp_path / "list.pt"))
    with pytest.raises(ConfigError, match="do not fit their settings"):
        MessagePassingEncoder(file=str(saved(network(), tmp_path / "wide.pt", d_h=17)))
    with pytest.raises(ConfigError, match="reads 70 values of an atom"):
        MessagePassingEncoder(file=str(saved(network(d_v=70), tmp_path / "other.pt")))
    with pytest.raises(ConfigError, match="wants d_vd"):
        MessagePassingEncoder(file=str(saved(network(d_vd=4), tmp_path / "more.pt", d_vd=4)))
    with pytest.raises(ConfigError, match="cannot be read"):
        MessagePassingEncoder(file=str(tmp_path / "nowhere.pt"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "needs the option 'file'"),
        ({"pooling": "max"}, "mean or sum, not 'max'"),
        ({"content": "abc"}, "sha256 of a file"),
        ({"content": "../" + "0" * 61}, "sha256 of a file"),
    ],
)
def test_options_that_say_nothing_are_refused(options: dict[str, str], said: str):
    with pytest.raises(ConfigError, match=said):
        MessagePassingEncoder(**options)


def test_a_network_that_is_not_here_or_damaged_says_how_to_bring_it(file: Path, data_folder: Path):
    with pytest.raises(DataUnavailableError, match="hyperpcm encoders fetch chemprop --from FILE"):
        MessagePassingEncoder(content="0" * 64)
    encoder = MessagePassingEncoder(file=str(file))
    kept = data_folder / "weights" / "files" / str(encoder.content)
    kept.write_bytes(kept.read_bytes()[:-7] + b"damaged")
    with pytest.raises(DataUnavailableError, match="damaged"):
        build_encoder(encoder.spec())


def test_a_compound_that_is_too_large_is_refused(file: Path):
    encoder = MessagePassingEncoder(file=str(file))
    with pytest.raises(InvalidSmilesError, match=r"item 1.*2,001 atoms"):
        encoder.encode(["C", "C" * (MAX_ATOMS + 1)])
    assert np.isfinite(encoder.encode(["C" * MAX_ATOMS])).all()


def test_without_the_extra_the_install_command_is_said(file: Path, monkeypatch: pytest.MonkeyPatch):
    import importlib

    real = importlib.import_module

    def absent(name: str) -> Any:
        if name.startswith("chemprop"):
            raise ModuleNotFoundError(name)
        return real(name)

    monkeypatch.setattr("hyperpcm.encoders.message_passing.importlib.import_module", absent)
    with pytest.raises(MissingExtraError, match=r"pip install 'hyperpcm\[chemprop\]'"):
        MessagePassingEncoder(file=str(file))
