"""All settings of a run: closed, described, read from TOML, stored as JSON.

Unknown keys are refused when the file is read; nothing derived is stored. The defaults are one
configuration for all data sets.
"""

from __future__ import annotations

from hyperpcm.config.architecture import (
    CompoundConfig,
    ContextConfig,
    HypernetworkConfig,
    ModelConfig,
    QsarConfig,
    RetrievalConfig,
    TreesConfig,
)
from hyperpcm.config.reading import load_config
from hyperpcm.config.run import (
    DataConfig,
    EncodersConfig,
    RunConfig,
    SplitConfig,
    TrainingConfig,
    describe_fields,
    validated,
)

__all__ = [
    "CompoundConfig",
    "ContextConfig",
    "DataConfig",
    "EncodersConfig",
    "HypernetworkConfig",
    "ModelConfig",
    "QsarConfig",
    "RetrievalConfig",
    "RunConfig",
    "SplitConfig",
    "TrainingConfig",
    "TreesConfig",
    "describe_fields",
    "load_config",
    "validated",
]
