"""The kind of benchmark about trust: intervals, verdicts of the domain, and mutants where there are any.

Where labels are two classes it asks whether probabilities are what they say.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

from hyperpcm.benchmark.fold_kind import PartsKind
from hyperpcm.benchmark.folds import check_whole_models
from hyperpcm.benchmark.kind import Progress
from hyperpcm.benchmark.trust_mutants import mutants_of_part
from hyperpcm.benchmark.trust_results import TrustOnDisk
from hyperpcm.errors import ConfigError

if TYPE_CHECKING:
    from hyperpcm.benchmark.benchmark import Benchmark
    from hyperpcm.benchmark.view import TableView
    from hyperpcm.config import RunConfig
    from hyperpcm.datasets.interactions import Interactions
    from hyperpcm.datasets.splits import Split
    from hyperpcm.encoders import EmbeddingStore

__all__ = ["TrustKind"]


@final
class TrustKind(PartsKind):
    """Rows × folds × seeds; a row is a model, calibrated on the validation side, judged on the test side."""

    name: ClassVar[str] = "trust"

    def check(self, benchmark: Benchmark) -> None:
        """Refuse what no benchmark over folds may hold, and rows that have no intervals."""
        super().check(benchmark)
        check_whole_models(benchmark, "this kind of benchmark is about the intervals of a whole model")

    def measured(
        self,
        benchmark: Benchmark,  # noqa: ARG002  # nothing is measured in another way for it
        config: RunConfig,
        interactions: Interactions,
        split: Split,
        store: EmbeddingStore,
        progress: Progress,
    ) -> dict[str, Any]:
        """Train one row with its calibration and measure what its intervals or probabilities are worth."""
        return _measured(config, interactions, split, store, progress)

    def results(self, benchmark: Benchmark, folder: Path) -> TrustOnDisk:
        """The results file."""
        return TrustOnDisk(benchmark, self.results_path(benchmark, folder))

    def view(self, benchmark: Benchmark, folder: Path) -> TableView:
        """The table of the rows that have results."""
        from hyperpcm.benchmark.trust_view import trust_view

        return trust_view(benchmark, self.results(benchmark, folder))


def _measured(
    config: RunConfig, interactions: Interactions, split: Split, store: EmbeddingStore, progress: Progress
) -> dict[str, Any]:
    """What a model's intervals or probabilities are worth on the test side, which it is calibrated without.

    Also what it says of mutants, where labels are values.

    Raises:
        ConfigError: the model was not calibrated.
    """
    from hyperpcm.training.calibration_fit import held_out_rows, nearest_targets
    from hyperpcm.training.encoded import encode, retrieve_pairs
    from hyperpcm.training.hiding import Hiding
    from hyperpcm.training.loop import predict_pairs
    from hyperpcm.training.mutant_test import measured_mutants
    from hyperpcm.training.run import train_model
    from hyperpcm.trust import coverage_of_kinds, measured_coverage, measured_reliability

    model, _ = train_model(config, interactions, split, store=store, progress=progress)
    if model.calibration is None and "probabilities" not in model.card:
        reason = model.card.get("no_probabilities", model.card.get("no_intervals"))
        raise ConfigError(f"the model was not calibrated: {reason}")
    data = encode(config, interactions, split, store, progress)
    compounds, targets = interactions.compound_index[split.test], interactions.target_index[split.test]
    retrieved = retrieve_pairs(model, data, compounds, targets, progress)
    scores = predict_pairs(model, data, compounds, targets, retrieved)
    labels = interactions.point()
    if model.calibration is None:
        near = nearest_targets(data, targets)
        return measured_reliability(labels[split.test], scores, model.label_scale, targets, near).as_dict()
    unseen = Hiding.as_in_validation(interactions, split).unseen
    test = held_out_rows(data, split.test, scores, retrieved, unseen, model.calibration.difficulty)
    known_labels = labels[split.train]
    coverage = measured_coverage(model.calibration, test, known_labels)
    known = interactions.target_index[split.train]
    kinds = coverage_of_kinds(model.calibration, test, known, known_labels)
    mutants = measured_mutants(model, interactions, split, seed=config.seed, progress=progress)
    return coverage.as_dict() | kinds | mutants_of_part(mutants)
