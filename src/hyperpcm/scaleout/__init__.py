"""Screens in shards: planned once, run on one machine or many, merged with every row accounted for."""

from __future__ import annotations

from hyperpcm.scaleout.backing import backing_of_merged
from hyperpcm.scaleout.engine import Engine, LocalEngine
from hyperpcm.scaleout.merge import Merged, MissingShard, merge_shards
from hyperpcm.scaleout.part import Part
from hyperpcm.scaleout.plan import Plan, Settings, Shard
from hyperpcm.scaleout.planning import plan_screen
from hyperpcm.scaleout.run import ShardsRun, run_shards
from hyperpcm.scaleout.runner import ShardReport, ShardRunner

__all__ = [
    "Engine",
    "LocalEngine",
    "Merged",
    "MissingShard",
    "Part",
    "Plan",
    "Settings",
    "Shard",
    "ShardReport",
    "ShardRunner",
    "ShardsRun",
    "backing_of_merged",
    "merge_shards",
    "plan_screen",
    "run_shards",
]
