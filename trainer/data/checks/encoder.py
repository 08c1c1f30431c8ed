"""Findings that depend on the encoder: texts it would cut, signs or a language it does not know. Knows it only by what it is handed."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from trainer.data.checks.findings import Finding, examples
from trainer.data.checks.language import LANGUAGE_NAMES, guess_language, scripts
from trainer.data.corpus import Corpus
from trainer.text_format import percent, pluralize

_SAMPLE_TEXTS = 2_000
_SELDOM = 0.01
"""Share of texts that may be cut without a word of warning."""
_MOSTLY = 0.8
"""Share of the texts in the encoder's language from which nothing is said."""
_FITTING = 0.99
"""Share of the texts that the suggested length would read whole."""

_NO_SIGNS = frozenset("Cc Cf Cn Co Cs Mn Mc Zl Zp Zs".split())
"""Unicode's controls, marks and blanks, which nobody sees alone; a mark around others, as that of a key, is a sign."""
_MOST_SIGNS = 12


@dataclass(frozen=True)
class EncoderInfo:
    """What the checks need to know of an encoder. ``languages``: ISO 639-1 codes, or None for a multilingual one.

    ``longest``: tokens of the longest text it can read. ``count_tokens``: the number of tokens of each text, special ones
    included; ``unknown``: those of some characters that become its unknown token. Both are None while its tokenizer is not on this machine.
    """

    name: str
    languages: frozenset[str] | None
    longest: int
    count_tokens: Callable[[Sequence[str]], list[int]] | None
    unknown: Callable[[Sequence[str]], list[str]] | None = None


@dataclass(frozen=True)
class Estimate:
    """What a training will take: seconds, megabytes, the megabytes that are free, and what does the work, in words."""

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
    """Tokens of evenly spaced texts, at most some thousands of them; None without a tokenizer."""
    if encoder.count_tokens is None:
        return None
    step = -(-len(corpus) // _SAMPLE_TEXTS)
    # Characters far beyond what any encoder reads would only cost time.
    texts = [text[: 12 * encoder.longest] for text in corpus.texts[::step]]
    return Lengths(np.array(encoder.count_tokens(texts), dtype=np.int64), step)


def check_encoder(corpus: Corpus, encoder: EncoderInfo, lengths: Lengths | None, *, max_length: int, kind: str = "text") -> list[Finding]:
    """What is to be said of these texts with this encoder, which reads ``max_length`` tokens of each; ``kind`` is what they are called."""
    cut = [] if lengths is None else [_truncated(corpus, encoder, lengths, min(max_length, encoder.longest), kind)]
    return [*_unknown_signs(corpus, encoder, kind), *cut, *_language(corpus, encoder)]


def check_estimate(estimate: Estimate) -> Finding:
    """Time and memory of a training in a sentence; one to look at where it is long or will not fit."""
    minutes = estimate.seconds / 60
    time = (
        f"{round(estimate.seconds, -1):.0f} s" if minutes < 1.5 else f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} hours"
    )
    message = f"A training will take about {time} and {estimate.megabytes / 1024:.1f} GB of memory on this machine ({estimate.device})."
    if estimate.megabytes > 0.9 * estimate.free_megabytes:
        advice = f"Only {estimate.free_megabytes / 1024:.1f} GB are free: choose a smaller batch size or maximum length on the Train tab."
        return Finding("estimate", "warning", round(estimate.seconds), message, advice)
    if minutes > 60:
        return Finding(
            "estimate", "warning", round(estimate.seconds), message, "A smaller encoder, fewer epochs or fewer rows are quicker."
        )
    return Finding("estimate", "ok", round(estimate.seconds), message)


def _unknown_signs(corpus: Corpus, encoder: EncoderInfo, kind: str) -> list[Finding]:
    """Texts with characters that become the unknown token, such as emoji. ASCII is read by every encoder."""
    rows = [row for row, text in enumerate(corpus.texts) if not text.isascii()]
    if encoder.unknown is None or not rows:
        return []
    characters = sorted(set().union(*(corpus.texts[row] for row in rows)))
    seen = [c for c in characters if not c.isascii() and unicodedata.category(c) not in _NO_SIGNS]
    unknown = encoder.unknown(seen)
    if not unknown:
        return []
    pattern = re.compile("[" + re.escape("".join(unknown)) + "]")
    found = {row: set(pattern.findall(corpus.texts[row])) for row in rows}
    counts = Counter(sign for signs in found.values() for sign in signs)
    holding = [row for row, signs in found.items() if signs]
    shown = " ".join(sign for sign, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_SIGNS])
    share = percent(len(holding) / len(corpus))
    message = (
        f"{pluralize(len(holding), f'{kind} holds', f'{kind}s hold')} signs that {encoder.name} cannot read ({share}), such as {shown}."
    )
    advice = (
        "It cannot tell them from one another, and a word written right beside one is lost too. Where they tell the labels apart, write them "
        "as words, or choose an encoder that reads every sign, such as roberta-base."
    )
    return [Finding("unknown_signs", "warning", len(holding), message, advice, examples(corpus, holding))]


def _truncated(corpus: Corpus, encoder: EncoderInfo, lengths: Lengths, max_length: int, kind: str) -> Finding:
    share = float((lengths.tokens > max_length).mean())
    rows = round(share * len(corpus))
    if not rows:
        return Finding("texts_fit", "ok", len(corpus), f"All {kind}s fit into the {max_length} tokens that the encoder reads of each.")
    best = suggested_length(lengths, encoder.longest)
    about = "" if lengths.step == 1 else "About "
    shown = examples(corpus, (lengths.step * np.flatnonzero(lengths.tokens > max_length)).tolist())
    message = f"{about}{pluralize(rows, f'{kind} is', f'{kind}s are')} longer than {max_length} tokens ({percent(share)}); the rest of each is not read."
    if share <= _SELDOM:
        return Finding("texts_cut", "ok", rows, message, examples=shown)
    if best > max_length:
        whole = percent(float((lengths.tokens <= best).mean()))
        advice = f"A maximum length of {best} would read {whole} of them whole; it takes longer."
        return Finding("texts_cut", "warning", rows, message, advice, shown, setting=("max_length", best))
    advice = f"{encoder.name} cannot read more than {encoder.longest}. What matters should stand at the beginning."
    return Finding("texts_cut", "warning", rows, message, advice, shown)


def suggested_length(lengths: Lengths, longest: int) -> int:
    """The smallest multiple of 16 tokens, 32 at least, that reads nearly all texts whole, as far as the encoder can."""
    wanted = int(np.ceil(np.quantile(lengths.tokens, _FITTING, method="inverted_cdf") / 16)) * 16
    return min(max(32, wanted), longest)


def _language(corpus: Corpus, encoder: EncoderInfo) -> list[Finding]:
    if encoder.languages is None:
        return []
    known = " and ".join(LANGUAGE_NAMES.get(code, code) for code in sorted(encoder.languages))
    code, share = guess_language(corpus.texts) or ("", 0.0)
    if code in encoder.languages and share >= _MOSTLY:
        return [Finding("language_known", "ok", len(corpus), f"The texts look {known}, which {encoder.name} knows.")]
    if code in encoder.languages:
        message = f"Only about {percent(share)} of the texts look {known}, the language that {encoder.name} knows."
        count = round((1 - share) * len(corpus))
    elif share >= 0.5:
        message = (
            f"Most texts look {LANGUAGE_NAMES.get(code, code)}, but {encoder.name} knows {known} only and would learn far less from them."
        )
        count = round(share * len(corpus))
    else:
        script, share = next(iter(scripts(corpus.texts).items()), ("Latin", 1.0))
        if script == "Latin" or share < 0.5:
            return []
        message = f"Most texts are written in another script ({script}) than {known}, which is all that {encoder.name} knows."
        count = len(corpus)
    advice = "Choose a multilingual encoder on the Train tab, such as distilbert-base-multilingual-cased."
    return [Finding("language_unknown", "warning", count, message, advice)]
