"""The rivals that every result is compared with: what can be known without a hypernetwork.

    compound_mean   mean label of the compound: knows nothing of the target
    target_mean     mean label of the target: knows nothing of the compound
    additive        an effect of the compound plus an effect of the target
    kernel_knn      labels of similar compounds at similar targets (Tanimoto × alignment)
    gbm             gradient boosting on fingerprints, descriptors and protein features
    ligand_only     gradient boosting on fingerprints and descriptors alone

and, fitted where they are asked for by name, the other models of the field:

    nearest_neighbour   label of the most similar compound, whatever the target
    raw_string          a linear model of the characters of the SMILES as published
    per_target_forest   a random forest for each target by itself
    random_forest       one random forest on all features of both sides
    xgboost             boosted trees with the published settings (extra ``xgboost``)
    gbm_means           ``gbm`` that also sees mean labels, made out of fold
    kronecker_ridge     ridge regression with the product of both similarities as kernel
    deep_pcm            one network that reads compound and target side by side

All of them fit on the training rows and choose their settings on the validation rows, as a model does.
"""

from __future__ import annotations

from hyperpcm.baselines.base import Baseline, BaselineInputs, Rows
from hyperpcm.baselines.inputs import prepare_inputs
from hyperpcm.baselines.registry import NULLS, RIVALS, build_baseline

__all__ = ["NULLS", "RIVALS", "Baseline", "BaselineInputs", "Rows", "build_baseline", "prepare_inputs"]
