"""Tiny random encoders of several families."""

from functools import partial
from pathlib import Path

import torch

from tests.conftest import FILLERS, MOODS
from trainer.training.encoders import Encoder, local_encoder

WORDS = sorted({w for line in MOODS.values() for w in line.split()} | set(FILLERS))
SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 64}
TINY = ("bert", "distilbert", "roberta", "electra", "albert")
SENTENCEPIECE = ("xlm-roberta", "albert-sentencepiece", "deberta-v2")
"""Further ones, whose tokenizers are SentencePiece's: pieces of words with their probabilities."""


def tiny(family: str, folder: Path) -> Encoder:
    """A random encoder of this family in a folder of its own, its weights far enough from zero to tell texts apart."""
    import transformers as t

    vocabulary = {w: i for i, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])}
    wide = {**SHAPE, "vocab_size": len(vocabulary)}
    models = {
        "bert": lambda: t.BertModel(t.BertConfig(**wide)),
        "electra": lambda: t.ElectraModel(t.ElectraConfig(**wide, embedding_size=16)),
        "albert": lambda: t.AlbertModel(t.AlbertConfig(**wide, embedding_size=16)),
        "distilbert": lambda: t.DistilBertModel(
            t.DistilBertConfig(vocab_size=len(vocabulary), dim=32, n_layers=2, n_heads=2, hidden_dim=64, max_position_embeddings=64)
        ),
        "roberta": lambda: t.RobertaModel(
            t.RobertaConfig(**{**wide, "max_position_embeddings": 66, "vocab_size": 300}, pad_token_id=1, type_vocab_size=1)
        ),
    }
    pieces = _pieces()
    models |= {
        "albert-sentencepiece": lambda: t.AlbertModel(t.AlbertConfig(**{**wide, "vocab_size": len(pieces)}, embedding_size=16)),
        "deberta-v2": lambda: t.DebertaV2Model(
            t.DebertaV2Config(
                **{**wide, "vocab_size": len(pieces)}, relative_attention=True, pos_att_type=["p2c", "c2p"], position_buckets=16
            )
        ),
        "xlm-roberta": lambda: t.XLMRobertaModel(
            t.XLMRobertaConfig(
                **{**wide, "max_position_embeddings": 66, "vocab_size": len(pieces)},
                pad_token_id=1,
                bos_token_id=0,
                eos_token_id=2,
                type_vocab_size=1,
            )
        ),
    }
    torch.manual_seed(0)
    model = models[family]()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    path = folder / f"tiny-{family}"
    model.save_pretrained(path)
    tokenizers = {
        "bert": partial(t.BertTokenizer, vocab=vocabulary),
        "electra": partial(t.BertTokenizer, vocab=vocabulary),
        "albert": partial(t.BertTokenizer, vocab=vocabulary),
        "distilbert": partial(t.DistilBertTokenizer, vocab=vocabulary),
        "roberta": _byte_tokenizer,
        "albert-sentencepiece": partial(t.AlbertTokenizer, vocab=pieces),
        "deberta-v2": partial(t.DebertaV2Tokenizer, vocab=pieces, unk_token="<unk>"),
        "xlm-roberta": partial(t.XLMRobertaTokenizer, vocab=pieces),
    }
    tokenizers[family]().save_pretrained(path)
    return local_encoder(path)


def _pieces() -> list[tuple[str, float]]:
    """A vocabulary of SentencePiece: special tokens, then beginnings of words, whole words and letters, each with its log probability."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "[CLS]", "[SEP]", "[MASK]", "[PAD]"]
    words = [f"▁{word}" for word in WORDS]
    letters = ["▁", *sorted({letter for word in WORDS for letter in word})]
    return [(piece, 0.0) for piece in special] + [(piece, -3.0) for piece in words] + [(piece, -9.0) for piece in letters]


def _byte_tokenizer() -> object:
    """RoBERTa's, with bytes for words and no merges."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import RobertaTokenizer

    vocabulary = {token: i for i, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>", *sorted(ByteLevel.alphabet())])}
    return RobertaTokenizer(vocab=vocabulary, merges=[])
