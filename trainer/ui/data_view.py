"""What the Data tab shows of a file as HTML: the facts, the reasons for its columns, its first rows, what can be taken away."""

from trainer.data.columns import Columns
from trainer.preparation import Preparation
from trainer.ui import markup, words

_PREVIEW_ROWS = 8
_PREVIEW_COLUMNS = 8


def summary(preparation: Preparation) -> str:
    """What kind of file it is."""
    table, corpus = preparation.table, preparation.corpus
    delimiters = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
    pairs = [
        ("File", preparation.draft.main.name),
        ("Rows", f"{len(table.rows):,}"),
        ("Rows used", f"{len(corpus):,}" if corpus is not None and len(corpus) != len(table.rows) else ""),
        ("Classes", "" if preparation.corpus is None else f"{len(preparation.corpus.label_names)}"),
        ("Columns", f"{len(table.columns)}{'' if table.header else ', without a header row'}"),
        ("Separated by", delimiters.get(table.delimiter or "", table.delimiter or "")),
        ("Encoding", table.encoding + (" (a guess)" if table.encoding_guessed else "")),
    ]
    return markup.facts(pairs)


def reasons(columns: Columns) -> str:
    """Why these columns."""
    text, label = markup.text(columns.text_reason, most=300), markup.text(columns.label_reason, most=300)
    return f'<p class="em-quiet">Text: {text}. Label: {label}.</p>'


def downloads(preparation: Preparation) -> str:
    """Links to the repaired file, where something was repaired."""
    if not preparation.draft.repairs or preparation.repaired is None:
        return ""
    link = f"prepared/{preparation.draft.id}"
    return (
        f'<a class="em-button" href="{link}/exact" download>Download the repaired file</a>'
        f'<span class="em-quiet">or <a href="{link}/spreadsheet" download>for spreadsheets</a> (cells that a spreadsheet would run as a '
        f'formula are defused) · <a href="{link}/changes" download>the list of changes</a></span>'
    )


def preview(preparation: Preparation) -> str:
    """The first rows, text and label first."""
    table, columns = preparation.table, preparation.columns
    first = [] if columns is None else [columns.text, columns.label]
    picked = (first + [i for i in range(len(table.columns)) if i not in first])[:_PREVIEW_COLUMNS]
    rows = [[table.rows[r][c] for c in picked] for r in range(min(_PREVIEW_ROWS, len(table.rows)))]
    more = len(table.columns) - len(picked)
    note = f'<p class="em-quiet">and {words.count(more, "further column")}</p>' if more else ""
    return markup.table([table.columns[i] for i in picked], rows, caption="The first rows of the file") + note
