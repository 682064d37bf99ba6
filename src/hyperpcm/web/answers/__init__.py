"""What the service answers: frozen values that the API sends as they are and that pages draw.

Rows of compounds count from 1, as people do. A number that is not known is None.
"""

from hyperpcm.web.answers.jobs import Job, JobKind, JobState, ResultPage
from hyperpcm.web.answers.model import Health, KnownTarget, KnownTargets, ModelAnswer, QuantityAnswer
from hyperpcm.web.answers.panel import CompoundOnPanel, PanelAnswer, PanelState, TargetOfPanel
from hyperpcm.web.answers.targets import (
    AdaptedCompound,
    AdaptedTarget,
    Atoms,
    CompoundEvidence,
    CompoundScore,
    CurvePoint,
    Refused,
    ScoreAnswer,
    TargetAnswer,
)

__all__ = [
    "AdaptedCompound",
    "AdaptedTarget",
    "Atoms",
    "CompoundEvidence",
    "CompoundOnPanel",
    "CompoundScore",
    "CurvePoint",
    "Health",
    "Job",
    "JobKind",
    "JobState",
    "KnownTarget",
    "KnownTargets",
    "ModelAnswer",
    "PanelAnswer",
    "PanelState",
    "QuantityAnswer",
    "Refused",
    "ResultPage",
    "ScoreAnswer",
    "TargetAnswer",
    "TargetOfPanel",
]
