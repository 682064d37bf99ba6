"""Parts of a model are stored under their names, and found again by them."""

from __future__ import annotations

import torch

from hyperpcm.target_model.parts import add_part, is_of_part, tensors_of


class Part:
    def state(self):
        return {"a.b": torch.ones(1), "c": torch.zeros(2)}, {"depth": 3}


def test_a_part_is_added_under_its_name_and_found_by_it():
    tensors, header = {"own": torch.ones(3), "parted": torch.ones(1)}, {"name": "x"}
    add_part("part", Part(), tensors, header)
    add_part("nothing", None, tensors, header)
    assert header == {"name": "x", "part": {"depth": 3}}
    assert list(tensors) == ["own", "parted", "part.a.b", "part.c"]
    assert tensors_of("part", tensors).keys() == {"a.b", "c"}
    assert [name for name in tensors if not is_of_part(name, ("part", "other"))] == ["own", "parted"]
