from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from rdkit import Chem, DataStructs
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

from hyperpcm.chem import ComparedTable, morgan_counts, tanimoto
from hyperpcm.errors import InvalidSmilesError

SMILES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "CCO",
    "CCN",
    "C[C@H](N)C(=O)O",
    "C[C@@H](N)C(=O)O",
]


@pytest.mark.parametrize(("radius", "width", "chirality"), [(2, 2048, False), (3, 512, True), (0, 64, False)])
def test_counts_equal_those_of_rdkit(radius, width, chirality):
    generator = GetMorganGenerator(radius=radius, fpSize=width, includeChirality=chirality)
    counts = morgan_counts(SMILES, radius=radius, width=width, chirality=chirality)
    assert counts.shape == (len(SMILES), width)
    assert counts.dtype == np.uint8
    for row, text in zip(counts, SMILES, strict=True):
        expected = generator.GetCountFingerprint(Chem.MolFromSmiles(text)).GetNonzeroElements()
        assert {int(place): int(row[place]) for place in np.flatnonzero(row)} == expected


def test_counts_saturate_instead_of_wrapping_round():
    chain = morgan_counts(["C" * 300], radius=0, width=64)
    assert chain.max() == 255


def test_chirality_distinguishes_enantiomers_only_when_asked():
    left, right = SMILES[4:]
    assert (morgan_counts([left]) == morgan_counts([right])).all()
    assert (morgan_counts([left], chirality=True) != morgan_counts([right], chirality=True)).any()


def test_no_compounds_give_an_empty_table():
    assert morgan_counts([], width=128).shape == (0, 128)


def test_an_unreadable_text_is_refused_with_its_row():
    with pytest.raises(InvalidSmilesError, match="row 1"):
        morgan_counts(["C", "C1CC"])


def test_similarity_equals_rdkit_on_bit_vectors():
    generator = GetMorganGenerator(radius=2, fpSize=2048)
    bits = [generator.GetFingerprint(Chem.MolFromSmiles(text)) for text in SMILES]
    expected = [DataStructs.BulkTanimotoSimilarity(one, bits) for one in bits]
    counts = morgan_counts(SMILES)
    similarity = tanimoto(counts, counts[:5])
    assert similarity.dtype == np.float32
    np.testing.assert_allclose(similarity, np.array(expected)[:, :5], atol=1e-7)


def test_similarity_across_block_borders_equals_a_plain_loop():
    random = np.random.default_rng(0)
    a = random.integers(0, 3, size=(2100, 24), dtype=np.uint8)
    b = random.integers(0, 3, size=(2055, 24), dtype=np.uint8)
    similarity = tanimoto(a, b)
    for i, j in [(0, 0), (2047, 2047), (2048, 2048), (2099, 2054), (5, 2050), (2098, 3)]:
        shared, union = ((a[i] > 0) & (b[j] > 0)).sum(), ((a[i] > 0) | (b[j] > 0)).sum()
        assert similarity[i, j] == pytest.approx(shared / union, abs=1e-6)


@pytest.mark.parametrize(("rows", "most"), [(31, 3), (32, 3), (40, 3), (40, 300)])
def test_sums_and_products_count_the_same_bits(rows: int, most: int):
    random = np.random.default_rng(rows)
    a, b = np.zeros((rows, 6000), dtype=np.uint8), np.zeros((8200, 6000), dtype=np.uint8)
    for table, size in ((a, most), (b, 40)):
        for row in table[:-1]:  # the last has no bit
            row[random.choice(600 if most < 256 else 6000, random.integers(1, size + 1), replace=False)] = 2
    shared = (scipy.sparse.csr_matrix(a > 0, dtype=np.int64) @ scipy.sparse.csr_matrix(b > 0).T).toarray()
    union = (a > 0).sum(1)[:, None] + (b > 0).sum(1) - shared
    np.testing.assert_array_equal(tanimoto(a, b), np.float32(shared) / np.float32(np.maximum(union, 1)))


def test_two_empty_rows_are_not_similar():
    empty = np.zeros((1, 8), dtype=np.uint8)
    assert tanimoto(empty, empty)[0, 0] == 0


def test_tables_of_different_width_are_refused():
    with pytest.raises(ValueError, match="one width"):
        tanimoto(np.zeros((1, 8), dtype=np.uint8), np.zeros((1, 9), dtype=np.uint8))


@pytest.mark.parametrize(
    ("rows", "width", "share"), [(0, 64, 0.5), (1, 64, 0.0), (5, 2048, 0.02), (40, 600, 0.9)]
)
def test_a_table_that_is_turned_once_gives_the_same_similarities_bit_for_bit(
    rows: int, width: int, share: float
) -> None:
    generator = np.random.default_rng(rows)
    table, few = (
        (generator.random((number, width)) < share).astype(np.uint8) * generator.integers(1, 255)
        for number in (70, rows)
    )
    turned = ComparedTable(table)
    np.testing.assert_array_equal(turned.tanimoto(few), tanimoto(few, table))


def test_rows_of_another_width_than_the_table_are_refused() -> None:
    with pytest.raises(ValueError, match="64 places"):
        ComparedTable(np.zeros((3, 64), dtype=np.uint8)).tanimoto(np.zeros((1, 32), dtype=np.uint8))
