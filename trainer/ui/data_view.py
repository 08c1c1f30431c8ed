"""What the Data tab shows of a file as HTML: its badge, readiness, classes, first rows, details and downloads."""

from collections import Counter
from collections.abc import Sequence

from trainer.charts.colours import class_colours
from trainer.data.columns.guess import Columns
from trainer.data.corpus import Corpus
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL
from trainer.drafts.preparation import PreparedDraft
from trainer.text_format import pluralize
from trainer.training.encoders import Encoder
from trainer.training.tokens import TokenizedText
from trainer.ui import html_pieces
from trainer.ui.cut_field import cut_field
from trainer.ui.no_file_view import shorten_middle
from trainer.ui.readiness import Readiness

_PREVIEW_ROWS = 3
_PREVIEW_COLUMNS = 8
_MAX_BARS = 24
_VISIBLE_AT_EACH_END = 10
"""Of more classes than ``_MAX_BARS``, so many with the most rows and so many with the fewest are visible."""
_MAX_TOKENS = 600
_MAX_LABEL_COLUMNS = 8


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


def readiness_html(prepared: PreparedDraft, readiness: Readiness, *, is_cut_typed: bool = False) -> str:
    """The heading of an open file, what to do, and the chosen columns, which can be changed.

    ``is_cut_typed``: its field then shows what is read, whatever was typed.
    """
    advice = f'<p dir="auto">{html_pieces.text(readiness.advice, max_length=1200)}</p>' if readiness.advice else ""
    return f'<h2 tabindex="-1" dir="auto">{html_pieces.text(readiness.title, max_length=300)}</h2>{advice}{_columns(prepared, is_cut_typed=is_cut_typed)}'


def _columns(prepared: PreparedDraft, *, is_cut_typed: bool) -> str:
    columns, names = prepared.columns, prepared.table.columns
    if columns is None:
        chosen, reasons = "No columns are chosen yet.", ""
    else:
        texts = " + ".join(
            f'<b dir="auto">“{html_pieces.text(names[i], max_length=60)}”</b>' for i in (columns.text, *columns.extra_text_columns)
        )
        labels = [f'<b dir="auto">“{html_pieces.text(names[i], max_length=60)}”</b>' for i in columns.label_columns]
        more = f" and {len(labels) - _MAX_LABEL_COLUMNS:,} more" if len(labels) > _MAX_LABEL_COLUMNS else ""
        chosen = f"text = {texts}, {'label' if len(labels) == 1 else 'labels'} = {', '.join(labels[:_MAX_LABEL_COLUMNS])}{more}"
        reasons = f'<p class="em-small" dir="auto">{_reasons(columns)}</p>'
    unsure = columns is None or not columns.confident
    # buttons.js recognises a fold by the text of its summary: it stays open for the same file, and is closed for the next one.
    key = f"<span hidden>{prepared.draft.id}</span>"
    # Of a file that shows no sign of several labels nobody has to be asked.
    asked = columns is not None and (columns.label_form is not None or prepared.draft.task)
    task = "" if columns is None else _task_choice(prepared, columns, is_cut_typed=is_cut_typed)
    return (
        f'<div class="em-chosen-columns"><span>{chosen}</span>'
        f'<details class="em-change"{" open" if unsure else ""}><summary>change{key}</summary>{reasons}{"" if asked else task}</details></div>'
        f"{task if asked else ''}"
    )


def _task_choice(prepared: PreparedDraft, columns: Columns, *, is_cut_typed: bool) -> str:
    """Whether a text has one label or may have several, why, and the choice; its click event carries "task" and "single" or "several"."""
    # The sentence with the cut is the reason that scores are read so.
    told = columns.label_form is None or columns.cut is not None
    reason = "as you chose" if prepared.draft.task else "" if told else columns.label_form.reason
    buttons = "".join(
        f'<button type="button" class="em-button" data-action="task" data-code="{code}" aria-pressed="{str(columns.several == several).lower()}">'
        f"{task.name[:1].upper()}{task.name[1:]}</button>"
        for code, several, task in (("single", False, SINGLE_LABEL), ("several", True, SEVERAL_LABELS))
    )
    why = f'<span class="em-small" dir="auto">{html_pieces.text(reason[:1].upper() + reason[1:], max_length=300)}.</span>' if reason else ""
    label_sets = () if prepared.corpus is None else prepared.corpus.label_sets
    cut = "" if columns.cut is None else cut_field(f"{columns.cut:.12g}", label_sets, elem_id="score-cut", forgets=is_cut_typed)
    return (
        f'<div class="em-task-choice"><span class="em-segments" role="group" aria-label="Labels of a text">{buttons}</span>{why}{cut}</div>'
    )


def _reasons(columns: Columns) -> str:
    return (
        f"Text: {html_pieces.text(columns.text_reason, max_length=300)}. Label: {html_pieces.text(columns.label_reason, max_length=300)}."
    )


def classes(corpus: Corpus) -> str:
    """Rows per class as bars, the largest class first, each in its colour; the middle of many classes is folded."""
    names = corpus.label_names
    counts = corpus.label_counts.tolist()
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

    labels = _labels_a_row(corpus)
    if len(order) <= _MAX_BARS:
        return f"<h3>Rows per class</h3>{bars(order)}{labels}"
    middle = order[_VISIBLE_AT_EACH_END:-_VISIBLE_AT_EACH_END]
    return (
        f'<div class="em-many"><h3>Rows per class</h3>{bars(order[:_VISIBLE_AT_EACH_END])}'
        f'<details class="em-folded"><summary>{len(middle):,} more</summary>{bars(middle)}</details>{bars(order[-_VISIBLE_AT_EACH_END:])}</div>{labels}'
    )


def _labels_a_row(corpus: Corpus) -> str:
    """How many rows have no label, one, two and more; "" if each has one."""
    rows = Counter(map(len, corpus.label_sets))
    if rows.keys() <= {1}:
        return ""
    parts = [
        f"{pluralize(rows[n], 'row')} {'has' if rows[n] == 1 else 'have'} {n or 'no'} {'labels' if n > 1 else 'label'}"
        for n in sorted(rows)
    ]
    return f'<p class="em-quiet em-small">{" · ".join(parts)}</p>'


def split_counts(prepared: PreparedDraft, readiness: Readiness) -> str:
    """The number of rows in each split, in a line; an empty string as long as the file cannot be split."""
    if readiness.splits is None:
        return ""
    splits = readiness.splits
    extra_files = {file.role: file for file in prepared.given}
    parts = [f"{len(splits.train):,} training"]
    for role, rows in (("validation", splits.validation), ("test", splits.test)):
        source = f" from {_file_name(extra_files[role].name)}" if role in extra_files else ""
        parts.append(f"{len(rows):,} {role}{source}" if len(rows) else "scored in folds")
    return f'<p class="em-quiet em-small" dir="auto">{" · ".join(parts)}</p>'


def _file_name(name: str) -> str:
    return f"<bdi>{html_pieces.text(name, max_length=40)}</bdi>"


def preview(prepared: PreparedDraft) -> str:
    """The first rows: the text and the label, or all columns as long as those are not known. Several labels are named, however the file has them."""
    table, columns, corpus = prepared.table, prepared.columns, prepared.corpus
    if columns is not None and columns.several and corpus is not None:
        texts, labels = corpus.texts[:_PREVIEW_ROWS], corpus.labels[:_PREVIEW_ROWS]
        rows = [[text, label or "no label"] for text, label in zip(texts, labels, strict=True)]
        return _rows_table([table.columns[columns.text], "labels"], rows, last=1)
    shown = (
        list(range(len(table.columns)))[:_PREVIEW_COLUMNS]
        if columns is None
        else [columns.text, *columns.extra_text_columns, columns.label]
    )
    hidden = len(table.columns) - len(shown)
    note = f'<p class="em-quiet em-small">and {pluralize(hidden, "more column")}</p>' if hidden else ""
    rows = [[row[i] for i in shown] for row in table.rows[:_PREVIEW_ROWS]]
    return _rows_table([table.columns[i] for i in shown], rows, last=len(shown) - 1 if columns is not None else -1) + note


def _rows_table(names: Sequence[str], rows: Sequence[Sequence[str]], *, last: int) -> str:
    """A table of rows; ``last`` is the column of the labels, -1 if that is not known."""

    def cells(values: Sequence[str], tag: str) -> str:
        return "".join(
            f'<{tag} dir="auto"{" class=em-last" if i == last else ""}><div>{html_pieces.text(value, max_length=240)}</div></{tag}>'
            for i, value in enumerate(values)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return (
        f'<div class="em-scroll" tabindex="0"><table class="em-table em-first-rows"><caption class="em-hidden">The first rows of the file</caption>'
        f"<thead><tr>{cells(names, 'th')}</tr></thead><tbody>{body}</tbody></table></div>"
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
