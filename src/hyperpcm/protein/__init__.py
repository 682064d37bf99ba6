"""Targets: from amino-acid sequences and FASTA files to validated identities, alignments and clusters."""

from hyperpcm.protein.fasta import FastaRecords, parse_fasta, read_fasta
from hyperpcm.protein.sequence import Target, validate_sequence

__all__ = [
    "FastaRecords",
    "Target",
    "parse_fasta",
    "read_fasta",
    "validate_sequence",
]
