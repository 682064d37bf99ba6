"""HyperPCM: scalers, context memory and hypernetworks; from a protein sequence to a target model."""

from hyperpcm.model.editing import without_measurements
from hyperpcm.model.extension import Extension, trained_model, with_overlays, with_targets
from hyperpcm.model.hyperpcm import HyperPCM
from hyperpcm.model.label_merge import Conflict
from hyperpcm.model.member import Member
from hyperpcm.model.memory import ContextMemory
from hyperpcm.model.overlay import Overlay, overlay_of
from hyperpcm.model.removal import without_targets

__all__ = [
    "Conflict",
    "ContextMemory",
    "Extension",
    "HyperPCM",
    "Member",
    "Overlay",
    "overlay_of",
    "trained_model",
    "with_overlays",
    "with_targets",
    "without_measurements",
    "without_targets",
]
