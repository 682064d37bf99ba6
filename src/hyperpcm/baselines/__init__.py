"""The rivals that every result is compared with: what can be known without a hypernetwork.

    compound_mean   mean label of the compound: knows nothing of the target
    target_mean     mean label of the target: knows nothing of the compound
    additive        an effect of the compound plus an effect of the target
    kernel_knn      labels of similar compounds at similar targets (Tanimoto × alignment)
    gbm             gradient boosting on fingerprints, descriptors and protein features
    ligand_only     gradient boosting on fingerprints and descriptors alone

All of them fit on the training rows and choose their settings on the validation rows, as a model does.
"""

from __future__ import annotations

from hyperpcm.baselines.base import Baseline, BaselineInputs, Rows
from hyperpcm.baselines.inputs import prepare_inputs
from hyperpcm.baselines.registry import NULLS, build_baseline

__all__ = ["NULLS", "Baseline", "BaselineInputs", "Rows", "build_baseline", "prepare_inputs"]
