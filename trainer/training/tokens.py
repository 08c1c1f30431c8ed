"""How an encoder's tokenizer splits a text, for people to look at."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from trainer.errors import UserError
from trainer.training.encoder_loading import load_tokenizer
from trainer.training.encoders import Encoder, tokenizer_file
from trainer.training.tokenizer_check import check_tokenizer_file

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Token:
    text: str
    id: int
    special: bool
    """Added by the tokenizer ([CLS], [SEP]), not part of the text."""
    cut: bool
    """Beyond the maximum length: the model never sees it."""


@dataclass(frozen=True)
class TokenizedText:
    """The tokens of one text, and what the tokenizer is."""

    tokens: tuple[Token, ...]
    vocabulary: int
    max_tokens: int
    """Tokens of the longest text the encoder can read."""
    max_length: int
    """Tokens read with the present settings, special ones included."""
    special: tuple[str, ...]


def tokenize_text(encoder: Encoder, text: str, *, max_length: int) -> TokenizedText:
    """Split one text. Raises UserError where the tokenizer cannot be had."""
    tokenizer = _tokenizer(encoder)
    longest = tokenizer.model_max_length
    read = min(max_length, longest)
    ids = tokenizer(replace_surrogates(text))["input_ids"]
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    # The closing special tokens survive the cut, so that many tokens of the text fewer are read.
    kept = read - sum(1 for i in ids[-2:] if i in special)
    tokens = tuple(
        Token(token, i, i in special, len(ids) > read and position >= kept and i not in special)
        for position, (token, i) in enumerate(zip(tokenizer.convert_ids_to_tokens(ids), ids, strict=True))
    )
    return TokenizedText(tokens, len(tokenizer), longest, read, tuple(str(t) for t in tokenizer.all_special_tokens))


def replace_surrogates(text: str) -> str:
    """The text without lone surrogates, which no tokenizer takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def token_counter(encoder: Encoder) -> Callable[[Sequence[str]], list[int]] | None:
    """A function that counts the tokens of texts, special ones included; None while the encoder's tokenizer is not on this machine.

    Without transformers, which takes seconds to import.
    """
    return _of_tokenizer(encoder, _counter)


def unknown_finder(encoder: Encoder) -> Callable[[Sequence[str]], list[str]] | None:
    """A function that gives those of some characters that become the unknown token; None while the tokenizer is not on this machine."""
    return _of_tokenizer(encoder, _unknown_finder)


def _of_tokenizer(encoder: Encoder, make: Callable[[Path, bool], _Made]) -> _Made | None:
    file = tokenizer_file(encoder)
    # One that is refused is as good as none here: loading it will say what is wrong with it.
    with suppress(UserError):
        return None if file is None else make(file, bool(encoder.sha256))
    return None


@lru_cache(maxsize=4)
def _unknown_finder(file: Path, trusted: bool) -> Callable[[Sequence[str]], list[str]]:
    tokenizer = _plain_tokenizer(file, trusted)
    # WordPiece names its unknown token, SentencePiece's models give its number.
    model = json.loads(tokenizer.to_str())["model"]
    named, number = model.get("unk_token"), model.get("unk_id")
    unknown = tokenizer.token_to_id(named) if named else number

    def find(characters: Sequence[str]) -> list[str]:
        encoded = tokenizer.encode_batch_fast(list(characters), add_special_tokens=False)
        return [c for c, tokens in zip(characters, encoded, strict=True) if unknown is not None and unknown in tokens.ids]

    return find


@lru_cache(maxsize=4)
def _counter(file: Path, trusted: bool) -> Callable[[Sequence[str]], list[int]]:
    tokenizer = _plain_tokenizer(file, trusted)

    def count(texts: Sequence[str]) -> list[int]:
        return [len(found.ids) for found in tokenizer.encode_batch_fast([replace_surrogates(text) for text in texts])]

    return count


def _plain_tokenizer(file: Path, trusted: bool) -> "Tokenizer":
    """The tokenizer of a tokenizer.json, which cuts and pads nothing; looked through first, unless the app's own packages brought it."""
    from tokenizers import Tokenizer

    if not trusted:
        check_tokenizer_file(file)

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


@lru_cache(maxsize=4)
def _tokenizer(encoder: Encoder) -> "PreTrainedTokenizerBase":
    return load_tokenizer(encoder, max_length=1_000_000)
