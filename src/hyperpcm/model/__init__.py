"""HyperPCM: scalers, context memory and hypernetworks; from a protein sequence to a target model."""

from hyperpcm.model.hyperpcm import HyperPCM
from hyperpcm.model.member import Member
from hyperpcm.model.memory import ContextMemory

__all__ = ["ContextMemory", "HyperPCM", "Member"]
