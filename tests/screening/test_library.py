"""Rows of a library are prepared exactly as by the encoder itself, whatever is read once or twice."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from contracts import ODD_COMPOUNDS
from hyperpcm.chem import morgan_counts, standardise_all
from hyperpcm.datasets.compound_files import CompoundList
from hyperpcm.encoders import EmbeddingStore, compound_encoder
from hyperpcm.encoders.parallel import Workers
from hyperpcm.screening import CompoundRecipe, library
from hyperpcm.screening.library import prepared_chunk, prepared_chunks
from small_models import many_smiles

KINDS = ((2, 2048), (3, 512))


def written() -> list[str]:
    """Compounds as they are, with their atoms in another order, with salts, twice, and unusable."""
    chosen = random.Random(0)
    texts = [*many_smiles(40), *ODD_COMPOUNDS[:-2]]
    for text in many_smiles(40):
        molecule = Chem.MolFromSmiles(text)
        order = list(range(molecule.GetNumAtoms()))
        chosen.shuffle(order)
        texts.append(Chem.MolToSmiles(Chem.RenumberAtoms(molecule, order), canonical=False))
    texts += [f"{text}.Cl" for text in many_smiles(5)] + many_smiles(5)
    texts += ["C[C@H](N)C(=O)O", "C[N+](=O)[O-]", "CC(=O)[O-].[Na+]", "C1CC", "", "[Na+].[Cl-]"]
    chosen.shuffle(texts)
    return texts


@pytest.mark.parametrize(
    "names",
    [
        ["ecfp"],
        ["ecfp", "descriptors"],
        ["fcfp", "atom_pair", "torsion", "maccs"],
        ["descriptors"],
    ],
)
def test_embeddings_are_those_of_the_store_and_fingerprints_those_of_the_smiles(names: list[str]):
    texts, recipe = written(), CompoundRecipe(compound_encoder(names), KINDS)
    chunk = prepared_chunk(recipe, CompoundList(list(texts), [""] * len(texts), []))
    compounds, rejections = standardise_all(texts)
    assert chunk.rejections == rejections
    assert chunk.smiles == [one.smiles for one in compounds if one is not None]
    with EmbeddingStore() as store:
        expected = store.encode(recipe.encoder, chunk.smiles)
    assert chunk.compounds.embeddings.tobytes() == expected.tobytes()
    for radius, width in KINDS:
        bits = chunk.compounds.prints[radius, width].dense()
        assert np.array_equal(bits, morgan_counts(chunk.smiles, radius=radius, width=width) > 0)


def test_chirality_is_seen_by_an_encoder_that_asks_for_it():
    recipe = CompoundRecipe(compound_encoder("ecfp", options={"ecfp": {"chirality": True}}), KINDS)
    texts = ["C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "CC(N)C(=O)O"]
    assert recipe.reads_stereo
    chunk = prepared_chunk(recipe, CompoundList(list(texts), [""] * 3, []))
    assert chunk.compounds.embeddings.tobytes() == recipe.encoder.encode(chunk.smiles).tobytes()
    assert len(np.unique(chunk.compounds.embeddings, axis=0)) == 3


def test_chunks_are_the_same_however_they_are_cut_into_tasks(tmp_path: Path, monkeypatch):
    path = tmp_path / "library.smi"
    path.write_text("".join(f"{text} m{row}\n" for row, text in enumerate(written()) if text))
    recipe = CompoundRecipe(compound_encoder(["ecfp", "descriptors"]), KINDS)

    def chunks() -> list[tuple[object, ...]]:
        with Workers() as workers:
            made = list(prepared_chunks(path, recipe, workers, rows=40))
        texts = [(one.rows, one.places, one.smiles, one.names, one.rejections) for one in made]
        return [(*text, one.compounds.embeddings.tobytes()) for text, one in zip(texts, made, strict=True)]

    whole = chunks()
    monkeypatch.setattr(library, "_TASK", 7)
    assert chunks() == whole
    assert len(whole) > 2


def test_a_process_that_prepares_compounds_loads_no_torch():
    code = (
        "import sys, hyperpcm.screening.library as library\n"
        "from hyperpcm.datasets.compound_files import CompoundList\n"
        "from hyperpcm.encoders import compound_encoder\n"
        "from hyperpcm.screening.recipe import CompoundRecipe\n"
        "recipe = CompoundRecipe(compound_encoder(['ecfp', 'descriptors']), ((2, 2048),))\n"
        "assert len(library.prepared_chunk(recipe, CompoundList(['CCO'], [''], [])).smiles) == 1\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
