"""Targets: from amino-acid sequences and FASTA files to validated identities, alignments and clusters."""

from hyperpcm.protein.alignment import alignment_similarity, sequence_identity, smith_waterman
from hyperpcm.protein.clusters import homology_clusters
from hyperpcm.protein.fasta import FastaRecords, parse_fasta, read_fasta
from hyperpcm.protein.sequence import Target, validate_sequence

__all__ = [
    "FastaRecords",
    "Target",
    "alignment_similarity",
    "homology_clusters",
    "parse_fasta",
    "read_fasta",
    "sequence_identity",
    "smith_waterman",
    "validate_sequence",
]
