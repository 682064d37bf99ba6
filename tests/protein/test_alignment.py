from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from biotite.sequence import ProteinSequence
from biotite.sequence.align import SubstitutionMatrix, align_optimal, get_sequence_identity

from hyperpcm.errors import InvalidSequenceError
from hyperpcm.protein import alignment_similarity, self_scores, sequence_identity, smith_waterman
from hyperpcm.protein.alignment import _traced, matrix_letters
from hyperpcm.protein.sequence import AMINO_ACIDS

DEEPDTA = "raw.githubusercontent.com/hkmztrk/DeepDTA/a546a8433a6822e958f36171c4356ad6f414d623/data"
BLOSUM62 = SubstitutionMatrix.std_protein_matrix()
UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"
NEDD8 = "MLIKVKTLTGKEIEIDIEPTDKVERIKERVEEKEGIPPQQQRLIYSGKQMNDEKTAADYKILGGSVLHLVLALRGG"
SUMO1 = "MSDQEAKPSTEDLGDKKEGEYIKLKVIGQDSSEIHFKVKMTTHLKKLKESYCQRQGVPMNSLRFLFEGQRIADNHTPKELGMEEEDVIEVYQEQTGG"
LYSOZYME = "KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNRNTDGSTDYGILQINSRWWCNDGRTPGSRNLCNIPCSALLSSDITASVNCAKK"
REAL = [UBIQUITIN, NEDD8, SUMO1, LYSOZYME]


def biotite_alignment(a: str, b: str):
    return align_optimal(
        ProteinSequence(a), ProteinSequence(b), BLOSUM62, gap_penalty=(-11, -1), local=True, max_number=500
    )


def test_scores_equal_those_of_biotite():
    scores = smith_waterman(REAL)
    assert scores.dtype == np.float32
    for i, a in enumerate(REAL):
        for j, b in enumerate(REAL):
            assert scores[i, j] == biotite_alignment(a, b)[0].score


def test_the_score_with_itself_is_that_of_the_alignment():
    drawn = random.Random(0)
    made = ["".join(drawn.choices(AMINO_ACIDS + "X", k=drawn.randrange(1, 60))) for _ in range(200)]
    assert any("X" in one for one in made)
    assert any("X" not in one for one in made)
    sequences = [*REAL, *made, "X" * 9, "AXXXXXA", "WWXXXXXXXWWW", "UOJBZ"]
    aligned = np.diagonal(smith_waterman(sequences))
    assert self_scores(sequences).tolist() == aligned.tolist()


def test_no_residue_scores_more_with_another_than_with_itself():
    """By this the score with itself needs no alignment, unless a residue scores nothing with itself."""
    pairs = np.array([[smith_waterman([a], [b])[0, 0] for b in AMINO_ACIDS] for a in AMINO_ACIDS])
    own = np.diagonal(pairs)
    assert (pairs <= np.minimum(own[:, None], own[None, :])).all()


def test_scores_of_real_kinases_equal_those_of_biotite(mirror: Path):
    sequences = sorted(
        set(json.loads((mirror / DEEPDTA / "davis/proteins.txt").read_text()).values()), key=len
    )[:60:10]
    scores = smith_waterman(sequences[:3], sequences[3:])
    for i, a in enumerate(sequences[:3]):
        for j, b in enumerate(sequences[3:]):
            assert scores[i, j] == biotite_alignment(a, b)[0].score


def test_two_tables_give_the_block_of_the_symmetric_one_and_threads_change_nothing():
    whole = smith_waterman(REAL)
    assert (whole == whole.T).all()
    assert (smith_waterman(REAL[:2], REAL) == whole[:2]).all()
    assert (smith_waterman(REAL, threads=3) == whole).all()


def test_a_score_beyond_sixteen_bits_does_not_saturate():
    text = "".join(random.Random(0).choices(AMINO_ACIDS, k=8000))
    own = sum(BLOSUM62.get_score(letter, letter) for letter in text)
    assert own > 2**15
    assert smith_waterman([text])[0, 0] == own


@pytest.mark.parametrize(("odd", "plain"), [("U", "C"), ("O", "K"), ("J", "L")])
def test_a_letter_outside_the_matrix_scores_as_its_stand_in(odd, plain):
    changed = UBIQUITIN[:20] + odd + UBIQUITIN[20:]
    expected = smith_waterman([UBIQUITIN[:20] + plain + UBIQUITIN[20:]], REAL)
    assert (smith_waterman([changed], REAL) == expected).all()


def test_progress_counts_the_rows():
    told: list[int] = []
    smith_waterman(REAL, progress=told.append)
    assert told == [1, 2, 3, 4]


def test_no_sequences_give_empty_tables():
    assert smith_waterman([]).shape == (0, 0)
    assert smith_waterman(REAL, []).shape == (4, 0)
    assert alignment_similarity([], REAL).shape == (0, 4)


@pytest.mark.parametrize("bad", ["", "MK-T", "MKT*AYI"])
def test_an_unusable_sequence_is_refused_with_its_place(bad):
    with pytest.raises(InvalidSequenceError, match="sequence 1"):
        smith_waterman([UBIQUITIN, bad])


def test_similarity_is_one_for_a_sequence_with_itself_and_follows_its_formula():
    scores, similarity = smith_waterman(REAL), alignment_similarity(REAL)
    assert (np.diagonal(similarity) == 1).all()
    assert ((similarity >= 0) & (similarity <= 1)).all()
    own = np.diagonal(scores)
    np.testing.assert_allclose(similarity, scores / np.sqrt(np.outer(own, own)), rtol=1e-6)
    assert similarity[0, 1] > 0.5 > 0.2 > similarity[0, 3]
    np.testing.assert_array_equal(alignment_similarity(REAL, REAL[1:3]), similarity[:, 1:3])


def test_a_sequence_of_unknown_residues_is_similar_to_nothing():
    assert alignment_similarity(["XXXXXXX", UBIQUITIN])[0].tolist() == [0, 0]
    assert sequence_identity("XXXXXXX", "XXXXXXX") == (0, 0)


@pytest.mark.parametrize(
    ("a", "b"), [(UBIQUITIN, NEDD8), (UBIQUITIN, SUMO1), (NEDD8, SUMO1), (SUMO1, LYSOZYME)]
)
def test_identity_and_coverage_are_those_of_one_of_the_best_alignments(a, b):
    possible = set()
    for best in biotite_alignment(a, b):
        covered = [len(set(column[column >= 0])) for column in best.trace.T]
        shorter = int(np.argmin([len(a), len(b)]))
        coverage = covered[shorter] / min(len(a), len(b))
        possible.add((round(float(get_sequence_identity(best, mode="all")), 9), round(coverage, 9)))
    assert tuple(round(value, 9) for value in sequence_identity(a, b)) in possible
    assert sequence_identity(a, b) == sequence_identity(b, a)


def test_identity_of_a_piece_within_a_whole_is_full():
    assert sequence_identity(UBIQUITIN, "GSGSG" + UBIQUITIN + "HHHHHH") == (1.0, 1.0)
    assert sequence_identity(UBIQUITIN[:38] + "W" * 38, UBIQUITIN) == (1.0, 0.5)


def test_gap_columns_count_against_identity():
    identity, coverage = sequence_identity(UBIQUITIN, UBIQUITIN[:40] + "G" * 5 + UBIQUITIN[40:])
    assert identity == pytest.approx(76 / 81)
    assert coverage == 1


def test_a_repeat_protein_with_many_best_alignments_gives_those_of_one():
    letters = random.Random(5)
    for _ in range(300):
        a, b = ("".join(letters.choices("AW", k=letters.randint(3, 14))) for _ in range(2))
        identity, coverage = sequence_identity(a, b)
        shorter, longer = sorted(matrix_letters([a, b]), key=lambda one: (len(one), one))
        best = biotite_alignment(shorter, longer)
        identities = {round(float(get_sequence_identity(one, mode="all")), 9) for one in best}
        assert round(identity, 9) in identities
        assert 0 < coverage <= 1
        assert round(_traced(shorter, longer)[0], 9) in identities
