"""HyperPCM: scalers, context memory and hypernetworks; from a protein sequence to a target model."""

from hyperpcm.model.hyperpcm import HyperPCM
from hyperpcm.model.member import Member
from hyperpcm.model.memory import ContextMemory
from hyperpcm.model.removal import without_targets

__all__ = ["ContextMemory", "HyperPCM", "Member", "without_targets"]
