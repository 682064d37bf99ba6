"""Reading tables made of real measurements; the oracle is plain arithmetic on the raw matrix."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from hyperpcm.chem import standardise_all
from hyperpcm.datasets.compound_files import read_compounds
from hyperpcm.datasets.interactions import BELOW, EXACT
from hyperpcm.datasets.user_table import read_table

DEEPDTA = "raw.githubusercontent.com/hkmztrk/DeepDTA/a546a8433a6822e958f36171c4356ad6f414d623/data/davis"
HYPER_DTI = "raw.githubusercontent.com/ml-jku/hyper-dti/d90e5131af5a4add6b03fa31f03b8911b132e3fa/hyper_dti"
PROTEINS = 40


@pytest.mark.mirror
def test_davis_written_as_a_users_table_comes_back_as_minus_log10(mirror, tmp_path):
    folder = mirror / DEEPDTA
    matrix = np.loadtxt(folder / "drug-target_interaction_affinities_Kd__Davis_et_al.2011v1.txt")[
        :, :PROTEINS
    ]
    compounds = json.loads((folder / "ligands_can.txt").read_text())
    proteins = dict(list(json.loads((folder / "proteins.txt").read_text()).items())[:PROTEINS])
    (tmp_path / "kinases.fasta").write_text("".join(f">{name}\n{text}\n" for name, text in proteins.items()))
    with (tmp_path / "davis.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["compound_id", "smiles", "target", "Kd (nM)"])
        for compound, row in zip(compounds, matrix, strict=True):
            for target, value in zip(proteins, row, strict=True):
                writer.writerow(
                    [compound, compounds[compound], target, f">{value:g}" if value == 10_000 else value]
                )

    found = read_table(tmp_path / "davis.csv", targets=tmp_path / "kinases.fasta", merge=False)

    assert not found.rejections
    assert found.quantity.name == "pKd"
    np.testing.assert_allclose(found.values.reshape(matrix.shape), 9 - np.log10(matrix), rtol=1e-6)
    np.testing.assert_array_equal(
        found.relations.reshape(matrix.shape), np.where(matrix == 10_000, BELOW, EXACT)
    )
    assert set(found.targets) == set(proteins.values())
    assert len(found.compounds) == len(compounds)


@pytest.mark.mirror
def test_a_public_list_of_actives_is_read_whole(mirror):
    path = mirror / HYPER_DTI / "data/DUDE/raw/active_smile" / "wee1_actives_final.ism"
    lines = path.read_text().splitlines()
    found = read_compounds(path)
    assert found.smiles == [line.split()[0] for line in lines]
    assert found.names == [" ".join(line.split()[1:]) for line in lines]
    assert not found.rejections
    assert not standardise_all(found.smiles)[1]
