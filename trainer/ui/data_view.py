"""What the Data tab shows of a file as HTML: its chip, the verdict, its classes, its first rows, its facts, what can be taken away."""

import numpy as np

from trainer.charts.colours import class_colours
from trainer.data.columns.guess import Columns
from trainer.data.corpus import Corpus
from trainer.drafts.preparation import PreparedDraft
from trainer.text_format import pluralize
from trainer.training.tokens import TokenizedText
from trainer.ui import markup
from trainer.ui.no_file_view import middle
from trainer.ui.readiness import Readiness

_PREVIEW_ROWS = 3
_PREVIEW_COLUMNS = 8
_MOST_BARS = 24
_ENDS = 10
"""Of more classes than ``_MOST_BARS``, so many with the most rows and so many with the fewest are in view."""
_MOST_TOKENS = 600


def file_badge(prepared: PreparedDraft) -> str:
    """The file in one line, with a way to close it, and the files given for test and validation."""
    corpus, table = prepared.corpus, prepared.table
    facts = [pluralize(len(table.rows), "row")]
    if corpus is not None:
        facts.append(pluralize(len(corpus.label_names), "class", "classes"))
    close = '<button type="button" class="em-link" data-action="close" data-code="" aria-label="Close this file">✕</button>'
    given = "".join(
        f'<span class="em-badge em-file em-given-{one.role}"><span>{one.role}:</span>{middle(one.name)}<span>· {pluralize(one.rows, "row")}</span>'
        f'<button type="button" class="em-link" data-action="remove_file" data-code="{one.role}" aria-label="Take the {one.role} file out">✕</button></span>'
        for one in prepared.given
    )
    return f'<span class="em-badge em-file" data-draft="{prepared.draft.id}"><b>{middle(prepared.draft.main.name)}</b><span>· {" · ".join(facts)}</span>{close}</span>{given}'


def verdict(prepared: PreparedDraft, found: Readiness) -> str:
    """The heading of an open file, what to do, and the columns that were taken, with the way to others."""
    more = f'<p dir="auto">{markup.text(found.more, max_length=1200)}</p>' if found.more else ""
    return f'<h2 tabindex="-1" dir="auto">{markup.text(found.title, max_length=300)}</h2>{more}{_columns(prepared)}'


def _columns(prepared: PreparedDraft) -> str:
    columns, names = prepared.columns, prepared.table.columns
    if columns is None:
        taken, why = "No columns are chosen yet.", ""
    else:
        texts = " + ".join(
            f'<b dir="auto">“{markup.text(names[at], max_length=60)}”</b>' for at in (columns.text, *columns.extra_text_columns)
        )
        taken = f'text = {texts}, label = <b dir="auto">“{markup.text(names[columns.label], max_length=60)}”</b>'
        why = f'<p class="em-small" dir="auto">{_reasons(columns)}</p>'
    unsure = columns is None or not columns.confident
    # What is folded out stays so while a file is worked on (by the words of its summary), and not in the next one.
    key = f"<span hidden>{prepared.draft.id}</span>"
    return (
        f'<div class="em-taken"><span>{taken}</span>'
        f'<details class="em-change"{" open" if unsure else ""}><summary>change{key}</summary>{why}</details></div>'
    )


def _reasons(columns: Columns) -> str:
    return f"Text: {markup.text(columns.text_reason, max_length=300)}. Label: {markup.text(columns.label_reason, max_length=300)}."


def classes(corpus: Corpus) -> str:
    """Rows per class as bars, the largest first, each class in its colour; of many classes the ends, with the rest folded between them."""
    names = corpus.label_names
    counts = np.bincount(corpus.label_ids, minlength=len(names)).tolist()
    colours = class_colours(names)
    most = max([*counts, 1])
    order = sorted(range(len(names)), key=lambda i: (-counts[i], names[i]))

    def bars(chosen: list[int]) -> str:
        items = "".join(
            markup.class_bar(middle(names[i], most=22, end=9), colours[i], counts[i] / most, f"{counts[i]:,}", title=names[i])
            for i in chosen
        )
        return f'<ol class="em-class-bars" aria-label="Rows per class">{items}</ol>'

    if len(order) <= _MOST_BARS:
        return f"<h3>Rows per class</h3>{bars(order)}"
    between = order[_ENDS:-_ENDS]
    return (
        f'<div class="em-many"><h3>Rows per class</h3>{bars(order[:_ENDS])}'
        f'<details class="em-folded"><summary>{len(between):,} more</summary>{bars(between)}</details>{bars(order[-_ENDS:])}</div>'
    )


def split_counts(prepared: PreparedDraft, found: Readiness) -> str:
    """How many rows go where, in a line; nothing while that is not settled."""
    if found.splits is None:
        return ""
    splits = found.splits
    own = {one.role: one for one in prepared.given}
    aside = f"{len(splits.test):,} kept aside" + (f": all of {_quoted(own['test'].name)}" if "test" in own else "")
    watch = f"{len(splits.validation):,} to watch" + (f" from {_quoted(own['validation'].name)}" if "validation" in own else "")
    return f'<p class="em-quiet em-small" dir="auto">{len(splits.train):,} to learn from · {watch} · {aside}</p>'


def _quoted(name: str) -> str:
    return f"<bdi>{markup.text(name, max_length=40)}</bdi>"


def preview(prepared: PreparedDraft) -> str:
    """The first rows: the text and the label, or all columns while it is not known which they are."""
    table, columns = prepared.table, prepared.columns
    picked = (
        list(range(len(table.columns)))[:_PREVIEW_COLUMNS]
        if columns is None
        else [columns.text, *columns.extra_text_columns, columns.label]
    )
    last = len(picked) - 1 if columns is not None else -1

    def cells(values: list[str], tag: str) -> str:
        return "".join(
            f'<{tag} dir="auto"{" class=em-last" if i == last else ""}><div>{markup.text(value, max_length=240)}</div></{tag}>'
            for i, value in enumerate(values)
        )

    head = cells([table.columns[i] for i in picked], "th")
    rows = "".join(f"<tr>{cells([row[i] for i in picked], 'td')}</tr>" for row in table.rows[:_PREVIEW_ROWS])
    more = len(table.columns) - len(picked)
    note = f'<p class="em-quiet em-small">and {pluralize(more, "further column")}</p>' if more else ""
    return (
        f'<div class="em-scroll" tabindex="0"><table class="em-table em-first-rows"><caption class="em-hidden">The first rows of the file</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{note}"
    )


def details(prepared: PreparedDraft) -> str:
    """How the file was read."""
    table, corpus = prepared.table, prepared.corpus
    delimiters = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
    pairs = [
        ("File", prepared.draft.main.name),
        ("Rows", f"{len(table.rows):,}"),
        ("Rows used", f"{len(corpus):,}" if corpus is not None and len(corpus) != len(table.rows) else ""),
        ("Columns", f"{', '.join(table.columns)}{'' if table.header else ' (without a header row)'}"),
        ("Separated by", delimiters.get(table.delimiter or "", table.delimiter or "")),
        ("Encoding", table.encoding + (" (a guess)" if table.encoding_guessed else "")),
    ]
    return markup.facts(pairs)


def downloads(prepared: PreparedDraft) -> str:
    """Links to the repaired file, where something was repaired."""
    if not prepared.draft.repairs or prepared.repaired is None:
        return ""
    link = f"prepared/{prepared.draft.id}"
    return (
        f'<a class="em-button" href="{link}/exact" download>Download the repaired file</a>'
        f'<span class="em-quiet em-small">or <a href="{link}/spreadsheet" download>for spreadsheets</a> (cells that a spreadsheet would run as a '
        f'formula are defused) · <a href="{link}/changes" download>the list of changes</a></span>'
    )


def tokens(text: str, found: TokenizedText, encoder: str) -> str:
    """A text as an encoder reads it."""
    cut = sum(t.cut for t in found.tokens)
    chips = "".join(
        f'<span class="em-token{" em-special" if t.special else ""}{" em-cut" if t.cut else ""}"><b>{markup.text(t.text, max_length=40)}</b><i>{t.id}</i></span>'
        for t in found.tokens[:_MOST_TOKENS]
    )
    about = markup.facts(
        [
            ("Encoder", encoder),
            ("Tokens in this row", f"{len(found.tokens):,}" + (f", {cut:,} cut off" if cut else "")),
            ("Read at most", f"{found.max_length:,} tokens"),
            ("The encoder’s own limit", f"{found.max_tokens:,} tokens"),
            ("Vocabulary", f"{found.vocabulary:,} tokens"),
            ("Special tokens", ", ".join(found.special)),
        ]
    )
    return f'<p class="em-quote" dir="auto">{markup.text(text, max_length=1500)}</p><div class="em-tokens">{chips}</div>{about}'
