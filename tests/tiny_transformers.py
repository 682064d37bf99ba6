"""Tiny transformers with random weights, of the classes and with the vocabularies of the published ones."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

RESIDUES = "LAGVSERTIDPKQNFYMHWCXBUZO"
LIMIT = 30
"""Tokens that the tiny models with position tables read at once."""


def save_esm(folder: Path, *, limit: int = LIMIT, seed: int = 0, rotary: bool = True) -> Path:
    """ESM as its authors have it: 33 tokens, rotary positions (ESM-2) or a table of them (ESM-1b)."""
    import torch
    from transformers import EsmConfig, EsmModel, EsmTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    tokens = ["<cls>", "<pad>", "<eos>", "<unk>", *RESIDUES, ".", "-", "<null_1>", "<mask>"]
    (folder / "vocab.txt").write_text("\n".join(tokens))
    EsmTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(seed)
    config = EsmConfig(
        vocab_size=33,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=limit + 4,
        position_embedding_type="rotary" if rotary else "absolute",
        token_dropout=True,
        pad_token_id=1,
        mask_token_id=32,
        emb_layer_norm_before=not rotary,
        initializer_range=0.3,
    )
    EsmModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


def save_protbert(folder: Path) -> Path:
    """ProtBERT: a vocabulary of residues, upper case."""
    from transformers import BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *RESIDUES]
    (folder / "vocab.txt").write_text("\n".join(tokens))
    BertTokenizer(str(folder / "vocab.txt"), do_lower_case=False).save_pretrained(folder)
    _save_bert(folder, len(tokens))
    return folder


def save_molbert(folder: Path) -> Path:
    """A BERT of SMILES with WordPiece."""
    from transformers import BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    signs = [*"CNOFSPIBHclnosrU()[]=#+-@123456789tePFa", "Cl", "Br"]
    pieces = [*signs, *(f"##{sign}" for sign in signs)]
    tokens = list(dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces]))
    (folder / "vocab.txt").write_text("\n".join(tokens))
    BertTokenizer(str(folder / "vocab.txt"), do_lower_case=False).save_pretrained(folder)
    _save_bert(folder, len(tokens))
    return folder


def _save_bert(folder: Path, vocabulary: int) -> None:
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=LIMIT + 2,
        initializer_range=0.3,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)


def save_prott5(folder: Path, *, only_bin: bool = False) -> Path:
    """ProtT5: SentencePiece with one piece for each residue, relative positions, no token before the item."""
    import sentencepiece
    import torch
    from transformers import T5Config, T5EncoderModel

    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(0)
    corpus = folder / "corpus.txt"
    words = [
        "".join(draw.choices("abcde", k=4)) for _ in range(200)
    ]  # SentencePiece wants some to learn from
    corpus.write_text("\n".join([" ".join(RESIDUES), *words]))
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus),
        model_prefix=str(folder / "spiece"),
        vocab_size=60,
        hard_vocab_limit=False,
        user_defined_symbols=[f"▁{letter}" for letter in RESIDUES],
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    corpus.unlink()
    (folder / "spiece.vocab").unlink()
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "T5Tokenizer", "do_lower_case": False, "extra_ids": 0})
    )
    torch.manual_seed(2)
    config = T5Config(vocab_size=64, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2)
    model = T5EncoderModel(config)
    if only_bin:
        config.save_pretrained(folder)
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    else:
        model.save_pretrained(folder)
    return folder


def save_chemberta(folder: Path) -> Path:
    """ChemBERTa: RoBERTa with byte-level pairs."""
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import RobertaConfig, RobertaModel, RobertaTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    pairs = ByteLevelBPETokenizer()
    pairs.train_from_iterator(
        ["CCO", "c1ccccc1", "CC(=O)Nc1ccc(O)cc1", "CC(C)Cl"] * 5,
        vocab_size=300,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        show_progress=False,
    )
    pairs.save_model(str(folder))
    RobertaTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)
    torch.manual_seed(3)
    config = RobertaConfig(
        vocab_size=300,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=LIMIT + 4,
        pad_token_id=1,
        initializer_range=0.3,
    )
    RobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def transformers_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one tiny transformer of each class; the test is skipped without the extra ``plm``."""
    pytest.importorskip("transformers", reason="needs pip install 'hyperpcm[plm]'")
    pytest.importorskip("sentencepiece", reason="needs pip install 'hyperpcm[plm]'")
    from transformers.utils import logging

    logging.disable_progress_bar()
    root = tmp_path_factory.mktemp("transformers")
    save_esm(root / "esm2")
    save_esm(root / "esm1b", rotary=False)
    save_protbert(root / "protbert")
    save_prott5(root / "prott5")
    save_prott5(root / "prott5_bin", only_bin=True)
    save_chemberta(root / "chemberta")
    save_molbert(root / "molbert")
    return root
