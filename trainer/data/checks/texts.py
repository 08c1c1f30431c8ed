"""Checks of the texts: HTML, personal data, links and user names, and signs in a text that give its label away."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from trainer.check import Check, CheckResult
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.checks.example_rows import examples, rows_where
from trainer.data.checks.repairs import placeholder_mask, removable_mask, rows_outside_given_splits
from trainer.data.corpus import Corpus
from trainer.data.html_and_links import mask_links, strip_html
from trainer.data.personal_data import KINDS, NOT_COVERED, find_personal
from trainer.data.stand_ins import replace_stand_ins
from trainer.text_format import percent, pluralize, quote_names

_SAMPLE_ROWS = 20_000
_MIN_PURITY = 0.98
"""Ratio of rows in which a sign has one label only, from which it gives the label away."""
_MIN_COVERAGE = 0.8
"""Ratio of rows that must have such a sign."""


def _check_placeholders(file: CheckedFile) -> CheckResult | None:
    corpus, mask = file.corpus, placeholder_mask(file.corpus)
    rows = rows_where(mask)
    if not rows:
        return None
    names = quote_names(dict.fromkeys(corpus.texts[row] for row in rows), limit=3)
    message = f"{pluralize(len(rows), 'text is only a placeholder', 'texts are only placeholders')} for a missing one, such as {names}."
    advice = "Nothing can be learnt from them; leave these rows out."
    repairable = bool(removable_mask(corpus, mask).any())
    return CheckResult("placeholder_texts", "warning", len(rows), message, advice, examples(corpus, rows), repairable)


def _check_html(file: CheckedFile) -> CheckResult | None:
    corpus = file.corpus
    rows = [row for row, text in enumerate(corpus.texts) if ("&" in text or "<" in text) and strip_html(text) != text]
    if not rows:
        return None
    message = f"{pluralize(len(rows), 'text has', 'texts have')} HTML codes such as “&amp;” or “<br>”, left over from a web page."
    return CheckResult("html_in_texts", "warning", len(rows), message, examples=examples(corpus, rows), repairable=True)


def _check_stand_ins(file: CheckedFile) -> CheckResult | None:
    corpus = file.corpus
    rows = [row for row, text in enumerate(corpus.texts) if replace_stand_ins(text) != text]
    if not rows:
        return None
    message = f"{pluralize(len(rows), 'text has', 'texts have')} words that stand for a punctuation mark, such as “_comma_” or “-LRB-”."
    advice = "If you replace them here, the model does the same with every text that you try later."
    return CheckResult("stand_ins_in_texts", "warning", len(rows), message, advice, examples(corpus, rows), True)


def _check_personal_data(file: CheckedFile) -> CheckResult | None:
    corpus, counts, rows = file.corpus, Counter[str](), []
    for row, text in enumerate(corpus.texts):
        if found := find_personal(text):
            counts.update(part.kind for part in found)
            rows.append(row)
    if not rows:
        return None
    named = ", ".join(pluralize(counts[kind], *names) for kind, names in KINDS.items() if counts[kind])
    message = f"{pluralize(len(rows), 'text holds', 'texts hold')} personal data: {named}."
    advice = (
        "Mask them unless the model needs them: links and user names are masked too, and the model does the same with every text that you try "
        f"later. {NOT_COVERED}."
    )
    return CheckResult("personal_data_in_texts", "warning", len(rows), message, advice, examples(corpus, rows), True)


def _check_links(file: CheckedFile) -> CheckResult | None:
    corpus = file.corpus
    rows = [row for row, text in enumerate(corpus.texts) if ("@" in text or "://" in text or "ww." in text) and mask_links(text) != text]
    if not rows:
        return None
    message = f"{pluralize(len(rows), 'text has', 'texts have')} links or user names, which a model may memorise."
    advice = "If you replace them here, the model does the same with every text that you try later."
    return CheckResult("links_in_texts", "warning", len(rows), message, advice, examples(corpus, rows), True)


def _check_leaks(file: CheckedFile) -> CheckResult | None:
    return _check_leaking_column(file) or _check_leaking_text(file.corpus)


def _check_leaking_column(file: CheckedFile) -> CheckResult | None:
    """A column joined to the text whose values each have one label."""
    table, corpus = file.table, file.corpus
    for position in file.columns.extra_text_columns:
        rows = _sample_rows(corpus)
        signs = {row: table.rows[corpus.source_rows[row]][position].strip() for row in rows}
        if _leaks_label(corpus, signs, len(rows)):
            message = f"The column {quote_names([table.columns[position]])} gives the label away: each of its values has one label."
            advice = "A model would read it instead of the text, and its score would mean nothing. Do not join it to the text."
            return CheckResult("label_leak", "error", len(rows), message, advice, examples(corpus, rows))
    return None


def _check_leaking_text(corpus: Corpus) -> CheckResult | None:
    rows = _sample_rows(corpus)
    first_words = {row: corpus.texts[row].split(maxsplit=1)[0].casefold() for row in rows}
    last_words = {row: corpus.texts[row].rsplit(maxsplit=1)[-1].casefold() for row in rows}
    for signs, which in ((first_words, "first"), (last_words, "last")):
        if _leaks_label(corpus, signs, len(rows)):
            message = f"The {which} word of the texts gives the label away."
            advice = "A model would learn that word and nothing else; take it out of the texts."
            return CheckResult("label_leak", "warning", len(rows), message, advice, examples(corpus, rows))
    return _check_named_labels(corpus, rows)


def _leaks_label(corpus: Corpus, signs: dict[int, str], n_rows: int) -> bool:
    """Whether nearly every row has one of a few signs, and each sign has one label."""
    labels: dict[str, Counter] = defaultdict(Counter)
    keys = corpus.label_keys
    for row, sign in signs.items():
        if sign:
            labels[sign][keys[row]] += 1
    repeated = {sign: counts for sign, counts in labels.items() if counts.total() >= 3}
    covered = sum(counts.total() for counts in repeated.values())
    if n_rows < 20 or covered < _MIN_COVERAGE * n_rows or len(repeated) > 5 * len(corpus.label_names):
        return False
    predicted = sum(max(counts.values()) for counts in repeated.values())
    majority_labels = {counts.most_common(1)[0][0] for counts in repeated.values()}
    largest = max(Counter(keys[row] for row in signs).values()) / len(signs)
    return len(majority_labels) > 1 and predicted >= _MIN_PURITY * covered and largest < 0.95


def _check_named_labels(corpus: Corpus, rows: Sequence[int]) -> CheckResult | None:
    """Labels that occur as words in most of their own texts and in hardly any other."""
    names = [name.casefold() for name in corpus.label_names]
    if len(names) > 200 or not all(re.search(r"[^\W\d_]{2}", name) for name in names):
        return None
    # Longer names first, so that "very happy" is not read as "happy".
    pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, sorted(names, key=len, reverse=True))) + r")(?!\w)")
    label_ids = {name: label_id for label_id, name in reversed(list(enumerate(names)))}
    own_label, n_other_label = [], 0
    for row in rows:
        named = {label_ids[name] for name in pattern.findall(corpus.texts[row].casefold())}
        if named and named == set(corpus.task.label_ids(corpus.label_ids[row])):
            own_label.append(row)
        elif named:
            n_other_label += 1
    if len(rows) < 20 or len(own_label) < 0.6 * len(rows) or n_other_label > 0.1 * len(own_label):
        return None
    message = f"{percent(len(own_label) / len(rows))} of the texts name their own label."
    advice = "A model would learn that word and little else; if new texts will not name it, take it out of the texts."
    return CheckResult("label_leak", "warning", len(own_label), message, advice, examples(corpus, own_label))


def _sample_rows(corpus: Corpus) -> list[int]:
    """Evenly spaced rows to check, without given test rows: they must not cause a change of the texts."""
    rows = rows_where(rows_outside_given_splits(corpus))
    return rows[:: max(1, -(-len(rows) // _SAMPLE_ROWS))]


TEXT_CHECKS: tuple[Check[CheckedFile], ...] = (
    Check("placeholder_texts", "No placeholders for missing texts", _check_placeholders),
    Check("html_in_texts", "No HTML codes", _check_html),
    Check("stand_ins_in_texts", "Punctuation marks as such", _check_stand_ins),
    Check("personal_data_in_texts", "No mail addresses, phone, bank or card numbers", _check_personal_data),
    Check("links_in_texts", "No links or user names", _check_links),
    Check("label_leak", "Nothing gives the label away", _check_leaks),
)
