"""Targets: from amino-acid sequences and FASTA files to validated identities, alignments and clusters."""

from hyperpcm.protein.alignment import alignment_similarity, self_scores, sequence_identity, smith_waterman
from hyperpcm.protein.clusters import homology_clusters
from hyperpcm.protein.fasta import FastaRecords, only_record, parse_fasta, read_fasta
from hyperpcm.protein.mutations import (
    Mutation,
    Substitution,
    check_mutations,
    fitting_starts,
    mutated,
    parse_mutation,
    single_substitutions,
)
from hyperpcm.protein.near_identical import MutantPair, mutant_pairs, near_identical
from hyperpcm.protein.sequence import Target, validate_sequence

__all__ = [
    "FastaRecords",
    "MutantPair",
    "Mutation",
    "Substitution",
    "Target",
    "alignment_similarity",
    "check_mutations",
    "fitting_starts",
    "homology_clusters",
    "mutant_pairs",
    "mutated",
    "near_identical",
    "only_record",
    "parse_fasta",
    "parse_mutation",
    "read_fasta",
    "self_scores",
    "sequence_identity",
    "single_substitutions",
    "smith_waterman",
    "validate_sequence",
]
