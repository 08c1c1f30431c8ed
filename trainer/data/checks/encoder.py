"""Checks that depend on the encoder: texts that it would cut, characters or a language that it does not know, what a training takes.

Imports no encoder: the caller passes an ``EncoderInfo``.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from trainer.check import Check, CheckResult
from trainer.data.checks.example_rows import examples
from trainer.data.checks.language import LANGUAGE_NAMES, guess_language, language_ratios, scripts
from trainer.data.corpus import Corpus
from trainer.data.signs import find_signs
from trainer.text_format import percent, pluralize

_SAMPLE_TEXTS = 2_000
_TOLERATED_CUT_RATIO = 0.01
"""Ratio of texts that may be cut without a warning."""
_MIN_LANGUAGE_RATIO = 0.8
"""From this ratio of texts in the encoder's language on, there is no warning."""
_MIN_MIXED_RATIO = 0.1
"""Ratio of texts from which on a language is named among several."""
_MULTILINGUAL = "Choose a multilingual encoder on the Train tab, such as distilbert-base-multilingual-cased."
_FITTING_RATIO = 0.99
"""Ratio of the texts that the suggested length would read whole."""

_NO_VISIBLE_CHARACTER = frozenset("Cc Cf Cn Co Cs Mn Mc Zl Zp Zs".split())
"""Unicode categories of controls, combining marks and blanks, which are not visible alone; an enclosing mark, as that of a keycap, is."""
_MAX_SHOWN_SIGNS = 12


@dataclass(frozen=True)
class EncoderInfo:
    """What the checks need to know of an encoder. ``languages``: ISO 639-1 codes, or None for a multilingual one.

    ``max_tokens``: length of the longest text it can read. ``count_tokens``: the number of tokens of each text, special ones
    included. ``unknown_characters``: those of some characters that become its unknown token. ``added_tokens``: the tokens that a training on
    some texts adds for such signs. All are None while its tokenizer is not on this machine.
    """

    name: str
    languages: frozenset[str] | None
    max_tokens: int
    count_tokens: Callable[[Sequence[str]], list[int]] | None
    unknown_characters: Callable[[Sequence[str]], list[str]] | None = None
    added_tokens: Callable[[Iterable[str]], tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Estimate:
    """What a training will take: seconds, megabytes, the megabytes that are free, and the name of the device."""

    seconds: float
    megabytes: float
    free_megabytes: float
    device: str


@dataclass(frozen=True)
class Lengths:
    """Tokens of every ``step``-th text, (n,) int64."""

    tokens: np.ndarray
    step: int


def measure_lengths(corpus: Corpus, encoder: EncoderInfo) -> Lengths | None:
    """Tokens of evenly spaced texts, a few thousand at most; None without a tokenizer."""
    if encoder.count_tokens is None:
        return None
    step = -(-len(corpus) // _SAMPLE_TEXTS)
    # Characters far beyond what any encoder reads would only cost time.
    texts = [text[: 12 * encoder.max_tokens] for text in corpus.texts[::step]]
    return Lengths(np.array(encoder.count_tokens(texts), dtype=np.int64), step)


@dataclass(frozen=True, eq=False)
class TextsAndEncoder:
    """What checks of an encoder are given: texts, with an encoder that reads ``max_length`` tokens of each; ``noun`` is what messages call a text.

    ``lengths`` is None without a tokenizer, ``estimate`` if what a training takes is not known.
    """

    corpus: Corpus
    encoder: EncoderInfo
    lengths: Lengths | None
    max_length: int
    noun: str = "text"
    estimate: Estimate | None = None
    adds_tokens: bool = True
    """Whether the training adds tokens for signs that the encoder cannot read."""


def _check_estimate(checked: TextsAndEncoder) -> CheckResult:
    """Time and memory of a training as a sentence; a warning if it takes long or will not fit."""
    estimate = checked.estimate
    minutes = estimate.seconds / 60
    time = (
        f"{round(estimate.seconds, -1):.0f} s" if minutes < 1.5 else f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} hours"
    )
    message = f"A training will take about {time} and {estimate.megabytes / 1024:.1f} GB of memory on this machine ({estimate.device})."
    if estimate.megabytes > 0.9 * estimate.free_megabytes:
        advice = f"Only {estimate.free_megabytes / 1024:.1f} GB are free: choose a smaller batch size or maximum length on the Train tab."
        return CheckResult("estimate", "warning", round(estimate.seconds), message, advice)
    if minutes > 60:
        return CheckResult(
            "estimate", "warning", round(estimate.seconds), message, "A smaller encoder, fewer epochs or fewer rows are quicker."
        )
    return CheckResult("estimate", "ok", round(estimate.seconds), message)


def _has_tokenizer(checked: TextsAndEncoder) -> bool:
    return checked.encoder.unknown_characters is not None


def _check_characters(checked: TextsAndEncoder) -> CheckResult | None:
    """Texts with signs that become the unknown token, such as emoji, and how many of these a training adds. Every encoder reads ASCII."""
    corpus, encoder, noun = checked.corpus, checked.encoder, checked.noun
    rows = [row for row, text in enumerate(corpus.texts) if not text.isascii()]
    if not rows:
        return None
    characters = sorted(set().union(*(corpus.texts[row] for row in rows)))
    visible = [c for c in characters if not c.isascii() and (unicodedata.category(c) not in _NO_VISIBLE_CHARACTER or find_signs(c))]
    unknown = frozenset(encoder.unknown_characters(visible))
    if not unknown:
        return None
    pattern = re.compile("[" + re.escape("".join(unknown)) + "]")
    signs_by_row = {row: _unknown_signs(corpus.texts[row], unknown) for row in rows if pattern.search(corpus.texts[row])}
    affected = list(signs_by_row)
    counts = Counter(sign for signs in signs_by_row.values() for sign in signs)
    shown = " ".join(sign for sign, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MAX_SHOWN_SIGNS])
    ratio = percent(len(affected) / len(corpus))
    message = (
        f"{pluralize(len(affected), f'{noun} holds', f'{noun}s hold')} signs that {encoder.name} cannot read ({ratio}), such as {shown}."
    )
    added = encoder.added_tokens(corpus.texts) if checked.adds_tokens and encoder.added_tokens is not None else ()
    others = sum(any(not find_signs(sign) for sign in signs) for signs in signs_by_row.values())
    if added and others <= _TOLERATED_CUT_RATIO * len(corpus):
        which = "a token of its own" if len(added) == 1 else f"tokens of their own: {len(added):,} in all"
        advice = (
            f"The training gives the frequent ones {which}. They start from the meaning of their names, and your labels teach the rest."
        )
        return CheckResult("unknown_signs", "info", len(affected), message, advice, examples(corpus, affected))
    return CheckResult("unknown_signs", "warning", len(affected), message, _advice_for_unknown(checked, added), examples(corpus, affected))


def _unknown_signs(text: str, unknown: frozenset[str]) -> frozenset[str]:
    """The signs of a text with an unknown character, and the unknown letters."""
    signs = frozenset(find_signs(text))
    letters = unknown.intersection(text).difference(*signs)
    # A heart that asks to be drawn in colour is the same to a reader.
    return frozenset(sign.removesuffix("\ufe0f") for sign in signs if not unknown.isdisjoint(sign)).union(letters)


def _advice_for_unknown(checked: TextsAndEncoder, added: Sequence[str]) -> str:
    """What to do about texts with signs that stay unknown."""
    if added:
        start = f"{pluralize(len(added), 'frequent sign becomes a token', 'frequent signs become tokens')}, but no letters do: "
    elif not checked.adds_tokens:
        start = "The setting “Emoji and symbols” is off: "
    else:
        start = "None is a symbol that occurs often enough to be learnt: "
    return (
        f"{start}it cannot tell the others apart, and it also loses a word written right beside one. If they distinguish the labels, "
        "write them as words, or choose an encoder that reads every character, such as roberta-base."
    )


def _has_lengths(checked: TextsAndEncoder) -> bool:
    return checked.lengths is not None


def _check_lengths(checked: TextsAndEncoder) -> CheckResult:
    corpus, encoder, lengths, noun = checked.corpus, checked.encoder, checked.lengths, checked.noun
    max_length = min(checked.max_length, encoder.max_tokens)
    ratio = float((lengths.tokens > max_length).mean())
    rows = round(ratio * len(corpus))
    if not rows:
        return CheckResult("texts_fit", "ok", len(corpus), f"All {noun}s fit into the {max_length} tokens that the encoder reads of each.")
    better = suggested_length(lengths, encoder.max_tokens)
    prefix = "" if lengths.step == 1 else "About "
    shown = examples(corpus, (lengths.step * np.flatnonzero(lengths.tokens > max_length)).tolist())
    message = (
        f"{prefix}{pluralize(rows, f'{noun} is', f'{noun}s are')} longer than {max_length} tokens ({percent(ratio)}); "
        "the rest of each is not read."
    )
    if ratio <= _TOLERATED_CUT_RATIO:
        return CheckResult("texts_cut", "ok", rows, message, examples=shown)
    if better > max_length:
        whole = float((lengths.tokens <= better).mean())
        gain = f"{percent(whole)} of them whole" if whole >= _TOLERATED_CUT_RATIO else f"{better / max_length:.0f} times as much of each"
        advice = f"A maximum length of {better} would read {gain}; it takes longer."
        return CheckResult("texts_cut", "warning", rows, message, advice, shown, setting=("max_length", better))
    advice = f"{encoder.name} cannot read more than {encoder.max_tokens}. Put what matters at the beginning."
    return CheckResult("texts_cut", "warning", rows, message, advice, shown)


def suggested_length(lengths: Lengths, max_tokens: int) -> int:
    """The smallest multiple of 16 tokens, at least 32 and at most ``max_tokens``, that reads nearly all texts whole."""
    needed = int(np.ceil(np.quantile(lengths.tokens, _FITTING_RATIO, method="inverted_cdf") / 16)) * 16
    return min(max(32, needed), max_tokens)


def _knows_some_languages(checked: TextsAndEncoder) -> bool:
    return checked.encoder.languages is not None


def _check_language(checked: TextsAndEncoder) -> CheckResult | None:
    corpus, encoder = checked.corpus, checked.encoder
    known = " and ".join(LANGUAGE_NAMES.get(code, code) for code in sorted(encoder.languages))
    code, ratio = guess_language(corpus.texts) or ("", 0.0)
    if code in encoder.languages and ratio >= _MIN_LANGUAGE_RATIO:
        return CheckResult("language_known", "ok", len(corpus), f"The texts look {known}, which {encoder.name} knows.")
    mixed = None if code in encoder.languages else _check_mixed_languages(corpus, encoder, known)
    if mixed:
        return mixed
    if code in encoder.languages:
        message = f"Only about {percent(ratio)} of the texts look {known}, the language that {encoder.name} knows."
        n_texts = round((1 - ratio) * len(corpus))
    elif ratio >= 0.5:
        message = (
            f"Most texts look {LANGUAGE_NAMES.get(code, code)}, but {encoder.name} knows {known} only and would learn far less from them."
        )
        n_texts = round(ratio * len(corpus))
    else:
        script, ratio = next(iter(scripts(corpus.texts).items()), ("Latin", 1.0))
        if script == "Latin" or ratio < 0.5:
            return None
        message = f"Most texts are written in another script ({script}) than {known}, which is all that {encoder.name} knows."
        n_texts = len(corpus)
    return CheckResult("language_unknown", "warning", n_texts, message, _MULTILINGUAL)


def _check_mixed_languages(corpus: Corpus, encoder: EncoderInfo, known: str) -> CheckResult | None:
    """Texts of several languages, none of which is that of nearly all."""
    ratios = {code: ratio for code, ratio in language_ratios(corpus.texts).items() if ratio >= _MIN_MIXED_RATIO}
    others = 1 - sum(ratio for code, ratio in ratios.items() if code in (encoder.languages or ()))
    if len(ratios) < 2 or others < 1 - _MIN_LANGUAGE_RATIO:
        return None
    listed = ", ".join(f"{LANGUAGE_NAMES.get(code, code)} (about {percent(ratio)})" for code, ratio in ratios.items())
    message = f"The texts are in several languages: {listed}. {encoder.name} knows {known} only and would learn far less from the others."
    return CheckResult("language_unknown", "warning", round(others * len(corpus)), message, _MULTILINGUAL)


def _is_estimated(checked: TextsAndEncoder) -> bool:
    return checked.estimate is not None


ENCODER_CHECKS: tuple[Check[TextsAndEncoder], ...] = (
    Check(
        "unknown_signs",
        "Signs and letters that the encoder can read",
        _check_characters,
        _has_tokenizer,
        "encoders that are on this machine",
    ),
    Check("texts_cut", "Texts that the encoder reads whole", _check_lengths, _has_lengths, "encoders that are on this machine"),
    Check("language_unknown", "A language that the encoder knows", _check_language, _knows_some_languages, "encoders of some languages"),
    Check("estimate", "Time and memory for a training", _check_estimate, _is_estimated, "a training whose settings and machine are known"),
)
