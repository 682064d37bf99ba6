"""Compounds are read the same in whichever process, and a process that is lost is told and replaced."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest

from hyperpcm.errors import BusyError, Rejection
from hyperpcm.screening import CompoundRecipe
from hyperpcm.web.reading import CompoundReader, ReadCompound
from small_calibrations import calibrated_model
from small_models import QUERY, many_smiles

LONG = "[CH3]" + "[CH2]" * 120 + "C"
TEXTS = [*many_smiles(30), "OCC", "C1CC", LONG]


@pytest.fixture(scope="module")
def target():
    return calibrated_model().compile_target(QUERY)


@pytest.fixture(scope="module")
def recipe(target):
    return CompoundRecipe(target.encoder, ((target.prior.radius, target.prior.landmarks.shape[1]),))


def test_what_is_read_is_what_the_target_reads_by_itself(target, recipe):
    reader = CompoundReader(recipe, processes=0, most=100)
    assert reader.serves(target)
    read = reader.read(TEXTS)
    assert [isinstance(one, Rejection) for one in read] == [text == "C1CC" for text in TEXTS]
    compounds = [one for one in read if isinstance(one, ReadCompound)]
    smiles = [one.smiles for one in compounds]
    assert smiles == [one for one in target.score(TEXTS).smiles if one is not None]
    embeddings = np.concatenate([one.prepared.embeddings for one in compounds])
    np.testing.assert_array_equal(embeddings, target.encoder.encode(smiles))


def test_only_so_many_are_kept_and_no_text_as_long_as_a_page(recipe):
    reader = CompoundReader(recipe, processes=0, most=10)
    reader.read(TEXTS)
    assert len(reader) == 10
    first = reader.read(["OCC"])[0]
    assert reader.read(["OCC"])[0] is first
    assert reader.read([LONG])[0] is not reader.read([LONG])[0]


def test_processes_read_as_this_one_does_and_are_started_again_when_lost(recipe):
    here = CompoundReader(recipe, processes=0, most=100).read(TEXTS)
    reader = CompoundReader(recipe, processes=2, most=1)
    reader.start()
    try:
        for one, same in zip(reader.read(TEXTS), here, strict=True):
            if isinstance(one, Rejection):
                assert (one.text, one.code) == (same.text, same.code)
                continue
            assert one.smiles == same.smiles
            np.testing.assert_array_equal(one.prepared.embeddings, same.prepared.embeddings)
        for process in list(reader._workers._pool._processes.values()):
            os.kill(process.pid, signal.SIGKILL)
        end = time.monotonic() + 30
        with pytest.raises(BusyError, match="Ask again"):  # noqa: PT012  # as soon as the loss is noticed
            while time.monotonic() < end:
                reader.read(TEXTS)
        assert reader.read(TEXTS)[0].smiles == here[0].smiles  # here, until others have started
    finally:
        reader.close()
