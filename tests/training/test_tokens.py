"""How a text is split, as shown on the page."""

import dataclasses
import os
import shutil
from pathlib import Path

from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoders import Encoder
from trainer.training.tokens import token_counter, tokenize_text, unknown_finder


def test_the_packaged_tokenizer_on_a_known_text() -> None:
    tokenized = tokenize_text(EncoderCatalogue().default, "I felt humiliated", max_length=128)
    assert [t.text for t in tokenized.tokens] == ["[CLS]", "i", "felt", "humiliated", "[SEP]"]
    assert [t.id for t in tokenized.tokens] == [101, 1045, 2371, 26608, 102]
    assert [t.special for t in tokenized.tokens] == [True, False, False, False, True]
    assert (tokenized.vocabulary, tokenized.max_tokens, tokenized.max_length) == (30_522, 512, 128)
    assert "[CLS]" in tokenized.special


def test_what_is_cut_is_marked_and_is_what_training_cuts(tiny_encoder: Encoder) -> None:
    from trainer.training.encoder_loading import load_tokenizer

    text = " ".join(["happy"] * 30)
    tokenized = tokenize_text(tiny_encoder, text, max_length=16)
    read = load_tokenizer(tiny_encoder, max_length=16)(text, truncation=True)["input_ids"]
    assert [t.id for t in tokenized.tokens if not t.cut] == read
    assert sum(t.cut for t in tokenized.tokens) == 16


def test_odd_texts(tiny_encoder: Encoder) -> None:
    for text in ("", "\ud800", "🫠" * 50, "a" * 5000):
        assert tokenize_text(tiny_encoder, text, max_length=32).tokens


def test_counting_needs_no_transformers_and_agrees_with_the_tokenizer(tiny_encoder: Encoder) -> None:
    texts = ["I felt humiliated", "", "\ud800", "a longer text, with Käse and 🫠", "happy " * 300]
    for encoder in (EncoderCatalogue().default, tiny_encoder):
        counts = token_counter(encoder)(texts)
        assert counts == [len(tokenize_text(encoder, text, max_length=512).tokens) for text in texts]


def test_an_encoder_that_was_never_fetched_cannot_count() -> None:
    assert token_counter(next(e for e in EncoderCatalogue() if not e.is_local)) is None


def test_characters_that_become_the_unknown_token() -> None:
    find = unknown_finder(EncoderCatalogue().default)
    assert find(list("❤😂é中aж€–…’🫠ā“¿ñ")) == ["❤", "😂", "🫠"]
    assert unknown_finder(next(e for e in EncoderCatalogue() if not e.is_local)) is None


def test_byte_level_tokenizers_know_every_character(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.BPE({c: n for n, c in enumerate(pre_tokenizers.ByteLevel.alphabet())}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    encoder = Encoder("bytes", str(tmp_path), 1, 1, 1, 0, "", "", 1e-4, is_custom=True)
    assert unknown_finder(encoder)(list("❤😂中")) == []


def test_a_sentencepiece_model_gives_its_unknown_token_by_number(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models

    pieces = [("<s>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((c, -2.0) for c in "aбé")]
    Tokenizer(models.Unigram(pieces, 2)).save(str(tmp_path / "tokenizer.json"))
    encoder = Encoder("pieces", str(tmp_path), 1, 1, 1, 0, "", "", 1e-4, is_custom=True)
    assert unknown_finder(encoder)(list("aбé❤")) == ["❤"]


def test_a_tokenizer_is_loaded_once_until_its_file_changes(tmp_path: Path, tiny_encoder: Encoder) -> None:
    folder = shutil.copytree(tiny_encoder.source, tmp_path / "own")
    encoder = dataclasses.replace(tiny_encoder, source=str(folder))
    count, find = token_counter(encoder), unknown_finder(encoder)
    assert (token_counter(encoder), unknown_finder(encoder)) == (count, find)
    file = folder / "tokenizer.json"
    os.utime(file, ns=(1, 1))
    assert token_counter(encoder) is not count
    assert unknown_finder(encoder) is not find
