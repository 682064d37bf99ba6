from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from rdkit.ML.Cluster import Butina

from hyperpcm.chem import butina_clusters, morgan_counts, morgan_environments, tanimoto

DEEPDTA = "raw.githubusercontent.com/hkmztrk/DeepDTA/a546a8433a6822e958f36171c4356ad6f414d623/data"


def families(n: int, width: int = 96) -> np.ndarray:
    """Noisy copies of a few random bit patterns."""
    random = np.random.default_rng(7)
    parents = random.random((25, width)) < 0.3
    noise = random.random((n, width)) < 0.06
    return (parents[random.integers(0, 25, n)] ^ noise).astype(np.uint8)


def butina_by_loop(similarity: np.ndarray, limit: float) -> np.ndarray:
    close = similarity >= limit
    order = sorted(range(len(close)), key=lambda row: (-close[row].sum(), row))
    labels, found = np.full(len(close), -1), 0
    for row in order:
        if labels[row] < 0:
            labels[[other for other in range(len(close)) if close[row, other] and labels[other] < 0]] = found
            labels[row] = found
            found += 1
    return labels


@pytest.mark.parametrize("limit", [0.35, 0.6, 1.0])
def test_clusters_equal_those_of_a_plain_loop(limit):
    bits = families(1300)
    labels = butina_clusters(bits, similarity=limit)
    assert labels.dtype == np.int64
    expected = butina_by_loop(tanimoto(bits, bits), limit)
    crowd = np.bincount(expected)[expected] > 1
    assert (labels[crowd] == expected[crowd]).all()
    assert len(set(labels.tolist())) == labels.max() + 1 == expected.max() + 1


def test_clusters_of_real_compounds_equal_those_of_rdkit(mirror: Path):
    texts = list(json.loads((mirror / DEEPDTA / "kiba/ligands_iso.txt").read_text()).values())[:400]
    counts = morgan_counts(texts)
    similarity = tanimoto(counts, counts)
    distances = [1 - float(similarity[i, j]) for i in range(len(texts)) for j in range(i)]
    expected = Butina.ClusterData(distances, len(texts), 0.4 + 1e-6, isDistData=True)
    labels = butina_clusters(counts[::-1], similarity=0.6)[::-1]  # RDKit gives ties to the later row
    found = [set(np.flatnonzero(labels == label).tolist()) for label in range(labels.max() + 1)]
    assert sorted(map(sorted, found)) == sorted(sorted(one) for one in expected)


def test_unfolded_fingerprints_give_the_clusters_of_a_plain_loop_over_rdkit(mirror: Path):
    texts = list(json.loads((mirror / DEEPDTA / "kiba/ligands_iso.txt").read_text()).values())[:400]
    prints = [GetMorganGenerator(radius=2).GetSparseFingerprint(Chem.MolFromSmiles(text)) for text in texts]
    similarity = np.array([DataStructs.BulkTanimotoSimilarity(one, prints) for one in prints])
    labels = butina_clusters(morgan_environments(texts), similarity=0.6)
    expected = butina_by_loop(similarity, 0.6 - 1e-9)
    crowd = np.bincount(expected)[expected] > 1
    assert crowd.sum() > 100
    assert (labels[crowd] == expected[crowd]).all()


def test_rows_without_any_bit_stand_alone():
    bits = np.zeros((3, 8), dtype=np.uint8)
    bits[1, :3] = 1
    assert sorted(butina_clusters(bits).tolist()) == [0, 1, 2]


def test_no_compounds_give_no_labels():
    assert butina_clusters(np.zeros((0, 64), dtype=np.uint8)).shape == (0,)


@pytest.mark.parametrize("limit", [0.0, -1.0, 1.01])
def test_a_limit_out_of_range_is_refused(limit):
    with pytest.raises(ValueError, match="similarity"):
        butina_clusters(families(3), similarity=limit)
