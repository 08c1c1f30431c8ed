"""Findings about texts: HTML codes, links and user names, a label that stands in its own text."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from trainer.data.checks.findings import Finding, examples, rows_where
from trainer.data.checks.repairs import removable
from trainer.data.columns.guess import Columns
from trainer.data.corpus import Corpus
from trainer.data.files.reading import Table
from trainer.data.html_and_links import mask_links, strip_html
from trainer.text_format import percent, pluralize, quote_names

_SAMPLE_ROWS = 20_000
_TELLING = 0.98
"""Share of rows in which a sign goes with one label only, for it to give the label away."""
_PRESENT = 0.8
"""Share of rows that must bear such a sign."""


def check_texts(table: Table, columns: Columns, corpus: Corpus) -> list[Finding]:
    """What is to be said of the texts."""
    found = [_html(corpus), _links(corpus), _leaking_column(table, columns, corpus) or _leaking_text(corpus)]
    return [finding for finding in found if finding]


def _html(corpus: Corpus) -> Finding | None:
    rows = [row for row, text in enumerate(corpus.texts) if ("&" in text or "<" in text) and strip_html(text) != text]
    if not rows:
        return None
    message = f"{pluralize(len(rows), 'text holds', 'texts hold')} HTML codes such as “&amp;” or “<br>”, left over from a web page."
    return Finding("html_in_texts", "warning", len(rows), message, examples=examples(corpus, rows), repairable=True)


def _links(corpus: Corpus) -> Finding | None:
    rows = [row for row, text in enumerate(corpus.texts) if ("@" in text or "://" in text or "ww." in text) and mask_links(text) != text]
    if not rows:
        return None
    message = f"{pluralize(len(rows), 'text holds', 'texts hold')} links or user names, which a model may learn by heart."
    advice = "If you replace them here, the model does the same with every text that you try later."
    return Finding("links_in_texts", "warning", len(rows), message, advice, examples(corpus, rows), True)


def _leaking_column(table: Table, columns: Columns, corpus: Corpus) -> Finding | None:
    """A column joined to the text whose values each go with one label."""
    for position in columns.extra_text_columns:
        rows = _sample(corpus)
        signs = {row: table.rows[corpus.source_rows[row]][position].strip() for row in rows}
        if _give_away(corpus, signs, len(rows)):
            message = f"The column {quote_names([table.columns[position]])} gives the label away: each of its values goes with one label."
            advice = "A model would read it instead of the text, and its score would mean nothing. Do not join it to the text."
            return Finding("label_leak", "error", len(rows), message, advice, examples(corpus, rows))
    return None


def _leaking_text(corpus: Corpus) -> Finding | None:
    rows = _sample(corpus)
    words = {row: corpus.texts[row].split(maxsplit=1)[0].casefold() for row in rows}
    ends = {row: corpus.texts[row].rsplit(maxsplit=1)[-1].casefold() for row in rows}
    for signs, where in ((words, "first"), (ends, "last")):
        if _give_away(corpus, signs, len(rows)):
            message = f"The {where} word of the texts gives the label away, as in {quote_names([corpus.texts[rows[0]][:40]])}."
            advice = "A model would learn that word and nothing else; take it out of the texts."
            return Finding("label_leak", "warning", len(rows), message, advice, examples(corpus, rows))
    return _named_in_text(corpus, rows)


def _give_away(corpus: Corpus, signs: dict[int, str], rows: int) -> bool:
    """Whether a sign in nearly every row, with few different values, each time goes with one label."""
    labels: dict[str, Counter] = defaultdict(Counter)
    for row, sign in signs.items():
        if sign:
            labels[sign][int(corpus.label_ids[row])] += 1
    repeated = {sign: given for sign, given in labels.items() if given.total() >= 3}
    bearing = sum(given.total() for given in repeated.values())
    if rows < 20 or bearing < _PRESENT * rows or len(repeated) > 5 * len(corpus.label_names):
        return False
    telling = sum(max(given.values()) for given in repeated.values())
    winners = {given.most_common(1)[0][0] for given in repeated.values()}
    largest = np.bincount(corpus.label_ids[list(signs)]).max() / len(signs)
    return len(winners) > 1 and telling >= _TELLING * bearing and largest < 0.95


def _named_in_text(corpus: Corpus, rows: Sequence[int]) -> Finding | None:
    """Labels that stand as words in most of their own texts and in hardly any other."""
    names = [name.casefold() for name in corpus.label_names]
    if len(names) > 200 or not all(re.search(r"[^\W\d_]{2}", name) for name in names):
        return None
    # The longer names first, so that "very happy" is not taken for "happy".
    pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, sorted(names, key=len, reverse=True))) + r")(?!\w)")
    at = {name: number for number, name in reversed(list(enumerate(names)))}
    own, other = [], 0
    for row in rows:
        named = {at[found] for found in pattern.findall(corpus.texts[row].casefold())}
        if named == {int(corpus.label_ids[row])}:
            own.append(row)
        elif named:
            other += 1
    if len(rows) < 20 or len(own) < 0.6 * len(rows) or other > 0.1 * len(own):
        return None
    message = f"{percent(len(own) / len(rows))} of the texts name their own label, as in {quote_names([corpus.texts[own[0]][:60]])}."
    advice = "A model would learn that word and little else; if new texts will not name it, take it out of the texts."
    return Finding("label_leak", "warning", len(own), message, advice, examples(corpus, own))


def _sample(corpus: Corpus) -> list[int]:
    """Rows to look at, evenly spread; where test rows are given, they stay unseen: nobody may change the texts because of them."""
    rows = rows_where(removable(corpus))
    return rows[:: max(1, -(-len(rows) // _SAMPLE_ROWS))]
