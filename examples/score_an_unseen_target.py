"""From a table of measurements to a ranking for a protein that training never saw, in Python.

Reads the small KIBA sample, trains for one epoch with one member (the defaults are for real work), compiles a
target of the test side and ranks compounds for it.
"""

from __future__ import annotations

from pathlib import Path

import hyperpcm

config = hyperpcm.load_config(
    None, ["data.name=kiba_sample", "training.epochs=1", "model.members=1", "split.name=cold_target"]
)
run = hyperpcm.fit(config, Path("run"))
model = hyperpcm.load_model(run.model_path)
print(f"trained on {model.card['interactions']} interactions with {model.card['targets']} targets")

interactions = hyperpcm.load("kiba_sample")
split = run.folder.split(interactions)
unseen = interactions.targets[interactions.target_index[split.test[0]]]
assert unseen not in model.memory_sequences

target_model = model.compile_target(unseen, name="unseen")
scores = target_model.score([*interactions.compounds[:20], "this is no SMILES"])
for row in scores.order()[:5]:
    print(f"{scores.values[row]:6.2f} {scores.quantity.name}  {scores.smiles[row]}")
for rejection in scores.rejections:
    print(f"row {rejection.row} was not scored: {rejection.reason}")

hyperpcm.save_target_model(target_model, Path("unseen.hpcm"))
again = hyperpcm.load_target_model(Path("unseen.hpcm")).score(interactions.compounds[:20])
assert (again.values == scores.values[:20]).all()
print("the saved target model gives the same scores")
