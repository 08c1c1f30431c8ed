"""Findings about a data set before it is trained on: what was dropped, doubled, contradictory, rare or unclear.

Nothing is changed here; a finding is a sentence for a person who does not code.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Literal

from trainer.data.columns import Columns
from trainer.data.corpus import NO_LABEL, NO_TEXT, Corpus, normal_form
from trainer.data.reading import Table

_RARE = 3  # rows: with fewer, a class cannot be in training, validation and test
_IMBALANCE = 10  # times as many rows in the largest as in the smallest class


@dataclass(frozen=True)
class Finding:
    """One finding. ``code`` is a stable name, ``count`` what was counted (rows, texts or classes, as the message says)."""

    code: str
    severity: Literal["good", "look", "must_fix"]
    count: int
    message: str


def check(table: Table, columns: Columns, corpus: Corpus) -> list[Finding]:
    """All findings, the most pressing first; an empty list means that nothing was found."""
    found = [
        _rows_dropped(table),
        _encoding_guessed(table),
        _columns_unsure(table, columns),
        _empty(corpus, NO_TEXT, "empty_texts", "text"),
        _empty(corpus, NO_LABEL, "empty_labels", "label"),
        *_doubles(corpus),
        *_class_sizes(corpus),
    ]
    order = {"must_fix": 0, "look": 1, "good": 2}
    return sorted((finding for finding in found if finding), key=lambda finding: order[finding.severity])


def _rows_dropped(table: Table) -> Finding | None:
    count = len(table.dropped)
    if not count:
        return None
    share = count / table.rows_seen
    first = table.dropped[0]
    message = (
        f"{_count(count, 'row')} of {table.rows_seen:,} could not be read and will not be used ({_percent(share)}). "
        f"The first is on line {first.line:,}: {first.reason}."
    )
    return Finding("rows_dropped", "must_fix" if share > 0.1 else "look", count, message)


def _encoding_guessed(table: Table) -> Finding | None:
    if not table.encoding_guessed:
        return None
    odd = [row for row, cells in enumerate(table.rows) if not all(map(str.isascii, cells))]
    where = f" Look at line {table.lines[odd[0]]:,}: are its letters right?" if odd else ""
    message = (
        f"The file does not say how its letters are written; {table.encoding} is my best guess, "
        f"and {_count(len(odd), 'row depends', 'rows depend')} on it.{where} If not, save the file as UTF-8 and upload it again."
    )
    return Finding("encoding_guessed", "look", len(odd), message)


def _columns_unsure(table: Table, columns: Columns) -> Finding | None:
    if columns.sure:
        return None
    message = (
        f"Please check the columns. Text: “{table.columns[columns.text][:60]}” ({columns.text_reason}). "
        f"Label: “{table.columns[columns.label][:60]}” ({columns.label_reason})."
    )
    return Finding("columns_unsure", "look", 1, message)


def _empty(corpus: Corpus, reason: str, code: str, what: str) -> Finding | None:
    lines = [row.line for row in corpus.dropped if row.reason == reason]
    if not lines:
        return None
    message = f"{_count(len(lines), 'row has', 'rows have')} no {what} and will not be used, the first on line {lines[0]:,}."
    return Finding(code, "look", len(lines), message)


def _doubles(corpus: Corpus) -> list[Finding]:
    """Texts that occur more than once, whatever their case and blanks, and among them those with different labels."""
    labels: dict[str, list[int]] = defaultdict(list)
    for text, label in zip(corpus.texts, corpus.label_ids.tolist(), strict=True):
        labels[normal_form(text)].append(label)
    doubles = {form: given for form, given in labels.items() if len(given) > 1}
    conflicts = {form: given for form, given in doubles.items() if len(set(given)) > 1}
    found = []
    if doubles:
        rows = sum(map(len, doubles.values()))
        message = (
            f"{_count(len(doubles), 'text occurs', 'texts occur')} more than once ({rows:,} rows). "
            "The copies of a text are kept together, so that none is both trained on and tested."
        )
        found.append(Finding("duplicate_texts", "look", len(doubles), message))
    if conflicts:
        form, given = next(iter(conflicts.items()))
        names = " and ".join(f"“{corpus.label_names[label][:40]}”" for label in sorted(set(given))[:3])
        shown = form if len(form) <= 80 else f"{form[:79]}…"
        message = (
            f"{_count(len(conflicts), 'text has', 'texts have')} different labels in different rows, which no model can get right. "
            f"Example: “{shown}” is {names}."
        )
        found.append(Finding("conflicting_labels", "look", len(conflicts), message))
    return found


def _class_sizes(corpus: Corpus) -> list[Finding]:
    sizes = Counter(corpus.label_ids.tolist())
    found = []
    rare = [label for label, size in sorted(sizes.items()) if size < _RARE]
    if rare:
        names = ", ".join(f"“{corpus.label_names[label][:40]}” ({_count(sizes[label], 'row')})" for label in rare[:10])
        more = f" and {len(rare) - 10:,} more" if len(rare) > 10 else ""
        message = (
            f"{_count(len(rare), 'label has', 'labels have')} fewer than {_RARE} rows: {names}{more}. "
            "That is too few to learn from and to test; add rows or give them another label."
        )
        found.append(Finding("rare_classes", "look", len(rare), message))
    (most, large), (least, small) = max(sizes.items(), key=lambda item: item[1]), min(sizes.items(), key=lambda item: item[1])
    if large >= _IMBALANCE * small:
        message = (
            f"The label “{corpus.label_names[most][:40]}” has {_count(large, 'row')}, “{corpus.label_names[least][:40]}” only {small:,}. "
            "Accuracy alone would look too good here; watch the macro F1, which counts every label alike."
        )
        found.append(Finding("imbalance", "look", round(large / small), message))
    return found


def _count(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %") if share >= 0.001 else "less than 0.1 %"
