"""What the Data tab shows of a file as HTML: its badge, readiness, classes, first rows, details and downloads."""

import numpy as np

from trainer.charts.colours import class_colours
from trainer.data.columns.guess import Columns
from trainer.data.corpus import Corpus
from trainer.drafts.preparation import PreparedDraft
from trainer.text_format import pluralize
from trainer.training.encoders import Encoder
from trainer.training.tokens import TokenizedText
from trainer.ui import html_pieces
from trainer.ui.no_file_view import shorten_middle
from trainer.ui.readiness import Readiness

_PREVIEW_ROWS = 3
_PREVIEW_COLUMNS = 8
_MAX_BARS = 24
_VISIBLE_AT_EACH_END = 10
"""Of more classes than ``_MAX_BARS``, so many with the most rows and so many with the fewest are visible."""
_MAX_TOKENS = 600


def file_badge(prepared: PreparedDraft) -> str:
    """The file in one line, with a button that closes it, and its test and validation files."""
    corpus, table = prepared.corpus, prepared.table
    facts = [pluralize(len(table.rows), "row")]
    if corpus is not None:
        facts.append(pluralize(len(corpus.label_names), "class", "classes"))
    close = '<button type="button" class="em-link" data-action="close" data-code="" aria-label="Close this file">✕</button>'
    extra_files = "".join(
        f'<span class="em-badge em-file em-given-{file.role}"><span>{file.role}:</span>{shorten_middle(file.name)}<span>· {pluralize(file.rows, "row")}</span>'
        f'<button type="button" class="em-link" data-action="remove_file" data-code="{file.role}" aria-label="Remove the {file.role} file">✕</button></span>'
        for file in prepared.given
    )
    return f'<span class="em-badge em-file" data-draft="{prepared.draft.id}"><b>{shorten_middle(prepared.draft.main.name)}</b><span>· {" · ".join(facts)}</span>{close}</span>{extra_files}'


def readiness_html(prepared: PreparedDraft, readiness: Readiness) -> str:
    """The heading of an open file, what to do, and the chosen columns, which can be changed."""
    advice = f'<p dir="auto">{html_pieces.text(readiness.advice, max_length=1200)}</p>' if readiness.advice else ""
    return f'<h2 tabindex="-1" dir="auto">{html_pieces.text(readiness.title, max_length=300)}</h2>{advice}{_columns(prepared)}'


def _columns(prepared: PreparedDraft) -> str:
    columns, names = prepared.columns, prepared.table.columns
    if columns is None:
        chosen, reasons = "No columns are chosen yet.", ""
    else:
        texts = " + ".join(
            f'<b dir="auto">“{html_pieces.text(names[i], max_length=60)}”</b>' for i in (columns.text, *columns.extra_text_columns)
        )
        chosen = f'text = {texts}, label = <b dir="auto">“{html_pieces.text(names[columns.label], max_length=60)}”</b>'
        reasons = f'<p class="em-small" dir="auto">{_reasons(columns)}</p>'
    unsure = columns is None or not columns.confident
    # buttons.js recognises a fold by the text of its summary: it stays open for the same file, and is closed for the next one.
    key = f"<span hidden>{prepared.draft.id}</span>"
    return (
        f'<div class="em-chosen-columns"><span>{chosen}</span>'
        f'<details class="em-change"{" open" if unsure else ""}><summary>change{key}</summary>{reasons}</details></div>'
    )


def _reasons(columns: Columns) -> str:
    return (
        f"Text: {html_pieces.text(columns.text_reason, max_length=300)}. Label: {html_pieces.text(columns.label_reason, max_length=300)}."
    )


def classes(corpus: Corpus) -> str:
    """Rows per class as bars, the largest class first, each in its colour; the middle of many classes is folded."""
    names = corpus.label_names
    counts = np.bincount(corpus.label_ids, minlength=len(names)).tolist()
    colours = class_colours(names)
    largest = max([*counts, 1])
    order = sorted(range(len(names)), key=lambda i: (-counts[i], names[i]))

    def bars(indices: list[int]) -> str:
        items = "".join(
            html_pieces.class_bar(
                shorten_middle(names[i], max_length=22, end=9), colours[i], counts[i] / largest, f"{counts[i]:,}", title=names[i]
            )
            for i in indices
        )
        return f'<ol class="em-class-bars" aria-label="Rows per class">{items}</ol>'

    if len(order) <= _MAX_BARS:
        return f"<h3>Rows per class</h3>{bars(order)}"
    middle = order[_VISIBLE_AT_EACH_END:-_VISIBLE_AT_EACH_END]
    return (
        f'<div class="em-many"><h3>Rows per class</h3>{bars(order[:_VISIBLE_AT_EACH_END])}'
        f'<details class="em-folded"><summary>{len(middle):,} more</summary>{bars(middle)}</details>{bars(order[-_VISIBLE_AT_EACH_END:])}</div>'
    )


def split_counts(prepared: PreparedDraft, readiness: Readiness) -> str:
    """The number of rows in each split, in a line; an empty string as long as the file cannot be split."""
    if readiness.splits is None:
        return ""
    splits = readiness.splits
    extra_files = {file.role: file for file in prepared.given}
    parts = [f"{len(splits.train):,} training"]
    for role, rows in (("validation", splits.validation), ("test", splits.test)):
        source = f" from {_file_name(extra_files[role].name)}" if role in extra_files else ""
        parts.append(f"{len(rows):,} {role}{source}")
    return f'<p class="em-quiet em-small" dir="auto">{" · ".join(parts)}</p>'


def _file_name(name: str) -> str:
    return f"<bdi>{html_pieces.text(name, max_length=40)}</bdi>"


def preview(prepared: PreparedDraft) -> str:
    """The first rows: the text and the label, or all columns as long as those are not known."""
    table, columns = prepared.table, prepared.columns
    shown = (
        list(range(len(table.columns)))[:_PREVIEW_COLUMNS]
        if columns is None
        else [columns.text, *columns.extra_text_columns, columns.label]
    )
    last = len(shown) - 1 if columns is not None else -1

    def cells(values: list[str], tag: str) -> str:
        return "".join(
            f'<{tag} dir="auto"{" class=em-last" if i == last else ""}><div>{html_pieces.text(value, max_length=240)}</div></{tag}>'
            for i, value in enumerate(values)
        )

    head = cells([table.columns[i] for i in shown], "th")
    rows = "".join(f"<tr>{cells([row[i] for i in shown], 'td')}</tr>" for row in table.rows[:_PREVIEW_ROWS])
    hidden = len(table.columns) - len(shown)
    note = f'<p class="em-quiet em-small">and {pluralize(hidden, "more column")}</p>' if hidden else ""
    return (
        f'<div class="em-scroll" tabindex="0"><table class="em-table em-first-rows"><caption class="em-hidden">The first rows of the file</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{note}"
    )


def details(prepared: PreparedDraft) -> str:
    """How the file was read."""
    table, corpus = prepared.table, prepared.corpus
    delimiters = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
    pairs = [
        ("File", prepared.source_title),
        ("Rows", f"{len(table.rows):,}"),
        ("Rows used", f"{len(corpus):,}" if corpus is not None and len(corpus) != len(table.rows) else ""),
        ("Columns", f"{', '.join(table.columns)}{'' if table.header else ' (without a header row)'}"),
        ("Separated by", delimiters.get(table.delimiter or "", table.delimiter or "")),
        ("Encoding", table.encoding + (" (a guess)" if table.encoding_guessed else "")),
    ]
    return html_pieces.facts(pairs)


def downloads(prepared: PreparedDraft) -> str:
    """Links to the repaired file; an empty string if nothing was repaired."""
    if not prepared.draft.repairs or prepared.repaired is None:
        return ""
    link = f"prepared/{prepared.draft.id}"
    return (
        f'<a class="em-button" href="{link}/exact" download>Download the repaired file</a>'
        f'<span class="em-quiet em-small">or <a href="{link}/spreadsheet" download>for spreadsheets</a> (cells that a spreadsheet would run as a '
        f'formula are escaped) · <a href="{link}/changes" download>the list of changes</a></span>'
    )


def tokens(text: str, tokenized: TokenizedText, encoder: Encoder) -> str:
    """A text as the encoder reads it."""
    cut = sum(t.cut for t in tokenized.tokens)
    badges = "".join(
        f'<span class="em-token{" em-special" if t.special else ""}{" em-cut" if t.cut else ""}"><b>{html_pieces.text(t.text, max_length=40)}</b><i>{t.id}</i></span>'
        for t in tokenized.tokens[:_MAX_TOKENS]
    )
    facts = html_pieces.facts(
        [
            ("Encoder", encoder.name),
            ("Tokens in this row", f"{len(tokenized.tokens):,}" + (f", {cut:,} cut off" if cut else "")),
            ("Maximum length", f"{tokenized.max_length:,} tokens"),
            ("The encoder’s limit", f"{tokenized.max_tokens:,} tokens"),
            (
                "Vocabulary",
                f"{tokenized.vocabulary:,} tokens" + (f", {len(encoder.added_tokens):,} of them added" if encoder.added_tokens else ""),
            ),
            ("Special tokens", ", ".join(tokenized.special)),
        ]
    )
    return f'<p class="em-quote" dir="auto">{html_pieces.text(text, max_length=1500)}</p><div class="em-tokens">{badges}</div>{facts}'
