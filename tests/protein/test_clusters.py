from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.errors import InvalidSequenceError
from hyperpcm.protein import homology_clusters, read_fasta, sequence_identity

RAW = "raw.githubusercontent.com"
DAVIS = f"{RAW}/hkmztrk/DeepDTA/a546a8433a6822e958f36171c4356ad6f414d623/data/davis/proteins.txt"
CHEMBL = f"{RAW}/cansyl/MDeePred/98203f83d2687e790d7429bc9a11fd93cd6e067e/training_files/kinome/helper_files"
UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"
NEDD8 = "MLIKVKTLTGKEIEIDIEPTDKVERIKERVEEKEGIPPQQQRLIYSGKQMNDEKTAADYKILGGSVLHLVLALRGG"
LYSOZYME = "KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNRNTDGSTDYGILQINSRWWCNDGRTPGSRNLCNIPCSALLSSDITASVNCAKK"


def labels_by_exhaustive_single_linkage(sequences, min_identity: float, min_coverage: float) -> np.ndarray:
    """Every pair is aligned; links are followed until nothing changes."""
    labels = np.arange(len(sequences))
    for i, j in combinations(range(len(sequences)), 2):
        identity, coverage = sequence_identity(sequences[i], sequences[j])
        if identity >= min_identity and coverage >= min_coverage:
            labels[labels == labels[j]] = labels[i]
    order: dict[int, int] = {}
    return np.array([order.setdefault(int(label), len(order)) for label in labels])


def test_relatives_share_a_cluster_and_strangers_do_not():
    assert homology_clusters([UBIQUITIN, LYSOZYME, NEDD8]).tolist() == [0, 1, 0]
    assert homology_clusters([UBIQUITIN, LYSOZYME, NEDD8], min_identity=0.7).tolist() == [0, 1, 2]


def test_linkage_is_single_so_relatives_of_relatives_share_a_cluster():
    fused = UBIQUITIN + LYSOZYME
    assert sequence_identity(UBIQUITIN, LYSOZYME)[1] < 0.5 or sequence_identity(UBIQUITIN, LYSOZYME)[0] < 0.4
    assert homology_clusters([UBIQUITIN, LYSOZYME, fused]).tolist() == [0, 0, 0]


def test_equal_sequences_share_a_cluster_even_where_nothing_aligns():
    assert homology_clusters(["XXXXXX", UBIQUITIN, "XXXXXX", UBIQUITIN]).tolist() == [0, 1, 0, 1]


def test_labels_follow_the_order_of_the_sequences_and_clusters_do_not_depend_on_it():
    sequences = [LYSOZYME, UBIQUITIN, NEDD8, "GSGS" + LYSOZYME]
    assert homology_clusters(sequences).tolist() == [0, 1, 1, 0]
    assert homology_clusters(sequences[::-1]).tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(("min_identity", "min_coverage"), [(0.4, 0.5), (0.6, 0.8), (0.3, 0.3)])
def test_no_link_between_kinases_is_missed(mirror: Path, min_identity, min_coverage):
    sequences = sorted(set(json.loads((mirror / DAVIS).read_text()).values()))[::6]
    expected = labels_by_exhaustive_single_linkage(sequences, min_identity, min_coverage)
    found = homology_clusters(sequences, min_identity=min_identity, min_coverage=min_coverage, threads=2)
    assert found.tolist() == expected.tolist()
    assert 1 < found.max() + 1 < len(sequences)


def test_no_link_between_mixed_targets_is_missed(mirror: Path):
    targets = read_fasta(mirror / CHEMBL / "chembl_25.fa.gz").targets
    sequences = sorted({one.sequence for one in targets if len(one.sequence) < 600})[::60]
    expected = labels_by_exhaustive_single_linkage(sequences, 0.4, 0.5)
    found = homology_clusters(sequences)
    assert found.tolist() == expected.tolist()
    assert 1 < found.max() + 1 < len(sequences)


def test_no_sequences_give_no_labels():
    assert homology_clusters([]).shape == (0,)
    assert homology_clusters([UBIQUITIN]).tolist() == [0]


@pytest.mark.parametrize("limits", [{"min_identity": 0}, {"min_identity": 1.1}, {"min_coverage": -0.5}])
def test_a_limit_out_of_range_is_refused(limits):
    with pytest.raises(ValueError, match=next(iter(limits))):
        homology_clusters([UBIQUITIN], **limits)


def test_an_unusable_sequence_is_refused_with_its_place():
    with pytest.raises(InvalidSequenceError, match="sequence 1"):
        homology_clusters([UBIQUITIN, "MK-T"])
