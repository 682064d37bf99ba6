"""The model that ships: small, quick, whole, its card that of the results, and honest on bad input.

These tests fail where the file is missing, so they are collected from the day on that it is there: as
`test_shipped.py`.
"""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.checkpoint import load_model
from hyperpcm.model import HyperPCM
from hyperpcm.model.compiling import unmeasured_target
from hyperpcm.pretrained import default_model, find_model
from hyperpcm.pretrained.card import shipped_card
from hyperpcm.pretrained.figures import card_figures
from hyperpcm.pretrained.packing import LARGEST
from hyperpcm.pretrained.record import digest_of
from hyperpcm.pretrained.registry import DEFAULT_NAME, FOLDERS_VARIABLE, SHIPPED, PretrainedModel
from hyperpcm.protein import read_fasta
from small_pretrained import own_folders

ROOT = Path(__file__).resolve().parents[2]
REPEAT = "SPEEAARLAAELIRRAVELAREAGDPELVAEALRLAAEVALR" * 6
COLLAGEN = (
    "GPPGPPGKNGDDGEAGKPGRPGERGPPGPQGARGLPGTAGLPGMKGHRGFSGLDGAKGDAGPAGPKGEPGSPGENGAPGQMGPRGLPGERGRPGAPGPAGAR"
    "GNDGATGAAGPPGPTGPAGPPGFPGAVGAKGEAGPQGPRGSEGPQGVRGEPGPPGPAGAAGPAGNPGADGQPGAKGANGAPGIAGAPGFPGARGPSGPQGPG"
)
KNOWN_DRUGS = [
    "Cc1ccc(cc1Nc1nccc(n1)-c1cccnc1)NC(=O)c1ccc(cc1)CN1CCN(C)CC1",
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1CCC[C@H]1c1cccnc1",
    "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
]
UNLIKE = {
    "a cyclic peptide": "O=C1CNC(=O)CNC(=O)CNC(=O)CNC(=O)CN1",
    "a macrocycle": "C1CSCCSCCSCCSCCSCCS1",
    "a metal complex": "C1CC2(C1)C(=O)O[Pt](N)(N)OC2=O",
    "a compound of gold": "CCP(CC)(CC)=[Au]SC1OC(COC(C)=O)C(OC(C)=O)C(OC(C)=O)C1OC(C)=O",
}


@pytest.fixture(autouse=True)
def as_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who has chosen nothing, on a machine where the shipped models are looked for in their place."""
    own_folders(monkeypatch, tmp_path)
    monkeypatch.delenv(FOLDERS_VARIABLE)


@pytest.fixture(scope="module")
def shipped() -> PretrainedModel:
    return PretrainedModel(DEFAULT_NAME, SHIPPED / f"{DEFAULT_NAME}.safetensors")


@pytest.fixture(scope="module")
def model(shipped: PretrainedModel) -> HyperPCM:
    return load_model(shipped.path)


def test_it_is_there_and_the_default(shipped: PretrainedModel):
    assert find_model(DEFAULT_NAME) == shipped
    assert default_model().reason == "which ships with hyperpcm"


def test_it_is_the_file_that_was_packed_and_small(shipped: PretrainedModel):
    record = shipped.record()
    assert shipped.path.stat().st_size == record["bytes"] <= LARGEST
    assert digest_of(shipped.path) == record["sha256"]


def test_it_is_loaded_in_less_than_a_second(shipped: PretrainedModel):
    seconds = []
    for _ in range(3):
        start = time.process_time()
        load_model(shipped.path)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1.0


def test_its_card_is_made_of_its_record_and_the_results(shipped: PretrainedModel):
    record = shipped.record()
    assert shipped.card() == shipped_card(record)
    assert record["learned"]["interactions"] > 400_000
    assert "CC BY-SA 3.0" in record["licence"]["data"]
    assert "CC BY-SA 3.0" in record["licence"]["weights"]
    families = {path.stem: path for path in (ROOT / "benchmarks" / "families").glob("*.csv")}
    results = ROOT / "benchmarks" / "results"
    figures = card_figures(results, ("chembl", "chembl20", "chembl_quant"), families)
    assert record["figures"] == figures, "write the card anew: python scripts/pack_model.py --card"


def test_the_wheel_holds_it_and_stays_below_40_mb(shipped: PretrainedModel, tmp_path: Path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=240)
    (path,) = tmp_path.glob("*.whl")
    assert path.stat().st_size < 40e6
    names = zipfile.ZipFile(path).namelist()
    for one in (shipped.path, shipped.record_path, shipped.card_path):
        assert f"hyperpcm/pretrained/models/{one.name}" in names


def test_a_new_user_gets_a_ranked_list_from_one_command(tmp_path: Path, model: HyperPCM):
    (tmp_path / "compounds.smi").write_text("\n".join(KNOWN_DRUGS) + "\n", encoding="utf-8")
    words = ["score", "--target", model.memory_sequences[0][:-3], "compounds.smi"]
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "hyperpcm", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - start < 30  # 10 on an idle machine
    assert "asked: hyperpcm-chembl, which ships with hyperpcm" in done.stderr
    assert len(done.stdout.splitlines()) == 1 + len(KNOWN_DRUGS)


def outside(model: HyperPCM, sequence: str) -> None:
    """Every score is given, outside, and with an interval that no one would call confident."""
    found = unmeasured_target(model, sequence).score(KNOWN_DRUGS)
    assert np.isfinite(found.values).all()
    assert set(found.intervals.verdicts) == {"outside"}
    assert (found.intervals.upper - found.intervals.lower).min() > 1.0  # a factor of ten in concentration


def test_a_designed_repeat_is_outside(model: HyperPCM):
    outside(model, REPEAT)


def test_a_collagen_is_outside(model: HyperPCM):
    outside(model, COLLAGEN)


def test_a_viral_polyprotein_is_outside(model: HyperPCM):
    (polyprotein,) = read_fasta(Path(__file__).with_name("polyprotein.fasta")).targets
    outside(model, polyprotein.sequence)


@pytest.mark.parametrize("compound", UNLIKE.values(), ids=UNLIKE.keys())
def test_an_unlike_compound_is_outside_on_a_known_protein(model: HyperPCM, compound: str):
    found = unmeasured_target(model, model.memory_sequences[0]).score([compound])
    assert found.rejections or found.intervals.verdicts == ("outside",)
    assert found.rejections or float((found.intervals.upper - found.intervals.lower)[0]) > 1.0
