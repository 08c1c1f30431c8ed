"""Checks the files of a tokenizer: known steps, known patterns, nothing that makes texts grow, no more tokens than the model has.

A tokenizer is a small program over each text, written in JSON; these checks allow the ones that encoders of the BERT family come with.
"""

import base64
import binascii
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer.training.config_check import check_tokenizer_class, refuse_programs
from trainer.training.untrusted_files import printable, read_object, refusal, regular_file_size

UNUSUAL_TEXT = "a \u0416\u4e2d\U0001f600"
"""Signs that few vocabularies have: each tokenizer must read them."""
_MAX_BYTES = 40_000_000
_MAX_SETTINGS_BYTES = 4_000_000
_MAX_TOKENS = 2_000_000
_MAX_ADDED_TOKENS = 10_000
_LISTS_OF_TOKENS = ("added_tokens_decoder", "additional_special_tokens", "extra_special_tokens")
_MAX_STEPS = 16
"""In a sequence, in a template, and in all."""
_MAX_WORD_CHARS = 1_000
_MAX_TOKEN_CHARS = 1_000
_MAX_LENGTH = 100_000
_MAX_NORMAL_FORM_BYTES = 64
"""Bytes of the normal form of one character; Unicode's longest has 33."""

_STEPS = {
    "normalizer": "Sequence BertNormalizer NFC NFD NFKC NFKD Lowercase Strip StripAccents Nmt Replace Precompiled Prepend ByteLevel",
    "pre_tokenizer": "Sequence BertPreTokenizer Whitespace WhitespaceSplit ByteLevel Metaspace Punctuation Digits Split CharDelimiterSplit UnicodeScripts",
    "post_processor": "Sequence TemplateProcessing BertProcessing RobertaProcessing ByteLevel",
    "decoder": "Sequence WordPiece ByteLevel Metaspace BPEDecoder Replace Fuse Strip ByteFallback WordLevel",
}
_MODELS = ("WordPiece", "Unigram", "BPE", "WordLevel")
_AT_MOST_ONCE = ("ByteLevel", "Precompiled", "Prepend")
"""Steps that lengthen a text: each may occur once in a part of the tokenizer."""

_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_PATTERNS = frozenset(
    (" {2,}", r"\s{2,}|[\n\r\t]", r"\s+", r"\s", "\n", " ", f"{_CONTRACTIONS}\\p{{N}}{{1,3}}{_REST}", f"{_CONTRACTIONS}\\p{{N}}{_REST}")
)
"""Any other pattern could take for ever on some text, which its code does not show."""


def check_tokenizer(folder: Path, *, vocabulary: int) -> None:
    """Raise UserError ``model_folder_refused`` if the tokenizer files of a model folder are not safe to use; missing files are not checked.

    ``vocabulary`` is the size of the model's vocabulary.
    """
    for name in ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"):
        file = folder / name
        if file.exists():
            settings = read_object(file, max_bytes=_MAX_SETTINGS_BYTES)
            refuse_programs(file, settings)
            if name == "tokenizer_config.json":
                check_tokenizer_class(file, settings)
            _check_settings(file, settings)
    if (folder / "vocab.txt").exists():
        _refuse_more_tokens(folder / "vocab.txt", _count_lines(folder / "vocab.txt"), vocabulary)
    for name in ("merges.txt", "bpe.codes"):
        if (folder / name).exists() and (lines := _count_lines(folder / name)) > _MAX_TOKENS:
            raise refusal(folder / name, f"has {lines:,} lines, more than a model needs")
    if (folder / "vocab.json").exists():
        _check_vocabulary(folder / "vocab.json", vocabulary)
    if (folder / "tokenizer.json").exists():
        check_tokenizer_file(folder / "tokenizer.json", vocabulary=vocabulary)


def check_tokenizer_file(file: Path, *, vocabulary: int = _MAX_TOKENS) -> None:
    """The same check for a tokenizer.json alone."""
    tokenizer = read_object(file, max_bytes=_MAX_BYTES)
    try:
        for part, allowed in _STEPS.items():
            _check_steps(tokenizer.get(part), allowed.split())
        for part in ("truncation", "padding"):
            if any(isinstance(n, int) and abs(n) > _MAX_LENGTH for n in _leaves(tokenizer.get(part))):
                raise ValueError(f"it would make texts of more than {_MAX_LENGTH:,} tokens ({part})")
        highest = max(_check_model(tokenizer.get("model")), _check_added(tokenizer.get("added_tokens")))
    except ValueError as error:
        raise refusal(file, f"is not used: {error}") from error
    _refuse_more_tokens(file, highest + 1, vocabulary)


def _check_settings(file: Path, settings: Mapping[str, Any]) -> None:
    """Check the tokens that settings add, each of which costs a search, and the length that texts are cut to."""
    lists = [settings] if file.name == "added_tokens.json" else [settings.get(name) for name in _LISTS_OF_TOKENS]
    if any(isinstance(tokens, (dict, list)) and len(tokens) > _MAX_ADDED_TOKENS for tokens in lists):
        raise refusal(file, f"adds more than {_MAX_ADDED_TOKENS:,} tokens")
    tokens = [value for name, value in settings.items() if name.endswith("_token") or name in _LISTS_OF_TOKENS]
    if any(isinstance(text, str) and len(text) > _MAX_TOKEN_CHARS for text in _leaves(tokens)):
        raise refusal(file, f"has a token of more than {_MAX_TOKEN_CHARS:,} letters")
    length = settings.get("model_max_length")
    if length is not None and not (type(length) in (int, float) and length >= 1):
        raise refusal(file, f"has an impossible size (model_max_length {printable(length)})")


def _count_lines(file: Path) -> int:
    """The lines of a file whose size is limited already."""
    regular_file_size(file)
    try:
        return file.read_bytes().rstrip().count(b"\n") + 1
    except OSError as error:
        raise refusal(file, f"cannot be read ({error.strerror or error})") from error


def _check_vocabulary(file: Path, vocabulary: int) -> None:
    """Check a file with the id of each token."""
    try:
        highest = max(map(_token_id, read_object(file, max_bytes=_MAX_BYTES).values()), default=-1)
    except ValueError as error:
        raise refusal(file, f"is not used: {error}") from error
    _refuse_more_tokens(file, highest + 1, vocabulary)


def _refuse_more_tokens(file: Path, tokens: int, known: int) -> None:
    if tokens > known:
        raise refusal(file, f"has more tokens than its model knows ({tokens:,} instead of {known:,}), so it belongs to another model")


def _check_steps(part: Any, allowed: list[str]) -> None:
    """Check the steps of one part of a tokenizer."""
    if part is None:
        return
    steps = list(_steps(part))
    if len(steps) > _MAX_STEPS:
        raise ValueError(f"it would go through each text {len(steps):,} times")
    occurrences = Counter(str(step.get("type")) for step in steps)
    for step_type, times in occurrences.items():
        if step_type not in allowed:
            raise ValueError(f"it has a step that is not known here (“{printable(step_type)}”)")
        if times > 1 and step_type in _AT_MOST_ONCE:
            raise ValueError(f"it would lengthen each text again and again ({step_type})")
    for step in steps:
        _check_step(step)


def _steps(part: Any) -> Iterator[dict[str, Any]]:
    """Each step of a part, including those of sequences."""
    if not isinstance(part, dict):
        raise ValueError("one of its steps is not an object")
    yield part
    if part.get("type") == "Sequence":
        # Each list that is there: which of them a library reads depends on the part.
        for inner in [part[name] for name in ("normalizers", "pretokenizers", "processors", "decoders") if name in part]:
            if not isinstance(inner, list):
                raise ValueError("one of its sequences is not a list")
            for step in inner[: _MAX_STEPS + 1]:
                yield from _steps(step)


def _check_step(step: Mapping[str, Any]) -> None:
    step_type, pattern = step.get("type"), step.get("pattern")
    regex = pattern.get("Regex") if isinstance(pattern, dict) else None
    literal = pattern.get("String") if isinstance(pattern, dict) else pattern
    if regex is not None and regex not in _PATTERNS:
        raise ValueError(f"it looks for a pattern that is not known here (“{printable(regex)}”), which could take for ever")
    if step_type == "Replace":
        content = step.get("content")
        max_chars = 1 if regex is not None else len(literal) if isinstance(literal, str) else 0
        if not isinstance(content, str) or len(content) > max_chars:
            raise ValueError("it would lengthen each text (Replace)")
    if step_type == "Prepend" and len(str(step.get("prepend"))) > 8:
        raise ValueError("it would lengthen each text (Prepend)")
    if step_type == "Precompiled":
        _check_normal_forms(step.get("precompiled_charsmap"))
    for name in ("single", "pair", "special_tokens"):
        part = step.get(name)
        if isinstance(part, (list, dict)) and (len(part) > _MAX_STEPS or sum(1 for _ in _leaves(part)) > 100 * _MAX_STEPS):
            raise ValueError(f"it would add more tokens to each text than belong there ({name})")


def _check_normal_forms(encoded: Any) -> None:
    """Check the table of normal forms: the size of a tree, the tree, and then the forms, each followed by a zero byte."""
    try:
        table = base64.b64decode(encoded or "", validate=True)
        size = struct.unpack_from("<I", table)[0] if table else 0
    except (TypeError, ValueError, binascii.Error, struct.error) as error:
        raise ValueError("its table of characters is damaged") from error
    if size % 4 or size + 4 > max(len(table), 4):
        raise ValueError("its table of characters is damaged")
    if max(map(len, table[4 + size :].split(b"\0")), default=0) > _MAX_NORMAL_FORM_BYTES:
        raise ValueError("it would lengthen each text (Precompiled)")


def _check_model(model: Any) -> int:
    """Check the model that splits words; returns its highest token id."""
    if not isinstance(model, dict) or model.get("type", "BPE") not in _MODELS:
        raise ValueError("its way to split words is not known here")
    vocabulary = model.get("vocab")
    if not isinstance(vocabulary, (dict, list)) or len(vocabulary) > _MAX_TOKENS:
        raise ValueError("it has no vocabulary, or too large a one")
    max_word_chars = model.get("max_input_chars_per_word", 100)
    if type(max_word_chars) is not int or not 1 <= max_word_chars <= _MAX_WORD_CHARS:
        raise ValueError(f"it would split words of more than {_MAX_WORD_CHARS:,} letters")
    tokens = vocabulary if isinstance(vocabulary, dict) else [pair[0] if isinstance(pair, list) and pair else None for pair in vocabulary]
    if not all(isinstance(token, str) and len(token) <= _MAX_TOKEN_CHARS for token in tokens):
        raise ValueError("some of its tokens are not texts, or too long")
    merges = model.get("merges", ())
    if not isinstance(merges, (list, tuple)) or len(merges) > _MAX_TOKENS:
        raise ValueError("it has no list of merges, or too long a one")
    if not isinstance(vocabulary, dict):
        return len(vocabulary) - 1
    return max(map(_token_id, vocabulary.values()), default=-1)


def _check_added(added: Any) -> int:
    """Check the added tokens, which are found before words are split; returns their highest id."""
    if added is None:
        return -1
    if not isinstance(added, list) or len(added) > _MAX_ADDED_TOKENS:
        raise ValueError(f"it adds no list of tokens, or more than {_MAX_ADDED_TOKENS:,}")
    for token in added:
        if not isinstance(token, dict) or not isinstance(token.get("content"), str) or not 1 <= len(token["content"]) <= _MAX_TOKEN_CHARS:
            raise ValueError("some of the tokens that it adds are not texts, or too long")
    return max((_token_id(token.get("id")) for token in added), default=-1)


def _token_id(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _MAX_TOKENS:
        raise ValueError("the id of a token is not a valid number")
    return value


def _leaves(value: Any) -> Iterator[Any]:
    """The values within lists and objects."""
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    else:
        yield value
