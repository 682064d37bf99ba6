"""What can be asked of a target: refused before a library is read."""

from __future__ import annotations

from hyperpcm.adaptation.acquisition import check_limits, check_strategy
from hyperpcm.adaptation.suggest_conditions import CompoundTable
from hyperpcm.errors import ConfigError
from hyperpcm.target_model import TargetModel

__all__ = ["check_question"]


def check_question(
    target: TargetModel,
    batch: int,
    strategy: str,
    *,
    most_similar: float = 1.0,
    budget: float | None = None,
    table: CompoundTable | None = None,
) -> None:
    """Refuse what `Campaign.ask` could not answer, whatever the library.

    Args:
        target: to measure on.
        batch: compounds wanted.
        strategy: that shall choose them.
        most_similar: largest Tanimoto similarity of two of them.
        budget: what they may cost together.
        table: of prices.

    Raises:
        ConfigError: an unknown strategy, one that needs to know how sure scores are where the target does
            not, a number out of range, or a budget without prices.
    """
    check_strategy(strategy)
    check_limits(most_similar, budget)
    if batch < 1:
        raise ConfigError(f"a batch holds 1 compound at least, not {batch}.")
    if budget is not None and table is None:
        raise ConfigError("a budget needs prices: give a table with a column of prices.")
    if strategy != "greedy" and target.residual_prior is None:
        reason = target.provenance.get("model", {}).get("no_adaptation")
        raise ConfigError(
            f"the strategy {strategy!r} needs to know how sure scores are, and this target does not: "
            f"{reason or 'an older version trained it; train it again.'} Use greedy instead."
        )
