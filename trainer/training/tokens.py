"""How an encoder's tokenizer splits a text, for people to look at; and counting the tokens of many texts."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from trainer.cache import SingleFlightCache
from trainer.errors import UserError, is_failure
from trainer.runs.seal import file_signature
from trainer.training.added_tokens import add_tokens, choose_added_tokens, find_unknown, unknown_token_id
from trainer.training.encoder_loading import load_tokenizer
from trainer.training.encoders import Encoder, tokenizer_file
from trainer.training.tokenizer_check import UNUSUAL_TEXT, check_tokenizer_file
from trainer.training.untrusted_files import refusal

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase

_T = TypeVar("_T")

_LOADED: SingleFlightCache = SingleFlightCache(12)
"""What was made of the last few tokenizers, by the function that made it, the encoder and the signature of its tokenizer's file, which may change
in a folder of the user's. One for the process: an encoder's files are the same for everybody."""


@dataclass(frozen=True)
class Token:
    """One token of a text."""

    text: str
    id: int
    special: bool
    """Added by the tokenizer ([CLS], [SEP]), not part of the text."""
    cut: bool
    """Beyond the maximum length: the model does not see it."""


@dataclass(frozen=True)
class TokenizedText:
    """The tokens of one text, and the tokenizer's limits."""

    tokens: tuple[Token, ...]
    vocabulary: int
    max_tokens: int
    """Tokens of the longest text the encoder can read."""
    max_length: int
    """Tokens read with the present settings, including special ones."""
    special: tuple[str, ...]


def tokenize_text(encoder: Encoder, text: str, *, max_length: int) -> TokenizedText:
    """Split one text. Raises UserError if the tokenizer cannot be loaded."""
    tokenizer = _cached(_load_for_display, encoder)
    max_tokens = tokenizer.model_max_length
    read = min(max_length, max_tokens)
    ids = tokenizer(replace_surrogates(text))["input_ids"]
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    # The closing special tokens survive truncation, so that fewer tokens of the text are read.
    kept = read - sum(1 for i in ids[-2:] if i in special)
    tokens = tuple(
        Token(token, i, i in special, len(ids) > read and position >= kept and i not in special)
        for position, (token, i) in enumerate(zip(tokenizer.convert_ids_to_tokens(ids), ids, strict=True))
    )
    return TokenizedText(tokens, len(tokenizer), max_tokens, read, tuple(str(t) for t in tokenizer.all_special_tokens))


def replace_surrogates(text: str) -> str:
    """The text without lone surrogates, which no tokenizer accepts."""
    return text.encode("utf-8", "replace").decode("utf-8")


def token_counter(encoder: Encoder) -> Callable[[Sequence[str]], list[int]] | None:
    """A function that counts the tokens of texts, including special ones; None while the encoder's tokenizer is not on this machine.

    Does without transformers, which takes seconds to import.
    """
    return _from_tokenizer_file(_token_counter, encoder)


def unknown_finder(encoder: Encoder) -> Callable[[Sequence[str]], list[str]] | None:
    """A function that returns the characters that become the unknown token; None while the tokenizer is not on this machine."""
    return _from_tokenizer_file(_unknown_finder, encoder)


def token_chooser(encoder: Encoder) -> Callable[[Iterable[str]], tuple[str, ...]] | None:
    """A function that chooses the tokens that a training on some texts would add; None while the tokenizer is not on this machine."""
    return _from_tokenizer_file(_token_chooser, encoder)


def _cached(build: Callable[[Encoder], _T], encoder: Encoder) -> _T:
    file = tokenizer_file(encoder)
    return _LOADED.get((build, encoder, file and file_signature(file)), lambda: build(encoder))


def _from_tokenizer_file(build: Callable[[Encoder], _T], encoder: Encoder) -> _T | None:
    # A refused file counts as missing: loading it will report what is wrong.
    with suppress(UserError):
        return None if tokenizer_file(encoder) is None else _cached(build, encoder)
    return None


def _unknown_finder(encoder: Encoder) -> Callable[[Sequence[str]], list[str]]:
    tokenizer = _load_tokenizer_file(encoder)
    unknown = unknown_token_id(tokenizer)
    return lambda characters: find_unknown(tokenizer, characters, unknown)


def _token_chooser(encoder: Encoder) -> Callable[[Iterable[str]], tuple[str, ...]]:
    tokenizer = _load_tokenizer_file(encoder)
    unknown = unknown_token_id(tokenizer)
    return lambda texts: choose_added_tokens(tokenizer, texts, unknown_id=unknown)


def _token_counter(encoder: Encoder) -> Callable[[Sequence[str]], list[int]]:
    tokenizer = _load_tokenizer_file(encoder)

    def count_tokens(texts: Sequence[str]) -> list[int]:
        return [len(encoding.ids) for encoding in tokenizer.encode_batch_fast([replace_surrogates(text) for text in texts])]

    return count_tokens


def _load_tokenizer_file(encoder: Encoder) -> "Tokenizer":
    """The tokenizer of an encoder's tokenizer.json, without truncation and padding; checked first, unless it came with the app's packages."""
    from tokenizers import Tokenizer

    file = tokenizer_file(encoder)
    if not encoder.sha256:
        check_tokenizer_file(file)
    try:
        tokenizer = Tokenizer.from_file(str(file))
        tokenizer.encode(UNUSUAL_TEXT)
    except BaseException as error:
        if not is_failure(error):
            raise
        raise refusal(file, "cannot be read by the library of tokenizers, or cannot read every text") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    add_tokens(tokenizer, encoder.added_tokens)
    return tokenizer


def _load_for_display(encoder: Encoder) -> "PreTrainedTokenizerBase":
    return load_tokenizer(encoder, max_length=1_000_000)
